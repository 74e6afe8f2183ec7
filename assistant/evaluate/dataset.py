"""A set in BEIR layout, with the conversation beside each question.

- ``corpus.jsonl``: ``_id``, ``title``, ``text``, ``metadata`` (``scope``: only questions of the
  same scope search the row). A set without it has questions to rewrite only.
- ``queries.jsonl``: ``_id``, ``text`` (as typed), ``metadata``: ``turns`` (earlier messages:
  ``role`` user or assistant, ``content``), ``gold_rewrite``, ``oracle_query``, ``answerable``,
  ``scope``, ``category``, ``needs_history``; all may be missing.
- ``qrels/SPLIT.tsv``: a header, then query id, corpus id and score, with tabs between.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError
from assistant.evaluate.journal import digest

ROLES = ("user", "assistant")


class DatasetError(AssistantError):
    """A set to measure on can't be read."""

    kind = "dataset"


@dataclass(frozen=True)
class Passage:
    id: str
    title: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        return str(self.metadata.get("scope") or "")

    @property
    def embedding_text(self) -> str:
        """Title and text; the title left out where the text begins with it."""
        if not self.title or self.text.startswith(self.title):
            return self.text
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True)
class Question:
    """``relevant``: ids of passages and how relevant they are (above 0)."""

    id: str
    text: str
    relevant: Mapping[str, float]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def turns(self) -> Sequence[Mapping[str, str]]:
        return self.metadata.get("turns") or ()

    @property
    def gold(self) -> str:
        """The rewrite by a human; empty where there is none."""
        return str(self.metadata.get("gold_rewrite") or "")

    @property
    def oracle(self) -> str:
        """A question made knowing the answer's passage; empty where there is none."""
        return str(self.metadata.get("oracle_query") or "")

    @property
    def answers(self) -> Sequence[str]:
        """What a right answer says, in one way or another; empty where nobody knows."""
        return self.metadata.get("answers") or ()

    @property
    def scope(self) -> str:
        return str(self.metadata.get("scope") or "")

    @property
    def answerable(self) -> bool:
        return self.metadata.get("answerable") is not False


@dataclass(frozen=True)
class Dataset:
    """``questions``: those that can be measured: answerable, and with relevant passages or, in a
    set without a corpus, with a rewrite by a human. ``unanswerable``: those that the passages
    hold no answer to. ``collection``: of the data folder itself, where the questions are asked of
    that; its passages are its chunks."""

    name: str
    folder: Path
    passages: Sequence[Passage]
    questions: Sequence[Question]
    unanswerable: Sequence[Question] = ()
    collection: str = ""


def load(folder: Path, split: str) -> Dataset:
    """Read a set.

    Raises:
        DatasetError: a file is missing or can't be read; says which, and in which line.
    """
    if not folder.is_dir():
        raise DatasetError(
            "There is no folder {path}: --data names the folder of one set.",
            "没有文件夹 {path}：--data 应为一个数据集的文件夹。",
            path=folder,
        )
    corpus, queries = folder / "corpus.jsonl", folder / "queries.jsonl"
    rows = {str(row["_id"]): row for row in rows_of(queries)}
    passages = [_passage(row) for row in rows_of(corpus)] if corpus.exists() else []
    relevant = _relevant(folder, split, set(rows), {passage.id for passage in passages})
    known = [_question(row, relevant.get(id, {})) for id, row in rows.items()]
    kept = [q for q in known if q.answerable and (q.relevant if passages else q.gold)]
    if not kept:
        raise DatasetError(
            "{path} has no question that can be measured in the split {split}.",
            "{path} 的划分 {split} 中没有可评测的问题。",
            path=folder,
            split=split,
        )
    unanswerable = [q for q in known if not q.answerable]
    return Dataset(folder.resolve().name, folder, passages, kept, unanswerable)


def sampled(dataset: Dataset, count: int | None) -> Dataset:
    """``count`` of the questions, the same ones each time; all where it is None."""
    if count is None:
        return dataset
    by_chance = sorted(dataset.questions, key=lambda question: digest(question.id))
    chosen = {question.id for question in by_chance[:count]}
    return replace(dataset, questions=[q for q in dataset.questions if q.id in chosen])


def _passage(row: Mapping[str, Any]) -> Passage:
    return Passage(str(row["_id"]), row.get("title") or "", row["text"], row.get("metadata") or {})


def _question(row: Mapping[str, Any], relevant: Mapping[str, float]) -> Question:
    return Question(str(row["_id"]), row["text"], relevant, row.get("metadata") or {})


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\n")
    except FileNotFoundError as error:
        raise DatasetError(
            "{path} is missing. A set has queries.jsonl, qrels/SPLIT.tsv and mostly corpus.jsonl.",
            "缺少文件 {path}。数据集应有 queries.jsonl、qrels/划分名.tsv，通常还有 corpus.jsonl。",
            path=path,
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            "{path} can't be read as UTF-8 text: {why}",
            "{path} 无法按 UTF-8 文本读取：{why}",
            path=path,
            why=error,
        ) from error


def rows_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """The checked rows of a JSONL file.

    Raises:
        DatasetError: a line can't be used; says which.
    """
    for number, line in lines_of(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _bad(path, number, f"not JSON: {error}", f"不是 JSON：{error}") from error
        fault = _fault(row)
        if fault:
            raise _bad(path, number, *fault)
        yield row


def _fault(row: Any) -> tuple[str, str] | None:
    """What is wrong with a row of a JSONL file, in English and in Chinese."""
    if not isinstance(row, dict):
        return "an object is expected", "应为一个 JSON 对象"
    for name in ("_id", "text"):
        if not isinstance(row.get(name), str):
            return f'the text "{name}" is missing', f"缺少文本字段 {name}"
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, dict):
        return "metadata must be an object", "metadata 应为对象"
    turns = metadata.get("turns") or []
    if not isinstance(turns, list) or not all(map(is_turn, turns)):
        return (
            "metadata.turns must be a list of messages with role (user, assistant) and content",
            "metadata.turns 应为消息列表，每条含 role（user、assistant）与 content",
        )
    return None


def is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in ROLES
        and isinstance(turn.get("content"), str)
    )


def _relevant(
    folder: Path, split: str, questions: set[str], passages: set[str]
) -> dict[str, dict[str, float]]:
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        there = sorted(file.stem for file in (folder / "qrels").glob("*.tsv"))
        raise DatasetError(
            "{path} is missing: the set has no split {split}. It has: {there}.",
            "缺少文件 {path}：数据集没有划分 {split}。现有：{there}。",
            path=path,
            split=split,
            there=", ".join(there) or "-",
        )
    relevant: dict[str, dict[str, float]] = {}
    for number, line in lines_of(path):
        if number == 1 and line.startswith("query-id"):
            continue
        question, passage, score = judgement(path, number, line)
        for id, known in ((question, questions), (passage, passages)):
            if id not in known:
                raise _bad(path, number, f"unknown id {id}", f"未知的 id {id}")
        if score > 0:
            relevant.setdefault(question, {})[passage] = score
    return relevant


def judgement(path: Path, number: int, line: str) -> tuple[str, str, float]:
    """Question, passage and score of a line of a qrels file."""
    try:
        question, passage, score = line.split("\t")
        return question, passage, float(score)
    except ValueError as error:
        raise _bad(
            path,
            number,
            "query id, corpus id and score are expected, with tabs between",
            "应为以制表符分隔的问题 id、段落 id 与分值",
        ) from error


def _bad(path: Path, number: int, en: str, zh: str) -> DatasetError:
    return DatasetError(
        "{path}, line {number}: {en}.",
        "{path} 第 {number} 行：{zh}。",
        path=path,
        number=number,
        en=en,
        zh=zh,
    )

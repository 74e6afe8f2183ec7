"""``python -m assistant.evaluate own``: writes, imports, collects, judges and lists one's own
questions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from assistant.evaluate.dataset import DatasetError
from assistant.evaluate.own.evidence import checked
from assistant.evaluate.own.questions import (
    WRITTEN,
    OwnQuestions,
    Row,
    is_pending,
    own_folder,
    question_row,
)
from assistant.evaluate.own.ratings import collect
from assistant.evaluate.own.table import read_table
from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import Settings

SOME_FAILED = 1


@dataclass(frozen=True)
class Outcome:
    """``result``: JSON-ready; ``lines``: the same for people; ``faults``: what could not be done,
    which makes the exit code 1."""

    result: dict[str, Any]
    lines: Sequence[str]
    faults: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        return SOME_FAILED if self.faults else 0


def run(options: argparse.Namespace, settings: Settings, language: str) -> Outcome:
    """Do what the command line says.

    Raises:
        EvidenceError: what should answer a question isn't in the knowledge base.
        DatasetError: the questions or the file to import can't be read.
        FileFault, KnowledgeError, MemoryUnavailable: a part can't be used.
    """
    path = own_folder(settings, options.user, options.collection)
    own = OwnQuestions(path, options.collection)
    return ACTIONS[options.action](options, settings, own, language)


@contextmanager
def _knowledge(settings: Settings, own: OwnQuestions) -> Iterator[KnowledgeBase]:
    knowledge = open_knowledge(settings, None, own.collection)
    try:
        yield knowledge
    finally:
        knowledge.close()


def _add(
    options: argparse.Namespace, settings: Settings, own: OwnQuestions, language: str
) -> Outcome:
    row = _written(options, options.question, _turns(options.after), settings, own)
    return _put(own, row, language)


def _judge(
    options: argparse.Namespace, settings: Settings, own: OwnQuestions, language: str
) -> Outcome:
    """What answers a question that is there."""
    known = {row["_id"]: row for row in own.rows()}
    if options.id not in known:
        raise DatasetError(
            "There is no question {id}: see own list.",
            "没有问题 {id}：可用 own list 查看。",
            id=options.id,
        )
    old = known[options.id]
    options.rewrite = options.rewrite or old["metadata"].get("gold_rewrite", "")
    row = _written(options, old["text"], old["metadata"].get("turns") or [], settings, own)
    if "conversation_id" in old["metadata"]:  # it goes when that is forgotten
        row["metadata"]["conversation_id"] = old["metadata"]["conversation_id"]
    return _put(own, row, language)


def _written(
    options: argparse.Namespace,
    question: str,
    turns: Sequence[dict[str, str]],
    settings: Settings,
    own: OwnQuestions,
) -> Row:
    evidence = []
    if not options.unanswerable:
        if not (options.source or options.text):
            raise DatasetError(
                "Say what answers it: --source NAME (--page N) or --text WORDS; or --unanswerable.",
                "请说明答案在哪里：--source 名称（--page 页码）或 --text 原文；或 --unanswerable。",
            )
        with _knowledge(settings, own) as knowledge:
            found = checked(knowledge, options.source, options.page, options.text)
        evidence = [found.as_json()]
    return question_row(
        question.strip(),
        origin=WRITTEN,
        evidence=evidence,
        answerable=not options.unanswerable,
        answer=options.answer,
        rewrite=options.rewrite,
        turns=turns,
    )


def _put(own: OwnQuestions, row: Row, language: str) -> Outcome:
    count = own.put([row])
    told = {
        "en": "Kept as {id}; questions in {path}: {count}",
        "zh": "已保存为 {id}；{path} 中共 {count} 个问题",
    }
    line = told[language].format(id=row["_id"], count=count, path=own.path)
    return Outcome({"id": row["_id"], "questions": count, "folder": str(own.path)}, [line])


def _turns(after: Sequence[str]) -> list[dict[str, str]]:
    """Messages before the question, the user's and the assistant's in turn."""
    return [
        {"role": "assistant" if place % 2 else "user", "content": text}
        for place, text in enumerate(after)
    ]


def _import(
    options: argparse.Namespace, settings: Settings, own: OwnQuestions, language: str
) -> Outcome:
    with _knowledge(settings, own) as knowledge:
        found = read_table(options.file, knowledge)
    count = own.put(found.rows) if found.rows else len(own.rows())
    at = {"en": "{file}, line {line}: {why}", "zh": "{file} 第 {line} 行：{why}"}[language]
    faults = [
        at.format(file=options.file, line=bad.line, why=bad.error.text(language))
        for bad in found.bad
    ]
    told = {
        "en": "{new} imported, {bad} could not be; questions in {path}: {count}",
        "zh": "导入 {new} 个，{bad} 个无法导入；{path} 中共 {count} 个问题",
    }[language]
    line = told.format(new=len(found.rows), bad=len(faults), count=count, path=own.path)
    result = {
        "imported": len(found.rows),
        "bad": [{"line": bad.line, "error": bad.error.text(language)} for bad in found.bad],
        "questions": count,
        "folder": str(own.path),
    }
    return Outcome(result, [line], faults)


def _collect(
    options: argparse.Namespace, settings: Settings, own: OwnQuestions, language: str
) -> Outcome:
    from assistant.memory.address import RedisAddress
    from assistant.memory.long_term import LongTermMemory

    address = RedisAddress(settings)
    memory = LongTermMemory(address.url, is_embedded=not settings.redis_url)
    try:
        with _knowledge(settings, own) as knowledge:
            done = collect(memory, options.user, knowledge, own)
    finally:
        memory.close()
        address.close()
    told = {
        "en": "{rated} rated questions, {new} of them new; {removed} removed; {pending} wait for: "
        "own judge ID --source NAME",
        "zh": "已评价的问题 {rated} 个，其中新增 {new} 个；移除 {removed} 个；{pending} 个待标注："
        "own judge ID --source 名称",
    }[language]
    result = vars(done) | {"folder": str(own.path)}
    return Outcome(result, [told.format(**vars(done))])


def _list(
    options: argparse.Namespace, settings: Settings, own: OwnQuestions, language: str
) -> Outcome:
    rows = [row for row in own.rows() if is_pending(row) or not options.pending]
    lines = [f"{row['_id']}  {_state(row)}  {row['text']}" for row in rows]
    return Outcome({"folder": str(own.path), "questions": rows}, lines)


def _state(row: Row) -> str:
    if is_pending(row):
        return "?"
    evidence = row["metadata"].get("evidence") or ()
    return ", ".join(one["source"].rpartition("/")[2] or one["source"] for one in evidence) or "-"


def _remove(
    options: argparse.Namespace, settings: Settings, own: OwnQuestions, language: str
) -> Outcome:
    count = own.remove(options.ids)
    told = {"en": "{count} removed", "zh": "已移除 {count} 个"}[language]
    return Outcome({"removed": count}, [told.format(count=count)])


Action = Callable[[argparse.Namespace, Settings, OwnQuestions, str], Outcome]
ACTIONS: dict[str, Action] = {
    "add": _add,
    "import": _import,
    "collect": _collect,
    "judge": _judge,
    "list": _list,
    "remove": _remove,
}

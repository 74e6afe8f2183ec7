"""Questions from a table (CSV) or JSON lines that somebody wrote.

Columns, in English or Chinese: ``question``; of what answers it ``source`` (a URI, a file's name or
a title), ``page`` and ``text`` (words of the passage); ``answer``; ``answerable`` (no: the
documents hold no answer); ``rewrite``, the question by itself; ``turns``, of JSON lines only.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError
from assistant.evaluate.dataset import DatasetError, is_turn
from assistant.evaluate.own.evidence import EvidenceError, checked
from assistant.evaluate.own.questions import IMPORTED, Row, question_row
from assistant.knowledge.store import KnowledgeBase

MOST_BYTES = 20_000_000
LONGEST = 8000  # characters of a question, as in the chat
ENCODINGS = ("utf-8-sig", "gb18030")  # what spreadsheets write
COLUMNS = {
    "question": ("question", "query", "问题", "提问"),
    "source": ("source", "file", "url", "document", "来源", "文件", "网址", "文档"),
    "page": ("page", "页", "页码"),
    "text": ("text", "passage", "evidence", "quote", "原文", "段落", "依据"),
    "answer": ("answer", "答案", "回答"),
    "answerable": ("answerable", "可回答", "有答案"),
    "rewrite": ("rewrite", "gold_rewrite", "standalone", "改写", "完整问题"),
    "turns": ("turns", "history", "对话"),
}
_YES = {"", "yes", "y", "true", "1", "是", "有"}
_NO = {"no", "n", "false", "0", "否", "无", "没有"}

Cells = Mapping[str, Any]


class RowFault(AssistantError):
    """A row can't be used."""

    kind = "row"


@dataclass(frozen=True)
class BadRow:
    """``line``: 1-based, of the file."""

    line: int
    error: AssistantError


@dataclass(frozen=True)
class Imported:
    rows: list[Row]
    bad: list[BadRow]


def read_table(path: Path, knowledge: KnowledgeBase) -> Imported:
    """The questions in a file, and what is wrong with the others.

    Raises:
        DatasetError: the file can't be read at all, or no column is called question.
    """
    text = _decoded(path)
    cells = (
        _json_rows(text) if path.suffix.lower() in (".jsonl", ".json") else _csv_rows(path, text)
    )
    found = Imported([], [])
    for line, row in cells:
        try:
            found.rows.append(_question(row, knowledge))
        except (RowFault, EvidenceError) as error:
            found.bad.append(BadRow(line, error))
    return found


def _decoded(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DatasetError(
                "{path} has more than {most} MB: split it.",
                "{path} 超过 {most} MB：请拆分。",
                path=path,
                most=MOST_BYTES // 1_000_000,
            )
        raw = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            "{path} can't be read: {why}", "{path} 无法读取：{why}", path=path, why=error
        ) from error
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DatasetError(
        "{path} is neither UTF-8 nor GB 18030 text: save it as CSV UTF-8.",
        "{path} 既不是 UTF-8 也不是 GB 18030 文本：请另存为 CSV UTF-8。",
        path=path,
    )


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Cells | None]]:
    head = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(",;\t，", key=head.count)
    lines = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    try:
        names = [_column(name) for name in next(lines, [])]
        if "question" not in names:
            raise DatasetError(
                "{path} needs a first line that names its columns, with question among them. "
                "Columns: {columns}.",
                "{path} 的第一行应为列名，并包含“问题”。可用的列：{columns}。",
                path=path,
                columns=", ".join(f"{name} ({known[-1]})" for name, known in COLUMNS.items()),
            )
        for row in lines:
            if any(cell.strip() for cell in row):
                yield lines.line_num, dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise DatasetError(
            "{path}, line {line}, is not CSV: {why}",
            "{path} 第 {line} 行不是 CSV：{why}",
            path=path,
            line=lines.line_num,
            why=error,
        ) from error


def _json_rows(text: str) -> Iterator[tuple[int, Cells | None]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            yield number, {_column(str(name)): value for name, value in row.items()}
        else:
            yield number, None


def _column(name: str) -> str:
    """The column that is called so; an unknown one keeps its name and is not read."""
    plain = name.strip().casefold()
    return next((column for column, names in COLUMNS.items() if plain in names), plain)


def _question(cells: Cells | None, knowledge: KnowledgeBase) -> Row:
    if cells is None:
        raise RowFault("it is not a JSON object", "不是 JSON 对象")
    question = _cell(cells, "question")
    if not question:
        raise RowFault("it has no question", "没有问题")
    if len(question) > LONGEST:
        raise RowFault("the question is too long", "问题过长")
    turns = _turns(cells)
    common: dict[str, Any] = {
        "origin": IMPORTED,
        "rewrite": _cell(cells, "rewrite"),
        "turns": turns,
    }
    source, text = _cell(cells, "source"), _cell(cells, "text")
    if not _answerable(cells):
        return question_row(question, answerable=False, **common)
    if not (source or text):
        raise RowFault(
            "it names neither the source nor the text that answers it (or answerable: no)",
            "既没有来源也没有原文（若资料中没有答案，可回答一列请填“否”）",
        )
    evidence = checked(knowledge, source, _page(cells), text).as_json()
    return question_row(question, evidence=[evidence], answer=_cell(cells, "answer"), **common)


def _cell(cells: Cells, name: str) -> str:
    value = cells.get(name)
    return "" if value is None else str(value).strip()


def _answerable(cells: Cells) -> bool:
    told = _cell(cells, "answerable").casefold()
    if told in _NO:
        return False
    if told in _YES:
        return True
    raise RowFault(
        "answerable is {told}; yes or no is expected",
        "可回答一列是 {told}；应为是或否",
        told=told,
    )


def _page(cells: Cells) -> int | None:
    told = _cell(cells, "page")
    if not told:
        return None
    try:
        page = int(float(told))
    except (ValueError, OverflowError):
        page = 0
    if page < 1:
        raise RowFault(
            "page is {told}; a number from 1 is expected",
            "页码是 {told}；应为 1 以上的数",
            told=told,
        )
    return page


def _turns(cells: Cells) -> list[dict[str, str]]:
    turns = cells.get("turns") or []
    if not isinstance(turns, list) or not all(map(is_turn, turns)):
        raise RowFault(
            "turns must be a list of messages with role (user, assistant) and content",
            "turns 应为消息列表，每条含 role（user、assistant）与 content",
        )
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns]

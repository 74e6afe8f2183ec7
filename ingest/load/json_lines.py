"""JSON and JSON Lines as text: records as table rows where they are alike and short, otherwise
one list of ``path: value`` lines each, under a heading where a record has a name.

Every line of a record tells its whole path, so that a long record may be cut anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument
from ingest.load.encoding import decode
from ingest.load.faults import damage_said, shortened
from ingest.load.tables import table_blocks

LARGEST = 50 * 1024 * 1024  # bytes: parsed, it takes ten times as much
MOST_VALUES = 200_000
MOST_COLUMNS = 20
LONGEST_CELL = 200  # characters; longer ones are better read as lines
LONGEST_NAME = 100
MOST_WARNINGS = 20

_NAMES = ("title", "name", "question", "subject", "heading", "label", "标题", "名称", "问题",
          "题目", "姓名", "id")  # fmt: skip
_INLINE = 500  # characters of a list of plain values on one line


def load_json(raw: RawDocument) -> Document:
    """A JSON file, or lines of JSON under that name.

    Raises:
        DocumentError: it is not JSON, is nested too deeply, or is larger than ``LARGEST``.
    """
    text = _text(raw)
    with damage_said(raw, "JSON file", "JSON 文件"):
        try:
            value = _parse(text)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise
            return _from_lines(raw, text)
        except RecursionError as error:
            raise _too_deep(raw) from error
    return _document(raw, _Writer().whole(value))


def load_json_lines(raw: RawDocument) -> Document:
    """A file of one JSON value a line. Lines that are none are told in the warnings.

    Raises:
        DocumentError: no line is JSON, or the file is larger than ``LARGEST``.
    """
    return _from_lines(raw, _text(raw))


def _from_lines(raw: RawDocument, text: str) -> Document:
    records, faults = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(_parse(line))
        except (ValueError, RecursionError) as error:
            faults.append(_bad_line(raw, number, error))
    if not records and faults:
        raise faults[0]
    return _document(raw, _Writer().records(records, 1), faults)


def _text(raw: RawDocument) -> str:
    if len(raw.data) > LARGEST:
        raise DocumentError(
            "{name} is {size} MB, too large for JSON: split it into files of {limit} MB.",
            "{name} 有 {size} MB，作为 JSON 太大：请拆分成 {limit} MB 以内的文件。",
            name=raw.label,
            size=round(len(raw.data) / 1024 / 1024),
            limit=LARGEST // 1024 // 1024,
        )
    return decode(raw.data, raw.charset)


def _parse(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str)  # numbers as they are written


def _document(
    raw: RawDocument, blocks: Iterable[Block | None], faults: list[DocumentError] | None = None
) -> Document:
    """``blocks`` end with None where the writer was stopped by its bound."""
    read = list(blocks)
    said = list(faults or [])[:MOST_WARNINGS]
    if faults and len(faults) > MOST_WARNINGS:
        said.append(_more_bad_lines(raw, len(faults) - MOST_WARNINGS))
    if None in read:
        said.append(shortened(raw, MOST_VALUES, "values", "个值"))
    return Document(raw.stem, "json", tuple(filter(None, read)), warnings=tuple(said))


class _Writer:
    """Values to blocks; one use each. A None in the stream ends it: there are too many values."""

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def whole(self, value: Any) -> Iterator[Block | None]:
        """A file's one value. Of an object each part that holds more has its own heading."""
        if isinstance(value, list):
            yield from self.records(value, 1)
        elif not isinstance(value, dict):
            yield from self.records([value], 1)
        else:
            plain: dict[str, Any] = {}
            for key, part in value.items():
                if not isinstance(part, dict | list) or _is_plain_list(part):
                    plain[key] = part
                    continue
                yield from self._lines(plain)
                plain = {}
                yield Block(key or "-", "heading", 1)
                yield from self.records(part if isinstance(part, list) else [part], 2)
            yield from self._lines(plain)

    def records(self, records: list[Any], level: int) -> Iterator[Block | None]:
        if _are_alike(records):
            columns = list(dict.fromkeys(key for record in records for key in record))
            kept = records[: self.left // max(1, len(columns)) + 1]
            self.left -= len(columns) * len(kept)
            rows = [[_shown(record.get(key)) for key in columns] for record in kept]
            yield from table_blocks([columns, *rows])
            if len(kept) < len(records):
                yield None
            return
        for record in records:
            if len(records) > 1 and (name := _name(record)):
                yield Block(name, "heading", level)
            yield from self._lines(record)
            if self.left <= 0:
                yield None
                return

    def _lines(self, value: Any) -> Iterator[Block]:
        lines = []
        stack: list[tuple[str, Any]] = [("", value)]
        while stack and self.left > 0:
            path, part = stack.pop()
            if isinstance(part, dict):
                inner = [(f"{path}.{key}" if path else key, each) for key, each in part.items()]
                stack += reversed(inner)
            elif isinstance(part, list) and not _is_plain_list(part):
                stack += [(f"{path}[{n}]", part[n]) for n in range(len(part) - 1, -1, -1)]
            else:
                self.left -= 1
                values = part if isinstance(part, list) else [part]
                if text := ", ".join(filter(None, map(_shown, values))):
                    shown = text.strip().replace("\n", "\n  ")
                    lines.append(f"- {path}: {shown}" if path else f"- {shown}")
        if lines:
            yield Block("\n".join(lines), "list")


def _is_plain_list(value: Any) -> bool:
    return (
        isinstance(value, list)
        and not any(isinstance(each, dict | list) for each in value)
        and sum(len(_shown(each)) for each in value) <= _INLINE
    )


def _are_alike(records: list[Any]) -> bool:
    """Whether records are short, flat and have the same keys, but for some."""
    if len(records) < 2 or not all(isinstance(record, dict) and record for record in records):
        return False
    keys = {key for record in records for key in record}
    values = sum(map(len, records))
    if not 1 < len(keys) <= MOST_COLUMNS or values < 0.8 * len(keys) * len(records):
        return False
    return all(
        not isinstance(value, dict | list) and len(_shown(value)) <= LONGEST_CELL
        for record in records
        for value in record.values()
    )


def _name(record: Any) -> str:
    """What a record calls itself."""
    if not isinstance(record, Mapping):
        return ""
    by_key = {key.lower(): value for key, value in record.items()}
    for key in _NAMES:
        value = by_key.get(key)
        if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME:
            return " ".join(value.split())
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _bad_line(raw: RawDocument, number: int, error: Exception) -> DocumentError:
    return DocumentError(
        "{name}: line {line} is not JSON ({reason}): correct it.",
        "{name}：第 {line} 行不是 JSON（{reason}）：请修正。",
        name=raw.label,
        line=number,
        reason=error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__,
    )


def _more_bad_lines(raw: RawDocument, count: int) -> DocumentError:
    return DocumentError(
        "{name}: {count} more lines are not JSON.",
        "{name}：另有 {count} 行不是 JSON。",
        name=raw.label,
        count=count,
    )


def _too_deep(raw: RawDocument) -> DocumentError:
    return DocumentError(
        "{name} is nested too deeply to be read: flatten it.",
        "{name} 嵌套层数过多，无法读取：请减少嵌套。",
        name=raw.label,
    )

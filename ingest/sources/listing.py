"""``DATA_DIR/sources.toml``: what to keep up to date, edited by people and by the page alike.

Edits keep comments and order, happen under a lock, and replace the file at once, so that a reader
sees the old list or the new one.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from assistant.errors import SettingsError
from ingest.reasons import os_reason
from ingest.sources.entry import SourceEntry, read_entry

NAME = "sources.toml"
_HEADER = """\
What `python -m ingest sync` keeps up to date: one [[source]] each; docs/ingest.md has all keys.
`python -m ingest sync` 按此文件保持知识库更新：每个来源一段 [[source]]，全部选项见 docs/ingest.md。
"""


def path_of(data_dir: Path) -> Path:
    return data_dir / NAME


def read_sources(data_dir: Path) -> list[SourceEntry]:
    """The sources in the order of the file; none where there is no file.

    Raises:
        SettingsError: the file or one of its sources can't be used; all that are wrong are named.
    """
    path = path_of(data_dir)
    try:
        text = path.read_text("utf-8-sig")
        rows = tomllib.loads(text).get("source", [])
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(path, "[[source]] ...")
    return _checked(path, rows)


def _checked(path: Path, rows: list[dict[str, Any]]) -> list[SourceEntry]:
    entries: list[SourceEntry] = []
    faults: list[SettingsError] = []
    for number, row in enumerate(rows, start=1):
        try:
            entry = read_entry(row, number)
            if entry.name in [other.name for other in entries]:
                raise _taken(entry.name)
            entries.append(entry)
        except SettingsError as fault:
            faults.append(fault)
    if faults:
        raise SettingsError(
            "{path} can't be used:\n{en}",
            "{path} 无法使用：\n{zh}",
            path=path,
            en="\n".join(fault.text("en") for fault in faults),
            zh="\n".join(fault.text("zh") for fault in faults),
        )
    return entries


def add_source(data_dir: Path, row: Mapping[str, Any]) -> SourceEntry:
    """Append a source; ``row`` holds its keys as they stand in the file.

    Raises:
        SettingsError: it can't be used, or its name is taken.
    """
    entry = read_entry(row, 0)
    with _editing(data_dir) as document:
        tables = document.setdefault("source", tomlkit.aot())
        if any(table.get("name") == entry.name for table in tables):
            raise _taken(entry.name)
        table = tomlkit.table()
        table.update(row)
        tables.append(table)
    return entry


def change_source(data_dir: Path, name: str, **values: Any) -> SourceEntry:
    """Set keys of the source ``name``; None takes a key out.

    Raises:
        SettingsError: there is no such source, or it can't be used so.
    """
    with _editing(data_dir) as document:
        table = _find(document, name)
        for key, value in values.items():
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
        return read_entry(table.unwrap(), 0)


def remove_source(data_dir: Path, name: str) -> None:
    """Take the source out of the list. What it brought in stays.

    Raises:
        SettingsError: there is no such source.
    """
    with _editing(data_dir) as document:
        document["source"].remove(_find(document, name))


def find_source(entries: list[SourceEntry], name: str) -> SourceEntry:
    """Raises SettingsError where none has this name."""
    for entry in entries:
        if entry.name == name:
            return entry
    raise _missing(name, [entry.name for entry in entries])


def _find(document: Any, name: str) -> Any:
    tables = document.get("source", [])
    for table in tables:
        if table.get("name") == name:
            return table
    raise _missing(name, [str(table.get("name")) for table in tables])


@contextmanager
def _editing(data_dir: Path) -> Iterator[Any]:
    """The file as a document that is written back at the end."""
    path = path_of(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with (data_dir / ".sources.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = _parsed(path)
            yield document
            _replace(path, tomlkit.dumps(document))
    except OSError as error:
        raise SettingsError(
            "{path} can't be written: {reason}.",
            "{path} 无法写入：{reason_zh}。",
            path=path,
            **os_reason(error),
        ) from error


def _parsed(path: Path) -> Any:
    try:
        return tomlkit.parse(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        document = tomlkit.document()
        for line in _HEADER.splitlines():
            document.add(tomlkit.comment(line))
        return document
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise _unreadable(path, error) from error


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".sources-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _unreadable(path: Path, error: object) -> SettingsError:
    return SettingsError(
        "{path} can't be read ({error}): expected TOML with one [[source]] for each source.",
        "{path} 无法读取（{error}）：应为 TOML，每个来源一段 [[source]]。",
        path=path,
        error=error,
    )


def _taken(name: str) -> SettingsError:
    return SettingsError(
        "{name}: there is a source of this name already; choose another.",
        "{name}：已有同名来源，请换一个名称。",
        name=name,
    )


def _missing(name: str, known: list[str]) -> SettingsError:
    return SettingsError(
        "There is no source {name} in sources.toml; there are: {known}",
        "sources.toml 中没有来源 {name}；现有：{known}",
        name=name,
        known=", ".join(known) or "-",
    )

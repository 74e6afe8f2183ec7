"""What can still be read of a damaged database file, carried into its place.

The damaged file is kept beside, as it was. Rows are read page by page and, where that fails, one by
one; a chunk counts only if its text has the hash that it was stored under. What lost its collection
or source gets a placeholder; keywords and change logs are made anew.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.changes import ChangeLog
from assistant.knowledge.checks import is_content, note_all_fields, parsed, recount
from assistant.knowledge.database import APPLICATION_ID, Connection, Row
from assistant.knowledge.folder import DATABASE_NAME
from assistant.knowledge.migrations import SCHEMA_VERSION, make_or_migrate, rebuild_keywords
from assistant.knowledge.overwriting import open_unsafe, overwrite, raise_sequence
from assistant.knowledge.reference_checks import name_lost_collections, name_lost_sources

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 2.0
_PAGE = 256  # rows
_TABLES = ("collections", "spaces", "sources", "chunks", "vectors")


@dataclass(frozen=True)
class Loss:
    """A source that isn't whole any more."""

    uri: str
    lost: int
    of: int


@dataclass(frozen=True)
class Salvaged:
    """``aside`` is the damaged file."""

    aside: Path
    sources: int
    chunks: int
    losses: tuple[Loss, ...]


def salvage(data_dir: Path) -> Salvaged:
    """Carry what can be read into a sound database at the same place.

    Raises:
        KnowledgeLocked: another process has the database open.
        KnowledgeError: nothing can be read, or there is no room. Nothing was changed.
    """
    path = data_dir / DATABASE_NAME
    new = path.with_name(f"{DATABASE_NAME}.salvage.tmp")
    with ExitStack() as stack:
        # Closed after the connection: closing any handle of the file would drop its locks.
        raw = stack.enter_context(path.open("rb"))
        old = stack.enter_context(closing(_open_alone(path)))
        try:
            aside = _set_aside(path, raw)
            new.unlink(missing_ok=True)
            with closing(_new_database(new)) as made:
                losses = _carry(old, made)
                sources, chunks = (
                    made.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
                    for table in ("sources", "chunks")
                )
            overwrite(new, old, lambda: None, _WAIT_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise KnowledgeError(
                "{path} can't be repaired ({reason}): make room on the disk, or bring the "
                "knowledge base back with `python -m ingest restore`.",
                "无法修复 {path}（{reason}）：请清理磁盘空间，或用 `python -m ingest restore` "
                "恢复知识库。",
                path=path,
                reason=error,
            ) from error
        finally:
            new.unlink(missing_ok=True)
    return Salvaged(aside, sources, chunks, losses)


def _open_alone(path: Path) -> Connection:
    """The damaged database, locked against all other processes while it is open."""
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        # Lets SQLite open a file that is shorter than it says.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        if not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise _unreadable(path, str(error)) from error
        raise KnowledgeLocked(
            "{path} is damaged, and another process has it open: stop the app and run doctor "
            "again.",
            "{path} 已损坏，且有其他进程正在使用：请停止应用后再次运行 doctor。",
            path=path,
        ) from error
    if version != SCHEMA_VERSION:
        connection.close()
        raise _unreadable(path, f"schema {version}")
    return connection


def _unreadable(path: Path, reason: str) -> KnowledgeError:
    return KnowledgeError(
        "Nothing can be read of {path} ({reason}): bring the knowledge base back with `python -m "
        "ingest restore`, or move the file away and add the documents again.",
        "{path} 完全无法读取（{reason}）：请用 `python -m ingest restore` 恢复知识库，"
        "或将该文件移走后重新添加文档。",
        path=path,
        reason=reason,
    )


def _set_aside(path: Path, raw: BinaryIO) -> Path:
    """A copy of the file with its log, as they are now."""
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{time}")
    with aside.open("xb") as copy:
        shutil.copyfileobj(raw, copy, 1 << 20)
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        shutil.copyfile(log, aside.with_name(f"{aside.name}-wal"))
    return aside


def _new_database(new: Path) -> Connection:
    connection = open_unsafe(new)
    connection.execute("BEGIN")
    make_or_migrate(connection, 0)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return connection


def _carry(old: Connection, made: Connection) -> tuple[Loss, ...]:
    """Copy into the open transaction of ``made``, and commit that."""
    for table in _TABLES:
        names = [row["name"] for row in made.execute(f"PRAGMA table_info({table})")]
        insert = (
            f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) "  # noqa: S608
            f"VALUES ({', '.join('?' * len(names))})"
        )
        for row in _rows(old, table, names):
            if table != "chunks" or _is_whole(row):
                made.execute(insert, tuple(row[name] for name in names))
    made.execute(
        "DELETE FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks) "
        "OR space_id NOT IN (SELECT id FROM spaces)"
    )
    name_lost_collections(made)
    name_lost_sources(made)
    losses = tuple(
        Loss(row["uri"], row["said"] - row["is_there"], row["said"])
        for row in made.execute(_LOSSES)
    )
    # Else the same document, added again, would pass for unchanged.
    made.execute(f"UPDATE sources SET content_hash = '' WHERE id IN (SELECT id FROM ({_LOSSES}))")  # noqa: S608
    recount(made)
    note_all_fields(made)
    rebuild_keywords(made)
    log = ChangeLog(made)
    for (space_id,) in made.execute("SELECT id FROM spaces").fetchall():
        log.delete(space_id, [0])
    _keep_numbers(old, made)
    made.execute("COMMIT")
    return losses


def _is_whole(row: Row) -> bool:
    headings = parsed(row["heading_path"])
    return (
        isinstance(row["text"], str)
        and isinstance(headings, list)
        and is_content(row["text"], headings, row["content_hash"])
    )


def _rows(old: Connection, table: str, names: list[str]) -> Iterator[Row]:
    """All rows that can be read."""
    columns = ", ".join(names)
    page = (
        f"SELECT rowid AS row_number, {columns} FROM {table} NOT INDEXED "  # noqa: S608
        "WHERE rowid > ? ORDER BY rowid LIMIT ?"
    )
    one = f"SELECT {columns} FROM {table} NOT INDEXED WHERE rowid = ?"  # noqa: S608
    at, last = 0, _last(old, table)
    while at < last:
        try:
            rows = old.execute(page, (at, _PAGE)).fetchall()
            numbers = [row["row_number"] for row in rows]
            is_sound = numbers == sorted({n for n in numbers if n > at})
        except sqlite3.Error:
            is_sound = False
        if is_sound and not rows:
            return
        if is_sound:
            yield from rows
            at = numbers[-1]
            continue
        for number in range(at + 1, at + 1 + _PAGE):
            with suppress(sqlite3.Error):
                yield from old.execute(one, (number,)).fetchall()
        at += _PAGE


def _last(old: Connection, table: str) -> int:
    """At least the highest row number of a table."""
    found = []
    for query in (
        f"SELECT max(rowid) FROM {table} NOT INDEXED",  # noqa: S608
        f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'",  # noqa: S608
    ):
        with suppress(sqlite3.Error):
            found += [row[0] or 0 for row in old.execute(query)]
    if found and (table != "vectors" or len(found) > 1):
        return max(found)
    with suppress(sqlite3.Error):
        found += [4 * row[0] for row in old.execute("SELECT seq FROM sqlite_sequence")]
    return max(found, default=1_000_000)


def _keep_numbers(old: Connection, made: Connection) -> None:
    """No number is given again that a lost row had."""
    with suppress(sqlite3.Error):
        for name, seq in old.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
            raise_sequence(made, name, seq)


_LOSSES = (
    "SELECT id, uri, chunks AS said, (SELECT count(*) FROM chunks WHERE source_id = sources.id) "
    "AS is_there FROM sources WHERE said > is_there ORDER BY uri"
)

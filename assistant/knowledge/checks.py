"""What must hold in the database, and how it is made to hold again.

A check looks, and yields what is wrong. Each fault brings its repair, which looks again under the
write lock and may run beside a live app. ``reference_checks``, ``keyword_checks``,
``vector_checks`` and ``file_checks`` have the others.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from assistant.errors import KnowledgeError
from assistant.knowledge.database import Connection
from assistant.knowledge.folder import Folder
from assistant.knowledge.migrations import rebuild_keywords, schema
from assistant.knowledge.records import NewChunk

_OBJECT = re.compile(r"CREATE (?:UNIQUE |VIRTUAL )?(TABLE|INDEX) (\w+)")
_LINES = 20  # of SQLite's own complaints


@dataclass(frozen=True)
class Fault:
    """Something that isn't as it should be.

    ``repair`` opens its own transactions; None where only people can. A fault whose ``key`` a
    second look finds again was not repaired.
    """

    check: str
    message: KnowledgeError
    repair: Callable[[], None] | None = None
    is_wrong: bool = True  # False: worth knowing
    subject: object = None

    @property
    def key(self) -> tuple[str, object]:
        return self.check, self.subject


def in_one(folder: Folder, change: Callable[[Connection], object]) -> Callable[[], None]:
    """A repair that is one transaction."""

    def repair() -> None:
        with folder.database.write() as connection:
            change(connection)
        folder.wrote()

    return repair


def in_pieces(folder: Folder, change: Callable[[Connection], bool]) -> Callable[[], None]:
    """A repair that is called, each time in a transaction of its own, until it says True."""

    def repair() -> None:
        is_done = False
        while not is_done:
            with folder.database.write() as connection:
                is_done = change(connection)
        folder.wrote()

    return repair


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found the database file damaged."""
    cause = error.__cause__ if isinstance(error, KnowledgeError) else error
    name = getattr(cause, "sqlite_errorname", "")
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def pages(folder: Folder, deep: bool) -> Iterator[Fault]:
    """The file itself, as SQLite checks it; ``deep`` compares indexes with their tables, too."""
    pragma = "integrity_check" if deep else "quick_check"
    with folder.database.read() as connection:
        found = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}({_LINES})")]
    # The keyword table has a check of its own.
    bad = [line for line in found if line != "ok" and "FTS5 table" not in line]
    if bad:
        message = KnowledgeError(
            "The database file is damaged (SQLite: {reason}).",
            "数据库文件已损坏（SQLite：{reason}）。",
            reason="; ".join(bad[:3]).replace("\n", " "),
        )
        yield Fault("database", message, partial(_rebuild_indexes, folder))


def _rebuild_indexes(folder: Folder) -> None:
    """All that can be done in place; the second look tells whether it was enough."""
    try:
        with folder.database.write() as connection:
            connection.execute("REINDEX")
    except (KnowledgeError, sqlite3.IntegrityError) as error:
        if isinstance(error, KnowledgeError) and not is_damage(error):
            raise


def tables(folder: Folder, _: bool) -> Iterator[Fault]:
    with folder.database.read() as connection:
        there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    for statement in schema():
        found = _OBJECT.search(statement)
        if found and found[2] not in there:
            message = KnowledgeError(
                "The {kind} {name} is missing from the database.",
                "数据库缺少 {kind} {name}。",
                kind=found[1].lower(),
                name=found[2],
            )
            make = partial(_execute, statement)
            yield Fault("tables", message, in_one(folder, make), subject=found[2])


def _execute(statement: str, connection: Connection) -> None:
    connection.execute(statement)


def content(folder: Folder, deep: bool) -> Iterator[Fault]:
    """JSON columns can be read; ``deep``: so can the texts, and they are those that were stored."""
    metadata, headings, texts = _unreadable(folder, deep)
    told = ("of {count} chunks can't be read (the first is number {first})", "{count} 个片段的")
    for name, ids, en, zh in (
        ("metadata", metadata, "The metadata " + told[0], told[1] + "元数据无法读取"),
        ("heading_path", headings, "The headings " + told[0], told[1] + "标题无法读取"),
    ):
        if ids:
            message = KnowledgeError(
                f"{en}: they are emptied.",
                f"{zh}（第一个编号为 {{first}}）：将被清空。",
                count=len(ids),
                first=ids[0],
            )
            repair = in_one(folder, partial(_empty, name, ids))
            yield Fault("content", message, repair, subject=name)
    if texts:
        with folder.database.read() as connection:
            uri = connection.execute(
                "SELECT uri FROM sources JOIN chunks ON source_id = sources.id WHERE chunks.id = ?",
                (texts[0],),
            ).fetchone()
        message = KnowledgeError(
            "The texts of {count} chunks aren't what was stored (the first is of {uri}): delete "
            "that source and add it again.",
            "{count} 个片段的文本与存入时不同（第一个属于 {uri}）：请删除该来源后重新添加。",
            count=len(texts),
            uri=uri[0] if uri else "?",
        )
        yield Fault("content", message, subject="text")


def _unreadable(folder: Folder, deep: bool) -> tuple[list[int], list[int], list[int]]:
    """Ids of chunks by what is wrong: metadata, headings, text."""
    metadata: list[int] = []
    headings: list[int] = []
    texts: list[int] = []
    text = "CAST(text AS BLOB)" if deep else "NULL"
    with folder.database.read() as connection:
        rows = connection.execute(
            "SELECT id, CAST(metadata AS BLOB), CAST(heading_path AS BLOB), content_hash, "  # noqa: S608
            f"{text} FROM chunks ORDER BY id"
        )
        for row_id, metadata_json, headings_json, content_hash, blob in rows:
            if metadata_json != b"{}" and not isinstance(parsed(metadata_json), dict):
                metadata.append(row_id)
            path = [] if headings_json == b"[]" else parsed(headings_json)
            if not isinstance(path, list) or not all(isinstance(one, str) for one in path):
                headings.append(row_id)
            elif deep and not is_content(blob, path, content_hash):
                texts.append(row_id)
    return metadata, headings, texts


def parsed(value: bytes | str) -> object:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def is_content(text: bytes | str, headings: list[str], content_hash: str) -> bool:
    """Whether a chunk is what was stored under its hash."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        return False
    return NewChunk(decoded, tuple(headings)).content_hash == content_hash


def _empty(column: str, ids: list[int], connection: Connection) -> None:
    value = {"metadata": "{}", "heading_path": "[]"}[column]
    connection.executemany(
        f"UPDATE chunks SET {column} = ? WHERE id = ?",  # noqa: S608
        [(value, row_id) for row_id in ids],
    )
    if column == "heading_path":  # its words are in the keyword table
        for row_id in ids:
            row = connection.execute("SELECT text FROM chunks WHERE id = ?", (row_id,)).fetchone()
            connection.execute(
                "UPDATE chunks SET content_hash = ? WHERE id = ?",
                (NewChunk(row[0]).content_hash, row_id),
            )
        rebuild_keywords(connection)


def counts(folder: Folder, _: bool) -> Iterator[Fault]:
    with folder.database.read() as connection:
        wrong = connection.execute(f"SELECT uri FROM sources WHERE {_MISCOUNTED}").fetchall()  # noqa: S608
    if wrong:
        message = KnowledgeError(
            "{count} sources have another number of chunks than they say (the first is {uri}).",
            "{count} 个来源的片段数与记录不符（第一个是 {uri}）。",
            count=len(wrong),
            uri=wrong[0][0],
        )
        yield Fault("counts", message, in_one(folder, recount))


def recount(connection: Connection) -> None:
    connection.execute(f"UPDATE sources SET chunks = {_COUNTED} WHERE {_MISCOUNTED}")  # noqa: S608


_COUNTED = "(SELECT count(*) FROM chunks WHERE source_id = sources.id)"
_MISCOUNTED = f"chunks != {_COUNTED}"


def fields(folder: Folder, _: bool) -> Iterator[Fault]:
    with folder.database.read() as connection:
        found = connection.execute(f"SELECT count(*), min(key) FROM ({_UNNOTED})").fetchone()  # noqa: S608
    if found[0]:
        message = KnowledgeError(
            "{count} names of metadata can't be used in filters (the first is {name}).",
            "{count} 个元数据名称无法用于过滤（第一个是 {name}）。",
            count=found[0],
            name=found[1],
        )
        yield Fault("fields", message, in_one(folder, note_all_fields))


def note_all_fields(connection: Connection) -> None:
    connection.execute(f"INSERT INTO fields (collection_id, name) {_UNNOTED}")


_UNNOTED = (
    "SELECT collection_id, key FROM chunks, "
    "json_each(iif(json_valid(metadata), metadata, '{}')) WHERE key IS NOT NULL "
    "EXCEPT SELECT collection_id, name FROM fields"
)

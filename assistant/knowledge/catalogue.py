"""Rows of collections and sources. Every function runs in its caller's transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.records import Source, storable
from assistant.knowledge.spaces import (
    SERVING,
    Space,
    drop_space,
    make_space,
    space_ids,
    space_of,
)
from assistant.knowledge.vectors import Form

#: Kind of the sources that hold what came through LangChain's interface.
TEXT_KIND = "text"

_NAME = re.compile(r"\w[\w.-]{0,63}")
#: Names of the collections that hold what is attached to a conversation (``attached.py``).
ATTACHED = "_attached."

#: For SELECTs over sources; :func:`source_of` reads them.
SOURCE_COLUMNS = (
    "sources.id AS source_id, sources.uri, sources.title, sources.kind, sources.chunks, "
    "sources.size, sources.content_hash AS source_hash, sources.added_at, sources.updated_at"
)


#: SQLite's integers have 64 bits.
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Collection:
    """A knowledge base of its own: sources, and the space that it is searched in."""

    id: int
    name: str
    owner: str
    space: Space


def check_name(name: str) -> str:
    """``name`` if it can name a collection (it also names a file)."""
    if not _NAME.fullmatch(name):
        raise KnowledgeError(
            "{name} can't name a collection: use up to 64 letters, digits, '_', '-' and '.', "
            "beginning with a letter or digit.",
            "{name} 不能用作知识库名称：最多 64 个字母、汉字、数字、“_”、“-”、“.”，"
            "并以字母、汉字或数字开头。",
            name=repr(name),
        )
    return name


def find_collection(connection: Connection, name: str) -> Collection | None:
    row = connection.execute(
        "SELECT id, name, owner FROM collections WHERE name = ?", (name,)
    ).fetchone()
    space = space_of(connection, row["id"]) if row else None
    return Collection(row["id"], row["name"], row["owner"], space) if space else None


def claim_collection(
    connection: Connection, name: str, fingerprint: str, form: Form, *, is_empty: bool = False
) -> Collection:
    """The collection for writing vectors of this model; made where missing. One without chunks
    takes the new model.

    Args:
        is_empty: there are no vectors to be written: a collection that is there stays as it is.

    Raises:
        KnowledgeError: it holds another model's vectors, or vectors of another form; or it was of
            a conversation that is gone: made anew, everybody could read it.
    """
    known = find_collection(connection, name)
    if known is None and name.startswith(ATTACHED):
        raise no_collection(name)
    if known is None:
        made = connection.execute(
            "INSERT INTO collections (name, created_at) VALUES (?, ?)", (name, time.time())
        )
        make_space(connection, made.lastrowid or 0, SERVING, fingerprint, form)
    elif is_empty or (known.space.fingerprint, known.space.form) == (fingerprint, form):
        return known
    elif not has_chunks(connection, known.id):
        for space_id in space_ids(connection, known.id):
            drop_space(connection, space_id)
        make_space(connection, known.id, SERVING, fingerprint, form)
    else:
        known.space.check(fingerprint)
        known.space.check_dimension(form.dimension)
        raise KnowledgeError(
            "Collection {name} was made anew while vectors were made for it: nothing was stored; "
            "try again.",
            "生成向量期间，知识库 {name} 被重建：未存储任何内容，请重试。",
            name=name,
        )
    claimed = find_collection(connection, name)
    assert claimed is not None  # noqa: S101 - written above
    return claimed


def no_collection(name: str) -> KnowledgeError:
    return KnowledgeError(
        "There is no collection {name}: see `python -m ingest stats`.",
        "没有名为 {name} 的知识库：请用 `python -m ingest stats` 查看。",
        name=name,
    )


def own_fields(connection: Connection, collection_id: int) -> frozenset[str]:
    """Names in the metadata of the collection's chunks, now or before."""
    rows = connection.execute("SELECT name FROM fields WHERE collection_id = ?", (collection_id,))
    return frozenset(row[0] for row in rows)


def note_fields(connection: Connection, collection_id: int, names: Iterable[str]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO fields (collection_id, name) VALUES (?, ?)",
        [(collection_id, name) for name in names],
    )


def drop_collection(connection: Connection, collection: Collection) -> None:
    """Forget a collection without sources.

    Raises:
        KnowledgeLocked: it has one.
    """
    if list_sources(connection, collection):
        raise KnowledgeLocked(
            "Another process added to collection {name} while it was deleted: try again.",
            "删除期间，另一个进程向知识库 {name} 添加了内容：请重试。",
            name=collection.name,
        )
    for space_id in space_ids(connection, collection.id):
        drop_space(connection, space_id)
    connection.execute("DELETE FROM fields WHERE collection_id = ?", (collection.id,))
    connection.execute("DELETE FROM collections WHERE id = ?", (collection.id,))


def has_chunks(connection: Connection, collection_id: int) -> bool:
    row = connection.execute(
        "SELECT 1 FROM chunks WHERE collection_id = ? LIMIT 1", (collection_id,)
    ).fetchone()
    return row is not None


def count_all(connection: Connection) -> dict[str, dict[str, int]]:
    """Sources and chunks of every collection of the library by its name."""
    rows = connection.execute(
        "SELECT name, count(sources.id) AS sources, coalesce(sum(sources.chunks), 0) AS chunks "
        "FROM collections LEFT JOIN sources ON sources.collection_id = collections.id "
        "WHERE conversation = '' GROUP BY collections.id ORDER BY name"
    )
    return {row["name"]: {"sources": row["sources"], "chunks": row["chunks"]} for row in rows}


def can_be_stored(key: int | str) -> bool:
    """Whether any row may have this id or name."""
    return storable(key) == key if isinstance(key, str) else -LARGEST <= key <= LARGEST


def source_of(row: Row, collection: str) -> Source:
    return Source(
        id=row["source_id"],
        collection=collection,
        uri=row["uri"],
        title=row["title"],
        kind=row["kind"],
        chunks=row["chunks"],
        size=row["size"],
        content_hash=row["source_hash"],
        added_at=row["added_at"],
        updated_at=row["updated_at"],
    )


def find_source(connection: Connection, collection: Collection, key: int | str) -> Source | None:
    """A source by its id or its URI."""
    if not can_be_stored(key):
        return None
    column = "id" if isinstance(key, int) else "uri"
    row = connection.execute(
        f"SELECT {SOURCE_COLUMNS} FROM sources WHERE collection_id = ? AND {column} = ?",  # noqa: S608
        (collection.id, key),
    ).fetchone()
    return source_of(row, collection.name) if row else None


def list_sources(connection: Connection, collection: Collection) -> list[Source]:
    rows = connection.execute(
        f"SELECT {SOURCE_COLUMNS} FROM sources WHERE collection_id = ? ORDER BY uri",  # noqa: S608
        (collection.id,),
    )
    return [source_of(row, collection.name) for row in rows]


@dataclass(frozen=True)
class NewSource:
    """What is known of a source when it is stored."""

    uri: str
    title: str
    kind: str
    size: int
    content_hash: str

    def __post_init__(self) -> None:
        if not self.uri or storable(self.uri) != self.uri:
            raise KnowledgeError(
                "{uri} can't name a source: it is empty or holds bytes that are no UTF-8 text; "
                "rename the file.",
                "{uri} 不能用作来源名称：为空或含有非 UTF-8 字节；请重命名文件。",
                uri=repr(self.uri),
            )
        object.__setattr__(self, "title", storable(self.title))


def put_source(connection: Connection, collection: Collection, new: NewSource) -> Source:
    """Insert the source, or update the row of its URI if anything differs."""
    known = find_source(connection, collection, new.uri)
    if known is None:
        now = time.time()
        connection.execute(
            "INSERT INTO sources (collection_id, uri, title, kind, size, content_hash, added_at, "
            "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (collection.id, new.uri, new.title, new.kind, new.size, new.content_hash, now, now),
        )
    elif new != NewSource(known.uri, known.title, known.kind, known.size, known.content_hash):
        connection.execute(
            "UPDATE sources SET title = ?, kind = ?, size = ?, content_hash = ?, updated_at = ? "
            "WHERE id = ?",
            (new.title, new.kind, new.size, new.content_hash, time.time(), known.id),
        )
    else:
        return known
    stored = find_source(connection, collection, new.uri)
    assert stored is not None  # noqa: S101 - written above
    return stored


def change_count(connection: Connection, source_id: int, change: int) -> None:
    """Note that the source's chunks changed, and how many there are more (or fewer)."""
    connection.execute(
        "UPDATE sources SET updated_at = ?, chunks = chunks + ? WHERE id = ?",
        (time.time(), change, source_id),
    )

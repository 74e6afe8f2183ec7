"""Rows that name others find them, and every collection has the space that it is searched in.

Nothing that can be read is thrown away: what lost its collection or its source gets one whose name
says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from assistant.errors import KnowledgeError
from assistant.knowledge.catalogue import TEXT_KIND
from assistant.knowledge.checks import Fault, in_one, in_pieces
from assistant.knowledge.database import Connection
from assistant.knowledge.folder import Folder
from assistant.knowledge.migrations import rebuild_keywords
from assistant.knowledge.spaces import (
    BUILDING,
    RETIRED,
    SERVING,
    Space,
    drop_space,
    list_spaces,
    make_space,
    set_state,
    space_ids,
    without_vector,
)
from assistant.knowledge.vectors import Form

#: Fingerprint of a space that was made because the collection's own is lost.
LOST = "lost"
_PIECE = 5000  # vectors that one transaction deletes


def references(folder: Folder, _: bool) -> Iterator[Fault]:
    """Whatever names a row of another table finds it there, and both are of one collection."""
    for look, repair, en, zh in _REFERENCES:
        with folder.database.read() as connection:
            found = connection.execute(f"SELECT count(*), min(id) FROM ({look})").fetchone()  # noqa: S608
        if found[0]:
            message = KnowledgeError(en, zh, count=found[0], first=found[1])
            yield Fault("references", message, in_pieces(folder, repair), subject=look)


def name_lost_collections(connection: Connection) -> bool:
    for (lost,) in connection.execute(_LOST_COLLECTIONS).fetchall():
        taken = {row[0] for row in connection.execute("SELECT name FROM collections")}
        name = f"salvaged-{lost}"
        while name in taken:
            name += "-1"
        connection.execute(
            # Whose it was is lost: only administrators see it.
            "INSERT INTO collections (id, name, created_at, readers) VALUES (?, ?, ?, '[]')",
            (lost, name, time.time()),
        )
    return True


def name_lost_sources(connection: Connection) -> bool:
    """As if a program had added their chunks."""
    connection.execute(
        "INSERT INTO sources (id, collection_id, uri, title, kind, size, content_hash, chunks, "  # noqa: S608
        "added_at, updated_at) SELECT source_id, min(collection_id), 'salvaged-' || source_id, "
        "'salvaged-' || source_id, ?, 0, '', count(*), ?, ? "
        f"FROM chunks WHERE id IN ({_LOST_SOURCES}) GROUP BY source_id",
        (TEXT_KIND, time.time(), time.time()),
    )
    return True


def _move_strays(connection: Connection) -> bool:
    """Chunks follow their source into its collection; the check of the vectors does the rest."""
    for row_id, home in connection.execute(_STRAYS).fetchall():
        connection.execute(
            "UPDATE chunks SET collection_id = ?1, chunk_id = chunk_id || iif(EXISTS (SELECT 1 "
            "FROM chunks AS other WHERE other.collection_id = ?1 AND other.chunk_id = "
            "chunks.chunk_id), '-' || id, '') WHERE id = ?2",
            (home, row_id),
        )
    rebuild_keywords(connection)  # words begin with their collection's number
    return True


def _drop_one(look: str, connection: Connection) -> bool:
    """Some of the vectors of the first space that ``look`` finds; True where there is none."""
    lost = connection.execute(look).fetchone()
    if lost is not None:
        drop_space(connection, lost[0], _PIECE)
    return lost is None


def _drop_changes(connection: Connection) -> bool:
    connection.execute("DELETE FROM changes WHERE space_id NOT IN (SELECT id FROM spaces)")
    return True


def _drop_fields(connection: Connection) -> bool:
    connection.execute("DELETE FROM fields WHERE collection_id NOT IN (SELECT id FROM collections)")
    return True


_LOST_COLLECTIONS = (
    "SELECT collection_id AS id FROM sources UNION SELECT collection_id FROM chunks "
    "EXCEPT SELECT id FROM collections"
)
_LOST_SOURCES = "SELECT id FROM chunks WHERE source_id NOT IN (SELECT id FROM sources)"
_STRAYS = (
    "SELECT chunks.id, sources.collection_id AS home FROM chunks JOIN sources "
    "ON sources.id = source_id WHERE chunks.collection_id != sources.collection_id"
)
_LOST_SPACES = (
    "SELECT id FROM spaces WHERE collection_id NOT IN (SELECT id FROM collections) "
    "AND collection_id NOT IN (SELECT collection_id FROM sources) "
    "AND collection_id NOT IN (SELECT collection_id FROM chunks)"
)
_LOST_VECTORS = (
    "SELECT DISTINCT space_id AS id FROM vectors WHERE space_id NOT IN (SELECT id FROM spaces)"
)
_LOST_CHANGES = (
    "SELECT DISTINCT space_id AS id FROM changes WHERE space_id NOT IN (SELECT id FROM spaces)"
)
_LOST_FIELDS = (
    "SELECT collection_id AS id FROM fields "
    "WHERE collection_id NOT IN (SELECT id FROM collections) "
    "AND collection_id NOT IN (SELECT collection_id FROM sources) "
    "AND collection_id NOT IN (SELECT collection_id FROM chunks)"
)

#: What must not be found, what is done about it, and how it is told.
_REFERENCES: tuple[tuple[str, Callable[[Connection], bool], str, str], ...] = (
    (
        _LOST_COLLECTIONS,
        name_lost_collections,
        "{count} collections have content, but no name any more (the first is number {first}): "
        "they are called salvaged-NUMBER.",
        "{count} 个知识库有内容但名称已丢失（第一个编号为 {first}）：将命名为 salvaged-编号。",
    ),
    (
        _LOST_SOURCES,
        name_lost_sources,
        "{count} chunks belong to sources that aren't there: they are kept under sources called "
        "salvaged-NUMBER.",
        "{count} 个片段所属的来源不存在：将保留在名为 salvaged-编号 的来源下。",
    ),
    (
        _STRAYS,
        _move_strays,
        "{count} chunks are in another collection than their source (the first is number "
        "{first}): they follow it.",
        "{count} 个片段与其来源不在同一知识库（第一个编号为 {first}）：将移至来源所在的知识库。",
    ),
    (
        _LOST_SPACES,
        partial(_drop_one, _LOST_SPACES),
        "{count} sets of vectors belong to no collection.",
        "{count} 组向量不属于任何知识库。",
    ),
    (
        _LOST_VECTORS,
        partial(_drop_one, _LOST_VECTORS),
        "There are vectors of {count} sets that are gone.",
        "{count} 组已不存在的向量仍有残留。",
    ),
    (
        _LOST_CHANGES,
        _drop_changes,
        "The change log has entries for {count} sets of vectors that are gone.",
        "变更日志中有 {count} 组已不存在的向量的记录。",
    ),
    (
        _LOST_FIELDS,
        _drop_fields,
        "{count} names of metadata belong to no collection.",
        "{count} 个元数据名称不属于任何知识库。",
    ),
)


def spaces(folder: Folder, _: bool) -> Iterator[Fault]:
    """One serving space for each collection. Of unfinished and of retired ones is told: the next
    reindex finishes the first, a running app clears the second away."""
    with folder.database.read() as connection:
        unserved = connection.execute(_UNSERVED).fetchall()
        # Of a collection without one that serves, another may have to.
        waiting = {row[0] for row in unserved}
        others = [
            one
            for one in list_spaces(connection)
            if one.state != SERVING and one.collection_id not in waiting
        ]
        states = [(one, _filled(connection, one)) for one in others]
    for collection_id, name in unserved:
        message = KnowledgeError(
            "Collection {name} has no vectors to be searched in.",
            "知识库 {name} 没有可供检索的向量。",
            name=name,
        )
        repair = in_one(folder, partial(serve, collection_id))
        yield Fault("spaces", message, repair, subject=collection_id)
    for space, (done, total) in states:
        if space.state == BUILDING:
            yield Fault("reindex", _unfinished(space, done, total), None, False, space.id)
        if space.state == RETIRED:
            message = KnowledgeError(
                "Collection {name} still holds {count} vectors from before a reindex.",
                "知识库 {name} 仍保留重新嵌入之前的 {count} 个向量。",
                name=space.collection,
                count=done,
            )
            yield Fault("spaces", message, folder.clear_retired, False, space.id)


def _filled(connection: Connection, space: Space) -> tuple[int, int]:
    """Vectors of a space, and chunks of its collection."""
    done = connection.execute("SELECT count(*) FROM vectors WHERE space_id = ?", (space.id,))
    total = connection.execute(
        "SELECT count(*) FROM chunks WHERE collection_id = ?", (space.collection_id,)
    )
    return done.fetchone()[0], total.fetchone()[0]


def _unfinished(space: Space, done: int, total: int) -> KnowledgeError:
    return KnowledgeError(
        "The reindex of collection {name} to {fingerprint} is unfinished ({done} of {total} "
        "chunks): run the same reindex again, or drop it with `python -m ingest reindex "
        "--abandon`.",
        "知识库 {name} 改用 {fingerprint} 的重新嵌入尚未完成（{total} 个片段中的 {done} 个）："
        "请再次运行同样的命令，或用 `python -m ingest reindex --abandon` 放弃。",
        name=space.collection,
        fingerprint=space.fingerprint,
        done=done,
        total=total,
    )


def serve(collection_id: int, connection: Connection) -> None:
    """Let a space with a vector for each chunk serve; else an empty one, which the check of the
    vectors tells of."""
    for space_id in space_ids(connection, collection_id):
        if not without_vector(connection, space_id, most=1):
            set_state(connection, space_id, SERVING)
            return
    make_space(connection, collection_id, SERVING, LOST, Form(1))


_UNSERVED = (
    "SELECT id, name FROM collections "
    "WHERE id NOT IN (SELECT collection_id FROM spaces WHERE state = 'serving')"
)

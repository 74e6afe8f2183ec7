"""The change log: what was added and deleted since some point, for indexes that follow.

A cursor is the last change that an index has seen. It belongs to this database only if the log
still holds a row with its number and its stamp: a restored or replaced database, or a log that was
pruned past it, is found out that way, and the index is built anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.knowledge.database import Connection

#: Changes of a collection that stay in the log for indexes that are behind.
KEPT = 20_000


@dataclass(frozen=True)
class Cursor:
    """A place in the log; (0, 0) is its beginning."""

    seq: int = 0
    stamp: int = 0


class ChangeLog:
    """Writes the changes of one transaction, all under one stamp."""

    def __init__(self, connection: Connection, collection_id: int) -> None:
        self._connection = connection
        self._collection_id = collection_id
        self._stamp = secrets.randbits(62)

    def add(self, rows: Iterable[int]) -> None:
        self._append("add", rows)

    def delete(self, rows: Iterable[int]) -> None:
        self._append("delete", rows)

    def _append(self, kind: str, rows: Iterable[int]) -> None:
        self._connection.executemany(
            "INSERT INTO changes (collection_id, chunk, kind, stamp) VALUES (?, ?, ?, ?)",
            [(self._collection_id, row, kind, self._stamp) for row in rows],
        )


def head(connection: Connection, collection_id: int) -> Cursor:
    """The last change of the collection: a look at the end of an index, cheap enough for every
    search."""
    row = connection.execute(
        "SELECT seq, stamp FROM changes WHERE collection_id = ? ORDER BY seq DESC LIMIT 1",
        (collection_id,),
    ).fetchone()
    return Cursor(*row) if row else Cursor()


def holds(connection: Connection, collection_id: int, cursor: Cursor) -> bool:
    """Whether everything after ``cursor`` is in the log."""
    return (
        connection.execute(
            "SELECT 1 FROM changes WHERE seq = ? AND collection_id = ? AND stamp = ?",
            (cursor.seq, collection_id, cursor.stamp),
        ).fetchone()
        is not None
    )


def added_since(
    connection: Connection, collection_id: int, cursor: Cursor
) -> Iterator[tuple[int, bytes]]:
    """(row id, vector) of the chunks that came after ``cursor`` and are still there."""
    rows = connection.execute(
        "SELECT chunks.id, chunks.vector FROM changes JOIN chunks ON chunks.id = changes.chunk "
        "WHERE changes.collection_id = ? AND changes.seq > ? AND changes.kind = 'add' "
        "ORDER BY changes.seq",
        (collection_id, cursor.seq),
    )
    return ((row[0], row[1]) for row in rows)


def everything(connection: Connection, collection_id: int) -> Iterator[tuple[int, bytes]]:
    """(row id, vector) of all chunks."""
    rows = connection.execute(
        # In the order of the table: by the index every row would be a jump.
        "SELECT id, vector FROM chunks NOT INDEXED WHERE collection_id = ? ORDER BY id",
        (collection_id,),
    )
    return ((row[0], row[1]) for row in rows)


def deleted_since(connection: Connection, collection_id: int, cursor: Cursor) -> list[int]:
    """Rows that were there at ``cursor`` and are gone."""
    rows = connection.execute(
        "SELECT chunk FROM changes WHERE collection_id = :collection AND seq > :seq "
        "AND kind = 'delete' EXCEPT SELECT chunk FROM changes "
        "WHERE collection_id = :collection AND seq > :seq AND kind = 'add'",
        {"collection": collection_id, "seq": cursor.seq},
    )
    return [row[0] for row in rows]


def prune(connection: Connection, collection_id: int, published: Cursor) -> None:
    """Forget what the published snapshot holds, but for the last changes before it."""
    connection.execute(
        "DELETE FROM changes WHERE collection_id = ? AND seq < ?",
        (collection_id, published.seq - KEPT),
    )

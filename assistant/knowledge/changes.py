"""The change log of a vector space: what was added and deleted since some point, for the index that
follows it.

A cursor is the last change that an index has seen. It belongs to this database only if the log
still holds a row with its number and its stamp: a restored or replaced database, or a log that was
pruned past it, is found out that way, and the index is built anew.

A row that was logged as deleted must not be added again: indexes leave it out for good.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.knowledge.database import Connection

#: Changes of a space that stay in the log for indexes that are behind.
KEPT = 20_000


@dataclass(frozen=True)
class Cursor:
    """A place in the log; (0, 0) is its beginning."""

    seq: int = 0
    stamp: int = 0


class ChangeLog:
    """Writes the changes of one transaction, all under one stamp."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stamp = secrets.randbits(62)

    def add(self, space_id: int, rows: Iterable[int]) -> None:
        self._append(space_id, "add", rows)

    def delete(self, space_id: int, rows: Iterable[int]) -> None:
        self._append(space_id, "delete", rows)

    def _append(self, space_id: int, kind: str, rows: Iterable[int]) -> None:
        self._connection.executemany(
            "INSERT INTO changes (space_id, chunk, kind, stamp) VALUES (?, ?, ?, ?)",
            [(space_id, row, kind, self._stamp) for row in rows],
        )


def head(connection: Connection, space_id: int) -> Cursor:
    """The last change of the space: a look at the end of an index, cheap enough for every
    search."""
    row = connection.execute(
        "SELECT seq, stamp FROM changes WHERE space_id = ? ORDER BY seq DESC LIMIT 1",
        (space_id,),
    ).fetchone()
    return Cursor(*row) if row else Cursor()


def holds(connection: Connection, space_id: int, cursor: Cursor) -> bool:
    """Whether everything after ``cursor`` is in the log."""
    return (
        connection.execute(
            "SELECT 1 FROM changes WHERE seq = ? AND space_id = ? AND stamp = ?",
            (cursor.seq, space_id, cursor.stamp),
        ).fetchone()
        is not None
    )


def added_since(
    connection: Connection, space_id: int, cursor: Cursor, most: int
) -> tuple[list[tuple[int, bytes]], Cursor]:
    """(row id, vector) of the first ``most`` additions after ``cursor`` whose chunk is still there,
    and the cursor after the changes that were looked at."""
    log = connection.execute(
        "SELECT seq, stamp, chunk, kind FROM changes WHERE space_id = ? AND seq > ? "
        "ORDER BY seq LIMIT ?",
        (space_id, cursor.seq, most),
    ).fetchall()
    added = [row["chunk"] for row in log if row["kind"] == "add"]
    end = Cursor(log[-1]["seq"], log[-1]["stamp"]) if log else cursor
    return vectors_of(connection, space_id, added), end


def deleted_between(connection: Connection, space_id: int, begin: Cursor, end: Cursor) -> list[int]:
    """Rows deleted after ``begin`` up to ``end``."""
    rows = connection.execute(
        "SELECT chunk FROM changes WHERE space_id = ? AND seq > ? AND seq <= ? AND kind = 'delete'",
        (space_id, begin.seq, end.seq),
    )
    return [row[0] for row in rows]


def count_since(connection: Connection, space_id: int, cursor: Cursor, most: int) -> int:
    """Changes after ``cursor``, counted up to ``most``."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM changes WHERE space_id = ? AND seq > ? LIMIT ?)",
        (space_id, cursor.seq, most),
    ).fetchone()
    return int(row[0])


def vectors_of(
    connection: Connection, space_id: int, rows: Iterable[int]
) -> list[tuple[int, bytes]]:
    """(row id, vector) of those rows that are there."""
    found = []
    for row_id in rows:
        one = connection.execute(
            "SELECT vector FROM vectors WHERE space_id = ? AND chunk = ?", (space_id, row_id)
        ).fetchone()
        if one is not None:
            found.append((row_id, one[0]))
    return found


def page_of_vectors(
    connection: Connection, space_id: int, after: int, last: int, most: int
) -> list[tuple[int, bytes]]:
    """The next ``most`` (row id, vector), by row id, after ``after`` and up to ``last``."""
    return [
        (row[0], row[1])
        for row in connection.execute(
            "SELECT chunk, vector FROM vectors WHERE space_id = ? AND chunk > ? AND chunk <= ? "
            "ORDER BY chunk LIMIT ?",
            (space_id, after, last, most),
        )
    ]


def extent(connection: Connection, space_id: int) -> tuple[int, int]:
    """How many vectors a space holds, and the highest row id among them (0 for none)."""
    row = connection.execute(
        "SELECT count(*), coalesce(max(chunk), 0) FROM vectors WHERE space_id = ?", (space_id,)
    ).fetchone()
    return int(row[0]), int(row[1])


def prune(connection: Connection, space_id: int, published: Cursor, most: int) -> bool:
    """Forget up to ``most`` changes that the published snapshot holds, but for the last ones
    before it; whether all such are gone."""
    deleted = connection.execute(
        "DELETE FROM changes WHERE seq IN "
        "(SELECT seq FROM changes WHERE space_id = ? AND seq < ? ORDER BY seq LIMIT ?)",
        (space_id, published.seq - KEPT, most),
    ).rowcount
    return deleted < most

"""Vector spaces: the vectors of one embedding model for the chunks of one collection.

A collection is searched in its serving space. A reindex fills another one beside it (``building``)
and switches; the old one is ``retired`` until its vectors are cleared away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from assistant.errors import KnowledgeError
from assistant.knowledge.changes import ChangeLog
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.vectors import Form

SERVING, BUILDING, RETIRED = "serving", "building", "retired"
_COLUMNS = (
    "spaces.id AS space_id, spaces.collection_id, collections.name, spaces.state, "
    "spaces.fingerprint, spaces.dimension, spaces.metric, spaces.precision"
)
_TABLES = "spaces JOIN collections ON collections.id = spaces.collection_id"


@dataclass(frozen=True)
class Space:
    """``fingerprint`` names the embedding model with its prefixes."""

    id: int
    collection_id: int
    collection: str  # its name
    state: str
    fingerprint: str
    form: Form

    def check(self, fingerprint: str) -> None:
        """Raises KnowledgeError if ``fingerprint`` is another model's."""
        if fingerprint != self.fingerprint:
            raise KnowledgeError(
                "Collection {name} was embedded with {stored}, but the embedding model is now "
                "{given}: set EMBEDDING_MODEL back, or embed the collection anew with "
                "`python -m ingest reindex`.",
                "知识库 {name} 由 {stored} 嵌入，而当前嵌入模型是 {given}：请将 EMBEDDING_MODEL "
                "改回，或用 `python -m ingest reindex` 重新嵌入该知识库。",
                name=self.collection,
                stored=self.fingerprint,
                given=fingerprint,
            )

    def check_dimension(self, dimension: int) -> None:
        """Raises KnowledgeError if vectors of ``dimension`` don't fit."""
        if dimension != self.form.dimension:
            raise KnowledgeError(
                "Collection {name} holds vectors of {stored} numbers, got {given}: the embedding "
                "model isn't the one that filled it; set EMBEDDING_MODEL back.",
                "知识库 {name} 的向量为 {stored} 维，实际为 {given} 维：当前嵌入模型与建库时不同，"
                "请将 EMBEDDING_MODEL 改回。",
                name=self.collection,
                stored=self.form.dimension,
                given=dimension,
            )


def find_space(connection: Connection, space_id: int) -> Space | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE spaces.id = ?",  # noqa: S608
        (space_id,),
    ).fetchone()
    return _space(row) if row else None


def space_of(connection: Connection, collection_id: int, state: str = SERVING) -> Space | None:
    """The first space of a collection in ``state``."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE spaces.collection_id = ? "  # noqa: S608
        "AND spaces.state = ? ORDER BY spaces.id",
        (collection_id, state),
    ).fetchone()
    return _space(row) if row else None


def list_spaces(connection: Connection, *, state: str | None = None) -> list[Space]:
    """All spaces of the database, or those in ``state``."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE spaces.state = coalesce(?, spaces.state) "  # noqa: S608
        "ORDER BY spaces.id",
        (state,),
    )
    return [_space(row) for row in rows]


def space_ids(connection: Connection, collection_id: int) -> list[int]:
    """Ids of all spaces of a collection."""
    rows = connection.execute("SELECT id FROM spaces WHERE collection_id = ?", (collection_id,))
    return [row[0] for row in rows]


def make_space(
    connection: Connection, collection_id: int, state: str, fingerprint: str, form: Form
) -> Space:
    cursor = connection.execute(
        "INSERT INTO spaces (collection_id, state, fingerprint, dimension, metric, precision, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(collection_id, state, fingerprint),
            *(form.dimension, form.metric, form.precision, time.time()),
        ),
    )
    space_id = cursor.lastrowid or 0
    # The beginning of its log, which no other space's log has.
    ChangeLog(connection).delete(space_id, [0])
    made = find_space(connection, space_id)
    assert made is not None  # noqa: S101 - written above
    return made


def set_state(connection: Connection, space_id: int, state: str) -> None:
    connection.execute("UPDATE spaces SET state = ? WHERE id = ?", (state, space_id))


def without_vector(connection: Connection, space_id: int, most: int = -1) -> list[int]:
    """Rows of the chunks of a space's collection that have no vector in it; all, or ``most``."""
    rows = connection.execute(
        "SELECT chunks.id FROM chunks JOIN spaces ON spaces.collection_id = chunks.collection_id "
        "WHERE spaces.id = ?1 AND NOT EXISTS "
        "(SELECT 1 FROM vectors WHERE space_id = ?1 AND chunk = chunks.id) LIMIT ?2",
        (space_id, most),
    )
    return [row[0] for row in rows]


def drop_space(connection: Connection, space_id: int, most: int = 2**62) -> bool:
    """Delete up to ``most`` vectors of a space, and the space with the last of them; whether it is
    gone. In pieces, so that no write lock is held for long."""
    deleted = connection.execute(
        "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors WHERE space_id = ? LIMIT ?)",
        (space_id, most),
    ).rowcount
    if deleted == most:
        return False
    connection.execute("DELETE FROM changes WHERE space_id = ?", (space_id,))
    connection.execute("DELETE FROM spaces WHERE id = ?", (space_id,))
    return True


def _space(row: Row) -> Space:
    return Space(
        id=row["space_id"],
        collection_id=row["collection_id"],
        collection=row["name"],
        state=row["state"],
        fingerprint=row["fingerprint"],
        form=Form(row["dimension"], row["metric"], row["precision"]),
    )

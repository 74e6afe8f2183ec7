"""Reading chunks as hits. Every function runs in its caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np

from assistant.knowledge.catalogue import (
    LARGEST,
    SOURCE_COLUMNS,
    Collection,
    can_be_stored,
    own_fields,
    source_of,
)
from assistant.knowledge.changes import vectors_of
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.filters import Where, condition
from assistant.knowledge.keywords import column_of
from assistant.knowledge.records import Hit, storable
from assistant.knowledge.spaces import Space
from assistant.knowledge.vectors import Ids, Stored, Vectors

_COLUMNS = (
    "chunks.id AS row_id, chunks.chunk_id, chunks.position, chunks.text, chunks.heading_path, "
    f"chunks.page, chunks.anchor, chunks.metadata, {SOURCE_COLUMNS}"
)
_TABLES = "chunks JOIN sources ON sources.id = chunks.source_id"


def hits_by_row(
    connection: Connection, collection: Collection, found: Sequence[tuple[int, float]]
) -> list[Hit]:
    """Hits for (row id, score), in that order; rows that are gone are left out."""
    rows = connection.execute(
        # The + keeps SQLite from walking through the whole collection by its index.
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE +chunks.collection_id = ? "  # noqa: S608
        "AND chunks.id IN (SELECT value FROM json_each(?))",
        (collection.id, json.dumps([row_id for row_id, _ in found])),
    )
    scores = dict(found)
    hits = {row["row_id"]: _hit(row, collection, scores[row["row_id"]]) for row in rows}
    return [hits[row_id] for row_id, _ in found if row_id in hits]


def hits_by_id(
    connection: Connection, collection: Collection, chunk_ids: Iterable[str]
) -> list[Hit]:
    """Hits for ids in their order; unknown ones are left out, doubled ones come once."""
    wanted = list(dict.fromkeys(chunk_ids))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE chunks.collection_id = ? "  # noqa: S608
        "AND chunks.chunk_id IN (SELECT value FROM json_each(?))",
        (collection.id, json.dumps(wanted)),
    )
    hits = {row["chunk_id"]: _hit(row, collection) for row in rows}
    return [hits[chunk_id] for chunk_id in wanted if chunk_id in hits]


def hits_of_source(
    connection: Connection,
    collection: Collection,
    source_id: int,
    first: int = 0,
    last: int | None = None,
) -> list[Hit]:
    """The chunks of a source in order, from position ``first`` to ``last`` (both included)."""
    if not can_be_stored(source_id):
        return []
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE chunks.collection_id = ? "  # noqa: S608
        "AND chunks.source_id = ? AND chunks.position BETWEEN ? AND ? "
        "ORDER BY chunks.position, chunks.id",
        (
            *(collection.id, source_id),
            *(min(max(first, 0), LARGEST), LARGEST if last is None else min(last, LARGEST)),
        ),
    )
    return [_hit(row, collection) for row in rows]


def ids_of_source(connection: Connection, collection: Collection, uri: str) -> set[str]:
    """Ids of the chunks that a source has now."""
    rows = connection.execute(
        "SELECT chunk_id FROM chunks JOIN sources ON sources.id = source_id "
        "WHERE sources.collection_id = ? AND uri = ?",
        (collection.id, storable(uri)),
    )
    return {row[0] for row in rows}


def words_of_chunks(
    connection: Connection, collection: Collection, chunk_ids: Iterable[str]
) -> dict[int, str]:
    """What the keyword table holds for chunks, by row."""
    rows = connection.execute(
        "SELECT id, text, heading_path FROM chunks WHERE collection_id = ? "
        "AND chunk_id IN (SELECT value FROM json_each(?))",
        (collection.id, json.dumps(list(chunk_ids))),
    )
    return {row["id"]: column_of(row, collection.id) for row in rows}


def rows_where(connection: Connection, collection: Collection, where: Where | None) -> Ids:
    """Ids of the rows that match a filter, in order."""
    test, parameters = condition(where, own_fields(connection, collection.id))
    rows = connection.execute(
        # The +: by the collection's index the rows would be read in random order.
        f"SELECT chunks.id FROM {_TABLES} WHERE +chunks.collection_id = ? "  # noqa: S608
        f"AND sources.collection_id = ? AND {test}",
        (collection.id, collection.id, *parameters),
    )
    return np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64))


def scores_by_row(
    connection: Connection, space: Space, query: Stored, rows: Sequence[int]
) -> list[tuple[int, float]]:
    """(row id, exact score) of those ``rows`` that are there, best first.

    Args:
        query: encoded, shape (width,).
    """
    found = vectors_of(connection, space.id, rows)
    stored = space.form.from_blobs([blob for _, blob in found])
    scores = space.form.scores(query, stored).tolist()
    pairs = [(row, score) for (row, _), score in zip(found, scores, strict=True)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def vectors_by_hash(
    connection: Connection, collection: Collection, hashes: Iterable[str]
) -> dict[str, Vectors]:
    """Vectors of these content hashes, each of shape (dimension,)."""
    rows = connection.execute(
        "SELECT content_hash, vector FROM chunks JOIN vectors "
        "ON vectors.chunk = chunks.id AND space_id = ? WHERE collection_id = ? "
        "AND content_hash IN (SELECT value FROM json_each(?))",
        (collection.space.id, collection.id, json.dumps(list(hashes))),
    )
    blobs = {row["content_hash"]: row["vector"] for row in rows}
    form = collection.space.form
    return dict(zip(blobs, form.floats(form.from_blobs(list(blobs.values()))), strict=True))


def vectors_by_id(
    connection: Connection, collection: Collection, chunk_ids: Sequence[str]
) -> Vectors:
    """(n, dimension), in the order of those ids that are there."""
    rows = connection.execute(
        "SELECT chunk_id, vector FROM chunks JOIN vectors "
        "ON vectors.chunk = chunks.id AND space_id = ? WHERE collection_id = ? "
        "AND chunk_id IN (SELECT value FROM json_each(?))",
        (collection.space.id, collection.id, json.dumps(list(chunk_ids))),
    )
    blobs = {row["chunk_id"]: row["vector"] for row in rows}
    form = collection.space.form
    return form.floats(form.from_blobs([blobs[one] for one in chunk_ids if one in blobs]))


def _hit(row: Row, collection: Collection, score: float = 0.0) -> Hit:
    return Hit(
        id=row["chunk_id"],
        text=row["text"],
        score=score,
        source=source_of(row, collection.name),
        position=row["position"],
        heading_path=tuple(json.loads(row["heading_path"])),
        page=row["page"],
        anchor=row["anchor"],
        metadata=json.loads(row["metadata"]),
    )

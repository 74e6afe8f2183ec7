"""Dense search: candidates of the index, scored with the vectors that the database holds now.

So a hit's score is exact whatever the index's kind, and a chunk that was deleted is not found,
whatever the index still holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from assistant.knowledge import reading
from assistant.knowledge.catalogue import Collection, find_collection, has_chunks
from assistant.knowledge.filters import Where
from assistant.knowledge.folder import Folder
from assistant.knowledge.records import Hit
from assistant.knowledge.vectors import Ids, Stored


def nearest(  # noqa: PLR0917 - as KnowledgeBase.dense, and where
    folder: Folder,
    name: str,
    fingerprint: str,
    vector: ArrayLike,
    k: int,
    where: Where | None = None,
) -> list[Hit]:
    """The ``k`` chunks of the collection ``name`` that are nearest to ``vector``, best first.

    Args:
        fingerprint: of the model that made ``vector``, shape (dimension,).

    Raises:
        KnowledgeError: the collection is another model's, the vector isn't finite or has
            another dimension, or the filter can't be used.
    """
    while True:
        with folder.database.read() as connection:
            collection = find_collection(connection, name)
            if k < 1 or collection is None or not has_chunks(connection, collection.id):
                return []
            query = _encoded(collection, fingerprint, vector)
            is_filtered = where is not None and where != {}
            allowed = reading.rows_where(connection, collection, where) if is_filtered else None
        found = _search(folder, collection, query, k, allowed)
        if found is not None:
            return [
                replace(hit, dense_rank=rank, dense_score=hit.score)
                for rank, hit in enumerate(found, 1)
            ]


def _encoded(collection: Collection, fingerprint: str, vector: ArrayLike) -> Stored:
    space = collection.space
    space.check(fingerprint)
    row: Any = [vector]  # encode checks what it is
    encoded = space.form.encode(row, 1)
    space.check_dimension(space.form.dimension_of(row))
    query: Stored = encoded[0]
    return query


def _search(
    folder: Folder, collection: Collection, query: Stored, k: int, allowed: Ids | None
) -> list[Hit] | None:
    """None where the collection got other vectors meanwhile: search again."""
    if allowed is not None and not len(allowed):
        return []
    index = folder.index(collection.space)
    asked = k
    while True:
        rows, is_all = index.candidates(query, asked, allowed, folder.writes)
        with folder.database.read() as connection:
            current = find_collection(connection, collection.name)
            if current is None or current.space != collection.space:
                return None
            scored = reading.scores_by_row(connection, collection.space, query, rows)
            if len(scored) >= k or is_all:
                return reading.hits_by_row(connection, collection, scored[:k])
        asked *= 2

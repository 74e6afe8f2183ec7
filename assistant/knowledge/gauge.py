"""What the scores of a collection are measured by.

Embedding models differ in how near unrelated texts are to each other (E5: a cosine of .8; others:
.2), and in a larger collection words can be rarer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assistant.knowledge.catalogue import Collection, find_collection
from assistant.knowledge.changes import vectors_of
from assistant.knowledge.database import Connection
from assistant.knowledge.folder import Folder

#: Chunks that are compared with each other: the spread is known to some 3 %.
SAMPLE = 48


@dataclass(frozen=True)
class Gauge:
    """``spread``: how much higher a chunk scores with itself than with another, in the mean; 0
    where there are no two. ``rows``: chunks that the keyword table counts."""

    spread: float
    rows: int


def gauge_of(folder: Folder, name: str) -> Gauge:
    """Of the collection ``name`` as it is now, always the same for the same chunks."""
    with folder.database.read() as connection:
        collection = find_collection(connection, name)
        rows = connection.execute("SELECT max(id) FROM chunks").fetchone()[0] or 0
        return Gauge(_spread(connection, collection) if collection else 0.0, rows)


def _spread(connection: Connection, collection: Collection) -> float:
    space = collection.space
    found = vectors_of(connection, space.id, _sample(connection, space.id))
    if len(found) < 2:
        return 0.0
    stored = space.form.from_blobs([blob for _, blob in found])
    scores = np.array([space.form.scores(one, stored) for one in stored], dtype=np.float64)
    count = len(found)
    own = np.trace(scores)
    return float(max(0.0, own / count - (scores.sum() - own) / (count * (count - 1))))


def _sample(connection: Connection, space_id: int) -> list[int]:
    """Rows with vectors, spread over all of them."""
    first, last = connection.execute(
        "SELECT (SELECT min(chunk) FROM vectors WHERE space_id = ?1), "
        "(SELECT max(chunk) FROM vectors WHERE space_id = ?1)",
        (space_id,),
    ).fetchone()
    if first is None:
        return []
    places = np.linspace(first, last, SAMPLE).astype(int).tolist()
    rows = [
        connection.execute(
            "SELECT min(chunk) FROM vectors WHERE space_id = ? AND chunk >= ?", (space_id, place)
        ).fetchone()[0]
        for place in places
    ]
    return sorted(set(rows))

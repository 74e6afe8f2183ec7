"""A new base from the database, read in pages so that no transaction stays open for long.

Rows that are deleted while it is built stay in the log behind its cursor, and rows that are added
lie beyond its last row: whoever takes the base catches up with both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from assistant.knowledge import changes
from assistant.knowledge.changes import Cursor
from assistant.knowledge.database import Database
from assistant.knowledge.index import engine, kinds
from assistant.knowledge.index.engine import faiss
from assistant.knowledge.index.kinds import KINDS
from assistant.knowledge.spaces import Space
from assistant.knowledge.vectors import Ids, Stored

#: An approximate index must find this share of the ten nearest, or it is searched more widely.
RECALL_FLOOR = 0.99
PROBES = 256  # questions that the recall is measured with
NEAREST = 10
_PAGE = 8192
_TRAINING = 64  # vectors for each list
_TRAINED_CODES = 100_000  # vectors, for kinds without lists
_DISTANCE = 0.3  # of a question from a stored vector, by their lengths
_SEED = 7


class BuildStopped(Exception):
    """The index was closed, or its space vanished; never leaves the index."""


@dataclass(frozen=True)
class Base:
    index: Any
    kind: str
    cursor: Cursor
    recall: float


def build(database: Database, space: Space, wanted: str, is_stopped: Callable[[], bool]) -> Base:
    """Raises BuildStopped when ``is_stopped`` says so."""
    with database.read() as connection:
        cursor = changes.head(connection, space.id)
        count, last = changes.extent(connection, space.id)
    kind = kinds.kind_for(wanted, space.form, count)
    engine.single_threaded()  # the other cores answer questions
    index = engine.empty(kind, space.form, count)
    probes = None
    if not index.is_trained or not KINDS[kind].is_exact:
        sample = _sample(database, space, _training_size(kind, count))
        if not len(sample):  # there are none, or no more: the space is being cleared
            return Base(engine.tail(space.form), "flat", cursor, 1.0)
        if KINDS[kind].has_lists and len(sample) < kinds.lists_for(count):
            raise BuildStopped
        _train(index, sample)
        if not KINDS[kind].is_exact:
            probes = _Probes(sample[:: max(1, len(sample) // PROBES)][:PROBES], space)
    for ids, rows in _pages(database, space, last):
        if is_stopped():
            raise BuildStopped
        engine.add(index, ids, rows)
        if probes is not None:
            probes.see(ids, rows)
    recall = probes.tune(index, kind) if probes is not None else 1.0
    return Base(index, kind, cursor, recall)


def _training_size(kind: str, count: int) -> int:
    if KINDS[kind].has_lists:
        return min(count, max(_TRAINING * kinds.lists_for(count), 2 * KINDS[kind].least))
    return min(count, _TRAINED_CODES)


def _train(index: Any, sample: Any) -> None:
    if isinstance(index, faiss.IndexIVF):
        index.cp.niter = 10
        index.cp.max_points_per_centroid = _TRAINING
    index.train(sample)


def _sample(database: Database, space: Space, size: int) -> Any:
    """(size, dimension) float32: rows of the space, taken at random."""
    with database.read() as connection:
        rows = connection.execute("SELECT chunk FROM vectors WHERE space_id = ?", (space.id,))
        every = np.fromiter((row[0] for row in rows), dtype=np.int64)
    random = np.random.default_rng(_SEED)
    chosen = random.permutation(every)[:size].tolist()
    parts = []
    for start in range(0, len(chosen), _PAGE):
        with database.read() as connection:
            found = changes.vectors_of(connection, space.id, sorted(chosen[start : start + _PAGE]))
        parts.append(engine.indexed(space.form, space.form.from_blobs([b for _, b in found])))
    return np.concatenate(parts) if parts else np.empty((0, space.form.dimension), np.float32)


def _pages(database: Database, space: Space, last: int) -> Iterator[tuple[Ids, Stored]]:
    after = 0
    while True:
        with database.read() as connection:
            page = changes.page_of_vectors(connection, space.id, after, last, _PAGE)
        if not page:
            return
        after = page[-1][0]
        stored = space.form.from_blobs([blob for _, blob in page])
        ids = np.array([row for row, _ in page], dtype=np.int64)
        yield ids, engine.indexed(space.form, stored)


class _Probes:
    """Questions near some stored vectors, their true neighbours, and how wide a search must be to
    find them. The stored vectors themselves would be easier to find than what people ask for."""

    def __init__(self, vectors: Any, space: Space) -> None:
        noise = np.random.default_rng(_SEED).normal(size=vectors.shape)
        noise *= _DISTANCE * np.linalg.norm(vectors) / np.linalg.norm(noise)
        self._vectors = np.ascontiguousarray(vectors + noise, dtype=np.float32)
        self._is_distance = space.form.metric == "l2"
        self._best = np.full((len(vectors), NEAREST), -np.inf, dtype=np.float32)
        self._ids = np.full((len(vectors), NEAREST), -1, dtype=np.int64)

    def see(self, ids: Ids, rows: Any) -> None:
        """Vectors that came into the index."""
        scores = self._vectors @ rows.T
        if self._is_distance:
            scores = 2 * scores - np.einsum("ij,ij->i", rows, rows)
        most = min(NEAREST, len(ids))
        top = np.argpartition(-scores, most - 1, axis=1)[:, :most]
        scores = np.concatenate([self._best, np.take_along_axis(scores, top, axis=1)], axis=1)
        known = np.concatenate([self._ids, ids[top]], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :NEAREST]
        self._best = np.take_along_axis(scores, order, axis=1)
        self._ids = np.take_along_axis(known, order, axis=1)

    def tune(self, index: Any, kind: str) -> float:
        """Set how many lists (or how deep in the graph) a search goes: the least that reaches
        the floor. Returns the recall there."""
        asked = NEAREST * KINDS[kind].oversample + 2
        width, most, set_width = _width(index)
        while True:
            set_width(width)
            found = index.search(self._vectors, asked)[1]
            hits = [len(np.intersect1d(a, b)) for a, b in zip(found, self._ids, strict=True)]
            recall = float(np.sum(hits) / max(1, np.sum(self._ids >= 0)))
            if recall >= RECALL_FLOOR or width >= most:
                return recall
            width = min(most, width * 2)


def _width(index: Any) -> tuple[int, int, Callable[[int], None]]:
    """Where to begin, where to end, and what sets it."""
    graph = engine.graph_of(index)
    if graph is not None:

        def set_depth(value: int) -> None:
            graph.hnsw.efSearch = value

        return 32, max(32, int(index.ntotal)), set_depth

    def set_probes(value: int) -> None:
        index.nprobe = value

    return 4, int(index.nlist), set_probes

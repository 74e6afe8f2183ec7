"""FAISS: the vectors of a collection in memory, following the database. The only module that
knows FAISS.

The state is never changed in place: ``base`` (big, as in the last snapshot), ``tail`` (what came
since) and ``removed`` (what went since) are replaced together, so searches need no lock. When the
tail or the removed grow to a tenth of the base, all three become a new base, and that is published.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import faiss as faiss_module
import numpy as np

from assistant.errors import KnowledgeLocked
from assistant.knowledge import changes, snapshot
from assistant.knowledge.catalogue import Collection, find_collection
from assistant.knowledge.changes import Cursor
from assistant.knowledge.database import Connection, Database
from assistant.knowledge.vectors import Ids, Vectors, from_blobs

# Its type hints lack half of what it has.
faiss: Any = faiss_module

logger = logging.getLogger(__name__)

_BATCH = 4096  # rows read from the database at once
_SMALL = 1000  # changes that are not worth a new base


@dataclass(frozen=True)
class _State:
    collection_id: int
    fingerprint: str
    dimension: int
    base: Any  # faiss.IndexIDMap, never changed once it is here
    tail: Any
    removed: frozenset[int]
    cursor: Cursor  # of everything
    base_cursor: Cursor  # of the base alone

    @property
    def drift(self) -> int:
        """Vectors that came or went since the base."""
        return int(self.tail.ntotal) + len(self.removed)

    @property
    def count(self) -> int:
        return int(self.base.ntotal + self.tail.ntotal) - len(self.removed)


class VectorIndex:
    """Exact cosine search over one collection.

    Args:
        database: where the vectors and the change log are.
        path: the snapshot file; its folder is made when one is published.
    """

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        self._state: _State | None = None
        self._published: Cursor | None = None  # base of the snapshot file
        self._attempted: Cursor | None = None  # not tried again before the next base
        self._catching_up = threading.Lock()
        self._publisher: threading.Thread | None = None

    def search(
        self, collection: Collection, vector: Vectors, k: int, allowed: Ids | None = None
    ) -> list[tuple[int, float]]:
        """Up to ``k`` (row id, cosine), best first, of all changes committed before the call.

        Args:
            vector: shape (dimension,), unit length.
            allowed: only these rows.
        """
        state = self._current(collection)
        stored = replace(collection, fingerprint=state.fingerprint, dimension=state.dimension)
        stored.check(collection.fingerprint)
        parts = [part for part in (state.base, state.tail) if part.ntotal]
        # One vector at a time is scanned by one thread; more only wait for each other.
        faiss.omp_set_num_threads(1)
        found: list[tuple[int, float]] = []
        for part in parts:
            found += _search_part(part, vector, k, allowed, state.removed)
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def close(self) -> None:
        """Publish what is worth it, and wait for it. The index may be used again."""
        with self._catching_up:
            if self._publisher is not None:
                self._publisher.join()
            state = self._state
            if state is None or not state.count:
                return
            if state.base_cursor != self._published or state.drift > state.base.ntotal // 100:
                self._state = _compacted(state)
                self._publish(self._state)

    def _current(self, collection: Collection) -> _State:
        with self._database.read() as connection:
            head = changes.head(connection, collection.id)
        state = self._state
        if state is not None and state.cursor == head:
            return state
        with self._catching_up:
            with self._database.read() as connection:
                state = self._caught_up(connection, collection)
            if state.drift > max(_SMALL, state.base.ntotal // 10):
                state = _compacted(state)
            self._state = state
            if state.base.ntotal > _SMALL and state.base_cursor not in (
                self._published,
                self._attempted,
            ):
                self._publish_in_background(state)
        return state

    def _caught_up(self, connection: Connection, collection: Collection) -> _State:
        # As it is in this transaction: it may have been emptied and given to another model.
        collection = find_collection(connection, collection.name) or collection
        state = self._state or self._from_snapshot(collection)
        if state is None:
            return _from_database(connection, collection)
        is_same_model = (state.fingerprint, state.dimension) == (
            collection.fingerprint,
            collection.dimension,
        )
        if is_same_model and changes.holds(connection, collection.id, state.cursor):
            return _advanced(connection, collection, state)
        if state.cursor != Cursor():
            logger.warning(
                "The index of collection %s doesn't fit the database as it is now; it is rebuilt.",
                collection.name,
            )
        return _from_database(connection, collection)

    def _from_snapshot(self, collection: Collection) -> _State | None:
        try:
            with self._path.open("rb") as file:
                about = snapshot.check(file)
                base = faiss.read_index(faiss.PyCallbackIOReader(file.read))
        except FileNotFoundError:
            logger.info("Collection %s has no index file yet.", collection.name)
            return None
        except (OSError, RuntimeError, snapshot.SnapshotError) as error:
            logger.warning(
                "The index file %s can't be used (%s); it is rebuilt from the database.",
                self._path,
                error,
            )
            return None
        self._published = Cursor(about.seq, about.stamp)
        return _fresh(collection.id, about.fingerprint, about.dimension, base, self._published)

    def _publish_in_background(self, state: _State) -> None:
        """Write the base; a search doesn't wait for the disk."""
        if self._publisher is not None and self._publisher.is_alive():
            return
        self._attempted = state.base_cursor
        self._publisher = threading.Thread(
            target=self._publish, args=(state,), name="publish-index"
        )
        self._publisher.start()

    def _publish(self, state: _State) -> None:
        about = snapshot.About(
            fingerprint=state.fingerprint,
            dimension=state.dimension,
            count=int(state.base.ntotal),
            seq=state.base_cursor.seq,
            stamp=state.base_cursor.stamp,
        )

        def write(take: Callable[[bytes], int]) -> None:
            faiss.write_index(state.base, faiss.PyCallbackIOWriter(take))

        try:
            snapshot.publish(self._path, about, write)
        except OSError as error:
            logger.warning("The index file %s can't be written (%s).", self._path, error)
            return
        self._published = state.base_cursor
        logger.info("Published %s: %d vectors.", self._path, about.count)
        try:
            with self._database.write() as connection:
                changes.prune(connection, state.collection_id, state.base_cursor)
        except KnowledgeLocked:
            logger.info("The change log is pruned after the next publication.")


def _search_part(
    index: Any, vector: Vectors, k: int, allowed: Ids | None, removed: frozenset[int]
) -> list[tuple[int, float]]:
    """Up to ``k`` hits of one FAISS index, without the removed rows."""
    selector = None if allowed is None else faiss.IDSelectorBatch(allowed)
    parameters = faiss.SearchParameters(sel=selector) if selector else None
    asked = min(k, index.ntotal)
    while True:
        scores, ids = index.search(vector[np.newaxis], asked, params=parameters)
        pairs = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
        hits = [pair for pair in pairs if pair[0] != -1 and pair[0] not in removed]
        is_exhausted = asked == index.ntotal or ids[0, -1] == -1
        if len(hits) >= k or is_exhausted:
            return hits[:k]
        asked = min(asked * 4, index.ntotal)


def _empty(dimension: int) -> Any:
    return faiss.IndexIDMap(faiss.IndexFlatIP(dimension))


def _append(index: Any, rows: Iterator[tuple[int, bytes]]) -> None:
    while batch := list(islice(rows, _BATCH)):
        ids = np.array([row for row, _ in batch], dtype=np.int64)
        index.add_with_ids(from_blobs([blob for _, blob in batch], index.d), ids)


def _copy_into(target: Any, index: Any, removed: Ids) -> None:
    ids = faiss.vector_to_array(index.id_map)
    for start in range(0, index.ntotal, _BATCH):
        part = ids[start : start + _BATCH]
        stays = ~np.isin(part, removed)
        vectors = index.index.reconstruct_n(start, len(part))
        target.add_with_ids(vectors[stays], part[stays])


def _from_database(connection: Connection, collection: Collection) -> _State:
    base = _empty(collection.dimension)
    _append(base, changes.everything(connection, collection.id))
    head = changes.head(connection, collection.id)
    return _fresh(collection.id, collection.fingerprint, collection.dimension, base, head)


def _fresh(
    collection_id: int, fingerprint: str, dimension: int, base: Any, cursor: Cursor
) -> _State:
    """A state that is all base."""
    return _State(
        collection_id=collection_id,
        fingerprint=fingerprint,
        dimension=dimension,
        base=base,
        tail=_empty(dimension),
        removed=frozenset(),
        cursor=cursor,
        base_cursor=cursor,
    )


def _advanced(connection: Connection, collection: Collection, state: _State) -> _State:
    """``state`` with the changes since."""
    tail = _empty(state.dimension)
    _copy_into(tail, state.tail, np.empty(0, dtype=np.int64))
    _append(tail, changes.added_since(connection, collection.id, state.cursor))
    return replace(
        state,
        tail=tail,
        removed=state.removed.union(changes.deleted_since(connection, collection.id, state.cursor)),
        cursor=changes.head(connection, collection.id),
    )


def _compacted(state: _State) -> _State:
    """One base of everything that is there."""
    base = _empty(state.dimension)
    removed = np.fromiter(state.removed, dtype=np.int64)
    for part in (state.base, state.tail):
        _copy_into(base, part, removed)
    return replace(
        state,
        base=base,
        tail=_empty(state.dimension),
        removed=frozenset(),
        base_cursor=state.cursor,
    )

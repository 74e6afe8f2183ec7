"""Another embedding model (or metric, or precision) for a collection that stays searchable.

1. A building space is made beside the serving one, and filled with the vectors of all chunks in the
   order of their rows. Others go on writing: what they add comes last, what they delete goes from
   both spaces.
2. Its index is built and published.
3. One transaction checks that no chunk is without its vector, and switches.
4. The old space's vectors are cleared away in pieces.

Killed anywhere, it goes on where it was when it is started again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.catalogue import Collection, find_collection, has_chunks
from assistant.knowledge.changes import ChangeLog, extent, vectors_of
from assistant.knowledge.database import Connection, Database, Row
from assistant.knowledge.disk import exclusive
from assistant.knowledge.records import stored_chunk
from assistant.knowledge.spaces import (
    BUILDING,
    RETIRED,
    SERVING,
    Space,
    find_space,
    make_space,
    set_state,
    space_of,
    without_vector,
)
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.vectors import Form, to_blobs

Embed = Callable[[Sequence[str]], ArrayLike]


@dataclass(frozen=True)
class Progress:
    """Chunks that have their new vector, of how many."""

    done: int
    total: int


def reindex(
    knowledge: KnowledgeBase,
    embed: Embed,
    fingerprint: str,
    *,
    metric: str | None = None,
    precision: str | None = None,
    batch: int = 64,
) -> Iterator[Progress]:
    """Embed the collection anew and switch to that; yields after each batch. Nothing is done
    where the collection is of this model and form already.

    Args:
        embed: vectors, shape (n, dimension), of n texts.
        fingerprint: of the model behind ``embed``.
        metric, precision: those of the collection if None.

    Raises:
        KnowledgeError: the collection is empty, an unfinished reindex to another model is there, or
            the vectors can't be used.
        KnowledgeLocked: another process reindexes this collection.
        ModelError: as ``embed`` raises it. What was embedded is kept.
    """
    folder = knowledge.folder
    folder.clear_retired()
    collection = _collection(folder.database, knowledge.name)
    form = replace(
        collection.space.form,
        dimension=0,
        metric=metric or collection.space.form.metric,
        precision=precision or collection.space.form.precision,
    )
    known = replace(form, dimension=collection.space.form.dimension)
    if (collection.space.fingerprint, collection.space.form) == (fingerprint, known):
        return
    with _alone(knowledge, collection):
        run = _Run(folder.database, collection, embed, fingerprint, form, batch)
        yield from run.fill(resume=True)
        folder.index(run.space).publish()
        while not _switch(folder.database, collection, run.space):
            yield from run.fill(resume=False)
        folder.wrote()
        folder.clear_retired()


def abandon(knowledge: KnowledgeBase) -> bool:
    """Drop the vectors of an unfinished reindex; whether there was one."""
    with knowledge.folder.database.read() as connection:
        collection = find_collection(connection, knowledge.name)
        space = space_of(connection, collection.id, BUILDING) if collection else None
    if collection is None or space is None:
        return False
    with _alone(knowledge, collection):
        with knowledge.folder.database.write() as connection:
            _check_building(connection, space)
            set_state(connection, space.id, RETIRED)
        knowledge.folder.clear_retired()
    return True


@contextmanager
def _alone(knowledge: KnowledgeBase, collection: Collection) -> Iterator[None]:
    """One reindex of a collection at a time."""
    path = knowledge.folder.index_dir / f"{collection.id}.reindex.lock"
    with exclusive(path) as is_ours:
        if not is_ours:
            raise KnowledgeLocked(
                "Another process is embedding collection {name} anew: wait for its end.",
                "另一个进程正在重新嵌入知识库 {name}：请等待其完成。",
                name=knowledge.name,
            )
        yield


def _check_building(connection: Connection, space: Space) -> None:
    current = find_space(connection, space.id)
    if current is None or current.state != BUILDING:
        raise KnowledgeError(
            "Collection {name} was made anew while it was embedded: nothing was switched; start "
            "the reindex again.",
            "重新嵌入期间，知识库 {name} 被重建：未切换，请重新开始。",
            name=space.collection,
        )


class _Run:
    """Fills the building space of a collection."""

    def __init__(  # noqa: PLR0917 - what reindex was given
        self,
        database: Database,
        collection: Collection,
        embed: Embed,
        fingerprint: str,
        form: Form,
        batch: int,
    ) -> None:
        self._database = database
        self._collection = collection
        self._embed = embed
        self._fingerprint = fingerprint
        self._form = form  # its dimension is known with the first vectors
        self._batch = batch
        self._space = self._unfinished()

    @property
    def space(self) -> Space:
        if self._space is None:  # it was emptied since it was looked at
            raise _nothing_to_embed(self._collection.name)
        return self._space

    def fill(self, *, resume: bool) -> Iterator[Progress]:
        """Embed what has no vector yet; with ``resume`` only behind the last that has one, since
        rows are done in their order."""
        done, last = self._extent()
        after = last if resume else 0
        while rows := self._next(after):
            vectors = self._vectors(rows)
            blobs = to_blobs(self._form.encode(vectors, len(rows)))
            with self._database.write() as connection:
                if self._space is None:
                    dimension = self._form.dimension_of(vectors)
                    self._form = replace(self._form, dimension=dimension)
                    self._space = make_space(
                        connection, self._collection.id, BUILDING, self._fingerprint, self._form
                    )
                _check_building(connection, self.space)
                self.space.check_dimension(self._form.dimension_of(vectors))
                done += _store(connection, self.space, rows, blobs)
            after = rows[-1]["id"]
            yield Progress(done, max(done, self._count()))

    def _vectors(self, rows: Sequence[Row]) -> ArrayLike:
        """Of the model; or those that are stored, where the model is the same and they keep all
        that the new form needs."""
        old = self._collection.space
        is_whole = old.form.precision == "float32" and (
            old.form.metric in (self._form.metric, "ip", "l2")
        )
        if old.fingerprint == self._fingerprint and is_whole:
            with self._database.read() as connection:
                found = vectors_of(connection, old.id, [row["id"] for row in rows])
            if len(found) == len(rows):  # none was deleted in between
                return old.form.floats(old.form.from_blobs([blob for _, blob in found]))
        return self._embed([stored_chunk(row).embedding_text for row in rows])

    def _unfinished(self) -> Space | None:
        with self._database.read() as connection:
            space = space_of(connection, self._collection.id, BUILDING)
        if space is None:
            return None
        if (space.fingerprint, replace(space.form, dimension=0)) != (self._fingerprint, self._form):
            raise KnowledgeError(
                "Collection {name} has an unfinished reindex to {other}: finish that one, or drop "
                "it with `python -m ingest reindex --abandon`.",
                "知识库 {name} 有一个未完成的重新嵌入（目标为 {other}）：请先完成它，或用 "
                "`python -m ingest reindex --abandon` 放弃。",
                name=self._collection.name,
                other=space.fingerprint,
            )
        self._form = space.form
        return space

    def _extent(self) -> tuple[int, int]:
        """How many have their vector, and the last of these."""
        if self._space is None:
            return 0, 0
        with self._database.read() as connection:
            return extent(connection, self._space.id)

    def _next(self, after: int) -> list[Row]:
        with self._database.read() as connection:
            return connection.execute(
                "SELECT id, text, heading_path FROM chunks WHERE collection_id = ? AND id > ? "
                "AND NOT EXISTS (SELECT 1 FROM vectors WHERE space_id = ? AND chunk = chunks.id) "
                "ORDER BY id LIMIT ?",
                (self._collection.id, after, self._space.id if self._space else 0, self._batch),
            ).fetchall()

    def _count(self) -> int:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT total(chunks) FROM sources WHERE collection_id = ?", (self._collection.id,)
            ).fetchone()
        return int(row[0])


def _store(
    connection: Connection, space: Space, rows: Sequence[Row], blobs: Sequence[bytes]
) -> int:
    """Vectors of those chunks that are still there; how many."""
    stored = []
    for row, blob in zip(rows, blobs, strict=True):
        inserted = connection.execute(
            "INSERT INTO vectors (space_id, chunk, vector) "
            "SELECT ?, id, ? FROM chunks WHERE id = ?",
            (space.id, blob, row["id"]),
        )
        if inserted.rowcount:
            stored.append(row["id"])
    ChangeLog(connection).add(space.id, stored)
    return len(stored)


def _switch(database: Database, collection: Collection, space: Space) -> bool:
    """Let ``space`` serve; False where chunks came that have no vector in it yet."""
    with database.write() as connection:
        _check_building(connection, space)
        if without_vector(connection, space.id, most=1):
            return False
        old = space_of(connection, collection.id, SERVING)
        if old is not None:
            set_state(connection, old.id, RETIRED)
        set_state(connection, space.id, SERVING)
        return True


def _collection(database: Database, name: str) -> Collection:
    with database.read() as connection:
        collection = find_collection(connection, name)
        if collection is None or not has_chunks(connection, collection.id):
            raise _nothing_to_embed(name)
    return collection


def _nothing_to_embed(name: str) -> KnowledgeError:
    return KnowledgeError(
        "Collection {name} is empty: there is nothing to embed anew; the next document added takes "
        "the configured model.",
        "知识库 {name} 为空，无需重新嵌入：下次添加文档时将使用当前配置的模型。",
        name=name,
    )

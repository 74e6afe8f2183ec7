"""The knowledge base: the one door through which everything else reads and writes documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import ArrayLike, NDArray

from assistant.knowledge import catalogue, reading
from assistant.knowledge.catalogue import TEXT_KIND, Collection, NewSource
from assistant.knowledge.chunks import ChunkWriter, document_rows
from assistant.knowledge.database import WAIT_SECONDS, Connection
from assistant.knowledge.filters import Where
from assistant.knowledge.folder import DATABASE_NAME, Folder
from assistant.knowledge.keyword_search import keyword_hits
from assistant.knowledge.nearest import nearest
from assistant.knowledge.records import Hit, NewChunk, Source, StoreReport
from assistant.knowledge.texts import NewText, TextWriter, taken_by_texts, text_rows
from assistant.knowledge.vectors import Form, Stored, Vectors, unit
from assistant.knowledge.vectorstore import DocumentStore

DEFAULT_COLLECTION = "default"
_AT_ONCE = 2000  # chunks that one transaction deletes by their ids


class KnowledgeBase(DocumentStore):
    """One collection of the data folder. Safe for any number of threads and processes.

    A write is on the disk when its call returns. A deleted chunk is in no search that begins after
    that, in any process; an added one is in every search of this process that begins after it, and
    within 2 seconds in those of other processes.

    Args:
        data_dir: the data folder; made where missing.
        embeddings: the model for LangChain's calls; None where only vectors are handed in.
        fingerprint: names the model, its dimension and prefixes. Searching or adding with another
            one than the collection's raises ``KnowledgeError``; reading, keyword search and
            deleting don't need the model.
        collection: its name; it is made by the first write.
        wait_seconds: how long a write waits for other writers before ``KnowledgeLocked``.
        metric, precision: of a collection that this one makes (``vectors.py``); one that is there
            keeps its own.
        index: the index's kind (``index/kinds.py``); ``auto`` chooses by size.

    Raises:
        KnowledgeError: the folder or the database can't be used, or the name can't be one.
    """

    def __init__(
        self,
        data_dir: Path,
        embeddings: Embeddings | None,
        fingerprint: str,
        collection: str = DEFAULT_COLLECTION,
        *,
        wait_seconds: float = WAIT_SECONDS,
        metric: str = "cosine",
        precision: str = "float32",
        index: str = "auto",
    ) -> None:
        super().__init__(embeddings)
        self.name = catalogue.check_name(collection)
        self.fingerprint = fingerprint
        self._new_form = Form(0, metric, precision)
        self._folder = Folder(Path(data_dir), wait_seconds, index)

    @classmethod
    def open(
        cls, folder: Path, embeddings: Embeddings, fingerprint: str, **options: Any
    ) -> KnowledgeBase:
        return cls(folder, embeddings, fingerprint, **options)

    def collection(self, name: str) -> KnowledgeBase:
        """Another collection of the same folder. Closing either closes both."""
        view = object.__new__(type(self))
        DocumentStore.__init__(view, self._embeddings)
        view.name = catalogue.check_name(name)
        view.fingerprint = self.fingerprint
        view._new_form = self._new_form
        view._folder = self._folder
        return view

    def close(self) -> None:
        """Publish the indexes and close the database."""
        self._folder.close()

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Folder:
        """The data folder, for its upkeep (``doctor``, ``reindex``, ``transfer``)."""
        return self._folder

    # Writing

    def add_embedded(  # noqa: PLR0917 - what is known of a document
        self,
        uri: str,
        title: str,
        kind: str,
        size: int,
        content_hash: str,
        chunks: Sequence[NewChunk],
        vectors: NDArray[Any],
    ) -> tuple[Source, StoreReport]:
        """Make ``chunks`` the content of the document ``uri``, all at once.

        Chunks that are there already keep their ids and vectors; where only their place changed
        (position, page, anchor), that is updated.

        Args:
            vectors: shape (len(chunks), dimension): the embedding of each ``embedding_text``.

        Raises:
            KnowledgeError: the collection is another model's, vectors are not finite or not as
                many, the URI holds texts that came through LangChain's interface.
            KnowledgeLocked: others wrote for the whole wait.
        """
        form, stored = self._encode(vectors, len(chunks))
        known_ids = self._ids_of(uri)
        rows = document_rows(uri, chunks, stored, known_ids)
        new = NewSource(uri, title, kind, size, content_hash)
        words = self._words_of(known_ids - {row.chunk_id for row in rows})
        with self._writing() as connection:
            collection = catalogue.claim_collection(
                connection, self.name, self.fingerprint, form, is_empty=not rows
            )
            known = catalogue.find_source(connection, collection, uri)
            if known is not None and (known.kind == TEXT_KIND) != (kind == TEXT_KIND):
                raise taken_by_texts(uri)
            source = catalogue.put_source(connection, collection, new)
            report = ChunkWriter(connection, collection, words).replace(source, rows)
            return catalogue.find_source(connection, collection, uri) or source, report

    def delete_source(self, source_id: int) -> StoreReport:
        """Delete a source with all its chunks; nothing where it isn't there (any more).

        A document goes at once; texts, which may be a million under one name, go in pieces.
        """
        source = self.source(source_id)
        if source is None:
            return StoreReport()
        ids = self._ids_of(source.uri)
        if source.kind == TEXT_KIND:
            return StoreReport(removed=self.remove(list(ids)))
        words = self._words_of(ids)
        with self._writing() as connection:
            collection = catalogue.find_collection(connection, self.name)
            if collection is None or not catalogue.find_source(connection, collection, source_id):
                return StoreReport()
            writer = ChunkWriter(connection, collection, words)
            return StoreReport(removed=writer.delete_source(source_id))

    def upsert(self, texts: Sequence[NewText]) -> None:
        self.upsert_embedded(texts, self.embed_texts([new.text for new in texts]))

    def upsert_embedded(self, texts: Sequence[NewText], vectors: ArrayLike) -> None:
        """As :meth:`upsert`, with the model's vectors, shape (len(texts), dimension), at hand."""
        form, stored = self._encode(vectors, len(texts))
        rows = text_rows(texts, stored)
        with self._writing() as connection:
            collection = catalogue.claim_collection(connection, self.name, self.fingerprint, form)
            TextWriter(connection, collection).upsert(texts, rows)

    def remove(self, ids: Sequence[str]) -> int:
        return sum(
            self._remove(ids[start : start + _AT_ONCE]) for start in range(0, len(ids), _AT_ONCE)
        )

    def _remove(self, ids: Sequence[str]) -> int:
        words = self._words_of(ids)
        with self._writing() as connection:
            collection = catalogue.find_collection(connection, self.name)
            if collection is None:
                return 0
            return TextWriter(connection, collection, words).delete(ids)

    def remove_all(self) -> int:
        """One source a transaction: other writers get their turn in between."""
        return sum(self.delete_source(source.id).removed for source in self.sources())

    def drop(self) -> int:
        """Delete the collection with all it holds; how many chunks there were.

        Raises:
            KnowledgeLocked: another process added to it meanwhile; what is left can be dropped.
        """
        removed = self.remove_all()
        with self._writing() as connection:
            collection = catalogue.find_collection(connection, self.name)
            if collection is None:
                return removed
            catalogue.drop_collection(connection, collection)
        self._folder.forget_index(collection.space.id)
        return removed

    def save_local(self, folder_path: str | Path) -> None:
        """A copy of the data folder's database, taken while others write. Raises KnowledgeError
        if there is a knowledge base already."""
        self._folder.database.copy_to(Path(folder_path) / DATABASE_NAME)

    # Reading

    def vectors_for(self, content_hashes: Sequence[str]) -> dict[str, Vectors]:
        with self._reading() as (connection, collection):
            if collection is None or not catalogue.has_chunks(connection, collection.id):
                return {}
            collection.space.check(self.fingerprint)
            return reading.vectors_by_hash(connection, collection, content_hashes)

    def dense(self, vector: ArrayLike, k: int, where: Where | None = None) -> list[Hit]:
        return nearest(self._folder, self.name, self.fingerprint, vector, k, where)

    def keyword(self, text: str, k: int, where: Where | None = None) -> list[Hit]:
        """The ``k`` best chunks by BM25 over words, identifiers and Chinese character pairs. Any
        text is a valid query; one without a letter or digit finds nothing."""
        with self._reading() as (connection, collection):
            return keyword_hits(connection, collection, text, k, where) if collection else []

    def hits(self, ids: Sequence[str]) -> list[Hit]:
        with self._reading() as (connection, collection):
            return reading.hits_by_id(connection, collection, ids) if collection else []

    def chunks(self, source_id: int) -> list[Hit]:
        """All chunks of a source in order, with score 0."""
        with self._reading() as (connection, collection):
            return reading.hits_of_source(connection, collection, source_id) if collection else []

    def neighbours(self, hit: Hit, before: int = 1, after: int = 1) -> list[Hit]:
        """The chunks around ``hit`` in its source, in order and without itself."""
        first, last = hit.position - before, hit.position + after
        with self._reading() as (connection, collection):
            if collection is None:
                return []
            around = reading.hits_of_source(connection, collection, hit.source.id, first, last)
        return [one for one in around if one.position != hit.position]

    def chunk_vectors(self, ids: Sequence[str]) -> Vectors:
        with self._reading() as (connection, collection):
            if collection is None:
                return np.empty((0, 0), dtype=np.float32)
            return unit(reading.vectors_by_id(connection, collection, ids))

    def source(self, source_id: int) -> Source | None:
        return self._find_source(source_id)

    def source_by_uri(self, uri: str) -> Source | None:
        return self._find_source(uri)

    def sources(self) -> list[Source]:
        """All sources of the collection, by URI."""
        with self._reading() as (connection, collection):
            return catalogue.list_sources(connection, collection) if collection else []

    def stats(self) -> Mapping[str, Mapping[str, int]]:
        """``{collection: {"sources": n, "chunks": n}}`` for every collection of the library."""
        with self._folder.database.read() as connection:
            return catalogue.count_all(connection)

    def collections(self) -> list[str]:
        return list(self.stats())

    @property
    def is_empty(self) -> bool:
        """Whether the collection has no chunk."""
        with self._reading() as (connection, collection):
            return collection is None or not catalogue.has_chunks(connection, collection.id)

    @property
    def form(self) -> Form:
        """Metric and precision of the collection's vectors, or of those it will be made with."""
        with self._reading() as (_, collection):
            return collection.space.form if collection else self._new_form

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, Collection | None]]:
        with self._folder.database.read() as connection:
            yield connection, catalogue.find_collection(connection, self.name)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._folder.database.write() as connection:
            yield connection
        self._folder.wrote()

    def _encode(self, vectors: ArrayLike, count: int) -> tuple[Form, Stored]:
        """``vectors`` as they will be stored: in the collection's form if that has chunks."""
        with self._reading() as (connection, collection):
            form = self._new_form
            if collection is not None and catalogue.has_chunks(connection, collection.id):
                form = collection.space.form
                if count:
                    collection.space.check(self.fingerprint)
        return form.fitted(vectors, count)

    def _words_of(self, ids: Sequence[str] | set[str]) -> dict[int, str]:
        """Words to be deleted, made before the write lock is taken."""
        with self._reading() as (connection, collection):
            if collection is None or not ids:
                return {}
            return reading.words_of_chunks(connection, collection, ids)

    def _ids_of(self, uri: str) -> set[str]:
        with self._reading() as (connection, collection):
            return reading.ids_of_source(connection, collection, uri) if collection else set()

    def _find_source(self, key: int | str) -> Source | None:
        with self._reading() as (connection, collection):
            return catalogue.find_source(connection, collection, key) if collection else None

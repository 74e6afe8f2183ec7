"""The knowledge base: the one door through which everything else reads and writes documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import KnowledgeError
from assistant.knowledge import catalogue, reading
from assistant.knowledge.catalogue import TEXT_KIND, Collection, NewSource
from assistant.knowledge.chunks import ChunkWriter, document_rows
from assistant.knowledge.database import WAIT_SECONDS, Connection
from assistant.knowledge.filters import Where
from assistant.knowledge.folder import Folder
from assistant.knowledge.records import Hit, NewChunk, Source, StoreReport
from assistant.knowledge.texts import NewText, TextWriter, taken_by_texts, text_rows
from assistant.knowledge.vectors import Ids, Vectors, unit_vectors
from assistant.knowledge.vectorstore import DocumentStore, query_vector

DEFAULT_COLLECTION = "default"


class KnowledgeBase(DocumentStore):
    """One collection of the data folder. Safe for any number of threads and processes.

    A write is on the disk when its call returns; a deleted chunk is in no search that begins
    after that, in any process, and an added one is in every search that begins after it.

    Args:
        data_dir: the data folder; made where missing.
        embeddings: the model for LangChain's calls; None where only vectors are handed in.
        fingerprint: names the model, its dimension, prefixes and precision. Searching or adding
            with another one than the collection's raises ``KnowledgeError``; reading, keyword
            search and deleting don't need the model.
        collection: its name; it is made by the first write.
        wait_seconds: how long a write waits for other writers before ``KnowledgeLocked``.

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
    ) -> None:
        super().__init__(embeddings)
        self.name = catalogue.check_name(collection)
        self.fingerprint = fingerprint
        self._folder = Folder(Path(data_dir), wait_seconds)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        data_dir: Path | None = None,
        fingerprint: str | None = None,
        collection: str = DEFAULT_COLLECTION,
        **_: Any,
    ) -> KnowledgeBase:
        """Open ``data_dir`` (required) and add ``texts``. The fingerprint is the embedding's own
        where it has one, else its class's name."""
        if data_dir is None:
            raise KnowledgeError(
                "A knowledge base lives in a folder: give from_texts a data_dir.",
                "知识库需要存放目录：请为 from_texts 指定 data_dir。",
            )
        own = getattr(embedding, "fingerprint", None) or type(embedding).__qualname__
        made = cls(data_dir, embedding, fingerprint or own, collection)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    def collection(self, name: str) -> KnowledgeBase:
        """Another collection of the same folder. Closing either closes both."""
        view = object.__new__(type(self))
        DocumentStore.__init__(view, self._embeddings)
        view.name = catalogue.check_name(name)
        view.fingerprint = self.fingerprint
        view._folder = self._folder
        return view

    def close(self) -> None:
        """Publish the indexes and close the database."""
        self._folder.close()

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Writing

    def add_embedded(  # noqa: PLR0917 - what is known of a document
        self,
        uri: str,
        title: str,
        kind: str,
        size: int,
        content_hash: str,
        chunks: Sequence[NewChunk],
        vectors: NDArray[np.floating[Any]],
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
        rows = document_rows(uri, chunks, checked := unit_vectors(vectors, len(chunks)))
        new = NewSource(uri, title, kind, size, content_hash)
        with self._folder.database.write() as connection:
            collection = self._claim(connection, checked)
            known = catalogue.find_source(connection, collection, uri)
            if known is not None and (known.kind == TEXT_KIND) != (kind == TEXT_KIND):
                raise taken_by_texts(uri)
            source = catalogue.put_source(connection, collection, new)
            report = ChunkWriter(connection, collection).replace(source, rows)
            return catalogue.find_source(connection, collection, uri) or source, report

    def delete_source(self, source_id: int) -> StoreReport:
        """Delete a source with all its chunks; nothing where it isn't there (any more)."""
        with self._folder.database.write() as connection:
            collection = catalogue.find_collection(connection, self.name)
            if collection is None or not catalogue.find_source(connection, collection, source_id):
                return StoreReport()
            writer = ChunkWriter(connection, collection)
            return StoreReport(removed=writer.delete_source(source_id))

    def upsert(self, texts: Sequence[NewText]) -> None:
        rows = text_rows(texts, vectors := self._embed([new.text for new in texts]))
        with self._folder.database.write() as connection:
            collection = self._claim(connection, vectors)
            TextWriter(connection, collection).upsert(texts, rows)

    def remove(self, ids: Sequence[str]) -> int:
        with self._folder.database.write() as connection:
            collection = catalogue.find_collection(connection, self.name)
            return TextWriter(connection, collection).delete(ids) if collection else 0

    def remove_all(self) -> int:
        with self._folder.database.write() as connection:
            collection = catalogue.find_collection(connection, self.name)
            if collection is None:
                return 0
            writer = ChunkWriter(connection, collection)
            sources = catalogue.list_sources(connection, collection)
            return sum(writer.delete_source(source.id) for source in sources)

    # Reading

    def vectors_for(self, content_hashes: Sequence[str]) -> dict[str, Vectors]:
        """The stored vector, shape (dimension,), of each ``NewChunk.content_hash`` that is there:
        what need not be embedded again. Raises KnowledgeError if the model is another one.
        """
        with self._reading() as (connection, collection):
            if collection is None or not catalogue.has_chunks(connection, collection.id):
                return {}
            collection.check(self.fingerprint)
            return reading.vectors_by_hash(connection, collection, content_hashes)

    def dense(self, vector: Vectors, k: int, where: Where | None = None) -> list[Hit]:
        """The ``k`` chunks with the highest cosine to ``vector``, shape (dimension,).

        Raises:
            KnowledgeError: the collection is another model's, the vector isn't finite or has
                another dimension, or the filter can't be used.
        """
        unit = query_vector(vector)
        with self._reading() as (connection, collection):
            if k < 1 or collection is None or not catalogue.has_chunks(connection, collection.id):
                return []
            collection.check(self.fingerprint)
            collection.check_dimension(len(unit))
            allowed = reading.rows_where(connection, collection, where) if where else None
        if allowed is not None and not len(allowed):
            return []
        return self._nearest(collection, unit, k, allowed)

    def keyword(self, text: str, k: int, where: Where | None = None) -> list[Hit]:
        """The ``k`` best chunks by BM25 over words, identifiers and Chinese character pairs. Any
        text is a valid query; one without a letter or digit finds nothing."""
        with self._reading() as (connection, collection):
            return (
                reading.keyword_hits(connection, collection, text, k, where) if collection else []
            )

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
            return reading.vectors_by_id(connection, collection, ids)

    def source(self, source_id: int) -> Source | None:
        return self._find_source(source_id)

    def source_by_uri(self, uri: str) -> Source | None:
        return self._find_source(uri)

    def sources(self) -> list[Source]:
        """All sources of the collection, by URI."""
        with self._reading() as (connection, collection):
            return catalogue.list_sources(connection, collection) if collection else []

    def stats(self) -> Mapping[str, Mapping[str, int]]:
        """``{collection: {"sources": n, "chunks": n}}`` for every collection of the folder."""
        with self._folder.database.read() as connection:
            return catalogue.count_all(connection)

    def collections(self) -> list[str]:
        return list(self.stats())

    @property
    def is_empty(self) -> bool:
        """Whether the collection has no chunk."""
        with self._reading() as (connection, collection):
            return collection is None or not catalogue.has_chunks(connection, collection.id)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, Collection | None]]:
        with self._folder.database.read() as connection:
            yield connection, catalogue.find_collection(connection, self.name)

    def _claim(self, connection: Connection, vectors: Vectors) -> Collection:
        """The collection, checked against the model and the vectors that will be written."""
        known = catalogue.find_collection(connection, self.name)
        if known is not None and not len(vectors):
            return known
        dimension = vectors.shape[1]
        return catalogue.claim_collection(connection, self.name, self.fingerprint, dimension)

    def _find_source(self, key: int | str) -> Source | None:
        with self._reading() as (connection, collection):
            return catalogue.find_source(connection, collection, key) if collection else None

    def _nearest(
        self, collection: Collection, vector: Vectors, k: int, allowed: Ids | None
    ) -> list[Hit]:
        """Hits that are in the database now, whatever the index holds."""
        index = self._folder.index(collection)
        asked = k
        while True:
            found = index.search(collection, vector, asked, allowed)
            with self._folder.database.read() as connection:
                present = reading.hits_by_row(connection, collection, found)
            if len(present) >= k or len(found) < asked:
                return [replace(hit, dense_rank=n) for n, hit in enumerate(present[:k], 1)]
            asked *= 2

    def _embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors for ``texts``: those of equal stored texts, and of the model for the rest."""
        hashes = [NewChunk(text).content_hash for text in texts]
        vectors = self.vectors_for(hashes)
        missing = {one: text for one, text in zip(hashes, texts, strict=True) if one not in vectors}
        if missing:
            made = self._model().embed_documents(list(missing.values()))
            vectors.update(zip(missing, unit_vectors(made, len(missing)), strict=True))
        return unit_vectors([vectors[one] for one in hashes], len(hashes))

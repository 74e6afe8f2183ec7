"""LangChain's ``VectorStore`` interface, over the few calls that a store of ours has.

Another store (a distributed vector database) gets the whole interface from here by writing the
abstract methods.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from numpy.typing import ArrayLike

from assistant.errors import KnowledgeError
from assistant.knowledge.catalogue import TEXT_KIND
from assistant.knowledge.filters import Where
from assistant.knowledge.records import Hit, NewChunk, storable
from assistant.knowledge.texts import NewText, new_texts
from assistant.knowledge.vectors import Form, Vectors, unit


class DocumentStore(VectorStore):
    """Scores are cosines (inner products, or negative squared distances, where the collection has
    that metric): higher is better. ``filter`` is described in ``filters.py``."""

    def __init__(self, embeddings: Embeddings | None) -> None:
        self._embeddings = embeddings

    @abstractmethod
    def dense(self, vector: ArrayLike, k: int, where: Where | None = None) -> list[Hit]:
        """The ``k`` chunks nearest to ``vector``, shape (dimension,), best first.

        Raises:
            KnowledgeError: the collection is another model's, the vector isn't finite or has
                another dimension, or the filter can't be used.
        """

    @abstractmethod
    def hits(self, ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in order; unknown ids are left out."""

    @abstractmethod
    def chunk_vectors(self, ids: Sequence[str]) -> Vectors:
        """(n, dimension): the vectors of those chunks that are there, in order."""

    @abstractmethod
    def vectors_for(self, content_hashes: Sequence[str]) -> dict[str, Vectors]:
        """The stored vector, shape (dimension,), of each ``NewChunk.content_hash`` that is there:
        what need not be embedded again. Raises KnowledgeError if the model is another one."""

    @abstractmethod
    def upsert(self, texts: Sequence[NewText]) -> None:
        """Embed and store texts; one whose id is there takes the other's place."""

    @abstractmethod
    def remove(self, ids: Sequence[str]) -> int:
        """Delete chunks; unknown ids are passed over. How many there were."""

    @abstractmethod
    def remove_all(self) -> int:
        """Delete all sources and chunks. How many chunks there were."""

    @abstractmethod
    def save_local(self, folder_path: str | Path) -> None:
        """A copy of the whole data folder's documents, which :meth:`load_local` opens."""

    @property
    @abstractmethod
    def form(self) -> Form:
        """Metric and precision of the vectors."""

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        data_dir: Path | str | None = None,
        **options: Any,
    ) -> Self:
        """Open ``data_dir`` (required) and add ``texts``; ``options`` as in :meth:`load_local`."""
        if data_dir is None:
            raise KnowledgeError(
                "A knowledge base lives in a folder: give from_texts a data_dir.",
                "知识库需要存放目录：请为 from_texts 指定 data_dir。",
            )
        made = cls.load_local(data_dir, embedding, **options)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    @classmethod
    def load_local(
        cls,
        folder_path: str | Path,
        embeddings: Embeddings,
        *,
        fingerprint: str | None = None,
        **options: Any,
    ) -> Self:
        """Open the folder at ``folder_path``: nothing in it is ever unpickled.

        Args:
            fingerprint: of the model; without it its own where it has one, else its class's name.
            options: of the store's constructor (collection, metric, precision, index).
        """
        own = getattr(embeddings, "fingerprint", None) or type(embeddings).__qualname__
        return cls.open(Path(folder_path), embeddings, fingerprint or own, **options)

    @classmethod
    @abstractmethod
    def open(cls, folder: Path, embeddings: Embeddings, fingerprint: str, **options: Any) -> Self:
        """The store in ``folder``; made where missing."""

    @property
    def embeddings(self) -> Embeddings | None:
        return self._embeddings

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **_: Any,
    ) -> list[str]:
        """Add or update texts; returns their ids in order.

        Text without an id gets one made of itself and its metadata: added again, nothing changes.

        Raises:
            ValueError: ``metadatas`` or ``ids`` are not as many as ``texts``.
            KnowledgeError: an id comes twice; or as in :meth:`upsert`.
        """
        all_texts = list(texts)
        for name, given in (("metadatas", metadatas), ("ids", ids)):
            if given and len(given) != len(all_texts):
                raise ValueError(
                    f"Expected {len(all_texts)} {name}, one for each text, got {len(given)}."
                )
        new = new_texts(
            all_texts,
            metadatas if metadatas else [{}] * len(all_texts),
            ids if ids else [None] * len(all_texts),
        )
        if new:
            self.upsert(new)
        return [one.id for one in new]

    def delete(self, ids: list[str] | None = None, **_: Any) -> bool:
        """Delete by id; everything in the collection for None, as the interface has it."""
        if ids is None:
            self.remove_all()
        else:
            self.remove(ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        return [document_of(hit) for hit in self.hits(ids)]

    def similarity_search(
        self, query: str, k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[Document]:
        return [document_of(hit) for hit in self.dense(self.query_vector(query), k, filter)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[tuple[Document, float]]:
        hits = self.dense(self.query_vector(query), k, filter)
        return [(document_of(hit), hit.score) for hit in hits]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[Document]:
        return [document_of(hit) for hit in self.dense(embedding, k, filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Where | None = None,
        **_: Any,
    ) -> list[Document]:
        vector = self.query_vector(query)
        return self._diverse(vector, k, fetch_k, lambda_mult, filter)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Where | None = None,
        **_: Any,
    ) -> list[Document]:
        return self._diverse(embedding, k, fetch_k, lambda_mult, filter)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Cosines and inner products as they are, cut to 0..1; distances as ``1 / (1 + d)``."""
        if self.form.metric == "l2":
            return lambda score: 1 / (1 + max(0.0, -score) ** 0.5)
        return lambda score: min(1.0, max(0.0, score))

    def query_vector(self, query: str) -> Vectors:
        """(dimension,): the question as the collection's model embeds it."""
        return np.asarray(self._model().embed_query(storable(query)), dtype=np.float32)

    def embed_texts(self, texts: Sequence[str]) -> list[Any]:
        """Vectors for ``texts``: those of equal stored texts, and of the model for the rest."""
        hashes = [NewChunk(text).content_hash for text in texts]
        vectors: dict[str, Any] = {**self.vectors_for(hashes)}
        missing = {one: text for one, text in zip(hashes, texts, strict=True) if one not in vectors}
        if missing:
            made = self._model().embed_documents(list(missing.values()))
            if len(made) != len(missing):
                raise _incomplete(len(missing), len(made))
            vectors.update(zip(missing, made, strict=True))
        return [vectors[one] for one in hashes]

    def _model(self) -> Embeddings:
        if self._embeddings is None:
            raise KnowledgeError(
                "The knowledge base was opened without an embedding model: open it with one to "
                "search or add texts.",
                "知识库打开时未指定嵌入模型：如需检索或添加文本，请指定嵌入模型后重新打开。",
            )
        return self._embeddings

    def _diverse(
        self, vector: ArrayLike, k: int, fetch_k: int, lambda_mult: float, where: Where | None
    ) -> list[Document]:
        hits = self.dense(vector, max(k, fetch_k), where)
        vectors = self.chunk_vectors([hit.id for hit in hits])
        if len(vectors) < len(hits):  # some were deleted in between
            hits = self.hits([hit.id for hit in hits])
            vectors = self.chunk_vectors([hit.id for hit in hits])
        query = unit(np.asarray([vector], dtype=np.float32))[0]
        return [document_of(hits[i]) for i in diverse_order(query, vectors, k, lambda_mult)]


def document_of(hit: Hit) -> Document:
    """A hit in LangChain's form. Texts get back the metadata they came with; documents say where
    the chunk is from."""
    if hit.source.kind == TEXT_KIND:
        return Document(id=hit.id, page_content=hit.text, metadata=dict(hit.metadata))
    place: dict[str, object] = {
        "source": hit.source.uri,
        "title": hit.source.title,
        "kind": hit.source.kind,
        "position": hit.position,
    }
    if hit.heading_path:
        place["heading_path"] = list(hit.heading_path)
    if hit.page is not None:
        place["page"] = hit.page
    if hit.anchor is not None:
        place["anchor"] = hit.anchor
    return Document(id=hit.id, page_content=hit.text, metadata={**place, **hit.metadata})


def _incomplete(expected: int, got: int) -> KnowledgeError:
    return KnowledgeError(
        "Expected one vector for each of {expected} texts, got {got}: nothing was stored; check "
        "the embedding model.",
        "应为 {expected} 段文本各返回一个向量，实际返回 {got} 个：未存储任何内容，请检查嵌入模型。",
        expected=expected,
        got=got,
    )


def diverse_order(query: Vectors, vectors: Vectors, k: int, lambda_mult: float) -> list[int]:
    """Maximal marginal relevance (Carbonell and Goldstein 1998): ``k`` row numbers of ``vectors``,
    each the best of the rest by ``lambda * cosine to the query - (1 - lambda) * highest cosine to
    one already chosen``. All vectors have unit length."""
    if not len(vectors):
        return []
    relevance = vectors @ query
    overlap = np.zeros(len(vectors), dtype=np.float32)
    rest = np.ones(len(vectors), dtype=bool)
    order: list[int] = []
    while rest.any() and len(order) < k:
        worth = lambda_mult * relevance - (1 - lambda_mult) * overlap
        best = int(np.argmax(np.where(rest, worth, -np.inf)))
        order.append(best)
        rest[best] = False
        cosines = vectors @ vectors[best]
        overlap = cosines if len(order) == 1 else np.maximum(overlap, cosines)
    return order

"""LangChain's ``VectorStore`` interface, over the few calls that a store of ours has.

Another store (a distributed vector database) gets the whole interface from here by writing the
abstract methods.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from assistant.errors import KnowledgeError
from assistant.knowledge.catalogue import TEXT_KIND
from assistant.knowledge.filters import Where
from assistant.knowledge.records import Hit
from assistant.knowledge.texts import NewText, new_texts
from assistant.knowledge.vectors import Vectors, unit_vectors


class DocumentStore(VectorStore):
    """Scores are cosines: higher is better. ``filter`` is described in ``filters.py``."""

    def __init__(self, embeddings: Embeddings | None) -> None:
        self._embeddings = embeddings

    @abstractmethod
    def dense(self, vector: Vectors, k: int, where: Where | None = None) -> list[Hit]:
        """The ``k`` chunks nearest to ``vector``, best first."""

    @abstractmethod
    def hits(self, ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in order; unknown ids are left out."""

    @abstractmethod
    def chunk_vectors(self, ids: Sequence[str]) -> Vectors:
        """(n, dimension): the vectors of those chunks that are there, in order."""

    @abstractmethod
    def upsert(self, texts: Sequence[NewText]) -> None:
        """Embed and store texts; one whose id is there takes the other's place."""

    @abstractmethod
    def remove(self, ids: Sequence[str]) -> int:
        """Delete chunks; unknown ids are passed over. How many there were."""

    @abstractmethod
    def remove_all(self) -> int:
        """Delete all sources and chunks. How many chunks there were."""

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
        return [document_of(hit) for hit in self.dense(self._embed_query(query), k, filter)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[tuple[Document, float]]:
        hits = self.dense(self._embed_query(query), k, filter)
        return [(document_of(hit), hit.score) for hit in hits]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: Where | None = None, **_: Any
    ) -> list[Document]:
        return [document_of(hit) for hit in self.dense(query_vector(embedding), k, filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Where | None = None,
        **_: Any,
    ) -> list[Document]:
        vector = self._embed_query(query)
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
        return self._diverse(query_vector(embedding), k, fetch_k, lambda_mult, filter)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Cosines as they are, those below 0 (opposite meaning) as 0."""
        return lambda score: min(1.0, max(0.0, score))

    def _embed_query(self, query: str) -> Vectors:
        return query_vector(self._model().embed_query(query))

    def _model(self) -> Embeddings:
        if self._embeddings is None:
            raise KnowledgeError(
                "The knowledge base was opened without an embedding model: open it with one to "
                "search or add texts.",
                "知识库打开时未指定嵌入模型：如需检索或添加文本，请指定嵌入模型后重新打开。",
            )
        return self._embeddings

    def _diverse(
        self, vector: Vectors, k: int, fetch_k: int, lambda_mult: float, where: Where | None
    ) -> list[Document]:
        hits = self.dense(vector, max(k, fetch_k), where)
        vectors = self.chunk_vectors([hit.id for hit in hits])
        if len(vectors) < len(hits):  # some were deleted in between
            hits = self.hits([hit.id for hit in hits])
            vectors = self.chunk_vectors([hit.id for hit in hits])
        return [document_of(hits[i]) for i in diverse_order(vector, vectors, k, lambda_mult)]


def query_vector(embedding: Sequence[float] | Vectors) -> Vectors:
    """(dimension,), unit length. Raises KnowledgeError for NaN, infinity or only zeros."""
    row: Vectors = unit_vectors(np.asarray(embedding)[np.newaxis], 1)[0]
    return row


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

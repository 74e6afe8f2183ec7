"""The knowledge base itself as the passages of a set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from numpy.typing import ArrayLike

from assistant.knowledge.filters import Where
from assistant.knowledge.records import Hit
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings


class LiveKnowledge(KnowledgeBase):
    """For reading. As in every library of a set, the URI of what is found is the passage's id:
    here that of the chunk."""

    def dense(self, vector: ArrayLike, k: int, where: Where | None = None) -> list[Hit]:
        return _named(super().dense(vector, k, where))

    def keyword(self, text: str, k: int, where: Where | None = None) -> list[Hit]:
        return _named(super().keyword(text, k, where))

    def hits(self, ids: Sequence[str]) -> list[Hit]:
        return _named(super().hits(ids))

    def chunks(self, source_id: int) -> list[Hit]:
        return _named(super().chunks(source_id))

    def neighbours(self, hit: Hit, before: int = 1, after: int = 1) -> list[Hit]:
        return _named(super().neighbours(hit, before, after))


def _named(hits: Iterable[Hit]) -> list[Hit]:
    return [replace(hit, source=replace(hit.source, uri=hit.id)) for hit in hits]


def open_live(settings: Settings, embeddings: EmbeddingModel, collection: str) -> LiveKnowledge:
    """A collection of the data folder.

    Raises:
        KnowledgeError: the folder or the database can't be used.
    """
    return LiveKnowledge(
        settings.data_dir,
        embeddings,
        embeddings.fingerprint,
        collection,
        metric=settings.vector_metric,
        precision=settings.vector_precision,
        index=settings.vector_index,
    )

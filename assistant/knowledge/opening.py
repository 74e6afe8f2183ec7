"""``.env`` -> a knowledge base: the one place that knows which settings it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.knowledge.store import DEFAULT_COLLECTION, KnowledgeBase
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.models.embedding.model import EmbeddingModel


def open_knowledge(
    settings: Settings, embeddings: EmbeddingModel | None, collection: str = DEFAULT_COLLECTION
) -> KnowledgeBase:
    """A collection of the data folder, with the vectors' form and index that ``.env`` names.

    Args:
        embeddings: None for what needs no model (lists, deletes, keyword searches).

    Raises:
        KnowledgeError: the folder or the database can't be used, or the name can't be one.
    """
    return KnowledgeBase(
        settings.data_dir,
        embeddings,
        embeddings.fingerprint if embeddings else "",
        collection,
        metric=settings.vector_metric,
        precision=settings.vector_precision,
        index=settings.vector_index,
    )

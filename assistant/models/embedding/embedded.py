"""``local:``: multilingual-e5-small in this process, its weights from the installed package."""

from __future__ import annotations

from assistant.errors import SettingsError
from assistant.models.embedding.e5 import E5Engine, open_e5
from assistant.models.embedding.model import Embed, EmbeddingModel
from assistant.models.names import Target
from assistant.settings import Settings

LOCAL_MODELS = ("multilingual-e5-small",)

BATCH = 32  # texts: enough to find some of like length, few enough to be stopped between
#: The same for every engine: their vectors agree, so collections stay valid.
FINGERPRINT = "multilingual-e5-small;q4;384;cosine;query:/passage:"


def open_embedded(settings: Settings, target: Target) -> EmbeddingModel:
    """The embedded model.

    Raises:
        SettingsError: there is no embedded model of that name.
    """
    if target.model and target.model not in LOCAL_MODELS:
        raise SettingsError(
            "EMBEDDING_MODEL is local:{model}; the embedded models are: {known}",
            "EMBEDDING_MODEL 的值是 local:{model}；内置模型有：{known}",
            model=target.model,
            known=", ".join(LOCAL_MODELS),
        )
    engine = open_e5(settings.local_threads or None)
    return EmbeddingModel(
        fingerprint=FINGERPRINT,
        dimension=engine.dimension,
        passages=engine.passages,
        queries=engine.queries,
        count=engine.count,
        batch_size=BATCH,
        warm=lambda: _load(engine),
    )


def meanings(embeddings: EmbeddingModel) -> Embed | None:
    """Vectors of questions and sentences by ``embeddings``, where what their likeness tells was
    measured: for the embedded model."""
    return embeddings.embed_questions if embeddings.fingerprint == FINGERPRINT else None


def _load(engine: E5Engine) -> None:
    engine.queries(["?"])

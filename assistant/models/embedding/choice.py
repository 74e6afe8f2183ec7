"""``EMBEDDING_MODEL`` -> an embedding model, with the cache of what it made before."""

from __future__ import annotations

from collections.abc import Callable

from assistant.errors import SettingsError
from assistant.models.auto import pick
from assistant.models.embedding.cache import cached
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.names import Target, resolve
from assistant.models.options import EMBEDDING
from assistant.providers import EMBEDDED, IN_PROCESS, OLLAMA, OPENAI, TEI
from assistant.settings import Settings

Open = Callable[[Settings, Target], EmbeddingModel]


def _embedded(settings: Settings, target: Target) -> EmbeddingModel:
    from assistant.models.embedding.embedded import open_embedded

    return open_embedded(settings, target)


def _in_process(settings: Settings, target: Target) -> EmbeddingModel:
    from assistant.models.embedding.huggingface import open_huggingface

    return open_huggingface(settings, target)


def _openai(settings: Settings, target: Target) -> EmbeddingModel:
    from assistant.models.embedding.openai_protocol import OpenAIEmbeddings
    from assistant.models.embedding.remote import open_remote

    return open_remote(settings, OpenAIEmbeddings(target))


def _dashscope(settings: Settings, target: Target) -> EmbeddingModel:
    from assistant.models.embedding.dashscope import DashScopeEmbeddings, is_native
    from assistant.models.embedding.remote import open_remote

    if not is_native(target):
        return _openai(settings, target)
    return open_remote(settings, DashScopeEmbeddings(target))


def _ollama(settings: Settings, target: Target) -> EmbeddingModel:
    from assistant.models.embedding.ollama import OllamaEmbeddings
    from assistant.models.embedding.remote import open_remote

    return open_remote(settings, OllamaEmbeddings(target))


def _tei(settings: Settings, target: Target) -> EmbeddingModel:
    from assistant.models.embedding.remote import open_remote
    from assistant.models.embedding.tei import TEIEmbeddings

    return open_remote(settings, TEIEmbeddings(target))


#: One row for each way of speaking; a provider with one of its own stands under its name.
ROWS: dict[str, Open] = {
    EMBEDDED: _embedded,
    IN_PROCESS: _in_process,
    OPENAI: _openai,
    OLLAMA: _ollama,
    TEI: _tei,
    "dashscope": _dashscope,
}


def open_embeddings(settings: Settings) -> EmbeddingModel:
    """The model that ``EMBEDDING_MODEL`` names. A service is asked only the first time.

    Raises:
        SettingsError: no such model, an option that it doesn't take, or its key is missing.
        ModelError: a service was asked and didn't answer with vectors.
    """
    text = pick(settings, settings.embedding_model, EMBEDDING)
    if "," in text:
        raise SettingsError(
            "EMBEDDING_MODEL is {text}: name one model. Vectors of two models can't be compared, "
            "so no other can take over.",
            "EMBEDDING_MODEL 的值是 {text}：只能填写一个模型，因为不同模型的向量无法比较。",
            text=text,
        )
    target = resolve(settings, text, EMBEDDING)
    opener = ROWS.get(target.provider.name) or ROWS[target.provider.speaks]
    cache = settings.data_dir / "cache" / "embeddings.db"
    return cached(opener(settings, target), cache, settings.embedding_cache_mb)

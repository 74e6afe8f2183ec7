"""The services that speak OpenAI's protocol: one row each, used for chat, embeddings and rerank.

A new service is a new row here, its two settings, and their lines in ``.env.example``.
"""

from __future__ import annotations

from dataclasses import dataclass

from assistant.errors import SettingsError
from assistant.settings import Settings

LOCAL = "local"


@dataclass(frozen=True)
class Provider:
    """Where a service is and how it is spoken to.

    ``base_url`` and ``api_key`` name fields of :class:`Settings`. A service without a key of its
    own has ``api_key`` empty.
    """

    base_url: str
    api_key: str = ""
    key_needed: bool = False
    embedding_batch: int = 64  # texts in one call, the service's documented limit


PROVIDERS: dict[str, Provider] = {
    "openai": Provider("openai_base_url", "openai_api_key", key_needed=True),
    "vllm": Provider("vllm_base_url", "vllm_api_key"),
    "dashscope": Provider(
        "dashscope_base_url", "dashscope_api_key", key_needed=True, embedding_batch=10
    ),
    "deepseek": Provider("deepseek_base_url", "deepseek_api_key", key_needed=True),
    "ollama": Provider("ollama_base_url"),
}


@dataclass(frozen=True)
class Endpoint:
    """A model at a service, ready to be called."""

    provider: str
    model: str
    base_url: str
    api_key: str
    embedding_batch: int


def split_name(name: str, setting: str) -> tuple[str, str]:
    """``"ollama:qwen3:0.6b"`` -> ``("ollama", "qwen3:0.6b")``.

    Raises:
        SettingsError: no such provider; the known ones are listed.
    """
    provider, _, model = name.partition(":")
    if provider != LOCAL and provider not in PROVIDERS:
        known = ", ".join(f"{known}:" for known in (LOCAL, *PROVIDERS))
        raise SettingsError(
            "{setting} is {name}: there is no provider {provider}. Known: {known}",
            "{setting} 的值是 {name}：没有名为 {provider} 的服务。可用：{known}",
            setting=setting,
            name=name,
            provider=repr(provider),
            known=known,
        )
    return provider, model


def endpoint(settings: Settings, name: str, setting: str) -> Endpoint:
    """The remote model called ``name``.

    Raises:
        SettingsError: the model's name is missing, or the service's key is.
    """
    provider, model = split_name(name, setting)
    row = PROVIDERS[provider]
    key = getattr(settings, row.api_key) if row.api_key else ""
    if not model:
        raise SettingsError(
            "{setting} is {name}: say which model, for example {name}MODEL-NAME.",
            "{setting} 的值是 {name}：请写明模型名，例如 {name}模型名。",
            setting=setting,
            name=name,
        )
    if row.key_needed and not key:
        raise SettingsError(
            "{setting} is {name}, which needs {variable}: set it in .env.",
            "{setting} 的值是 {name}，需要 {variable}：请在 .env 中设置。",
            setting=setting,
            name=name,
            variable=row.api_key.upper(),
        )
    return Endpoint(
        provider, model, getattr(settings, row.base_url), key or "none", row.embedding_batch
    )

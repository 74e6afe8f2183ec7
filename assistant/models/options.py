"""Options of models: what each may be, who takes which, and the defaults of those not set.

An option that the user set and the backend doesn't take is refused at start: a dropped option is
a lie. Defaults are not options: a backend that doesn't take one goes without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assistant.errors import SettingsError
from assistant.providers import EMBEDDED, IN_PROCESS, OLLAMA, OPENAI, TEI, Provider
from assistant.settings import Settings

CHAT, EMBEDDING, RERANK = "chat", "embedding", "rerank"
#: The roles and the settings that name their models.
ROLES = {CHAT: "CHAT_MODEL", EMBEDDING: "EMBEDDING_MODEL", RERANK: "RERANK_MODEL"}


@dataclass(frozen=True)
class Kind:
    """What the value of an option in the file of named models must be."""

    en: str
    zh: str
    fits: Callable[[object], bool]


def _number(low: float, high: float) -> Kind:
    def fits(value: object) -> bool:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        )

    return Kind(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 之间的数", fits)


def _whole(low: int, high: int) -> Kind:
    def fits(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Kind(f"a whole number from {low} to {high}", f"{low} 到 {high} 之间的整数", fits)


def _one_of(*words: str) -> Kind:
    return Kind(
        "one of " + ", ".join(words), "以下之一：" + "、".join(words), lambda value: value in words
    )


_TEXT = Kind("a text", "文本", lambda value: isinstance(value, str))
_SWITCH = Kind("true or false", "true 或 false", lambda value: isinstance(value, bool))
_OBJECT = Kind("a table", "表", lambda value: isinstance(value, dict))
_TEXTS = Kind(
    "a list of texts",
    "文本列表",
    lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
)
_URL = Kind(
    "an http:// or https:// address",
    "http:// 或 https:// 开头的地址",
    lambda value: isinstance(value, str) and value.startswith(("http://", "https://")),
)

OPTIONS: dict[str, Kind] = {
    "api_key": _TEXT,
    "base_url": _URL,
    "timeout": _number(1, 3600),  # seconds
    "retries": _whole(0, 10),
    "extra_body": _OBJECT,  # fields added to every request as they are
    # chat
    "temperature": _number(0, 2),
    "max_tokens": _whole(16, 131072),
    "top_p": _number(0.01, 1),
    "top_k": _whole(1, 1000),
    "context_window": _whole(1024, 10_000_000),  # tokens of prompt and answer together
    "enable_thinking": _SWITCH,
    # embeddings
    "dimensions": _whole(8, 65536),
    "query_prompt": _TEXT,  # put before a question
    "passage_prompt": _TEXT,  # put before a document's text
    "batch_size": _whole(1, 4096),
    "concurrency": _whole(1, 64),
    # models in this process
    "device": _TEXT,
    "devices": _TEXTS,  # one process each
    "dtype": _one_of("auto", "float32", "bfloat16", "float16"),
    "revision": _TEXT,
    "normalize_embeddings": _SWITCH,
    "precision": _one_of("float32", "int8", "uint8", "binary", "ubinary"),
    "chunk_size": _whole(1, 1_000_000),  # texts handed to a process at a time
    "show_progress_bar": _SWITCH,
    "max_length": _whole(16, 131072),  # tokens of a text; the rest is cut
    "trust_remote_code": _SWITCH,
}

_SERVICE = {"api_key", "base_url", "timeout", "retries", "extra_body"}
_SAMPLING = {"temperature", "max_tokens", "top_p"}
_REMOTE_VECTORS = {"dimensions", "query_prompt", "passage_prompt", "batch_size", "concurrency"}
_LOADING = {"device", "dtype", "revision", "trust_remote_code"}

#: Who takes which. ``top_k`` and ``enable_thinking`` of services stand in the providers' table.
TAKES: dict[str, dict[str, set[str]]] = {
    CHAT: {
        OPENAI: _SERVICE | _SAMPLING | {"context_window"},
        OLLAMA: {"base_url", "timeout", "retries", "context_window", "enable_thinking"} | _SAMPLING,
        EMBEDDED: _SAMPLING | {"top_k", "timeout", "extra_body"},
        IN_PROCESS: _SAMPLING | {"top_k", "context_window", "enable_thinking"} | _LOADING,
    },
    EMBEDDING: {
        OPENAI: _SERVICE | _REMOTE_VECTORS,
        OLLAMA: {"base_url", "timeout", "retries", "context_window"} | _REMOTE_VECTORS,
        TEI: {"api_key", "base_url", "timeout", "retries"} | _REMOTE_VECTORS - {"dimensions"},
        EMBEDDED: set(),
        IN_PROCESS: {
            "batch_size", "dimensions", "query_prompt", "passage_prompt", "devices", "max_length",
            "normalize_embeddings", "precision", "chunk_size", "show_progress_bar",
        } | _LOADING,
    },
    RERANK: {
        OPENAI: _SERVICE,
        TEI: {"api_key", "base_url", "timeout", "retries"},
        IN_PROCESS: {"batch_size", "max_length"} | _LOADING,
    },
}  # fmt: skip

#: The defaults of chat models. A service's are its users' habit but for the temperature: answers
#: from documents shall not vary. The embedded model answers briefly, for it writes slowly.
DEFAULTS: dict[str, Mapping[str, object]] = {
    OPENAI: {"temperature": 0.2, "max_tokens": 1024, "top_p": 0.9, "top_k": 50},
    OLLAMA: {"temperature": 0.2, "max_tokens": 1024, "top_p": 0.9, "top_k": 50},
    IN_PROCESS: {"temperature": 0.2, "max_tokens": 1024, "top_p": 0.9, "top_k": 50},
    EMBEDDED: {"temperature": 0.2, "max_tokens": 512},
}

#: Settings that are options of every chat model named without its own.
OF_SETTINGS = (
    "temperature", "max_tokens", "top_p", "top_k", "context_window", "enable_thinking",
    "extra_body",
)  # fmt: skip


def takes(provider: Provider, role: str) -> set[str]:
    """The options that ``provider`` takes for models of ``role``."""
    taken = set(TAKES[role].get(provider.speaks, set()))
    if role == CHAT and provider.top_k:
        taken.add("top_k")
    if role == CHAT and provider.thinking:
        taken.add("enable_thinking")
    if not provider.keyed:
        taken.discard("api_key")
    return taken


def settled(
    settings: Settings, role: str, provider: Provider, model: str, own: Mapping[str, object]
) -> dict[str, object]:
    """The options of one model: its own, then those of the settings; never a default.

    Raises:
        SettingsError: the backend doesn't take one of them.
    """
    options = dict(own)
    if role == CHAT:
        for name in OF_SETTINGS:
            value = getattr(settings, name)
            if value is not None:
                options.setdefault(name, value)
    taken = takes(provider, role)
    for name in options:
        if name not in taken:
            raise _refused(name, provider, model, ", ".join(sorted(taken)))
    if role == CHAT and _fixed(provider, model):
        for name in ("temperature", "top_p"):
            if name in options:
                raise _refused(name, provider, model, ", ".join(sorted(taken - {name})))
    return options


def defaults(provider: Provider, model: str) -> dict[str, object]:
    """What a chat model is told where the user says nothing."""
    row = dict(DEFAULTS[provider.speaks])
    taken = takes(provider, CHAT) - ({"temperature", "top_p"} if _fixed(provider, model) else set())
    return {name: value for name, value in row.items() if name in taken}


def _fixed(provider: Provider, model: str) -> bool:
    import re

    return bool(provider.fixed_sampling and re.search(provider.fixed_sampling, model))


def _refused(name: str, provider: Provider, model: str, taken: str) -> SettingsError:
    return SettingsError(
        "{provider}:{model} doesn't take the option {name}: take it out of .env or of the model's "
        "table in the file of named models. It takes: {taken}.",
        "{provider}:{model} 不支持选项 {name}：请从 .env 或命名模型文件中删除。它支持：{taken}。",
        provider=provider.name,
        model=model,
        name=name,
        taken=taken or "-",
    )

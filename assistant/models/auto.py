"""``auto``: what ``.env`` configures, else a server on this machine, else the embedded model."""

from __future__ import annotations

import logging

from assistant.errors import ModelError
from assistant.models.names import Target
from assistant.models.options import CHAT, EMBEDDING, RERANK
from assistant.models.web import get_json
from assistant.providers import LOCAL, PROVIDERS, TABLE
from assistant.settings import Settings

log = logging.getLogger(__name__)

AUTO = "auto"
LOOK_SECONDS = 1.0
#: What the embedded models leave where nothing else is found.
LAST = {CHAT: f"{LOCAL}:", EMBEDDING: f"{LOCAL}:", RERANK: "none"}
#: Servers that may run on this machine, and where each lists its models.
SERVERS = {"vllm": "/models", "ollama": "/api/tags"}
#: What the name of an embedding model has in it.
_EMBEDS = ("embed", "bge", "minilm", "e5", "gte", "m3e")


def pick(settings: Settings, text: str, role: str) -> str:
    """``text``, or for ``auto`` the model that it stands for now; the log says which."""
    if text != AUTO:
        return text
    found = (
        _running(settings, role, given=True)
        or _keyed(settings, role)
        or _running(settings, role, given=False)
        or LAST[role]
    )
    log.info("auto: the %s model is %s", role, found)
    return found


def _keyed(settings: Settings, role: str) -> str:
    """The first provider in the table's order whose key the user set."""
    for row in TABLE:
        model = getattr(row, role)
        has_key = row.key_needed and f"{row.variable}_API_KEY" in settings.given
        if has_key and isinstance(model, str):
            return f"{row.name}:{model}"
    return ""


def _running(settings: Settings, role: str, *, given: bool) -> str:
    """The first fitting model, by its name, of a server that answers: of those whose address the
    user set, or of the others."""
    for name, path in SERVERS.items():
        row = PROVIDERS[name]
        if not getattr(row, role) or (f"{row.variable}_BASE_URL" in settings.given) != given:
            continue
        url = settings.services[f"{row.variable}_BASE_URL"]
        key = settings.services.get(f"{row.variable}_API_KEY", "")
        target = Target(row, "", url.removesuffix("/v1") if name == "ollama" else url, key)
        try:
            listed = get_json(target, path, seconds=LOOK_SECONDS)
        except ModelError as error:
            log.info("auto: no %s (%s)", name, error)
            continue
        for model in _ids(listed):
            if role_of(model) == role:
                return f"{name}:{model}"
    return ""


def _ids(listed: object) -> list[str]:
    """The models' names in vLLM's or Ollama's list."""
    if not isinstance(listed, dict):
        return []
    rows = listed.get("data") or listed.get("models") or []
    return [str(row.get("id") or row.get("model") or row.get("name")) for row in rows]


def role_of(model: str) -> str:
    """What a model is for, as far as its name tells.

    >>> role_of("tei:bge-reranker-v2-m3"), role_of("ollama:nomic-embed-text")
    ('rerank', 'embedding')
    """
    if "rerank" in model.lower():
        return RERANK
    return EMBEDDING if any(word in model.lower() for word in _EMBEDS) else CHAT

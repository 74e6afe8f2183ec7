"""What runs where: the parts behind the pages with their place, size and measured speed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from assistant.errors import AssistantError
from assistant.models.auto import AUTO
from assistant.models.chat.model import ChatModel
from assistant.models.embedding.e5_weights import packaged_file
from assistant.models.local import catalogue
from assistant.models.names import CHAIN, Target, resolve, shown_name
from assistant.models.options import EMBEDDING, RERANK
from assistant.parts import Parts
from assistant.providers import EMBEDDED, IN_PROCESS
from assistant.settings import Settings
from assistant.ui.model_checks import LastCheck
from assistant.ui.plots import number
from assistant.ui.status_facts import redis_address, taken
from assistant.ui.texts import text

HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Part:
    """A row: ``key`` of its name; ``host`` is empty for this machine; ``size`` in bytes, 0 where
    it isn't known; ``sent`` is the key of what goes to another host."""

    key: str
    what: str
    host: str = ""
    size: int = 0
    speed: str = ""
    sent: str = ""


def parts_of(parts: Parts, last: LastCheck, language: str) -> list[Part]:
    """Chat, embedding, reranking, memory and search."""
    settings = parts.settings
    rows = [
        *(_chat(settings, *each, last, language) for each in parts.chats.models.items()),
        _embedding(settings, last, language),
    ]
    if settings.rerank_model not in ("", "none"):
        host = _host(_target(settings, settings.rerank_model, RERANK))
        rows.append(Part("model_rerank", settings.rerank_model, host, sent="guide_answers_sent"))
    address = redis_address(settings)
    folder = settings.data_dir
    rows.append(
        Part(
            "guide_memory",
            "Redis" if address else "Valkey",
            _outside(urlsplit(address).hostname or "") if address else "",
            taken(folder / "redis") if not address else 0,
        )
    )
    size = taken(folder / "knowledge.db") + taken(folder / "index")
    rows.append(Part("guide_store", text("guide_store_what", language), size=size))
    return rows


def is_small(parts: Parts) -> bool:
    """Whether the embedded chat model answers where none is chosen."""
    return _is_embedded(parts.chat)


def _is_embedded(chat: ChatModel) -> bool:
    return chat.backends[0].target.provider.speaks == EMBEDDED


def _chat(settings: Settings, name: str, chat: ChatModel, last: LastCheck, language: str) -> Part:
    target, first_of_chain = chat.backends[0].target, name.partition(CHAIN)[0]
    speed = _measured(settings, target) if _is_embedded(chat) else None
    told = ""
    if speed is not None:
        prompt, decode = (number(round(value)) for value in speed)
        told = text("guide_speed_chat", language, prompt=prompt, decode=decode)
    elif (first := last.figure("stream", "first_token_seconds", first_of_chain)) is not None:
        rate = last.figure("stream", "tokens_per_second", first_of_chain) or 0.0
        told = text("guide_speed_first", language, first=number(first), rate=number(rate))
    return Part(
        "model_chat",
        shown_name(name),
        _host(target),
        taken(_file(settings, target)) if _is_embedded(chat) else 0,
        told,
        "guide_answers_sent",
    )


def _embedding(settings: Settings, last: LastCheck, language: str) -> Part:
    target = _target(settings, settings.embedding_model, EMBEDDING)
    rate = last.figure("embedding", "texts_per_second")
    told = text("guide_speed_texts", language, n=number(rate)) if rate else ""
    size = taken(packaged_file()) if target and target.provider.speaks == EMBEDDED else 0
    host = _host(target)
    return Part("model_embedding", settings.embedding_model, host, size, told, "guide_texts_sent")


def _target(settings: Settings, name: str, role: str) -> Target | None:
    """What ``name`` stands for; None where that would have to be found out first."""
    if name == AUTO:
        return None
    try:
        return resolve(settings, name, role)
    except AssistantError:
        return None


def _host(target: Target | None) -> str:
    if target is None or target.provider.speaks in (EMBEDDED, IN_PROCESS):
        return ""
    return _outside(urlsplit(target.base_url).hostname or "")


def _outside(host: str) -> str:
    return "" if host in HERE else host


def _file(settings: Settings, target: Target) -> Path:
    found = catalogue.find(target.model)
    return found if isinstance(found, Path) else found.path(settings)


def _measured(settings: Settings, target: Target) -> tuple[float, float] | None:
    """Tokens a second that are read and written, as they were measured at the first start."""
    stem = _file(settings, target).stem
    for path in sorted((settings.data_dir / "cache").glob(f"speed-{stem}-*.json")):
        try:
            kept = json.loads(path.read_text("utf-8"))
            return float(kept["prompt"]), float(kept["decode"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None

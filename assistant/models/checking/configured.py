"""The models of the settings, tried one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.models.auto import pick
from assistant.models.checking.chat import chat_rows
from assistant.models.checking.row import Row
from assistant.models.checking.vectors import vector_rows
from assistant.models.names import as_chat_model
from assistant.models.options import CHAT
from assistant.settings import Settings


def configured_rows(settings: Settings) -> Iterator[Row]:
    """Chat (also those to choose from), rewrite, embedding and rerank, each row as soon as it is
    known.

    Raises:
        SettingsError: a setting can't be used.
    """
    yield from chain_rows(settings, settings.chat_model, "CHAT_MODEL", "chat")
    tried = {settings.chat_model}
    for entry in map(as_chat_model, settings.chat_models):
        if entry not in tried:
            tried.add(entry)
            yield from chain_rows(settings, entry, "CHAT_MODELS", "chat")
    if settings.rewrite_model not in ("", settings.chat_model):
        yield from chain_rows(settings, settings.rewrite_model, "REWRITE_MODEL", "rewrite")
    yield from vector_rows(settings)


def chain_rows(settings: Settings, text: str, setting: str, check: str) -> Iterator[Row]:
    """Each member of a chain on its own: a fallback that doesn't work is found out too late."""
    for member in pick(settings, text, CHAT).split(","):
        if member.strip():
            yield from chat_rows(settings, member.strip(), setting, check)

"""``CHAT_MODEL`` and ``REWRITE_MODEL`` -> a chat model: a service's, or the embedded one."""

from __future__ import annotations

from assistant.models.chat.backend import ChatModel, RemoteChat
from assistant.models.chat.embedded import EmbeddedChat
from assistant.models.providers import LOCAL, endpoint, split_name
from assistant.settings import Settings


def open_chat(settings: Settings, name: str, setting: str) -> ChatModel:
    """The chat model called ``name``; nothing is started yet.

    Args:
        setting: where the name stands, for the error message.

    Raises:
        SettingsError: no such provider or embedded model, or its key is missing.
    """
    provider, model = split_name(name, setting)
    if provider != LOCAL:
        return RemoteChat(settings, endpoint(settings, name, setting))
    return EmbeddedChat(settings, model)

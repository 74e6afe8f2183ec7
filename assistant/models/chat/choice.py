"""``CHAT_MODEL`` and ``REWRITE_MODEL`` -> a chat model."""

from __future__ import annotations

from collections.abc import Callable

from assistant.models.auto import pick
from assistant.models.chat.backend import Backend
from assistant.models.chat.embedded import EmbeddedChat
from assistant.models.chat.model import ChatModel
from assistant.models.chat.ollama import OllamaChat
from assistant.models.chat.service import ServiceChat
from assistant.models.names import Target, resolve_all
from assistant.models.options import CHAT
from assistant.providers import EMBEDDED, IN_PROCESS, OLLAMA, OPENAI
from assistant.settings import Settings


def _in_process(settings: Settings, target: Target) -> Backend:
    from assistant.models.chat.huggingface import HuggingFaceChat

    return HuggingFaceChat(settings, target)


#: One row for each way of speaking.
BACKENDS: dict[str, Callable[[Settings, Target], Backend]] = {
    OPENAI: ServiceChat,
    OLLAMA: OllamaChat,
    EMBEDDED: EmbeddedChat,
    IN_PROCESS: _in_process,
}


def open_chat(settings: Settings, text: str, setting: str = "CHAT_MODEL") -> ChatModel:
    """The chat model that ``text`` names; nothing is started yet.

    Args:
        text: as :mod:`assistant.models.names` has it.
        setting: where ``text`` stands, for the error message.

    Raises:
        SettingsError: it can't be used; says why and what can.
        ModelError: no such embedded model.
    """
    targets = resolve_all(settings, pick(settings, text, CHAT), CHAT, setting)
    return ChatModel([BACKENDS[target.provider.speaks](settings, target) for target in targets])

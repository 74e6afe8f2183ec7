"""``CHAT_MODEL`` and ``CHAT_MODELS`` -> the chat models that a conversation may choose from."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.errors import AssistantError, SettingsError
from assistant.models.auto import AUTO
from assistant.models.chat.choice import open_chat
from assistant.models.chat.model import ChatModel
from assistant.models.names import CHAIN, as_chat_model, chain_name
from assistant.settings import Settings


class ChatModels:
    """The models by the names that they are chosen by; nothing of one is started before it is
    asked.

    Args:
        models: the first is the one that answers where none is chosen.
    """

    def __init__(self, models: Mapping[str, ChatModel]) -> None:
        self.models = dict(models)
        self.default_name = next(iter(self.models))

    @property
    def default(self) -> ChatModel:
        return self.models[self.default_name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.models)

    def offers(self, name: str) -> bool:
        """Whether ``name`` can be chosen; empty: the default."""
        return not name or name in self.models

    def chosen(self, name: str) -> ChatModel:
        """The model called ``name``; the default where none is chosen, or it is no longer
        offered."""
        return self.models.get(name, self.default)

    def close(self) -> None:
        """Let go of what was started."""
        for chat in self.models.values():
            chat.close()


def open_chats(settings: Settings) -> ChatModels:
    """All that the settings name; nothing is started yet.

    Raises:
        SettingsError: one of them can't be used; names it, and says why.
        ModelError: no such embedded model.
    """
    first = open_chat(settings, settings.chat_model)
    name = first.name if settings.chat_model == AUTO else chain_name(settings.chat_model, ",")
    models = {name: first}
    for entry in settings.chat_models:
        name = chain_name(entry, CHAIN)
        if name and name not in models:
            models[name] = _open(settings, entry)
    return ChatModels(models)


def _open(settings: Settings, entry: str) -> ChatModel:
    try:
        return open_chat(settings, as_chat_model(entry), "CHAT_MODELS")
    except AssistantError as error:
        raise SettingsError(
            "CHAT_MODELS can't be used because of its entry {entry}. {en}",
            "CHAT_MODELS 中的 {entry} 无法使用。{zh}",
            entry=repr(entry),
            en=error.text("en"),
            zh=error.text("zh"),
        ) from error

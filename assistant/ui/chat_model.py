"""Which chat model answers in a conversation: the choice above the question box. There is none
where only one is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from assistant.memory.records import Choices
from assistant.models.chat.offered import ChatModels
from assistant.models.names import shown_name
from assistant.ui.messages import caution
from assistant.ui.screens import Screen
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

LONGEST_NAME = 80  # characters of a name in a message


def build_model_choice(i18n: gr.I18n) -> gr.Dropdown:
    """Inside the running Blocks context."""
    return gr.Dropdown(
        [],
        label=i18n("model_choice"),
        show_label=False,
        container=False,
        filterable=False,
        visible=False,
        elem_id="chat-model",
        min_width=100,
        scale=0,
    )


class ModelChoice:
    """The handler of the choice; every reader may choose among what is offered.

    Args:
        screen_of: the screen of a page that shows a conversation.
        keep: keeps the choices of a screen, and in its conversation.
    """

    def __init__(
        self,
        chats: ChatModels,
        visitors: Visitors,
        screen_of: Callable[[str, gr.Request], Screen],
        keep: Callable[[Screen, Choices, gr.Request], None],
    ) -> None:
        self._chats = chats
        self._visitors = visitors
        self._screen_of = screen_of
        self._keep = keep

    def choose(self, name: str | None, conversation_id: str, request: gr.Request) -> Any:
        """Keep the model of this conversation; a new one keeps it with its first question."""
        screen, language = self._screen_of(conversation_id, request), self._language(request)
        chosen = "" if name in (None, self._chats.default_name) else str(name)
        if chosen == screen.choices.model:
            return gr.skip()
        if not self._chats.offers(chosen):
            caution("model_not_offered", language, name=chosen[:LONGEST_NAME])
            return model_update(self._chats, screen.choices, language)
        choices = replace(screen.choices, model=chosen)
        self._keep(screen, choices, request)
        return model_update(self._chats, choices, language)

    def _language(self, request: gr.Request) -> str:
        return self._visitors.language(request)


def model_update(chats: ChatModels, choices: Choices, language: str) -> Any:
    """What is offered, and which is chosen. One that was chosen and is gone stays in sight, so that
    it can be seen and another one chosen."""
    offered = [(shown_name(name), name) for name in chats.names]
    offered[0] = (text("model_default", language, name=offered[0][0]), chats.default_name)
    chosen = choices.model or chats.default_name
    if not chats.offers(choices.model):
        offered.append((text("model_gone", language, name=shown_name(chosen)), chosen))
    return gr.update(choices=offered, value=chosen, visible=len(offered) > 1)

"""What the chat page shows next: a frame, in the order of its components."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from assistant.errors import AssistantError
from assistant.memory.long_term import TITLE_LENGTH
from assistant.parts import Parts
from assistant.turns import RunningTurn
from assistant.ui.chat_search import panel
from assistant.ui.rendering import conversation_messages, turn_messages
from assistant.ui.screens import Screen
from assistant.ui.texts import text
from assistant.ui.turn_view import TurnView
from assistant.ui.visitor import Visitors

EXAMPLES = ("example_1", "example_2", "example_3")
LIKED = {1: "Like", -1: "Dislike"}


class Frame(NamedTuple):
    """What the page shows next, in the order of the components."""

    messages: Any
    composer: Any
    conversation_id: Any
    conversations: Any
    searched: Any  # the panel of chat_search.py, to the end
    memories: Any
    rewriting: Any
    use_memory: Any
    only: Any


def frame(**changes: Any) -> Frame:
    """A frame that leaves what isn't named as it is."""
    return Frame(*(changes.get(name, gr.skip()) for name in Frame._fields))


class Frames:
    """Draws the whole page.

    Args:
        begun: the turns that were begun here, the newest last.
    """

    def __init__(self, parts: Parts, visitors: Visitors, begun: deque[RunningTurn]) -> None:
        self._memory = parts.long_term
        self._knowledge = parts.knowledge
        self._visitors = visitors
        self._begun = begun

    def draw(self, screen: Screen, request: gr.Request, *, clear: bool = False) -> Frame:
        """All of the page. ``clear`` empties the composer."""
        user, language = self._visitors.of(request)
        is_empty = self._knowledge.is_empty
        more = text("welcome_empty" if is_empty else "welcome_more", language)
        examples = [] if is_empty else [{"text": text(key, language)} for key in EXAMPLES]
        is_busy = screen.turn is not None
        cleared: dict[str, Any] = {"value": ""} if clear else {}
        return Frame(
            messages=gr.update(
                value=conversation_messages(screen.all_views, language),
                feedback_value=_ratings(screen.views),
                placeholder=f"## {text('welcome', language)}\n{more}",
                examples=examples,
            ),
            composer=gr.update(submit_btn=not is_busy, stop_btn=is_busy, **cleared),
            conversation_id=screen.conversation_id,
            conversations=self._list(user, screen.conversation_id),
            **panel(screen, self._knowledge.sources(), language),
        )

    def _list(self, user: str, conversation_id: str) -> Any:
        """The list of conversations. On top those that aren't stored yet: they are answering
        their first question, or could not answer it."""
        # Before memory is asked: a turn that ends in between is in both, not in neither.
        new = {
            turn.conversation_id: turn.question[:TITLE_LENGTH]
            for turn in reversed(self._begun)
            if turn.user == user and (not turn.ended or turn.conversation_id == conversation_id)
        }
        try:
            known = self._memory.conversations(user)
        except AssistantError:
            known = []  # the head of the page says that Redis is away
        rows = {info.id: info.title or info.id for info in known}
        rows = {each: title for each, title in new.items() if each not in rows} | rows
        choices = [(title, each) for each, title in rows.items()]
        return gr.update(
            choices=choices, value=conversation_id if conversation_id in rows else None
        )


def _ratings(views: Sequence[TurnView]) -> list[str | None]:
    """Each of the assistant's messages bears the rating of its turn."""
    return [
        LIKED.get(view.rating)
        for view in views
        for message in turn_messages(view, "en")
        if message["role"] == "assistant"
    ]


def view_at(views: Sequence[TurnView], index: Any) -> int | None:
    """Which turn the chat's message at ``index`` is part of."""
    begin = 0
    for position, view in enumerate(views):
        begin += len(turn_messages(view, "en"))
        if isinstance(index, int) and index < begin:
            return position
    return None

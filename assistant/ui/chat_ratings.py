"""What a reader thinks of an answer: a thumb, and after a thumb down perhaps why."""

from __future__ import annotations

import gradio as gr

from assistant.errors import AssistantError
from assistant.memory.long_term import LongTermMemory
from assistant.ui.memory_words import cleaned
from assistant.ui.messages import inform, warn
from assistant.ui.screens import Screen
from assistant.ui.turn_end import REASONS
from assistant.ui.turn_view import TurnView
from assistant.ui.visitor import Visitors

RATINGS = {"good": 1, "bad": -1}
LONGEST_REASON = 300  # characters


class Ratings:
    """Keeps ratings with their turns, and goes with them."""

    def __init__(self, memory: LongTermMemory, visitors: Visitors) -> None:
        self._memory = memory
        self._visitors = visitors

    def rate(self, screen: Screen, do: str, turn_id: str, request: gr.Request) -> None:
        """A thumb: the same one again withdraws it. A bad one asks why."""
        view = view_of(screen, turn_id)
        if view is None:
            return
        rating = 0 if view.rating == RATINGS[do] else RATINGS[do]
        if self._kept(screen, view, rating, "", request):
            view.asks_why = rating < 0
            if rating >= 0:
                inform("rated", self._visitors.language(request))

    def explain(self, screen: Screen, turn_id: str, reason: str, request: gr.Request) -> None:
        """Why an answer is bad: one of the reasons offered, or words of the reader's own."""
        view = view_of(screen, turn_id)
        words = " ".join(cleaned(reason).split())[:LONGEST_REASON]
        if view is None or not words:
            return
        if self._kept(screen, view, -1, words, request):
            view.asks_why = False
            inform("rated", self._visitors.language(request))

    def _kept(
        self, screen: Screen, view: TurnView, rating: int, reason: str, request: gr.Request
    ) -> bool:
        user, language = self._visitors.of(request)
        try:
            self._memory.rate(user, screen.conversation_id, view.turn_id, rating, reason)
        except AssistantError as error:
            warn(error, language)
            return False
        view.rating, view.reason = rating, reason
        return True


def view_of(screen: Screen, turn_id: str) -> TurnView | None:
    """The turn of the screen with this id."""
    return next((view for view in screen.views if turn_id and view.turn_id == turn_id), None)


def reason_of(value: str) -> tuple[str, str]:
    """Turn and reason of a button of the short choice; no reason where it is none of them."""
    turn_id, _, reason = value.rpartition(" ")
    return turn_id, reason if reason in REASONS else ""

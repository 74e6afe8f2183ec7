"""What memory holds of a conversation, as a screen: the branch that was shown last, what runs, and
what was broken off."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

from assistant.errors import AssistantError, MemoryUnavailable
from assistant.knowledge.attached import AttachedCollections
from assistant.memory.records import Begun, Choices, Turn, branch
from assistant.parts import Parts
from assistant.ui.messages import warn
from assistant.ui.screens import Screen
from assistant.ui.turn_view import TurnView
from assistant.ui.visitor import Visitors


class StoredScreens:
    """Makes screens from memory; one for a new conversation where there is none of an id."""

    def __init__(self, parts: Parts, visitors: Visitors) -> None:
        self._turns = parts.turns
        self._memory = parts.long_term
        self._visitors = visitors
        self._attached = AttachedCollections(parts.knowledge)

    def screen(self, conversation_id: str, request: gr.Request) -> Screen:
        """The conversation as it was left."""
        user, language = self._visitors.of(request)
        if not conversation_id:
            return Screen("")
        running = self._turns.current(user, conversation_id)
        turns: Mapping[str, Turn] = {}
        head, choices, begun = "", Choices(), None
        try:
            opened = self._memory.open(user, conversation_id)
            turns, head, choices = opened.turns or {}, opened.head, opened.choices
            if running is None:
                begun = self._memory.list.begun(user, conversation_id)
        except AssistantError as error:
            warn(error, language)
        path = branch(turns, head)
        if running:
            # It may have been stored a moment ago: it is shown once, as it runs.
            path = [turn for turn in path if turn.time < running.asked]
            turns = {id: turn for id, turn in turns.items() if turn.time < running.asked}
            path = _before(path, running.replaces)
        views = [TurnView.from_turn(turn, siblings(turns, turn.id)) for turn in path]
        if begun is not None and _is_broken(begun, turns):
            views = [view for view in views if view.turn_id not in _from(path, begun.replaces)]
            views.append(TurnView.from_begun(begun))
        older = siblings(turns, running.replaces) if running else ()
        is_known = bool(views or running or self._attached.find(user, conversation_id))
        return Screen(conversation_id if is_known else "", tuple(views), running, choices, older)

    def switch(self, screen: Screen, turn_id: str, request: gr.Request) -> Screen:
        """The conversation with the turn ``turn_id`` in place of its sibling, and what followed it
        last; the next question goes on from there.

        Raises:
            MemoryUnavailable: Redis can't be reached.
        """
        user, _ = self._visitors.of(request)
        turns = self._memory.all_turns(user, screen.conversation_id)
        if turn_id not in turns or screen.turn is not None:
            return screen
        self._memory.set_head(user, screen.conversation_id, newest_after(turns, turn_id))
        return self.screen(screen.conversation_id, request)

    def note_begun(self, user: str, conversation_id: str, begun: Begun) -> None:
        """So that the question is known where the app ends before it is answered."""
        try:
            self._memory.list.release(user, conversation_id)
            self._memory.list.begin(user, conversation_id, begun)
        except MemoryUnavailable:
            return  # the turn says so itself


def siblings(turns: Mapping[str, Turn], turn_id: str) -> tuple[str, ...]:
    """The turns that were asked at the place of ``turn_id``, itself among them, oldest first."""
    if turn_id not in turns:
        return ()
    beside = [turn for turn in turns.values() if turn.parent == turns[turn_id].parent]
    return tuple(turn.id for turn in sorted(beside, key=lambda turn: turn.time))


def newest_after(turns: Mapping[str, Turn], turn_id: str) -> str:
    """The end of the branch that goes on from ``turn_id``, by the newest turn at each place."""
    seen = {turn_id}
    while True:
        after = [turn for turn in turns.values() if turn.parent == turn_id and turn.id not in seen]
        if not after:
            return turn_id
        turn_id = max(after, key=lambda turn: turn.time).id
        seen.add(turn_id)


def _before(path: list[Turn], turn_id: str) -> list[Turn]:
    ids = [turn.id for turn in path]
    return path[: ids.index(turn_id)] if turn_id in ids else path


def _from(path: list[Turn], turn_id: str) -> set[str]:
    return {turn.id for turn in path[len(_before(path, turn_id)) :]}


def _is_broken(begun: Begun, turns: Mapping[str, Turn]) -> bool:
    """Whether nothing was stored since: what ended as it was noted is no matter."""
    return all(turn.time < begun.time for turn in turns.values())

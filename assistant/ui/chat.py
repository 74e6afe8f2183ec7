"""What happens on each click of the chat page.

A turn is a task of the server. The handlers only consume the events of a
:class:`~assistant.turns.RunningTurn`: a page that is reloaded, or opens another conversation and
comes back, attaches to it again, and only Stop ends it early.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from assistant.conversation import new_conversation_id
from assistant.errors import AssistantError
from assistant.events import Thinking, Token
from assistant.memory.records import Choices, Turn, branch
from assistant.parts import Parts
from assistant.turns import RunningTurn
from assistant.ui.chat_frames import Frame, Frames, frame, view_at
from assistant.ui.chat_search import memories_of
from assistant.ui.markdown import as_typed
from assistant.ui.messages import caution, inform, warn
from assistant.ui.rendering import conversation_messages, turn_messages
from assistant.ui.screens import Screen, Screens
from assistant.ui.turn_view import TurnView
from assistant.ui.visitor import Visitors

SHOWN_EVERY = 0.05  # seconds between two frames of a streaming answer
CLOSE_SECONDS = 1.0

_RATINGS = {"True": 1, "False": -1, "Like": 1, "Dislike": -1}
_CONVERSATION_ID = re.compile(r"[\w.-]{1,64}")


class Chat:
    """The handlers of the chat page."""

    def __init__(self, parts: Parts, visitors: Visitors) -> None:
        self._turns = parts.turns
        self._memory = parts.long_term
        self._visitors = visitors
        self._screens = Screens()
        self._begun: deque[RunningTurn] = deque(maxlen=100)
        self._frames = Frames(parts, visitors, self._begun)

    def open_from_url(self, request: gr.Request) -> Frame:
        """The page was loaded: the conversation in ``?c=ID``, or a new one. Who asked before this
        came keeps the question."""
        wanted = _checked_id(str(request.query_params.get("c", "")))
        screen = self._screens.put_first(_page_of(request), self._stored(wanted, request))
        return self._frames.draw(screen, request)

    def open(self, conversation_id: str | None, request: gr.Request) -> Frame:
        """Show a conversation, or a new one where there is none of this id."""
        screen = self._stored(_checked_id(conversation_id), request)
        self._screens.put(_page_of(request), screen)
        return self._frames.draw(screen, request)

    def new(self, request: gr.Request) -> Frame:
        return self.open("", request)

    def follow(self, request: gr.Request) -> Iterator[Frame]:
        """Show the turn under way to its end, or until the page shows something else."""
        _, language = self._visitors.of(request)
        page = _page_of(request)
        screen = self._screens.get(page)
        if screen is None or screen.turn is None:
            yield frame()
            return
        view = TurnView(screen.turn.question)
        before = conversation_messages(screen.views, language)
        for _ in _paced(screen.turn, view):
            yield frame(messages=[*before, *turn_messages(view, language)])
            now = self._screens.get(page)
            if now is not screen:
                # The frame above may have come after the new screen.
                yield self._frames.draw(now or Screen(""), request)
                return
        ended = replace(screen, views=(*screen.views, view), turn=None)
        is_shown = self._screens.replace(page, screen, ended)
        yield self._frames.draw(ended, request) if is_shown else frame()

    def ask(self, question: str, conversation_id: str, request: gr.Request) -> Frame:
        """Begin a turn. An empty question does nothing."""
        if not question.strip():
            return frame()
        screen = self._screen(conversation_id, request)
        return self._begin(screen, question, request)

    def ask_example(self, event: gr.SelectData, conversation_id: str, request: gr.Request) -> Frame:
        return self.ask(str(event.value["text"]), conversation_id, request)

    def retry(self, conversation_id: str, request: gr.Request) -> Frame:
        """Answer the last question again."""
        screen = self._screen(conversation_id, request)
        if not screen.views:
            return frame()
        return self._instead(screen, len(screen.views) - 1, screen.views[-1].question, request)

    def edit(self, event: gr.EditData, conversation_id: str, request: gr.Request) -> Frame:
        """Ask a changed question in place of the one that was clicked: what followed it is left."""
        screen = self._screen(conversation_id, request)
        position = view_at(screen.views, event.index)
        question = as_typed(str(event.value))
        if position is None or screen.turn or not question.strip():
            return self._frames.draw(screen, request)
        return self._instead(screen, position, question, request)

    def search_again(self, searched: str, conversation_id: str, request: gr.Request) -> Frame:
        """Answer the last question again from what the user says is to be searched."""
        screen = self._screen(conversation_id, request)
        if not screen.views or not searched.strip():
            _, language = self._visitors.of(request)
            caution("nothing_to_search", language)
            return frame()
        last = len(screen.views) - 1
        return self._instead(screen, last, screen.views[last].question, request, searched)

    def choose(  # noqa: PLR0917 - what the panel's components hold
        self,
        rewriting: bool,
        use_memory: bool,
        ticked: list[str],
        only: list[str],
        conversation_id: str,
        request: gr.Request,
    ) -> None:
        """Keep how this conversation is searched; a new one keeps it with its first question."""
        screen = self._screen(conversation_id, request)
        without = (screen.choices.without | memories_of(screen).keys()) - set(ticked)
        choices = Choices(rewriting, use_memory, frozenset(without), frozenset(only or ()))
        chosen = replace(screen, choices=choices)
        self._screens.put(_page_of(request), chosen)
        user, language = self._visitors.of(request)
        try:
            if screen.conversation_id:
                self._memory.set_choices(user, screen.conversation_id, chosen.choices)
        except AssistantError as error:
            warn(error, language)  # the next question brings them along
            return
        inform("chosen", language)

    def rate(self, event: gr.LikeData, conversation_id: str, request: gr.Request) -> None:
        """Keep what the user thinks of an answer, with its turn."""
        user, language = self._visitors.of(request)
        screen = self._screen(conversation_id, request)
        position = view_at(screen.views, event.index)
        if position is None or not screen.views[position].turn_id:
            return
        view = screen.views[position]
        try:
            view.rating = _RATINGS.get(str(event.liked), 0)
            self._memory.rate(user, screen.conversation_id, view.turn_id, view.rating)
        except AssistantError as error:
            warn(error, language)
            return
        inform("rated", language)

    def stop(self, request: gr.Request) -> Any:
        """Ask the turn to end; the button goes, so that one sees it was heard."""
        screen = self._screens.get(_page_of(request))
        if screen is None or screen.turn is None:
            return gr.skip()
        screen.turn.stop()
        return gr.update(stop_btn=False)

    def delete(self, conversation_id: str, request: gr.Request) -> Frame:
        """Remove the conversation and show a new one."""
        user, language = self._visitors.of(request)
        if not conversation_id:
            return frame()
        try:
            self._turns.forget(user, conversation_id)
        except AssistantError as error:
            warn(error, language)
            return frame()
        inform("deleted_conversation", language)
        return self.open("", request)

    def close(self) -> None:
        """End the turns under way, so that what came of them is stored."""
        for turn in self._begun:
            turn.stop()
        deadline = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < deadline and not all(turn.ended for turn in self._begun):
            time.sleep(0.02)

    def _instead(
        self, screen: Screen, position: int, question: str, request: gr.Request, searched: str = ""
    ) -> Frame:
        """Ask ``question`` in place of the turn at ``position``."""
        rest = replace(screen, views=screen.views[:position])
        return self._begin(
            rest, question, request, replaces=screen.views[position].turn_id, searched=searched
        )

    def _begin(
        self,
        screen: Screen,
        question: str,
        request: gr.Request,
        *,
        replaces: str | None = None,
        searched: str = "",
    ) -> Frame:
        user, language = self._visitors.of(request)
        conversation_id = screen.conversation_id or new_conversation_id()
        try:
            turn = self._turns.start(
                user,
                conversation_id,
                question,
                language=language,
                replaces=replaces or "",
                standalone=searched,
                choices=screen.choices,
            )
        except AssistantError as error:
            warn(error, language)
            return frame()
        begun = replace(screen, conversation_id=conversation_id, turn=turn)
        self._screens.put(_page_of(request), begun)
        self._begun.append(turn)
        return self._frames.draw(begun, request, clear=replaces is None)

    def _screen(self, conversation_id: str, request: gr.Request) -> Screen:
        """The page's screen, or one from memory: the app may have been restarted under it."""
        known = self._screens.get(_page_of(request))
        conversation_id = _checked_id(conversation_id)
        if known and known.conversation_id == conversation_id:
            return known
        return self._stored(conversation_id, request)

    def _stored(self, conversation_id: str, request: gr.Request) -> Screen:
        user, language = self._visitors.of(request)
        if not conversation_id:
            return Screen("")
        turn = self._turns.current(user, conversation_id)
        turns: list[Turn] = []
        choices = Choices()
        try:
            opened = self._memory.open(user, conversation_id)
            turns, choices = branch(opened.turns or {}, opened.head), opened.choices
        except AssistantError as error:
            warn(error, language)
        if turn and turn.replaces:
            ids = [each.id for each in turns]
            turns = turns[: ids.index(turn.replaces)] if turn.replaces in ids else turns
        views = tuple(TurnView.from_turn(each) for each in turns)
        return Screen(conversation_id if views or turn else "", views, turn, choices)


def _paced(turn: RunningTurn, view: TurnView) -> Iterator[None]:
    """Fill ``view`` from the turn's events; yields when it is worth showing again."""
    last = 0.0  # when a piece of the answer was shown
    for event in turn.events():
        view.apply(event)
        if isinstance(event, Token | Thinking):
            now = time.monotonic()
            if now - last < SHOWN_EVERY:
                continue
            last = now
        yield


def _page_of(request: gr.Request) -> str:
    return request.session_hash or ""


def _checked_id(conversation_id: str | None) -> str:
    found = conversation_id or ""
    return found if _CONVERSATION_ID.fullmatch(found) else ""

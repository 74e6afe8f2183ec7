"""What happens on each click of the chat page.

A turn is a task of the server. The handlers only consume the events of a
:class:`~assistant.turns.RunningTurn`: a page that is reloaded, or opens another conversation and
comes back, attaches to it again, and only Stop ends it early.
"""

from __future__ import annotations

import html
import re
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from assistant.conversation import new_conversation_id
from assistant.errors import AssistantError
from assistant.events import Thinking, Token
from assistant.memory.long_term import TITLE_LENGTH
from assistant.parts import Parts
from assistant.turns import RunningTurn
from assistant.ui.rendering import TurnView, conversation_messages, turn_messages
from assistant.ui.screens import Screen, Screens
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

SHOWN_EVERY = 0.05  # seconds between two frames of a streaming answer
CLOSE_SECONDS = 1.0
EXAMPLES = ("example_1", "example_2", "example_3")

_CONVERSATION_ID = re.compile(r"[\w.-]{1,64}")


class Frame(NamedTuple):
    """What the page shows next, in the order of the components."""

    messages: Any
    composer: Any
    conversation_id: Any
    conversations: Any


def frame(**changes: Any) -> Frame:
    """A frame that leaves what isn't named as it is."""
    return Frame(*(changes.get(name, gr.skip()) for name in Frame._fields))


class Chat:
    """The handlers of the chat page."""

    def __init__(self, parts: Parts, visitors: Visitors) -> None:
        self._turns = parts.turns
        self._conversation = parts.conversation
        self._memory = parts.long_term
        self._knowledge = parts.knowledge
        self._visitors = visitors
        self._screens = Screens()
        self._begun: deque[RunningTurn] = deque(maxlen=100)

    def open_from_url(self, request: gr.Request) -> Frame:
        """The page was loaded: the conversation in ``?c=ID``, or a new one. Who asked before this
        came keeps the question."""
        wanted = _checked_id(str(request.query_params.get("c", "")))
        screen = self._screens.put_first(_page_of(request), self._stored(wanted, request))
        return self._frame(screen, request)

    def open(self, conversation_id: str | None, request: gr.Request) -> Frame:
        """Show a conversation, or a new one where there is none of this id."""
        screen = self._stored(_checked_id(conversation_id), request)
        self._screens.put(_page_of(request), screen)
        return self._frame(screen, request)

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
                yield self._frame(now or Screen(""), request)
                return
        ended = Screen(screen.conversation_id, (*screen.views, view))
        is_shown = self._screens.replace(page, screen, ended)
        yield self._frame(ended, request) if is_shown else frame()

    def ask(self, question: str, conversation_id: str, request: gr.Request) -> Frame:
        """Begin a turn. An empty question does nothing."""
        if not question.strip():
            return frame()
        screen = self._screen(conversation_id, request)
        return self._begin(screen, question, request, retry=False)

    def ask_example(self, event: gr.SelectData, conversation_id: str, request: gr.Request) -> Frame:
        return self.ask(str(event.value["text"]), conversation_id, request)

    def retry(self, conversation_id: str, request: gr.Request) -> Frame:
        """Answer the last question again."""
        screen = self._screen(conversation_id, request)
        if not screen.views:
            return frame()
        rest = Screen(screen.conversation_id, screen.views[:-1])
        return self._begin(rest, screen.views[-1].question, request, retry=True)

    def stop(self, request: gr.Request) -> Any:
        """Ask the turn to end; the button goes, so that one sees it was heard."""
        screen = self._screens.get(_page_of(request))
        if screen is None or screen.turn is None:
            return gr.skip()
        screen.turn.stop()
        return gr.update(stop_btn=False)

    def delete(self, conversation_id: str, request: gr.Request) -> Frame:
        """Remove the conversation and show a new one; not while it answers, because the answer
        would be stored after it."""
        user, language = self._visitors.of(request)
        if not conversation_id:
            return frame()
        if self._turns.current(user, conversation_id):
            gr.Warning(text("still_answering", language), title=text("app", language))
            return frame()
        try:
            self._conversation.forget(user, conversation_id)
        except AssistantError as error:
            _warn(error, language)
            return frame()
        gr.Info(text("deleted_conversation", language), title=text("app", language), duration=3)
        return self.open("", request)

    def close(self) -> None:
        """End the turns under way, so that what came of them is stored."""
        for turn in self._begun:
            turn.stop()
        deadline = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < deadline and not all(turn.ended for turn in self._begun):
            time.sleep(0.02)

    def _begin(self, screen: Screen, question: str, request: gr.Request, *, retry: bool) -> Frame:
        user, language = self._visitors.of(request)
        conversation_id = screen.conversation_id or new_conversation_id()
        try:
            turn = self._turns.start(
                user, conversation_id, question, language=language, retry=retry
            )
        except AssistantError as error:
            _warn(error, language)
            return frame()
        begun = Screen(conversation_id, screen.views, turn)
        self._screens.put(_page_of(request), begun)
        self._begun.append(turn)
        return self._frame(begun, request, clear=not retry)

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
        try:
            turns = self._memory.turns(user, conversation_id)
        except AssistantError as error:
            _warn(error, language)
            turns = []
        if turn and turns and turns[-1].text == turn.question:
            turns.pop()  # being asked again
        views = tuple(TurnView.from_turn(each) for each in turns)
        return Screen(conversation_id if views or turn else "", views, turn)

    def _frame(self, screen: Screen, request: gr.Request, *, clear: bool = False) -> Frame:
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
                placeholder=f"## {text('welcome', language)}\n{more}",
                examples=examples,
            ),
            composer=gr.update(submit_btn=not is_busy, stop_btn=is_busy, **cleared),
            conversation_id=screen.conversation_id,
            conversations=self._list(user, screen.conversation_id),
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


def _warn(error: AssistantError, language: str) -> None:
    gr.Warning(html.escape(error.text(language)), title=text("app", language))

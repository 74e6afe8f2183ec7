"""What happens on each click of the chat page.

A turn is a task of the server. The handlers only consume the events of a
:class:`~assistant.turns.RunningTurn`: a page that is reloaded, or opens another conversation and
comes back, attaches to it again, and only Stop ends it early.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr
from anyio.to_thread import run_sync

from assistant.conversation import new_conversation_id
from assistant.deletions import Deletions
from assistant.errors import AssistantError
from assistant.memory.records import Begun
from assistant.parts import Parts
from assistant.turn_progress import checked_question
from assistant.turns import RunningTurn
from assistant.ui.chat_frames import Frame, Frames, frame, view_at
from assistant.ui.chat_list import TalkList
from assistant.ui.chat_model import ModelChoice
from assistant.ui.chat_ratings import RATINGS, Ratings, reason_of
from assistant.ui.chat_search import SearchChoices
from assistant.ui.chat_tools import tools_html
from assistant.ui.markdown import as_typed
from assistant.ui.messages import caution, warn
from assistant.ui.rendering import conversation_messages, turn_messages
from assistant.ui.screens import Screen, Screens
from assistant.ui.stored_screens import StoredScreens
from assistant.ui.turn_view import TurnView
from assistant.ui.visitor import Visitors

SHOWN_EVERY = 0.05  # seconds between two frames of a streaming answer, at least
IDLE_SHARE = 3.0  # of what drawing a frame took, until the next

_CONVERSATION_ID = re.compile(r"[\w.-]{1,64}")


class Chat:
    """The handlers of the chat page."""

    def __init__(self, parts: Parts, visitors: Visitors, *, can_share: bool = False) -> None:
        self._turns = parts.turns
        self._visitors = visitors
        self._screens = Screens()
        self._begun: deque[RunningTurn] = deque(maxlen=100)
        self.deletions = Deletions(parts.long_term.list, parts.turns.forget, parts.turns.current)
        self._stored = StoredScreens(parts, visitors)
        self._ratings = Ratings(parts.long_term, visitors)
        #: The list of conversations.
        self.talks = TalkList(
            parts.long_term.list, self.deletions, visitors, self._begun, can_share=can_share
        )
        self._frames = Frames(parts, visitors, self.talks)
        #: The handlers of the panel below the conversation.
        self.search = SearchChoices(parts, visitors, self._screens, self._screen)
        #: The handler of the choice of a model.
        self.model = ModelChoice(parts.chats, visitors, self._screen, self.search.keep)

    def open_from_url(self, request: gr.Request) -> Frame:
        """The page was loaded: the conversation in ``?c=ID``, or a new one. Who asked before this
        came keeps the question."""
        wanted = checked_id(str(request.query_params.get("c", "")))
        found = self._stored.screen(wanted, request)
        screen = self._screens.put_first(_page_of(request), found)
        return self._frames.draw(screen, request)

    def open(self, conversation_id: str | None, request: gr.Request) -> Frame:
        """Show a conversation, or a new one where there is none of this id."""
        screen = self._stored.screen(checked_id(conversation_id), request)
        return self._show(screen, request)

    def open_row(self, event: gr.EventData, request: gr.Request) -> Frame:
        """A row of the list was clicked."""
        return self.open(str(event.id), request)

    def new(self, request: gr.Request) -> Frame:
        return self.open("", request)

    def tools(self, request: gr.Request) -> str:
        """What the page's script works with, in the reader's language."""
        return tools_html(*self._visitors.of(request))

    async def follow(self, request: gr.Request) -> AsyncIterator[Frame]:
        """Show the turn under way to its end, or until the page shows something else."""
        _, language = self._visitors.of(request)
        page = _page_of(request)
        screen = self._screens.get(page)
        if screen is None or screen.turn is None or screen.running is None:
            yield frame()
            return
        view = screen.running
        before = conversation_messages(screen.views, language)
        async for _ in _paced(screen.turn, view):
            yield frame(messages=[*before, *turn_messages(view, language)])
            now = self._screens.get(page)
            if now is None or now.turn is not screen.turn:
                # The frame above may have come after the new screen.
                yield await self._drawn(now or Screen(""), request)
                return
        ended = self._screens.end(page, screen.turn, view)
        yield await self._drawn(ended, request) if ended else frame()

    async def _drawn(self, screen: Screen, request: gr.Request) -> Frame:
        """Drawing asks memory and the knowledge base: not in the server's own thread."""
        return await run_sync(self._frames.draw, screen, request)

    def ask(self, question: str, conversation_id: str, request: gr.Request) -> Frame:
        """Begin a turn. An empty question does nothing."""
        if not question.strip():
            return frame()
        screen = self._screen(conversation_id, request)
        return self._begin(screen, question, request)

    def ask_example(self, event: gr.SelectData, conversation_id: str, request: gr.Request) -> Frame:
        """One of the first questions was clicked."""
        return self.ask(str(event.value["text"]), conversation_id, request)

    def ask_next(self, event: gr.SelectData, conversation_id: str, request: gr.Request) -> Frame:
        """One of the questions below an answer was clicked."""
        return self.ask(str(event.value), conversation_id, request)

    def retry(self, event: gr.EventData, conversation_id: str, request: gr.Request) -> Frame:
        """Answer a question again: that of the turn ``event.id``, or the last one. What followed
        it is left."""
        screen = self._screen(conversation_id, request)
        if not screen.views or screen.turn:
            return frame()
        ids = [view.turn_id for view in screen.views]
        position = ids.index(event.id) if event.id in ids else len(ids) - 1
        return self._instead(screen, position, screen.views[position].question, request)

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
            caution("nothing_to_search", self._visitors.language(request))
            return frame()
        last = len(screen.views) - 1
        return self._instead(screen, last, screen.views[last].question, request, searched)

    def mark(self, event: gr.EventData, conversation_id: str, request: gr.Request) -> Frame:
        """A button of an answer that begins no turn: a rating, its reason, another version."""
        screen = self._screen(conversation_id, request)
        do, id = str(event.do), str(event.id)
        if do in RATINGS:
            self._ratings.rate(screen, do, id, request)
        elif do == "reason":
            self._ratings.explain(screen, *reason_of(id), request)
        elif do == "own_reason":
            self._ratings.explain(screen, id, str(event.value), request)
        elif do == "version":
            return self._version(screen, id, request)
        # While it answers, the stream draws the messages.
        return frame() if screen.turn else self._frames.draw(screen, request)

    def act(self, event: gr.EventData, conversation_id: str, request: gr.Request) -> Frame:
        """A button of the list of conversations."""
        do, id = str(event.do), str(event.id)
        if do == "more":
            self.talks.more(request)
        is_done = self.talks.act(do, id, str(event.value), request)
        if is_done and do == "delete" and id == conversation_id:
            return self.open("", request)
        if is_done and do == "undo" and not conversation_id:
            return self.open(id, request)
        return self._frames.list(conversation_id, request)

    def find(self, query: str, conversation_id: str, request: gr.Request) -> str:
        """Search the conversations."""
        return self.talks.search(query, conversation_id, request)

    def stop(self, request: gr.Request) -> Any:
        """Ask the turn to end; the button goes, so that one sees it was heard."""
        screen = self._screens.get(_page_of(request))
        if screen is None or screen.turn is None:
            return gr.skip()
        screen.turn.stop()
        return gr.update(stop_btn=False)

    def start(self) -> None:
        """See to what an earlier app left."""
        self.deletions.start()

    def close(self) -> None:
        """End the turns under way, so that what came of them is stored, and delete what is held
        back."""
        self._turns.drain(0)
        self.deletions.close()

    def _version(self, screen: Screen, turn_id: str, request: gr.Request) -> Frame:
        try:
            return self._show(self._stored.switch(screen, turn_id, request), request)
        except AssistantError as error:
            warn(error, self._visitors.language(request))
            return frame()

    def _show(self, screen: Screen, request: gr.Request) -> Frame:
        self._screens.put(_page_of(request), screen)
        return self._frames.draw(screen, request)

    def _instead(
        self, screen: Screen, position: int, question: str, request: gr.Request, searched: str = ""
    ) -> Frame:
        """Ask ``question`` in place of the turn at ``position``."""
        old = screen.views[position]
        rest = replace(screen, views=screen.views[:position], siblings=old.siblings)
        # One that was broken off was perhaps itself asked in place of another.
        replaces = old.turn_id or old.replaces
        return self._begin(rest, question, request, replaces=replaces, searched=searched)

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
        begun = Begun(question, time.time(), replaces or "")
        start = partial(
            self._turns.start, user, conversation_id, question, language=language,
            model=screen.choices.model,
            replaces=replaces or "", standalone=searched, choices=screen.choices,
            identity=self._visitors.identity(request),
        )  # fmt: skip
        try:
            checked_question(question)  # what can't be asked stays in the composer
            turn = start()
        except AssistantError as error:
            warn(error, language)
            if replaces is None:
                return frame()
            # An edited question goes back to the one that was asked.
            return self._frames.draw(self._screen(conversation_id, request), request)
        self._stored.note_begun(user, conversation_id, begun)
        self._begun.append(turn)
        new = replace(screen, conversation_id=conversation_id, turn=turn)
        self._screens.put(_page_of(request), new)
        return self._frames.draw(new, request, clear=replaces is None)

    def shown(self, request: gr.Request) -> str | None:
        """The id of the conversation that the page shows, empty for a new one; None where that
        isn't known: the app may have been restarted under it."""
        screen = self._screens.get(_page_of(request))
        return screen.conversation_id if screen else None

    def name(self, conversation_id: str, request: gr.Request) -> None:
        """Give the new conversation that the page shows its id before its first question."""
        screen = self._screens.get(_page_of(request)) or Screen("")
        if not screen.conversation_id:
            named = replace(screen, conversation_id=conversation_id)
            self._screens.put(_page_of(request), named)

    def _screen(self, conversation_id: str, request: gr.Request) -> Screen:
        """The page's screen, or one from memory: the app may have been restarted under it."""
        known = self._screens.get(_page_of(request))
        conversation_id = checked_id(conversation_id)
        if known and known.conversation_id == conversation_id:
            return known
        if known and not conversation_id and not known.all_views:
            return known  # named just now, by a file that was attached
        return self._stored.screen(conversation_id, request)


async def _paced(turn: RunningTurn, view: TurnView) -> AsyncIterator[None]:
    """Fill ``view`` from the turn's events; yields when it is worth showing again. What came
    meanwhile is shown together, and a busy server shows less often: it shows the more pages."""
    async for fresh in turn.abatches():
        for event in fresh:
            view.apply(event)
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        if not turn.ended:
            await asyncio.sleep(max(SHOWN_EVERY, IDLE_SHARE * took))


def _page_of(request: gr.Request) -> str:
    return request.session_hash or ""


def checked_id(conversation_id: str | None) -> str:
    """What a page says is a conversation's id; empty for what can be none."""
    found = conversation_id or ""
    return found if _CONVERSATION_ID.fullmatch(found) else ""

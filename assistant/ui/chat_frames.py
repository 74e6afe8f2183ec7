"""What the chat page shows next: a frame, in the order of its components."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from assistant.errors import AssistantError
from assistant.follow_ups import follow_ups
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import Hit
from assistant.library import Library, open_library
from assistant.parts import Parts
from assistant.prompts import language_of
from assistant.ui.chat_list import TalkList
from assistant.ui.chat_model import model_update
from assistant.ui.chat_search import panel
from assistant.ui.per_page import PerPage
from assistant.ui.rendering import conversation_messages, turn_messages
from assistant.ui.screens import Screen
from assistant.ui.texts import text
from assistant.ui.turn_sources import cited_numbers
from assistant.ui.turn_view import TurnView
from assistant.ui.visitor import Visitors
from assistant.users.identity import AccessDenied

log = logging.getLogger(__name__)

EXAMPLES = ("example_1", "example_2", "example_3")


class Frame(NamedTuple):
    """What the page shows next, in the order of the components."""

    messages: Any
    composer: Any
    conversation_id: Any
    conversations: Any
    model: Any
    searched: Any  # the panel of chat_search.py, to the end
    memories: Any
    rewriting: Any
    use_memory: Any
    collection: Any
    only: Any


def frame(**changes: Any) -> Frame:
    """A frame that leaves what isn't named as it is."""
    return Frame(*(changes.get(name, gr.skip()) for name in Frame._fields))


class Frames:
    """Draws the whole page, but for what has not changed since it was drawn last: Gradio makes a
    component anew for each that changes, which costs more than all else here."""

    def __init__(self, parts: Parts, visitors: Visitors, talks: TalkList) -> None:
        self._knowledge = parts.knowledge
        self._arrivals = parts.conversation.arrivals
        self._chats = parts.chats
        self._collections = Collections(parts.knowledge)
        self._visitors = visitors
        self._talks = talks
        self._drawn: PerPage[dict[str, str]] = PerPage()

    def draw(self, screen: Screen, request: gr.Request, *, clear: bool = False) -> Frame:
        """All of the page. ``clear`` empties the composer."""
        language = self._visitors.language(request)
        is_busy = screen.turn is not None
        cleared: dict[str, Any] = {"value": ""} if clear else {}
        if screen.views and not is_busy:
            self._suggest(screen, request)
        messages = conversation_messages(screen.all_views, language)
        fresh = self._changed(
            screen,
            request,
            {
                **({} if screen.all_views else {"messages": self._welcome(screen, request)}),
                "model": model_update(self._chats, screen.choices, language),
                **panel(screen, self._collections, self._visitors, request),
            },
        )
        greeted = fresh.pop("messages", None)
        return frame(
            messages=messages if greeted is None else {**greeted, "value": messages},
            composer=gr.update(submit_btn=not is_busy, stop_btn=is_busy, **cleared),
            conversation_id=screen.conversation_id,
            conversations=self._talks.html(screen.conversation_id, request),
            **fresh,
        )

    def _welcome(self, screen: Screen, request: gr.Request) -> dict[str, Any]:
        """What a conversation shows before its first question."""
        language = self._visitors.language(request)
        is_empty = self._is_empty(screen, request)
        more = text("welcome_empty" if is_empty else "welcome_more", language)
        examples = [] if is_empty else [{"text": text(key, language)} for key in EXAMPLES]
        greeting = f"## {text('welcome', language)}\n{more}"
        update: dict[str, Any] = gr.update(placeholder=greeting, examples=examples)
        return update

    def _is_empty(self, screen: Screen, request: gr.Request) -> bool:
        """Whether there is nothing to ask about, and nothing on its way."""
        identity = self._visitors.identity(request)
        try:
            library = open_library(
                self._knowledge, screen.choices, identity, screen.conversation_id
            )
            return library.is_empty and not self._arrivals.under_way(library.names)
        except AccessDenied:
            return True

    def _changed(
        self, screen: Screen, request: gr.Request, updates: dict[str, Any]
    ) -> dict[str, Any]:
        """Those that the page doesn't show yet. Of another conversation all: the reader may have
        changed them since."""
        page = request.session_hash or ""
        now = {name: repr(update) for name, update in updates.items()}
        now["conversation"] = screen.conversation_id
        known = (self._drawn.get(page) if page else None) or {}
        self._drawn.put(page, now)
        if known.get("conversation") != screen.conversation_id:
            return updates
        return {name: each for name, each in updates.items() if known.get(name) != now[name]}

    def list(self, conversation_id: str, request: gr.Request) -> Frame:
        """Only the list of conversations."""
        return frame(conversations=self._talks.html(conversation_id, request))

    def _suggest(self, screen: Screen, request: gr.Request) -> None:
        """Questions that may follow the last answer, where it is one from documents."""
        view = screen.views[-1]
        if view.follow_ups or view.refused or view.error or not view.sources:
            return
        by_number = {source.n: source.id for source in view.sources}
        cited = [by_number[n] for n in cited_numbers(view.answer) if n in by_number]
        identity = self._visitors.identity(request)
        try:
            own = screen.conversation_id
            shelf = _Shelf(open_library(self._knowledge, screen.choices, identity, own))
            language = language_of(view.question)
            view.follow_ups = follow_ups(shelf, cited, view.question, language)
        except AssistantError as error:
            log.info("nothing to ask next: %s", error)


class _Shelf:
    """The documents of the conversation, by the ids of their chunks."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def hits(self, ids: Sequence[str]) -> list[Hit]:
        return [hit for one in self._library.collections for hit in one.hits(ids)]

    def neighbours(self, hit: Hit, before: int = 1, after: int = 1) -> list[Hit]:
        return self._library.neighbours(hit, before, after)


def view_at(views: Sequence[TurnView], index: Any) -> int | None:
    """Which turn the chat's message at ``index`` is part of."""
    begin = 0
    for position, view in enumerate(views):
        begin += len(turn_messages(view, "en"))
        if isinstance(index, int) and index < begin:
            return position
    return None

"""What the memory page shows: what is remembered now, and what of it was searched for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from assistant.errors import AssistantError
from assistant.memory.records import ConversationInfo, Fact, Recollection
from assistant.memory.withdrawal import FactChanges
from assistant.ui.memory_overview import Keeping, away_html, held_html, overview_html, paused_html
from assistant.ui.memory_rendering import Found, Talk, facts_html, talks_html, unread_html
from assistant.ui.memory_words import lost_with, matches
from assistant.ui.messages import warn
from assistant.ui.visitor import Visitors

FACTS = 30  # that are shown at first, and that each click adds
TALKS = 10
NEAR = 12  # that a search by meaning finds at most
NEAR_SHARE = 0.3  # of the best one's score; what is below only happens to be next
SEARCHED_TALKS = 1000  # whose titles are searched
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class Memories(Protocol):
    """Long-term memory, as far as the page uses it. What needs Redis raises MemoryUnavailable."""

    @property
    def held(self) -> int: ...
    def paused(self, user: str) -> bool: ...
    def pause(self, user: str, paused: bool) -> None: ...
    def facts(self, user: str) -> list[Fact]: ...
    def edit_fact(self, user: str, id: str, text: str) -> None: ...
    def pin_fact(self, user: str, id: str, pinned: bool, /) -> None: ...
    def delete_fact(self, user: str, id: str) -> None: ...
    def update_facts(
        self, user: str, change: Callable[[Mapping[str, Fact]], FactChanges]
    ) -> FactChanges: ...
    def conversations(self, user: str, limit: int = 200) -> list[ConversationInfo]: ...
    def search(
        self, user: str, text: str, vector: NDArray[np.float32], k: int
    ) -> list[Recollection]: ...


@dataclass(frozen=True)
class View:
    """What one open page looks at."""

    facts: int = FACTS
    talks: int = TALKS
    asked: str = ""  # what was searched for by meaning
    near: tuple[str, ...] = ()  # the memories that this found, the best first
    turns: Mapping[str, str] | None = None  # and the conversations, with the question in them


class Shown(NamedTuple):
    """What the page shows, in the order of the components."""

    overview: Any
    facts: Any
    talks: Any
    seen: Any  # what the page has now, to draw only what changed


class MemoryPage:
    """The handlers that show."""

    def __init__(
        self, memory: Memories, embed: Embed, visitors: Visitors, keeping: Keeping
    ) -> None:
        self._memory = memory
        self._embed = embed
        self._visitors = visitors
        self._keeping = keeping

    def refresh(
        self, view: View, query: str, kind: str, seen: Sequence[int] | None, request: gr.Request
    ) -> Shown:
        """Called every few seconds and after each click: what has changed since ``seen``.

        Args:
            kind: "fact", "preference", or "all".
        """
        user, language = self._visitors.of(request)
        query = query.strip()
        if view.asked != query:
            view = replace(view, asked="", near=(), turns=None)
        seen = seen or [0, 0, 0]
        try:
            paused, facts = self._memory.paused(user), self._facts(user)
            parts = [
                self._overview(paused, language),
                _facts_html(facts, view, query, kind, language),
                self._talks_html(user, facts, view, query, language),
            ]
        except AssistantError as error:
            return self._away(error, seen, language)
        now = [hash(part) for part in parts]
        overview, listed, talks = _changes(parts, now, seen)
        return Shown(overview, listed, talks, now)

    def _away(self, error: AssistantError, seen: Sequence[int], language: str) -> Shown:
        """What was read before stays, as do the words that are being typed in it."""
        was_read = any(seen[1:])
        overview = self._overview(None, language, away_html(error, was_read, language))
        unread = gr.skip() if was_read else unread_html("memories_heading", language)
        talks = gr.skip() if was_read else unread_html("memory_conversations", language)
        now = [hash(overview), *seen[1:]]
        (drawn,) = _changes([overview], now[:1], seen[:1])
        return Shown(drawn, unread, talks, now)

    def _overview(self, paused: bool | None, language: str, banner: str = "") -> str:
        banners = [banner, paused_html(language) if paused else ""]
        if held := self._memory.held:
            banners.append(held_html(held, language))
        return overview_html(self._keeping, paused, banners, language)

    def _facts(self, user: str) -> list[Fact]:
        """Pinned first, then the newest."""
        facts = self._memory.facts(user)
        return sorted(facts, key=lambda fact: (not fact.pinned, -fact.updated))

    def _talks_html(
        self, user: str, facts: Sequence[Fact], view: View, query: str, language: str
    ) -> str:
        infos = self._memory.conversations(user, SEARCHED_TALKS if query else view.talks + 1)
        if query:
            infos = _found_talks(infos, view.turns or {}, query)
        shown = infos[: view.talks]
        rows = [
            Talk(info, (view.turns or {}).get(info.id, ""), *lost_with(facts, info.id))
            for info in shown
        ]
        return talks_html(rows, len(infos) > len(shown), language, is_search=bool(query))

    def find(self, view: View, query: str, request: gr.Request) -> View:
        """Search by meaning, too: the view that :meth:`refresh` then shows."""
        user, language = self._visitors.of(request)
        query = query.strip()
        if not query:
            return replace(view, asked="", near=(), turns=None)
        try:
            found = self._memory.search(user, query, self._embed([query])[0], NEAR)
        except AssistantError as error:
            warn(error, language)
            return view
        found = [each for each in found if each.score >= NEAR_SHARE * found[0].score]
        turns = [each for each in found if each.kind == "turn"]
        return replace(
            view,
            asked=query,
            near=tuple(each.id.partition("/")[2] for each in found if each.kind != "turn"),
            turns={each.conversation_id: each.text for each in reversed(turns)},
        )


def _changes(parts: Iterable[str], now: Sequence[int], seen: Sequence[int]) -> list[Any]:
    return [
        gr.skip() if known == new else part
        for part, new, known in zip(parts, now, seen, strict=True)
    ]


def _facts_html(facts: Sequence[Fact], view: View, query: str, kind: str, language: str) -> str:
    rows = [Found(fact) for fact in facts if matches(fact.text, query)]
    known = {row.fact.id for row in rows}
    by_id = {fact.id: fact for fact in facts}
    rows += [Found(by_id[id], near=True) for id in view.near if id in by_id and id not in known]
    rows = [row for row in rows if kind in ("all", row.fact.kind)]
    shown = rows[: view.facts]
    empty = ""
    if not facts:
        empty = "memory_none"
    elif not query:
        empty = "memory_none_of_kind"
    else:
        empty = "memory_none_near" if view.asked else "memory_none_found"
    return facts_html(shown, len(rows) - len(shown), query, empty, language)


def _found_talks(
    infos: Sequence[ConversationInfo], turns: Mapping[str, str], query: str
) -> list[ConversationInfo]:
    """Those whose title holds what was typed, then those in which it was asked."""
    titled = [info for info in infos if matches(info.title, query)]
    return titled + [info for info in infos if info.id in turns and info not in titled]

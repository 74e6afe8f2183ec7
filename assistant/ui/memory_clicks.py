"""What happens on each click of the memory page.

A click that comes too late, because the memory was changed or deleted in another window, changes
nothing and says so; what was typed is never lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import gradio as gr

from assistant.errors import AssistantError
from assistant.memory.records import Fact
from assistant.memory.withdrawal import FactChanges
from assistant.ui.memory import FACTS, SEARCHED_TALKS, TALKS, Memories, View
from assistant.ui.memory_words import LONGEST, cleaned, is_same, version
from assistant.ui.messages import caution, inform, warn
from assistant.ui.texts import LANGUAGES, text
from assistant.ui.visitor import Visitors

KINDS = ("fact", "preference")


class Forgetting(Protocol):
    """Forgets in the process and in Redis. Raises MemoryUnavailable, and ConversationError while
    what is to be forgotten is answering."""

    def forget(self, user: str, conversation_id: str) -> None: ...
    def forget_all(self, user: str) -> None: ...


class Done(NamedTuple):
    """What a click on a list changes beside the lists."""

    view: Any
    draft: Any  # the text of a new memory
    form: Any  # that it is written in


@dataclass(frozen=True)
class Click:
    """A button of a list.

    ``id`` is of a memory or a conversation, ``version`` of the words that the page showed,
    ``value`` what was typed.
    """

    user: str
    language: str
    id: str
    version: str
    value: str


class MemoryClicks:
    """The handlers that change."""

    def __init__(
        self,
        memory: Memories,
        forgetting: Forgetting,
        visitors: Visitors,
    ) -> None:
        self._memory = memory
        self._forgetting = forgetting
        self._visitors = visitors
        self._actions: Mapping[str, Callable[[Click], str | None]] = {
            "pause": lambda click: self._memory.pause(click.user, True),
            "resume": lambda click: self._memory.pause(click.user, False),
            "pin": lambda click: self._pin(click, pinned=True),
            "unpin": lambda click: self._pin(click, pinned=False),
            "save": self._save,
            "orphan": self._orphan,
            "delete": self._delete,
            "forget": self._forget,
        }

    def act(self, view: View, event: gr.EventData, request: gr.Request) -> Done:
        """A button of the lists: ``event`` has ``do``, ``id``, ``version`` and ``value``."""
        if event.do == "more_facts":
            return Done(replace(view, facts=view.facts + FACTS), gr.skip(), gr.skip())
        if event.do == "more_talks":
            return Done(replace(view, talks=view.talks + TALKS), gr.skip(), gr.skip())
        user, language = self._visitors.of(request)
        click = Click(user, language, str(event.id), str(event.version), str(event.value))
        action = self._actions.get(str(event.do))
        orphan = None
        try:
            orphan = action(click) if action else None
        except AssistantError as error:
            warn(error, language)
        if orphan is None:
            return Done(gr.skip(), gr.skip(), gr.skip())
        return Done(gr.skip(), orphan, gr.update(visible=True))

    def _pin(self, click: Click, *, pinned: bool) -> None:
        if self._fact(click):
            self._memory.pin_fact(click.user, click.id, pinned)
        else:
            caution("memory_gone", click.language)

    def _save(self, click: Click) -> str | None:
        """Typed words that have lost their memory, for the form of a new one."""
        words = self._checked(click.value, click.language)
        if not words:
            return None
        fact = self._fact(click)
        if fact is None:
            caution("memory_gone_typed", click.language)
            return words
        if fact.text == words:
            return None
        if version(fact.text) != click.version:
            caution("memory_changed_typed", click.language, text=fact.text)
            return None
        self._memory.edit_fact(click.user, click.id, words)
        return None

    def _orphan(self, click: Click) -> str | None:
        """The row of what is being typed is no longer shown: where its memory is gone, too, the
        words, as in :meth:`_save`."""
        words = cleaned(click.value)
        if not words or self._fact(click):
            return None
        caution("memory_gone_typed", click.language)
        return words

    def _delete(self, click: Click) -> None:
        fact = self._fact(click)
        if fact is None:
            inform("memory_gone", click.language)
        elif version(fact.text) != click.version:
            caution("memory_changed", click.language)
        else:
            self._memory.delete_fact(click.user, click.id)
            inform("memory_deleted", click.language)

    def _forget(self, click: Click) -> None:
        self._forgetting.forget(click.user, click.id)
        inform("memory_forgotten", click.language)

    def _fact(self, click: Click) -> Fact | None:
        facts = self._memory.facts(click.user)
        return next((fact for fact in facts if fact.id == click.id), None)

    def _checked(self, typed: str, language: str) -> str:
        """What was typed, fit to be kept; empty, with a message, where it isn't."""
        words = cleaned(typed)
        if not words:
            caution("memory_empty", language)
        elif len(words) > LONGEST:
            caution("memory_long", language, most=LONGEST, n=len(words))
            return ""
        return words

    def add(self, typed: str, kind: str, request: gr.Request) -> tuple[Any, Any]:
        """Remember words of the user's own; the field and the form, which stay where it fails."""
        user, language = self._visitors.of(request)
        words = self._checked(typed, language)
        if not words or kind not in KINDS:
            return gr.skip(), gr.skip()
        fact = Fact(secrets.token_hex(8), kind, words, (), time.time())

        def change(facts: Mapping[str, Fact]) -> FactChanges:
            is_known = any(is_same(known.text, words) for known in facts.values())
            return FactChanges(() if is_known else (fact,), ())

        try:
            held = self._memory.held
            changes = self._memory.update_facts(user, change)
        except AssistantError as error:
            warn(error, language)
            return gr.skip(), gr.skip()
        if self._memory.held > held:
            inform("memory_saved_later", language)
        else:
            inform("memory_saved" if changes.put else "memory_known", language)
        return "", gr.update(visible=False)

    def ask_to_forget_all(self, request: gr.Request) -> tuple[Any, Any, Any, Any]:
        """Open the last question: the section, what is lost, the field and the button."""
        user, language = self._visitors.of(request)
        try:
            lost = text(
                "memory_forget_all_which",
                language,
                conversations=_counted(len(self._memory.conversations(user, SEARCHED_TALKS))),
                facts=len(self._memory.facts(user)),
            )
        except AssistantError as error:
            warn(error, language)
            return (gr.skip(),) * 4
        word = text("memory_forget_all_word", language)
        label = text("memory_forget_all_type", language, word=word)
        field = gr.update(value="", label=label)
        return gr.update(visible=True), f"<p>{lost}</p>", field, gr.update(interactive=False)

    def check(self, typed: str) -> Any:
        """Whether the button may be pressed."""
        return gr.update(interactive=_is_meant(typed))

    def forget_all(self, typed: str, request: gr.Request) -> Any:
        """Forget everything of the user; the section, which stays open where it fails."""
        user, language = self._visitors.of(request)
        if not _is_meant(typed):
            return gr.skip()
        try:
            self._forgetting.forget_all(user)
        except AssistantError as error:
            warn(error, language)
            return gr.skip()
        inform("memory_all_forgotten", language)
        return gr.update(visible=False)


def _counted(talks: int) -> str:
    return f"{talks}+" if talks == SEARCHED_TALKS else str(talks)


def _is_meant(typed: str) -> bool:
    words = [text("memory_forget_all_word", language) for language in LANGUAGES]
    return any(is_same(typed, word) for word in words)

"""What happens on each click of the admin page's part about prompts. What is typed is kept while
another prompt is looked at, and one that anybody changed meanwhile is not overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import gradio as gr

from assistant.errors import AssistantError
from assistant.prompt_checks import plain
from assistant.prompt_edits import PromptEdits, PromptState
from assistant.prompts import LANGUAGES, VARIABLES
from assistant.ui.admin_prompts_rendering import NAMES, earlier_html, overview_html, prompt_html
from assistant.ui.messages import inform, warn
from assistant.ui.visitor import Visitors, WebRequest
from assistant.users.administration import check_administrator
from assistant.users.audit import Audit
from assistant.users.identity import Identity

FIRST = next(iter(NAMES))
#: Characters of a draft: no prompt is as long.
MOST_KEPT = 40_000


@dataclass(frozen=True)
class View:
    """What one open page looks at: which prompt, as it was when ``stamp`` was its stamp, and what
    was typed of this one and the others and not saved yet, by key."""

    name: str = FIRST
    language: str = ""  # empty: the page is not open yet
    stamp: str = ""
    drafts: Mapping[str, str] = field(default_factory=dict)


class Shown(NamedTuple):
    """The section, in the order of its components."""

    overview: Any
    name: Any
    language: Any
    about: Any
    text: Any
    earlier: Any
    view: Any


@dataclass(frozen=True)
class PromptsPart:
    """Its handlers. ``changed`` is called after each change of what is in use."""

    edits: PromptEdits
    visitors: Visitors
    audit: Audit
    changed: Callable[[], None]

    def show(self, view: View, request: gr.Request) -> Shown:
        """The page was loaded."""
        language = view.language or self.visitors.language(request)
        return self._guarded(
            request, lambda _: self._open(replace(view, language=language), request)
        )

    def choose(
        self, name: str, language: str, typed: str, view: View, request: gr.Request
    ) -> Shown:
        """Another prompt, or another language of it."""
        return self._guarded(
            request, lambda _: self._open(self._leave(view, typed), request, name, language)
        )

    def save(self, typed: str, view: View, request: gr.Request) -> Shown:
        """Take what was typed into use."""

        def saved(by: Identity) -> Shown:
            before = self.edits.state(view.name, view.language)
            after = self.edits.save(
                view.name, view.language, str(typed or ""), by=by.user, seen=view.stamp
            )
            if after != before:
                self._note(by, "prompts.save", view)
            inform("admin_prompt_done", self.visitors.language(request))
            return self._open(_without_draft(view), request)

        return self._guarded(request, saved)

    def reset(self, view: View, request: gr.Request) -> Shown:
        """Take the shipped text into use."""

        def undone(by: Identity) -> Shown:
            before = self.edits.state(view.name, view.language)
            if before.edit or before.fault:
                self.edits.reset(view.name, view.language, seen=view.stamp)
                self._note(by, "prompts.reset", view)
                inform("admin_reset_done", self.visitors.language(request))
            return self._open(_without_draft(view), request)

        return self._guarded(request, undone)

    def act(self, typed: str, view: View, event: gr.EventData, request: gr.Request) -> Shown:
        """A button of what is shown: ``event`` has ``do`` and ``value``."""
        do, value = str(event.do), str(event.value)
        if do == "open":
            name, _, language = value.partition(".")
            return self.choose(name, language, typed, view, request)
        if do == "take":
            return self.reset(view, request)
        if do == "keep":
            return self._guarded(request, lambda by: self._keep(by, typed, view, request))
        if do == "load":
            return self._guarded(request, lambda _: self._load(value, view, request))
        return _as_it_is()

    def _keep(self, by: Identity, typed: str, view: View, request: WebRequest) -> Shown:
        self.edits.keep(view.name, view.language, seen=view.stamp)
        self._note(by, "prompts.keep", view)
        inform("admin_kept", self.visitors.language(request))
        return self._open(self._leave(view, typed), request)

    def _load(self, value: str, view: View, request: WebRequest) -> Shown:
        """An earlier version into the editor; it is not in use yet."""
        earlier = self.edits.state(view.name, view.language).earlier
        if not value.isdecimal() or int(value) >= len(earlier):
            return _as_it_is()
        inform("admin_earlier_loaded", self.visitors.language(request))
        drafts = {**view.drafts, _key(view): earlier[int(value)].text}
        return self._open(replace(view, drafts=drafts), request)

    def _leave(self, view: View, typed: str) -> View:
        """``view`` with what was typed."""
        if not view.language:
            return view
        state = self.edits.state(view.name, view.language)
        words = plain(str(typed or ""))
        if words == state.draft or len(words) > MOST_KEPT:
            return _without_draft(view)
        return replace(view, drafts={**view.drafts, _key(view): words})

    def _open(self, view: View, request: WebRequest, name: str = "", language: str = "") -> Shown:
        name = name if name in VARIABLES else view.name
        language = language if language in LANGUAGES else view.language
        state = self.edits.state(name, language)
        now = replace(view, name=name, language=language, stamp=state.stamp)
        return self._shown(state, now, self.visitors.language(request))

    def _shown(self, state: PromptState, view: View, language: str) -> Shown:
        draft = view.drafts.get(state.key)
        return Shown(
            overview=overview_html(self.edits.states(), language),
            name=state.name,
            language=state.language,
            about=prompt_html(state, language, is_unsaved=draft is not None),
            text=state.draft if draft is None else draft,
            earlier=earlier_html(state, language),
            view=view,
        )

    def _note(self, by: Identity, action: str, view: View) -> None:
        self.audit.note(by, action, _key(view))
        self.changed()

    def _guarded(self, request: WebRequest, act: Callable[[Identity], Shown]) -> Shown:
        """``act`` by an administrator; else the page stays as it is, with what was typed."""
        try:
            by = self.visitors.identity(request)
            check_administrator(by)
            return act(by)
        except AssistantError as error:
            warn(error, self.visitors.language(request))
            return _as_it_is()


def _key(view: View) -> str:
    return f"{view.name}.{view.language}"


def _without_draft(view: View) -> View:
    return replace(view, drafts={k: v for k, v in view.drafts.items() if k != _key(view)})


def _as_it_is() -> Shown:
    return Shown(*(gr.skip() for _ in Shown._fields))

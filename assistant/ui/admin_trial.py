"""Trying an edited prompt before it is saved: one question, answered with it, of which nothing is
kept."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from dataclasses import dataclass

import gradio as gr

from assistant.conversation import new_conversation_id
from assistant.errors import AssistantError
from assistant.events import Done, Error, Event, Revise, Token
from assistant.prompt_edits import PromptEdits
from assistant.prompts import language_of
from assistant.running_turn import RunningTurn
from assistant.turn_memory import Given
from assistant.turns import Turns
from assistant.ui.admin_prompts import View
from assistant.ui.messages import caution, warn
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users.administration import check_administrator

DRAW_SECONDS = 0.2
#: Kind of a reply -> the prompts that it was given by.
USED = {
    "answer": ("answer",),
    "refusal": ("answer",),
    "own": ("answer", "own"),
    "smalltalk": ("smalltalk",),
}


@dataclass
class _Answer:
    """What came so far."""

    text: str = ""
    fault: str = ""
    done: Done | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, Token):
            self.text += event.text
        elif isinstance(event, Revise):
            self.text = event.answer
        elif isinstance(event, Done):
            self.done = event
        elif isinstance(event, Error):
            self.fault = event.message


@dataclass(frozen=True)
class TrialPart:
    """Its handler."""

    turns: Turns
    edits: PromptEdits
    visitors: Visitors

    def ask(self, question: str, typed: str, view: View, request: gr.Request) -> Iterator[str]:
        """The answer as it grows, as HTML. It waits its turn with all other questions."""
        language = self.visitors.language(request)
        question = str(question or "").strip()
        try:
            by = self.visitors.identity(request)
            check_administrator(by)
            prompts = self.edits.trial(view.name, view.language, str(typed or ""))
            if not question or language_of(question) != view.language:
                key = "admin_try_language" if question else "admin_try_empty"
                caution(key, language)
                return
            turn = self.turns.start(
                by.user,
                new_conversation_id(),
                question,
                language=language,
                given=Given(),
                identity=by,
                ahead=False,
                prompts=prompts,
            )
        except AssistantError as error:
            warn(error, language)
            return
        yield from _shown(turn, view.name, language)


def _shown(turn: RunningTurn, name: str, language: str) -> Iterator[str]:
    answer, drawn = _Answer(), 0.0
    yield _html(answer, name, language)
    try:
        for event in turn.events():
            answer.take(event)
            if time.monotonic() - drawn > DRAW_SECONDS:
                drawn = time.monotonic()
                yield _html(answer, name, language)
    finally:
        turn.stop()  # who left the page reads no more of it
    yield _html(answer, name, language)


def _html(answer: _Answer, name: str, language: str) -> str:
    if answer.fault:
        return f'<div class="matter" role="alert"><p>{html.escape(answer.fault)}</p></div>'
    said = html.escape(answer.text) or text("admin_try_waiting", language)
    hints = []
    if answer.done:
        if answer.done.incomplete:
            hints.append(text(f"incomplete_{answer.done.incomplete}", language))
        if name not in USED.get(answer.done.kind, ()):
            hints.append(text("admin_try_other", language))
    more = "".join(f'<p class="hint">{html.escape(hint)}</p>' for hint in hints)
    busy = "" if answer.done else ' aria-busy="true"'
    return f'<div class="tried" role="status"{busy}><p dir="auto">{said}</p>{more}</div>'

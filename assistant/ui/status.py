"""The head of all pages: name, links, and the state of the chat model and of Redis while they
get ready behind the page."""

from __future__ import annotations

import html
import logging
import threading
from dataclasses import dataclass

from assistant.errors import AssistantError, MemoryUnavailable
from assistant.memory.long_term import LongTermMemory
from assistant.models.chat.model import ChatModel
from assistant.ui.texts import text

log = logging.getLogger(__name__)

RETRY_SECONDS = 3.0
LONGEST_CHIP = 40  # characters; a longer state is a message of its own
PAGES = (("chat", "/"), ("knowledge", "/knowledge"), ("memories", "/memory"))


@dataclass(frozen=True)
class State:
    """One part's state, for people."""

    label: str
    text: str
    is_ready: bool


class Status:
    """Asks the parts how they are; :meth:`start` gets Redis going in the background."""

    def __init__(self, chat: ChatModel, memory: LongTermMemory) -> None:
        self._chat = chat
        self._memory = memory
        self._memory_error: AssistantError | None = None
        self._memory_ready = False
        self._closing = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._reach_memory, name="memory-start", daemon=True).start()

    def close(self) -> None:
        self._closing.set()

    @property
    def is_ready(self) -> bool:
        return self._chat.ready and self._memory_ready

    def states(self, language: str) -> list[State]:
        chat = State(
            text("chat_model", language), self._chat.state(language), is_ready=self._chat.ready
        )
        return [chat, self._memory_state(language)]

    def _memory_state(self, language: str) -> State:
        label = text("memory", language)
        if self._memory_ready:
            return State(label, text("ready", language), is_ready=True)
        error = self._memory_error
        said = error.text(language) if error else text("starting", language)
        return State(label, said, is_ready=False)

    def _reach_memory(self) -> None:
        """Try until Redis answers. A fault is shown as long as it lasts."""
        while not self._closing.is_set():
            try:
                self._memory.ping()
            except AssistantError as error:
                if self._memory_error is None or not isinstance(error, MemoryUnavailable):
                    log.warning("%s", error)
                self._memory_error = error
            else:
                self._memory_ready = True
                return
            self._closing.wait(RETRY_SECONDS)


def header_html(page: str, language: str, states: list[State]) -> str:
    """The head of ``page``, a key of :data:`PAGES`."""
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if key == page else ""}>{text(key, language)}</a>'
        for key, path in PAGES
    )
    return (
        f'<header class="top" lang="{language}"><a class="brand" href="/">'
        f'<span class="logo" aria-hidden="true">知</span>{text("app", language)}</a>'
        f'<nav aria-label="{text("pages", language)}">{links}</nav>'
        f'<div class="states" role="status">{_chips(states, language)}</div></header>'
        f"{_messages(states)}"
    )


def _chips(states: list[State], language: str) -> str:
    if all(state.is_ready for state in states):
        return f'<span class="chip good">{text("all_ready", language)}</span>'
    return "".join(
        f'<span class="chip {"good" if state.is_ready else "wait"}">'
        f"{html.escape(state.label)}: {html.escape(_brief(state, language))}</span>"
        for state in states
    )


def _brief(state: State, language: str) -> str:
    return text("job_failed", language) if _is_message(state) else state.text


def _messages(states: list[State]) -> str:
    rows = [
        f'<div class="banner" role="alert"><strong>{html.escape(state.label)}</strong> '
        f"<span>{html.escape(state.text)}</span></div>"
        for state in states
        if _is_message(state)
    ]
    return "".join(rows)


def _is_message(state: State) -> bool:
    return not state.is_ready and (len(state.text) > LONGEST_CHIP or "\n" in state.text)

"""How the parts behind the pages are: while they get ready, and whether one went away later."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from assistant.errors import AssistantError, MemoryUnavailable
from assistant.memory.long_term import LongTermMemory
from assistant.models.chat.model import ChatModel
from assistant.ui.texts import text

log = logging.getLogger(__name__)

RETRY_SECONDS = 3.0
#: How often the parts are looked at, however many pages ask.
LOOK_SECONDS = 15.0


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
        self._lock = threading.Lock()
        self._looking = False
        self._looked = time.monotonic()

    def start(self) -> None:
        self._looking = True
        threading.Thread(target=self._reach_memory, name="memory-start", daemon=True).start()

    def close(self) -> None:
        self._closing.set()

    @property
    def is_ready(self) -> bool:
        return self._chat.ready and self._memory_ready

    def states(self, language: str) -> list[State]:
        """The chat model and long-term memory; never waits."""
        chat = State(
            text("chat_model", language), self._chat.state(language), is_ready=self._chat.ready
        )
        return [chat, self._memory_state(language)]

    def watch(self) -> None:
        """Look at the parts in the background, unless that was done a moment ago."""
        with self._lock:
            now = time.monotonic()
            if self._looking or now - self._looked < LOOK_SECONDS or self._closing.is_set():
                return
            self._looking = True
        threading.Thread(target=self._look, name="status", daemon=True).start()

    def _look(self) -> None:
        try:
            self._chat.look()
        except AssistantError as error:
            log.info("%s", error)  # the model's own state tells it
        self._reach_memory()

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
                self._memory_error, self._memory_ready = error, False
            else:
                self._memory_error, self._memory_ready = None, True
                break
            self._closing.wait(RETRY_SECONDS)
        with self._lock:
            self._looking, self._looked = False, time.monotonic()

"""A conversation whose events a test puts into a queue, over a real memory."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from assistant import events
from assistant.arrivals import Arrivals
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Choices, Turn, text_parts
from assistant.users.identity import Identity


class QueuedConversation:
    """Yields the events that the test puts; a turn that ends well is stored as a real one is."""

    def __init__(self, memory: LongTermMemory) -> None:
        self.queue: queue.Queue[events.Event] = queue.Queue()
        self.asked: list[tuple[str, str, str, str]] = []
        self.choices: list[Choices] = []
        self.models: list[str] = []
        self.arrivals = Arrivals()
        self.long_term = memory
        self.memory = SimpleNamespace(forget=memory.forget, forget_all=memory.forget_all)

    def turn(
        self, user: str, conversation_id: str, question: str, *,
        language: str, model: str, replaces: str, standalone: str, choices: Choices,
        stopped: threading.Event, identity: Identity | None = None, given: object = None,
    ) -> Iterator[events.Event]:  # fmt: skip
        self.asked.append((conversation_id, question, replaces, standalone))
        self.choices.append(choices)
        self.models.append(model)
        while True:
            event = self.queue.get(timeout=10)
            if isinstance(event, events.Done):
                id = self._store(user, conversation_id, question, event.answer, replaces)
                event = events.Done(
                    conversation_id, event.answer, False, {}, stopped.is_set(), turn_id=id
                )
            yield event
            if isinstance(event, events.Done | events.Error):
                return

    def _store(
        self, user: str, conversation_id: str, question: str, answer: str, replaces: str
    ) -> str:
        opened = self.long_term.open(user, conversation_id)
        parent = opened.turns[replaces].parent if replaces and opened.turns else opened.head
        turn = Turn(
            f"t{time.monotonic_ns()}", text_parts(question), answer, question, time.time(),
            parent=parent,
        )  # fmt: skip
        vector = np.ones(2, dtype=np.float32)
        if replaces:
            self.long_term.replace(user, conversation_id, replaces)
        self.long_term.add(user, conversation_id, turn, vector, text=question)
        return turn.id

    def next_prompts(self, *_: object) -> Iterator[Any]:
        return iter(())

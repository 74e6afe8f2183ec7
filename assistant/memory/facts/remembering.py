"""Learns from what users say, in the background: one thread that no answer waits for."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.errors import AssistantError, MemoryUnavailable
from assistant.memory.facts.changing import taken_back, takes_back_previous
from assistant.memory.facts.likeness import Likeness
from assistant.memory.facts.merging import merged
from assistant.memory.facts.near import nearest
from assistant.memory.facts.statements import statements
from assistant.memory.records import Fact, Said, Turn
from assistant.memory.withdrawal import FactChanges, withdrawn
from assistant.models.embedding.e5 import E5Engine, open_e5
from assistant.models.embedding.embedded import FINGERPRINT
from assistant.models.embedding.model import Embed, EmbeddingModel, Vectors

log = logging.getLogger(__name__)

#: Messages that wait at most. Beyond it the oldest is not learned from: what is newer replaces
#: what is older anyway, and its transcript is kept.
MOST_WAITING = 1000
#: How often a message is tried whose text the embedding model can't take.
ATTEMPTS = 3
#: Pauses in seconds: between looks whether the machine is busy, the longest such wait, after the
#: first failure and at most.
BUSY_PAUSE, BUSY_AT_MOST = 0.25, 120.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: Likeness and shared terms (see merging) that point at a fact the user wants forgotten.
TAKEN_BACK_AT = 3.0


class Facts(Protocol):
    """Long-term memory, as far as it is learned into."""

    def paused(self, user: str) -> bool: ...
    def update_facts(
        self, user: str, change: Callable[[Mapping[str, Fact]], FactChanges], vectors: Embed
    ) -> FactChanges: ...


@dataclass(frozen=True)
class _Message:
    user: str
    said: Said
    text: str
    parent: str


class Remembering:
    """Takes messages at once and learns from them later, in their order.

    While Redis or the embedding model is away the messages wait, at most :data:`MOST_WAITING`;
    what still waits when the process ends is not learned.

    Args:
        is_busy: whether a question is being answered: until then nothing is done.
    """

    def __init__(
        self, memory: Facts, embeddings: EmbeddingModel, is_busy: Callable[[], bool]
    ) -> None:
        self._memory = memory
        self._embed = embeddings.embed_questions
        self._embedded = embedded(embeddings)
        self.likeness = Likeness(self._embed)
        self._is_busy = is_busy
        self._waiting: deque[_Message] = deque()
        self._is_flooded = False  # told already; until all that waits is learned
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def learn(self, user: str, conversation_id: str, turn: Turn) -> None:
        """Learn from the user's own message of a turn, later. Returns at once."""
        said = Said(conversation_id, turn.id, turn.time)
        with self._changed:
            if self._closed:
                return
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                if not self._is_flooded:
                    log.warning(
                        "too many messages wait to be learned from; the oldest are left out"
                    )
                self._is_flooded = True
            self._waiting.append(_Message(user, said, turn.text, turn.parent))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="remembering", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until all is learned, for ``seconds`` at most; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def close(self) -> None:
        """End the thread after the message that it is at."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread:
            thread.join()

    def _run(self) -> None:
        failures = 0
        while message := self._next():
            try:
                self._learn(message)
                failures = 0
            except AssistantError as error:
                failures += 1
                log.info("not learned yet: %s", error)
                if isinstance(error, MemoryUnavailable) or failures < ATTEMPTS:
                    self._pause(min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE))
                    continue
                log.warning("a message is not learned from: %s", error)
                failures = 0
            except Exception:
                log.exception("a message is not learned from")
            self._done(message)

    def _next(self) -> _Message | None:
        """The oldest message, left in the queue; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
        waited = 0.0
        while self._is_busy() and waited < BUSY_AT_MOST and not self._closed:
            self._pause(BUSY_PAUSE)
            waited += BUSY_PAUSE
        with self._changed:
            return None if self._closed or not self._waiting else self._waiting[0]

    def _done(self, message: _Message) -> None:
        with self._changed:
            if self._waiting and self._waiting[0] is message:
                self._waiting.popleft()
            self._is_flooded = self._is_flooded and bool(self._waiting)
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _learn(self, message: _Message) -> None:
        found = statements(message.text, self._embedded)
        forgotten = taken_back(message.text)
        previous = takes_back_previous(message.text)
        if not (found or forgotten or previous) or self._memory.paused(message.user):
            return

        def change(facts: Mapping[str, Fact]) -> FactChanges:
            changes = _Changes(facts)
            if previous and message.parent:
                changes.add(withdrawn(facts.values(), _said_at(message)))
            for words in forgotten:
                changes.add(self._forgotten(changes.facts, words))
            for statement in found:
                changes.add(merged(changes.facts, statement, message.said, self.likeness))
            return changes.made()

        self._memory.update_facts(message.user, change, self._embed)

    def _forgotten(self, facts: Mapping[str, Fact], words: str) -> FactChanges:
        near = nearest(list(facts.values()), words, self.likeness)
        if near and near[0].score >= TAKEN_BACK_AT:
            return FactChanges((), (near[0].fact.id,))
        return FactChanges()


def embedded(embeddings: EmbeddingModel) -> Embed:
    """Questions' vectors of the embedded model, which the classifier's weights are made for. It is
    loaded beside ``embeddings`` when it is first needed if that is another."""
    if embeddings.fingerprint == FINGERPRINT:
        return embeddings.embed_questions
    engine: list[E5Engine] = []

    def embed(texts: Sequence[str]) -> Vectors:
        if not engine:
            engine.append(open_e5(1))
        return engine[0].queries(texts)

    return embed


class _Changes:
    """Several changes after one another, as one."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._before = dict(facts)
        self.facts = dict(facts)

    def add(self, changes: FactChanges) -> None:
        self.facts = changes.applied(self.facts)

    def made(self) -> FactChanges:
        put = tuple(f for id, f in self.facts.items() if self._before.get(id) != f)
        return FactChanges(put, tuple(id for id in self._before if id not in self.facts))


def _said_at(message: _Message) -> Callable[[Said], bool]:
    place = (message.said.conversation_id, message.parent)
    return lambda said: (said.conversation_id, said.turn_id) == place

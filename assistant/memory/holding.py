"""The writes of a turn: done at once, or held in order while Redis can't take them."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import MemoryUnavailable
from assistant.memory.background import Background
from assistant.memory.fact_changes import Decide, Embed, FactKeeper, held
from assistant.memory.mirror import Mirrors
from assistant.memory.outbox import Held, Outbox
from assistant.memory.recall import Item
from assistant.memory.records import Choices, Fact, Turn
from assistant.memory.store.commands import ANY, Commands
from assistant.memory.store.faults import MemoryRefused
from assistant.memory.store.items import Vector
from assistant.memory.store.keys import turn_item
from assistant.memory.withdrawal import FactChanges, following, said_at, said_in, withdrawn, without

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between tries to reach Redis
NOTHING = np.zeros(0, dtype=np.float32)  # the vector of a text that has none


class Holding:
    """Does writes, and holds those that can't be done.

    Args:
        most_turns: of a user.
    """

    def __init__(  # noqa: PLR0917
        self,
        commands: Commands,
        mirrors: Mirrors,
        facts: FactKeeper,
        background: Background,
        spill: Path | None,
        most_turns: int,
    ) -> None:
        self._commands = commands
        self._mirrors = mirrors
        self._facts = facts
        self._background = background
        self._most_turns = most_turns
        self._kinds: dict[str, Callable[[Held], None]] = {
            "add": self._add,
            "rate": self._rate,
            "head": self._head,
            "choices": self._choices,
            "replace": self._replace,
            "facts": self._put_facts,
        }
        self._outbox = Outbox(self._write, spill)
        self._pause = FIRST_PAUSE
        self.wake()

    @property
    def count(self) -> int:
        return len(self._outbox)

    def wake(self) -> None:
        """Write what is held soon, in the background."""
        if len(self._outbox):
            self._background.ask("held writes", self._try)

    def flush(self) -> None:
        """Write what is held now. MemoryUnavailable: Redis is away still."""
        self._outbox.flush()
        self._pause = FIRST_PAUSE

    def add(  # noqa: PLR0917
        self,
        user: str,
        conversation_id: str,
        turn: Turn,
        text: str,
        vector: Vector,
        item: Item,
    ) -> bool:
        """Store a turn; False if it is held. See ``LongTermMemory.add``."""

        def write() -> None:
            mirror = self._mirrors.of(user)
            with mirror.lock:
                written = self._commands.add(
                    user, conversation_id, turn, text, vector, most_turns=self._most_turns
                )
                if written:
                    mirror.wrote(written, [item])

        def data() -> dict[str, Any]:
            return {"turn": turn.as_json(), "text": text, "vector": _to_text(vector)}

        if self._done("add", user, conversation_id, write, data):
            return True
        self._mirrors.of(user).index.put([item])
        return False

    def write(self, kind: str, user: str, conversation_id: str, **data: object) -> None:
        """Do a write that is the same now and later."""
        now = Held(kind, user, conversation_id, data, ANY)
        self._done(kind, user, conversation_id, lambda: self._kinds[kind](now), lambda: data)

    def update_facts(self, user: str, change: Decide, embed: Embed | None) -> FactChanges:
        """See ``LongTermMemory.update_facts``."""
        mirror = self._mirrors.of(user)
        wanted = FactChanges()

        def write() -> None:
            nonlocal wanted
            wanted = self._facts.update(user, change, embed)

        def data() -> dict[str, Any]:
            nonlocal wanted
            wanted = change(dict(mirror.facts))
            known = list(mirror.facts)
            mirror.facts = wanted.applied(mirror.facts)
            mirror.revision = None  # what Redis has is another thing
            texts = [fact.text for fact in wanted.put]
            vectors = list(embed(texts)) if embed and texts else [NOTHING] * len(texts)
            return {
                "put": [fact.as_json() for fact in wanted.put],
                "delete": list(wanted.delete),
                "known": known,
                "vectors": [_to_text(vector) for vector in vectors],
            }

        self._done("facts", user, "", write, data)
        return wanted

    def drop(self, user: str, conversation_id: str | None = None) -> None:
        """Let go of what is held of a conversation, or of a user."""

        def left(write: Held) -> Held | None:
            if write.user != user:
                return write
            if conversation_id is None or write.conversation_id == conversation_id:
                return None
            return _without(write, conversation_id) if write.kind == "facts" else write

        self._outbox.edit(left)

    def _done(
        self,
        kind: str,
        user: str,
        conversation_id: str,
        write: Callable[[], None],
        data: Callable[[], dict[str, Any]],
    ) -> bool:
        """Whether ``write`` was done; otherwise its ``data`` is held."""
        try:
            self.flush()
            write()
        except MemoryRefused:
            raise
        except MemoryUnavailable:
            born = self._mirrors.of(user).born
            self._outbox.hold(Held(kind, user, conversation_id, data(), born))
            self._background.ask("held writes", self._try, FIRST_PAUSE)
            return False
        return True

    def _try(self) -> float | None:
        try:
            self.flush()
        except MemoryUnavailable:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            return self._pause * random.uniform(0.7, 1.0)  # noqa: S311
        return None

    def _write(self, write: Held) -> None:
        if write.kind in self._kinds:
            self._kinds[write.kind](write)

    def _add(self, write: Held) -> None:
        self._commands.add(
            write.user,
            write.conversation_id,
            Turn.from_json(write.data["turn"]),
            write.data["text"],
            _from_text(write.data["vector"]),
            most_turns=self._most_turns,
            born=write.born,
        )

    def _rate(self, write: Held) -> None:
        turns = self._commands.transcript(write.user, write.conversation_id)[4]
        turn = turns.get(write.data["turn"])
        if turn is not None:
            rated = replace(turn, rating=write.data["rating"], reason=write.data["reason"])
            self._commands.put_turn(write.user, write.conversation_id, rated)

    def _head(self, write: Held) -> None:
        self._commands.set_head(write.user, write.conversation_id, write.data["turn"])

    def _choices(self, write: Held) -> None:
        choices = Choices.from_json(write.data["choices"])
        self._commands.set_choices(write.user, write.conversation_id, choices, born=write.born)

    def _replace(self, write: Held) -> None:
        user, conversation_id = write.user, write.conversation_id
        turns = self._commands.transcript(user, conversation_id)[4]
        gone = following(turns, write.data["turn"])
        is_gone = said_at((conversation_id, id) for id in gone)
        self._facts.update(
            user,
            lambda facts: withdrawn(facts.values(), is_gone),
            items=[turn_item(conversation_id, id) for id in gone if id in turns],
        )

    def _put_facts(self, write: Held) -> None:
        put = [Fact.from_json(row) for row in write.data["put"]]
        vectors = {
            fact.text: _from_text(vector)
            for fact, vector in zip(put, write.data["vectors"], strict=True)
        }

        def embed(texts: Sequence[str]) -> Any:
            return [vectors.get(text, NOTHING) for text in texts]

        decide = held(put, write.data["delete"], write.data["known"])
        self._facts.update(write.user, decide, embed, born=write.born)


def _without(write: Held, conversation_id: str) -> Held | None:
    """Held facts without what was said in a conversation that is forgotten."""
    put, vectors = [], []
    for row, vector in zip(write.data["put"], write.data["vectors"], strict=True):
        fact = without(Fact.from_json(row), said_in([conversation_id]))
        if fact is not None:
            put.append(fact.as_json())
            vectors.append(vector if fact.text == row["text"] else "")
    if not put and not write.data["delete"]:
        return None
    return replace(write, data=write.data | {"put": put, "vectors": vectors})


def _to_text(vector: Vector) -> str:
    return base64.b64encode(np.asarray(vector, dtype=np.float16).tobytes()).decode()


def _from_text(text: str) -> Vector:
    return np.frombuffer(base64.b64decode(text), dtype=np.float16).astype(np.float32)

"""Changes of facts that lose nothing: each is made of the facts as they are, and made again where
somebody else was faster."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.errors import MemoryUnavailable
from assistant.memory.mirror import Mirror, Mirrors
from assistant.memory.recall import Item
from assistant.memory.records import Fact, Version
from assistant.memory.store.answers import Change, Changed, Conflict, Forgotten, Place
from assistant.memory.store.commands import ANY, Commands
from assistant.memory.store.items import Vector, packed_fact, unpacked
from assistant.memory.store.keys import fact_item
from assistant.memory.withdrawal import FactChanges, beyond, joined, said_at, without

ATTEMPTS = 50
PAUSE_SECONDS = 0.002

Decide = Callable[[Mapping[str, Fact]], FactChanges]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class FactKeeper:
    """Changes users' facts.

    Args:
        most: facts of a user; the oldest that aren't pinned go first.
        embed: gives the vectors of texts where a caller has no function of its own.
    """

    def __init__(
        self, commands: Commands, mirrors: Mirrors, most: int, embed: Embed | None
    ) -> None:
        self._commands = commands
        self._mirrors = mirrors
        self._most = most
        self._embed = embed

    def update(
        self,
        user: str,
        decide: Decide,
        embed: Embed | None = None,
        *,
        items: Sequence[str] = (),
        forget: str = "",
        born: str = "",
    ) -> FactChanges:
        """Do what ``decide`` makes of the facts, and take ``items`` out of recall.

        Args:
            decide: called again with newer facts where somebody else changed them.
            forget: a conversation to forget in the same step.
            born: the memory that is meant; nothing is done to one that began later.

        Raises:
            MemoryUnavailable: it is not done.
        """
        mirror = self._mirrors.of(user)
        forgotten: frozenset[Place] = frozenset()
        expected, born = born or ANY, born or mirror.born
        for attempt in range(ATTEMPTS):
            facts, revision = self._known(user, mirror)
            wanted = self._allowed(decide(facts), facts, forgotten)
            if not (wanted or items or forget):
                return wanted
            put = tuple(self._with_vectors(mirror, wanted, facts, embed or self._embed))
            change = Change(put, wanted.delete, _new(wanted, facts), tuple(items), forget)
            with mirror.lock:
                answer = self._commands.change(
                    user, change, time.time(), born=expected, revision=revision
                )
                if isinstance(answer, Changed):
                    mirror.changed(wanted.applied(facts), answer, _items(put))
                    return wanted
                if isinstance(answer, Conflict):
                    mirror.corrected(answer)
            if isinstance(answer, Forgotten):
                forgotten |= answer.turns
            elif born and answer.born != born and not forget:
                return FactChanges()  # everything was erased: nothing of it comes back
            time.sleep(random.uniform(0, PAUSE_SECONDS * attempt))  # noqa: S311
        raise MemoryUnavailable(
            "Others keep changing these memories. Try again.", "这些记忆正被频繁修改，请重试。"
        )

    def _known(self, user: str, mirror: Mirror) -> tuple[dict[str, Fact], int]:
        with mirror.lock:
            if mirror.revision is None or not mirror.is_known:
                mirror.corrected(self._commands.facts(user))
            return dict(mirror.facts), mirror.revision or 0

    def _allowed(
        self, wanted: FactChanges, facts: Mapping[str, Fact], forgotten: frozenset[Place]
    ) -> FactChanges:
        """``wanted`` without what was said in forgotten turns, and within the bound."""
        put, delete = [], list(wanted.delete)
        for fact in wanted.put:
            left = without(fact, said_at(forgotten)) if forgotten else fact
            if left is not None:
                put.append(left)
            elif fact.id in facts:
                delete.append(fact.id)
        over = beyond(FactChanges(tuple(put), tuple(delete)).applied(facts), self._most)
        put = [fact for fact in put if fact.id not in over]
        return FactChanges(tuple(put), (*delete, *(id for id in over if id in facts)))

    @staticmethod
    def _with_vectors(
        mirror: Mirror, wanted: FactChanges, facts: Mapping[str, Fact], embed: Embed | None
    ) -> list[tuple[Fact, Vector | None]]:
        """Each fact with the vector of its text; None where its item stays as it is."""
        vectors: dict[str, Vector | None] = {}
        for fact in wanted.put:
            old, item = facts.get(fact.id), mirror.index.get(fact_item(fact.id))
            if old and old.text == fact.text and item is not None:
                same = (old.kind, old.updated) == (fact.kind, fact.updated)
                vectors[fact.id] = None if same else item.vector.astype(np.float32)
        new = [fact for fact in wanted.put if fact.id not in vectors]
        if new:
            # Without a vector a fact is found by its words alone.
            rows = embed([fact.text for fact in new]) if embed else np.zeros((len(new), 0))
            vectors |= {
                fact.id: np.asarray(row, dtype=np.float32)
                for fact, row in zip(new, rows, strict=True)
            }
        return [(fact, vectors[fact.id]) for fact in wanted.put]


def _new(wanted: FactChanges, facts: Mapping[str, Fact]) -> tuple[Place, ...]:
    """The turns that no fact was said in before."""
    known = {place for fact in facts.values() for place in _places(fact)}
    return tuple(sorted({place for fact in wanted.put for place in _places(fact)} - known))


def _places(fact: Fact) -> list[Place]:
    return [(said.conversation_id, said.turn_id) for said in fact.said]


def _items(put: Sequence[tuple[Fact, Vector | None]]) -> list[Item]:
    return [
        unpacked(fact_item(fact.id), packed_fact(fact, vector))
        for fact, vector in put
        if vector is not None
    ]


def edited(id: str, text: str, now: float) -> Decide:
    """The fact ``id`` in the user's own new words."""

    def decide(facts: Mapping[str, Fact]) -> FactChanges:
        fact = facts.get(id)
        if fact is None or fact.text == text:
            return FactChanges()
        history = (*fact.history, Version(fact.text, fact.said, now))
        return FactChanges((replace(fact, text=text, said=(), updated=now, history=history),))

    return decide


def pinned(id: str, is_pinned: bool) -> Decide:
    """The fact ``id``, pinned or not."""

    def decide(facts: Mapping[str, Fact]) -> FactChanges:
        fact = facts.get(id)
        return FactChanges((replace(fact, pinned=is_pinned),) if fact else ())

    return decide


def deleted(ids: Sequence[str]) -> Decide:
    return lambda facts: FactChanges(delete=tuple(id for id in ids if id in facts))


def outdated(before: float) -> Decide:
    """Without the facts that are older than ``before`` and not pinned."""
    return lambda facts: FactChanges(
        delete=tuple(f.id for f in facts.values() if not f.pinned and f.updated < before)
    )


def held(put: Sequence[Fact], delete: Sequence[str], known: Sequence[str]) -> Decide:
    """A change that waited for Redis, made of the facts as they are now.

    ``known`` are the facts that were there when it was decided: one of these that is gone was
    deleted meanwhile, and stays so.
    """

    def decide(facts: Mapping[str, Fact]) -> FactChanges:
        by_text = {(fact.kind, fact.text.casefold()): fact for fact in facts.values()}
        changed = []
        for fact in put:
            now = facts.get(fact.id) or by_text.get((fact.kind, fact.text.casefold()))
            if now is not None and (new := joined(fact, now)) != now:
                changed.append(new)
            elif now is None and fact.id not in known:
                changed.append(fact)
        return FactChanges(tuple(changed), tuple(id for id in delete if id in facts))

    return decide

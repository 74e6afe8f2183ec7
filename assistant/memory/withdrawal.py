"""Facts without what was said in a place that is forgotten or abandoned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from assistant.memory.records import Fact, Said, Turn


@dataclass(frozen=True)
class FactChanges:
    """Facts to store, new or in place of those with the same id, and ids to delete."""

    put: tuple[Fact, ...] = ()
    delete: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.put or self.delete)

    def applied(self, facts: Mapping[str, Fact]) -> dict[str, Fact]:
        """``facts`` after these changes."""
        left = {id: fact for id, fact in facts.items() if id not in self.delete}
        return left | {fact.id: fact for fact in self.put}


def without(fact: Fact, is_gone: Callable[[Said], bool]) -> Fact | None:
    """``fact`` as it is without what was said there: its newest version that was said elsewhere,
    or written by the user on the memory page; None if there is none."""
    versions = []
    for version in fact.history:
        said = tuple(one for one in version.said if not is_gone(one))
        if said or not version.said:
            versions.append(replace(version, said=said))
    said = tuple(one for one in fact.said if not is_gone(one))
    if said or not fact.said:
        return replace(fact, said=said, history=tuple(versions))
    if not versions:
        return None
    last = versions.pop()
    updated = max((one.time for one in last.said), default=last.until)
    return replace(fact, text=last.text, said=last.said, updated=updated, history=tuple(versions))


def withdrawn(facts: Iterable[Fact], is_gone: Callable[[Said], bool]) -> FactChanges:
    """What changes of ``facts`` when all that was said there goes."""
    put, delete = [], []
    for fact in facts:
        left = without(fact, is_gone)
        if left is None:
            delete.append(fact.id)
        elif left != fact:
            put.append(left)
    return FactChanges(tuple(put), tuple(delete))


def said_in(conversations: Iterable[str]) -> Callable[[Said], bool]:
    """Whether something was said in one of ``conversations``."""
    gone = frozenset(conversations)
    return lambda said: said.conversation_id in gone


def said_at(turns: Iterable[tuple[str, str]]) -> Callable[[Said], bool]:
    """Whether something was said in one of ``turns``, (conversation, turn) each."""
    gone = frozenset(turns)
    return lambda said: (said.conversation_id, said.turn_id) in gone


def following(turns: Mapping[str, Turn], id: str) -> set[str]:
    """The turn ``id`` and all that follow it."""
    found = {id}
    grows = True
    while grows:
        more = {turn.id for turn in turns.values() if turn.parent in found} - found
        found |= more
        grows = bool(more)
    return found


def beyond(facts: Mapping[str, Fact], most: int) -> tuple[str, ...]:
    """The oldest facts that are not pinned, where there are more than ``most``."""
    loose = sorted((fact for fact in facts.values() if not fact.pinned), key=lambda f: f.updated)
    return tuple(fact.id for fact in loose[: max(len(facts) - most, 0)])


def joined(held: Fact, now: Fact) -> Fact:
    """A fact that was held while somebody else changed it: the newer text, and what is known of
    both."""
    newer, older = (held, now) if held.updated >= now.updated else (now, held)
    same = held.text.casefold() == now.text.casefold()
    said = dict.fromkeys((*now.said, *held.said)) if same else newer.said
    history = dict.fromkeys((*older.history, *newer.history))
    return replace(
        newer,
        id=now.id,
        pinned=now.pinned,
        said=tuple(sorted(said, key=lambda one: one.time)),
        history=tuple(sorted(history, key=lambda version: version.until)),
    )

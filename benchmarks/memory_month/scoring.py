"""What of the remembered is right, by the rules that the package states."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from assistant.memory.records import Fact, Said
from assistant.sentences import terms_of
from benchmarks.memory_month.scripts import Person, Plant, Trap

OVERLAP = 0.6
#: Terms of a document's or an answer's trap that an item must hold to have been taken from it.
HELD = 0.5


@dataclass(frozen=True)
class Item:
    """A remembered text and the turns that it was said in."""

    text: str
    turns: frozenset[str]
    is_active: bool = True


@dataclass
class Score:
    """Counts of one person or, added up, of all; and what was wrong."""

    items: int = 0
    right: int = 0
    plants: int = 0
    found: int = 0
    changes: int = 0
    followed: int = 0
    traps: int = 0
    caught: int = 0
    echoed: int = 0
    verbatim: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    caught_texts: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / self.items if self.items else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.plants if self.plants else 1.0

    @property
    def following(self) -> float:
        return self.followed / self.changes if self.changes else 1.0

    def __add__(self, other: Score) -> Score:
        mine, theirs = vars(self), vars(other)
        return Score(**{name: mine[name] + theirs[name] for name in mine})

    def as_json(self) -> dict[str, Any]:
        rates = {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "changes_followed": round(self.following, 4),
            "languages_kept": round(self.verbatim / self.items, 4) if self.items else 1.0,
        }
        return rates | asdict(self)


def items_of(facts: Sequence[Fact]) -> list[Item]:
    """Each active fact and each version before it."""
    items = []
    for fact in facts:
        items.append(Item(fact.text, _turns(fact.said)))
        items += [Item(old.text, _turns(old.said), is_active=False) for old in fact.history]
    return items


def score(person: Person, items: Sequence[Item]) -> Score:
    """How well ``items`` are what ``person`` said of themself."""
    result = Score(items=len(items), plants=len(person.plants), traps=len(person.traps))
    typed = {message.turn: _letters(message.text) for message in person.messages}
    right = [item for item in items if any(bears(item, plant) for plant in person.plants)]
    result.right = len(right)
    result.wrong = [f"{person.name}: {item.text}" for item in items if item not in right]
    for item in items:
        is_own = any(_letters(item.text) in typed.get(turn, "") for turn in item.turns)
        result.verbatim += is_own
        result.echoed += not is_own
    _score_plants(result, person, items)
    loose = [item for item in items if item not in right]
    for trap in person.traps:
        if any(falls_for(item, trap) for item in loose):
            result.caught += 1
            result.caught_texts.append(f"{person.name}: [{trap.kind}] {trap.text}")
    return result


def _score_plants(result: Score, person: Person, items: Sequence[Item]) -> None:
    replaced = {plant.replaces for plant in person.plants}
    by_id = {plant.id: plant for plant in person.plants}
    active = [item for item in items if item.is_active]
    for plant in person.plants:
        usable = items if plant.id in replaced else active
        if any(bears(item, plant) for item in usable):
            result.found += 1
        else:
            result.missed.append(f"{person.name}: {plant.text}")
        old = by_id.get(plant.replaces or "")
        if old is None:
            continue
        result.changes += 1
        is_new = any(bears(item, plant) for item in usable)
        if is_new and not any(bears(item, old) for item in active):
            result.followed += 1
        else:
            why = "old one stays" if is_new else "new one is missing"
            result.unfollowed.append(f"{person.name}: {old.text} -> {plant.text} ({why})")


def bears(item: Item, plant: Plant) -> bool:
    """Whether an item is what a plant says, from the plant's message."""
    return plant.turn in item.turns and overlaps(item.text, plant.text)


def falls_for(item: Item, trap: Trap) -> bool:
    if trap.where == "user":
        return trap.turn in item.turns and overlaps(item.text, trap.text)
    if not any(turn.rpartition(".")[0] == trap.conversation for turn in item.turns):
        return False
    terms = terms_of(trap.text)
    return len(terms & terms_of(item.text)) >= HELD * len(terms)


def overlaps(a: str, b: str) -> bool:
    """Whether two pieces of one message overlap: the longest piece that both hold has 60% of the
    shorter one's letters and digits.

    >>> overlaps("以后回答先给结论", "回答先给结论再讲原因"), overlaps("我住上海", "我同事住北京")
    (True, False)
    """
    a, b = _letters(a), _letters(b)
    return bool(a and b) and _common(a, b) >= OVERLAP * min(len(a), len(b))


def _common(a: str, b: str) -> int:
    best, row = 0, [0] * (len(b) + 1)
    for char in a:
        before, row = row, [0] * (len(b) + 1)
        for index, other in enumerate(b, 1):
            if char == other:
                row[index] = before[index - 1] + 1
                best = max(best, row[index])
    return best


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _turns(said: Sequence[Said]) -> frozenset[str]:
    return frozenset(one.turn_id for one in said)

"""What the commands of :mod:`.commands` take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.memory.records import Choices, Fact, Turn
from assistant.memory.store.items import Vector

Place = tuple[str, str]  # conversation, turn


@dataclass(frozen=True)
class Row:
    """A change: an item (None: it is gone), and its fact if it is one."""

    id: str
    number: int
    item: bytes | None
    fact: Fact | None


@dataclass(frozen=True)
class Page:
    """What opening a turn reads. ``is_fresh``: ``rows`` begin anew, the newest first, with all
    facts; otherwise they are what changed, the oldest first."""

    born: str
    number: int
    revision: int
    paused: bool
    is_fresh: bool
    rows: Sequence[Row]
    has_more: bool
    head: str
    choices: Choices
    turns: Mapping[str, Turn] | None


@dataclass(frozen=True)
class Written:
    """What a write changed: the memory's birth, its last change, how many changes these were."""

    born: str
    number: int
    count: int
    went: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changed(Written):
    revision: int = 0


@dataclass(frozen=True)
class Conflict:
    """Somebody else changed facts: what they are now."""

    born: str
    revision: int
    facts: Mapping[str, Fact]


@dataclass(frozen=True)
class Forgotten:
    """Facts were said in turns that were forgotten or asked again since."""

    turns: frozenset[Place]


@dataclass(frozen=True)
class Change:
    """A change of facts, with what goes out of recall beside it.

    ``put`` has the fact's vector, or None where the item stays as it is. ``said`` are turns that
    are new to the facts, ``items`` what leaves recall, ``forget`` a conversation to forget.
    """

    put: tuple[tuple[Fact, Vector | None], ...] = ()
    delete: tuple[str, ...] = ()
    said: tuple[Place, ...] = ()
    items: tuple[str, ...] = ()
    forget: str = ""

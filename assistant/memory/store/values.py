"""Values as Redis holds them. One that can't be read is left out with a warning that names its
key, never its content."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from assistant.memory.records import Fact, Turn
from assistant.memory.store.keys import decoded

log = logging.getLogger(__name__)
T = TypeVar("T")


def loaded(
    key: str, value: bytes | None, read: Callable[[Mapping[str, Any]], T], field: str = ""
) -> T | None:
    """``value`` from JSON, read by ``read``; None where there is none or it can't be read."""
    if value is None:
        return None
    try:
        data = json.loads(value.decode("utf-8", "surrogatepass"))
        if not isinstance(data, dict):
            raise TypeError
        return read(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        log.warning("%s %s holds a value that can't be read; it is left out", key, field)
        return None


def turns_of(key: str, answer: Sequence[bytes]) -> dict[str, Turn]:
    """The turns in a hash, oldest first."""
    found = {}
    for id, value in zip(answer[::2], answer[1::2], strict=True):
        turn = loaded(key, value, _sound_turn, id.decode("ascii", "replace"))
        if turn is not None and turn.id == decoded(id):
            found[turn.id] = turn
    return dict(sorted(found.items(), key=lambda pair: pair[1].time))


def fact_of(key: str, id: bytes, value: bytes | None) -> Fact | None:
    return loaded(key, value, _sound_fact, id.decode("ascii", "replace"))


def _sound_turn(data: Mapping[str, Any]) -> Turn:
    turn = Turn.from_json(data)
    texts = (turn.id, turn.text, turn.answer, turn.standalone, turn.parent)
    _check(all(isinstance(text, str) for text in texts), turn.time)
    return turn


def _sound_fact(data: Mapping[str, Any]) -> Fact:
    fact = Fact.from_json(data)
    known = fact.kind in ("fact", "preference")
    _check(known and isinstance(fact.id, str) and isinstance(fact.text, str), fact.updated)
    return fact


def _check(is_sound: bool, time: float) -> None:
    if not is_sound or not math.isfinite(time):
        raise ValueError


def scalar(value: bytes) -> float:
    """A number, 0 where there is none."""
    try:
        return float(value)
    except ValueError:
        return 0.0


def spoilt_key(name: bytes) -> None:
    """Say that a key holds another kind of value."""
    log.warning(
        "%s holds something that is not ours; it is left out", name.decode("ascii", "replace")
    )

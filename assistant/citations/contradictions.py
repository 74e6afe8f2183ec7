"""Passages of different documents that tell different numbers of the same thing.

Cheap and careful: two sentences say nearly the same words, both of what the question asks, and
differ in one number of one unit alone. What differs in other ways is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.citations.figures import Figure, figures
from assistant.citations.ground import Line, Quoted
from assistant.citations.words import Part, is_number, parts_of, tokens_of
from assistant.passages import Passage

ALIKE = 0.6  # share of each sentence's words, numbers apart, that the other has
ASKED = 0.5  # share of the question's words that each sentence with its headings has
APART = 0.02  # relative difference from which two numbers are not the same one rounded
DATES = ("year", "month", "day")  # are never the same one rounded


@dataclass(frozen=True)
class _Said:
    line: Line
    tokens: frozenset[str]
    parts: tuple[Part, ...]
    figures: tuple[Figure, ...]


def contradictions(question: str, passages: Sequence[Passage]) -> list[tuple[int, int]]:
    """The numbers of the passages that contradict each other, in pairs, the smaller first."""
    asked = parts_of(question)
    if not asked:
        return []
    said = [list(_said(Quoted(passage), asked)) for passage in passages]
    return [
        (one.n, other.n)
        for place, one in enumerate(passages)
        for beyond, other in enumerate(passages[place + 1 :], place + 1)
        if one.hit.source.id != other.hit.source.id
        and any(_contradict(a, b) for a in said[place] for b in said[beyond])
    ]


def _said(quoted: Quoted, asked: Sequence[Part]) -> Iterator[_Said]:
    """The sentences with numbers that are of what is asked."""
    subject = tokens_of(quoted.subject)
    for line in quoted.lines:
        tokens = tokens_of(line.text)
        found = figures(f"{line.context}\n{line.text}")
        if found and _share(asked, tokens | subject) >= ASKED:
            parts = tuple(part for part in parts_of(line.text) if not is_number(part))
            yield _Said(line, tokens, parts, found)


def _contradict(one: _Said, other: _Said) -> bool:
    if min(_share(one.parts, other.tokens), _share(other.parts, one.tokens)) < ALIKE:
        return False
    mine, theirs = _by_unit(one.figures), _by_unit(other.figures)
    differing = [unit for unit in mine.keys() | theirs.keys() if mine.get(unit) != theirs.get(unit)]
    if len(differing) != 1:
        return False
    unit = differing[0]
    left, right = mine.get(unit, set()), theirs.get(unit, set())
    if not unit or len(left) != 1 or len(right) != 1:
        return False
    return _are_apart(next(iter(left)), next(iter(right)), is_date=unit in DATES)


def _by_unit(found: Sequence[Figure]) -> dict[str, set[str]]:
    units: dict[str, set[str]] = {}
    for figure in found:
        if figure.sure:
            units.setdefault(figure.unit, set()).add(figure.value)
    return units


def _are_apart(one: str, other: str, *, is_date: bool) -> bool:
    try:
        left, right = float(one), float(other)
    except ValueError:  # versions
        return one != other
    if is_date:
        return left != right
    return abs(left - right) > APART * max(abs(left), abs(right))


def _share(parts: Sequence[Part], tokens: frozenset[str]) -> float:
    full = sum(part.weight for part in parts)
    held = sum(part.weight for part in parts if not part.keys.isdisjoint(tokens))
    return held / full if full else 0.0

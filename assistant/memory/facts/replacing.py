"""Whether a new statement is another value of what a known fact says: a small logistic model over
how alike both are, the values in them, and words that tell of change. Its weights were learned
from pairs by ``python -m benchmarks.memory_month.pairs``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import takewhile
from math import exp
from pathlib import Path

import numpy as np

from assistant.memory.facts.changing import ADDED, old_value
from assistant.memory.facts.likeness import Likeness, Vector
from assistant.memory.facts.near import Near
from assistant.memory.facts.statements import Statement
from assistant.memory.facts.values import measures, names_and_numbers, values

WEIGHTS = Path(__file__).with_name("replacing.json")
#: How sharply a statement's topics are told apart.
SHARPNESS = 2.0
#: Bounds of what is weighed.
NEAR = 2.3
LEAST_LIKENESS, MOST_LIKENESS, MOST_SHARED = -1.0, 8.0, 4.0

_TOKEN = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?|\d+(?:\.\d+)*|[\u3400-\u9fff]")
#: Whose or which one a statement is about: of different ones both may hold.
_SCOPE = re.compile(
    r"生产|线上|测试|预发|演示|开发环境|公司|家里|老家|办公室|工厂|分店|女儿|闺女|儿子|孩子|"
    r"孙子|(?<=我)[爸妈弟哥姐妹]|老婆|老公|爱人|老伴|徒弟|搭档|[一二三四](?:期|号|楼|季度)|"
    r"[上下]半年|早上|上午|下午|晚上|"
    r"\b(?:production|prod|staging|test|dev|warehouse|office|home|work|company|son|daughter|"
    r"wife|husband|parents|mother|father|mum|mom|dad|sister|brother|nephew|niece|first|second|"
    r"third|phase \w+|mornings?|evenings?|deputy|mentor)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"还|也|又|另外|\b(?:also|too|as well|another|second|besides)\b", re.I)
_NOT = re.compile(r"不|没|别|无|\b(?:not|no|never|none)\b|n['’]t\b", re.IGNORECASE)
#: Before the subject or in its place.
_FILLER_WORDS = "我 们 咱 的 这 边 现 在 目 前 i we my our the it's it is now i'm we're a an"
_FILLERS = frozenset(_FILLER_WORDS.split())
#: What one can have, buy or like several of; and what gathers over the years.
_SEVERAL = re.compile(r"有|买|养|喜欢|会|\b(?:have|has|got|own|bought|like|love|speak)\b|['’]ve\b")
_GATHERS = re.compile(
    r"过敏|会|病|喜欢|爱|\b(?:allergic|intolerant|love|like|speak|play)\b", re.IGNORECASE
)


def chances(near: Sequence[Near], statement: Statement, likeness: Likeness) -> list[float]:
    """How likely ``statement`` takes the place of each of these facts, 0 to 1.

    Raises:
        ModelError: the embedding model failed.
    """
    return [chance(found, shipped()) for found in features(near, statement, likeness)]


def features(
    near: Sequence[Near], statement: Statement, likeness: Likeness
) -> list[dict[str, float]]:
    """For each fact what it and the statement have in common, and what not, by name."""
    if not near:
        return []
    about, *topics = likeness.topics([statement.text, *(one.fact.text for one in near)])
    best = max(one.score for one in near)
    return [
        dict(_features(one, statement, _alike(about, topic), float(one.score == best)))
        for one, topic in zip(near, topics, strict=True)
    ]


@cache
def shipped() -> Mapping[str, float]:
    """The weights of the package by the feature's name, read once."""
    weights: dict[str, float] = json.loads(WEIGHTS.read_text("utf-8"))
    return weights


def chance(found: Mapping[str, float], weights: Mapping[str, float]) -> float:
    score = sum(value * weights.get(name, 0.0) for name, value in found.items())
    return 1 / (1 + exp(-score))


def _features(
    near: Near, statement: Statement, topic: Mapping[str, float], nearest: float
) -> Iterator[tuple[str, float]]:
    old, new = near.fact.text, statement.text
    like = min(max(near.likeness, LEAST_LIKENESS), MOST_LIKENESS) / 4
    changed, now = float(statement.change == 2), float(statement.change == 1)
    yield "always", 1.0
    yield "likeness", like
    yield "shared", min(near.shared, MOST_SHARED) / 2
    yield "any shared", float(near.shared > 0)
    yield "changed", changed
    yield "now", now
    yield "changed, alike", changed * like
    yield "now, alike", now * like
    yield "changed, shared", changed * min(near.shared, MOST_SHARED) / 2
    yield "changed, near", changed * float(near.score >= NEAR)
    yield "nearest", nearest
    yield "changed, nearest", changed * nearest
    yield "changed, one topic", changed * topic["topics"]
    yield "other kind", float(near.fact.kind != statement.kind)
    yield from topic.items()
    yield from _words(old, new)
    yield from _values(old, new)
    yield from _frame(old, new)


def _words(old: str, new: str) -> Iterator[tuple[str, float]]:
    named = old_value(new)
    yield "names the old", float(bool(named) and named in old.casefold())
    yield "names another", float(bool(named) and named not in old.casefold())
    yield "added", float(bool(ADDED.search(new)))
    yield "beside", float(bool(_BESIDE.search(new)))
    yield "one denies", float(bool(_NOT.search(old)) != bool(_NOT.search(new)))
    yield "several", float(bool(_SEVERAL.search(old) and _SEVERAL.search(new)))
    yield "gathers", float(bool(_GATHERS.search(old) and _GATHERS.search(new)))
    scopes = [frozenset(found.casefold() for found in _SCOPE.findall(text)) for text in (old, new)]
    yield "scope", float(bool(scopes[0] & scopes[1]))
    yield "one scope", float(scopes[0] != scopes[1])
    yield "other scope", float(all(scopes) and not scopes[0] & scopes[1])


def _values(old: str, new: str) -> Iterator[tuple[str, float]]:
    known, told = values(old), values(new)
    yield "same value", float(bool(known & told))
    yield "other value", float(bool(known and told) and known != told)
    (names, numbers), (new_names, new_numbers) = names_and_numbers(old), names_and_numbers(new)
    other_number = bool(numbers and new_numbers) and numbers != new_numbers
    other_name = bool(names and new_names) and not names & new_names
    yield "other number", float(other_number)
    yield "other number of it", float(other_number and bool(names & new_names))
    yield "other name", float(other_name)
    yield "other number, other name", float(other_number and other_name)
    counted, told_counted = measures(old), measures(new)
    yield "same measure", float(bool(counted & told_counted))
    yield "other measure", float(bool(counted and told_counted) and not counted & told_counted)


def _frame(old: str, new: str) -> Iterator[tuple[str, float]]:
    """How much of the shorter one's words the other has in the same order, and at its ends."""
    a, b = _tokens(old), _tokens(new)
    size = max(min(len(a), len(b)), 1)
    common = _in_order(a, b) / size
    yield "frame", common
    yield "begins alike", _beginning(a, b) / size
    yield "ends alike", _beginning(a[::-1], b[::-1]) / size
    is_several = bool(_SEVERAL.search(old) and _SEVERAL.search(new))
    yield "several, frame", common * is_several
    subjects = [next((t for t in tokens if t not in _FILLERS), "") for tokens in (a, b)]
    is_other = subjects[0] != subjects[1]
    yield "other subject", float(is_other)
    yield "other subject, frame", common * is_other


def _alike(one: Vector, other: Vector) -> dict[str, float]:
    """How alike two profiles of topics are."""
    shares = [np.exp(SHARPNESS * profile) for profile in (one, other)]
    a, b = (share / share.sum() for share in shares)
    return {
        "topics": float(np.mean(one * other)),
        "likely topics": float(np.sqrt(a * b).sum()),
        "one topic": float(one.argmax() == other.argmax()),
    }


def _tokens(text: str) -> list[str]:
    return [found.casefold() for found in _TOKEN.findall(text)]


def _beginning(a: Sequence[str], b: Sequence[str]) -> int:
    """How many tokens two begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _in_order(a: Sequence[str], b: Sequence[str]) -> int:
    """The size of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for one in a:
        diagonal = 0
        for place, other in enumerate(b, 1):
            diagonal, row[place] = (
                row[place],
                diagonal + 1 if one == other else max(row[place], row[place - 1]),
            )
    return row[-1]

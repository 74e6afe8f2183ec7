"""What a clause looks like to the classifier: its words, its cues, its place, its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

from assistant.memory.facts.asking import ASKING
from assistant.memory.facts.changing import MARKS
from assistant.memory.facts.clauses import Clause, clauses
from assistant.memory.facts.cues import CUES
from assistant.memory.facts.doubts import DOUBTS
from assistant.memory.facts.rejections import (
    HYPOTHETICAL,
    JOKE,
    LASTS,
    OTHERS,
    RECITED,
    RELATION,
    REPORTED,
    TRANSIENT,
)
from assistant.memory.facts.typed import MASK, Sentence
from assistant.memory.facts.wishes import WISHES

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    **CUES,
    **{f"doubt{number}": doubt for number, doubt in enumerate(DOUBTS)},
    **ASKING,
    **WISHES,
    **MARKS,
    "hypothetical": HYPOTHETICAL,
    "joke": JOKE,
    "recited": RECITED,
    "others": OTHERS,
    "relation": RELATION,
    "reported": REPORTED,
    "transient": TRANSIENT,
    "lasts": LASTS,
}
#: What tells of the whole message wherever it stands.
_OF_ALL = ("joke", "recited", "reported", "hypothetical")
#: Marks after a clause that tell something; the end of a sentence is often left out.
_MARKS = tuple("，,;；:：?？")
_ASKED = frozenset({"question", "request"})
_HAN = re.compile(r"[\u3400-\u9fff]")
_TOKEN = re.compile(rf"[A-Za-z]+(?:['’][a-z]+)?|\d+|[\u3400-\u9fff]|{MASK}+|[^\s\w]")
#: Weights of a group of features, beside the 1 of those that count most.
_OFTEN, _SOME, _NEIGHBOUR, _WORDS = 0.5, 0.3, 0.3, 1.5


@dataclass(frozen=True)
class Piece:
    """A clause in its sentence, ``place`` of it among the sentences."""

    clause: Clause
    sentence: Sentence
    place: int

    @cached_property
    def tokens(self) -> list[str]:
        return [_token(found[0]) for found in _TOKEN.finditer(self.clause.masked)]

    @cached_property
    def cues(self) -> frozenset[str]:
        return frozenset(
            name for name, pattern in _PATTERNS.items() if pattern.search(self.clause.masked)
        )

    @property
    def language(self) -> str:
        return "zh" if _HAN.search(self.clause.masked) else "en"

    @property
    def is_question(self) -> bool:
        return "?" in self.clause.mark or "？" in self.clause.mark


def pieces(sentences: Sequence[Sentence]) -> list[Piece]:
    """The clauses of a message, in order."""
    return [
        Piece(clause, sentence, place)
        for place, sentence in enumerate(sentences)
        for clause in clauses(sentence)
    ]


def features(told: Sequence[Piece]) -> list[dict[str, float]]:
    """For each clause of a message, its features by name."""
    return [
        dict([*_own(piece), *_words(piece), *_place(told, index), *_neighbours(told, index)])
        for index, piece in enumerate(told)
    ]


def _own(piece: Piece) -> Iterator[tuple[str, float]]:
    language, lead = piece.language, piece.clause.lead.strip().casefold()
    yield f"language {language}", 1.0
    for name in piece.cues:
        yield f"cue {name}", _OFTEN
        yield f"cue {language} {name}", _OFTEN
    if lead:
        yield "lead", _OFTEN
        yield f"lead {lead[:20]}", _OFTEN
    if piece.is_question:
        yield "asks", 1.0
    if (mark := piece.clause.mark.strip()[:1]) in _MARKS:
        yield f"mark {language} {mark}", _OFTEN
    yield f"length {language} {min(len(piece.tokens) // 3, 8)}", _OFTEN


def _words(piece: Piece) -> Iterator[tuple[str, float]]:
    """n-grams, together of one length however many there are."""
    grams = _chinese(piece.tokens) if piece.language == "zh" else _english(piece.tokens)
    share = _WORDS / sqrt(max(len(grams), 1))
    for gram in sorted(grams):
        yield gram, share


def _place(told: Sequence[Piece], index: int) -> Iterator[tuple[str, float]]:
    count, here = len(told), told[index].place
    where = "first" if index == 0 else "last" if index == count - 1 else "mid"
    yield f"place {'only' if count == 1 else where}", _OFTEN
    yield f"begins {index == 0 or told[index - 1].place != here}", _SOME
    yield f"count {min(count, 6)}", _SOME
    if any(piece.is_question for piece in told):
        yield "asked", _OFTEN
    if any(_ASKED & piece.cues for piece in told[index + 1 :]):
        yield "asked later", _OFTEN
    if any(_ASKED & piece.cues for piece in told[:index]):
        yield "asked before", _OFTEN
    for name in _OF_ALL:
        if any(name in piece.cues for piece in told):
            yield f"message {name}", _OFTEN


def _neighbours(told: Sequence[Piece], index: int) -> Iterator[tuple[str, float]]:
    for side, at in (("before", index - 1), ("after", index + 1)):
        if not 0 <= at < len(told):
            yield f"none {side}", _NEIGHBOUR
            continue
        near = told[at]
        apart = "" if near.place == told[index].place else " apart"
        for name in near.cues:
            yield f"{side}{apart} {name}", _NEIGHBOUR
        if near.is_question:
            yield f"{side} asks", _NEIGHBOUR


def _token(text: str) -> str:
    if text[0] == MASK:
        return '"'
    if text.isdecimal():
        return "0" if len(text) == 1 else "00" if len(text) < 4 else "0000"
    return text.replace("’", "'")


def _chinese(tokens: Sequence[str]) -> set[str]:
    """1 to 3 characters, a word in Latin letters being one of them; and those words."""
    characters = ["^", *("A" if _is_latin(token) else token for token in tokens), "$"]
    grams = {
        f"c{size} {''.join(characters[start : start + size])}"
        for size in (1, 2, 3)
        for start in range(len(characters) - size + 1)
    }
    return grams | {f"w {token.casefold()}" for token in tokens if _is_latin(token)}


def _english(tokens: Sequence[str]) -> set[str]:
    """1 to 3 words, names being one word; and the words' beginnings and ends."""
    words = ["^", *(token.casefold() for token in tokens), "$"]
    shapes = ["^", *(_shape(token, index) for index, token in enumerate(tokens)), "$"]
    grams = {f"w {word}" for word in words} | {f"s {shape}" for shape in shapes}
    for size in (2, 3):
        grams |= {
            f"s{size} {' '.join(shapes[start : start + size])}"
            for start in range(len(shapes) - size + 1)
        }
    for word in words:
        if len(word) > 4:
            grams |= {f"p {word[:4]}", f"e {word[-3:]}"}
    return grams


def _shape(word: str, index: int) -> str:
    if index and word[0].isupper() and word.partition("'")[0] != "I":
        return "AA" if word[1:].isupper() else "Aa"
    return word.casefold()


def _is_latin(token: str) -> bool:
    return token[0].isascii() and token[0].isalpha()

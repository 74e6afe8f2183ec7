"""The clauses of a message that are lasting statements of the user about themself, or wishes for
how to be answered: in their own words, with nothing added."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.memory.facts.changing import change_of, is_instead, only_ends, takes_back
from assistant.memory.facts.classifier import KINDS, Floats, classify
from assistant.memory.facts.cues import is_bare
from assistant.memory.facts.features import Piece, pieces
from assistant.memory.facts.rejections import (
    HYPOTHETICAL,
    INJECTION,
    JOKE,
    NOT_TO_KEEP,
    OTHERS,
    RECITED,
    RELATION,
    REPORTED,
    ROLE_PLAY,
    SECRET,
)
from assistant.memory.facts.typed import MASK, Sentence, typed_sentences
from assistant.models.embedding.model import Embed
from assistant.prompts import language_of

#: Characters of a statement.
SHORTEST, LONGEST = 4, 160
#: How likely a clause must be one; the only clause of a message, which is one more often than a
#: part of more that looks as likely; one that takes the place of what is known; and one that only
#: adds to the one before it.
ENOUGH, ENOUGH_ALONE, ENOUGH_TO_REPLACE, ENOUGH_BESIDE = 0.75, 0.6, 0.4, 0.3

#: What leads into a clause that the user asks to be remembered: it is, on their word.
_ASKED = re.compile(
    r"(?:记住|记一?下|记着|记好)(?:了|哈|吧)?\W*$|\b(?:remember|keep in mind|don['’]t forget)"
    r"(?: that)?\W*$",
    re.IGNORECASE,
)
_OWN = re.compile(r"我|咱|自己|\b(?:I|my|we|our)\b")
_BESIDE = re.compile(r"也|\b(?:also|too)\b")


@dataclass(frozen=True)
class Statement:
    """Words of the user that are worth remembering, verbatim.

    ``kind`` is "fact" or "preference" (a wish for answers), ``language`` "zh" or "en".
    ``change`` tells whether it says that something changed: 2 yes, 1 perhaps, 0 no. Only what
    ``is_sure`` is worth remembering if it changes nothing that is known.
    """

    text: str
    kind: str
    language: str
    change: int = 0
    is_sure: bool = True


def statements(message: str, embed: Embed) -> list[Statement]:
    """What to remember of a message, in its order; each is a verbatim piece of it.

    Args:
        embed: the embedded model's, see :func:`classify`.
    """
    sentences = typed_sentences(message)
    if is_closed(sentences):
        return []
    told = [piece for piece in pieces(sentences) if _has_words(piece)]
    if not any(is_open(piece) for piece in told):
        return []
    likely = classify(told, embed)
    enough = ENOUGH if len(told) > 1 else ENOUGH_ALONE
    return [
        found
        for place, sentence in enumerate(sentences)
        for found in _of_sentence(
            sentence,
            [(p, chances) for p, chances in zip(told, likely, strict=True) if p.place == place],
            enough,
        )
    ]


def is_closed(sentences: Sequence[Sentence]) -> bool:
    """Whether nothing of a message is remembered."""
    own = "\n".join(sentence.masked for sentence in sentences)
    return any(pattern.search(own) for pattern in (NOT_TO_KEEP, INJECTION, ROLE_PLAY))


def is_open(piece: Piece) -> bool:
    """Whether a clause may be remembered at all."""
    sentence = piece.sentence
    if JOKE.search(sentence.masked) or RECITED.search(sentence.masked):
        return False
    if takes_back(piece.clause.masked):
        return False
    return not SECRET.search(sentence.text)


def left_out(told: Sequence[Piece]) -> list[bool]:
    """Which clauses of a sentence are no fact of the user's, however likely they look."""
    found, is_supposed, is_of_others = [], False, False
    for piece in told:
        masked = piece.clause.masked
        is_supposed = is_supposed or bool(HYPOTHETICAL.search(masked))
        # Who the last subject was goes on until the user names themself.
        is_of_others = _is_of_others(masked) or (is_of_others and not _OWN.search(masked))
        found.append(is_supposed or is_of_others)
    return found


def _has_words(piece: Piece) -> bool:
    return len(piece.clause.masked.replace(MASK, "").strip()) > 1


def _of_sentence(
    sentence: Sentence, told: Sequence[tuple[Piece, Floats]], enough: float
) -> Iterator[Statement]:
    for part in _joined(_parts(told, enough)):
        text = sentence.text[part.start : part.end]
        if part.kind and SHORTEST <= len(text) <= LONGEST:
            yield Statement(text, part.kind, language_of(text), part.change, part.is_sure)


@dataclass(frozen=True)
class _Part:
    """A clause that is kept or, where ``kind`` is empty, may be with a neighbour; or several
    clauses that make one statement. ``number`` is the last one's place among the clauses."""

    number: int
    start: int
    end: int
    kind: str
    change: int
    ends: bool  # says only that something is over
    instead: bool  # says only what is there instead
    is_beside: bool  # says that it is so "too"
    is_sure: bool
    is_bare: bool  # can't be understood without the one before

    def joins(self, after: _Part) -> bool:
        """Whether both say one thing: "the A100s went back, now we have four L40S"."""
        if after.number != self.number + 1 or (self.kind and after.kind not in ("", self.kind)):
            return False
        if self.kind and after.is_bare:
            return True
        if after.instead:
            return bool(self.kind) or self.ends
        if self.ends:
            return bool(after.kind) and after.change < 2
        return bool(self.kind) and self.change == 2 and after.ends and not after.is_beside

    def joined(self, after: _Part) -> _Part:
        kind = self.kind or after.kind or "fact"
        change = max(self.change, after.change) if after.is_bare else 2
        sure = any(part.is_sure and part.kind for part in (self, after))
        joined = replace(after, start=self.start, kind=kind, change=change, is_sure=sure)
        return replace(joined, ends=False, instead=False)


def _joined(parts: Iterator[_Part]) -> Iterator[_Part]:
    last: _Part | None = None
    for part in parts:
        if last and last.joins(part):
            last = last.joined(part)
            continue
        if last:
            yield last
        last = part
    if last:
        yield last


def _parts(told: Sequence[tuple[Piece, Floats]], enough: float) -> Iterator[_Part]:
    out = left_out([piece for piece, _ in told])
    for number, (piece, chances) in enumerate(told):
        clause = piece.clause
        change = change_of(clause.text, clause.lead)
        sure = bool(1 - chances[0] >= enough or _ASKED.search(clause.lead))
        may_replace = sure or 1 - chances[0] >= ENOUGH_TO_REPLACE
        kind = _kind(chances) if may_replace and is_open(piece) else ""
        if kind == "fact" and out[number]:
            kind = ""
        bare = is_bare(clause.masked) or (piece.language == "zh" and len(clause.text) < SHORTEST)
        bare = bare and 1 - chances[0] >= ENOUGH_BESIDE and not out[number]
        ends, instead = only_ends(clause.text), is_instead(clause.text)
        if is_open(piece) and (kind or bare or ends or instead) and not piece.is_question:
            beside = bool(_BESIDE.search(clause.masked))
            yield _Part(
                number, clause.start, clause.end, kind, change, ends, instead, beside, sure, bare
            )


def _kind(chances: Floats) -> str:
    return KINDS[1 + int(np.argmax(chances[1:]))]


def _is_of_others(clause: str) -> bool:
    if REPORTED.search(clause):
        return True
    return bool(OTHERS.search(clause)) and not RELATION.search(clause)

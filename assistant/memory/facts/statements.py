"""The clauses of a message that are lasting statements of the user about themself, or wishes for
how to be answered: in their own words, found by rules, with nothing added."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assistant.memory.facts.asking import asks
from assistant.memory.facts.changing import change_of, is_instead, only_ends
from assistant.memory.facts.clauses import Clause, clauses
from assistant.memory.facts.cues import ENOUGH, goes_on, points
from assistant.memory.facts.rejections import (
    HYPOTHETICAL,
    INJECTION,
    JOKE,
    LASTS,
    NOT_TO_KEEP,
    OTHERS,
    RECITED,
    RELATION,
    REPORTED,
    ROLE_PLAY,
    SECRET,
    TRANSIENT,
)
from assistant.memory.facts.typed import MASK, Sentence, typed_sentences
from assistant.memory.facts.wishes import is_wish
from assistant.prompts import language_of

#: Characters of a statement.
SHORTEST, LONGEST = 4, 160

_OWN = re.compile(r"我|咱|自己|\b(?:I|my|we|our)\b")
#: The user announces that they tell something of themself.
_TOLD = re.compile(
    r"记住|记一?下|记着|记好|记得|更新|补(?:充|一)|说明|新情况|新鲜事|变动|进度|件(?:小)?事|"
    r"背景|顺便|顺带|对了|另外|忘了说|"
    r"\b(?:remember|keep in mind|bear in mind|note|update|correction|context|background|"
    r"for the record|fyi|"
    r"by the way|btw|heads|also|one more thing|news)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"也|\b(?:also|too)\b")
_COLONS = ("：", ":")
#: What a told clause has more, and one after a clause that was kept.
TOLD, FOLLOWS, GOES_ON = 2, 1, 1
#: What tells who somebody is to the user.
WHO_IT_IS = 2


@dataclass(frozen=True)
class Statement:
    """Words of the user that are worth remembering, verbatim.

    ``kind`` is "fact" or "preference" (a wish for answers), ``language`` "zh" or "en".
    ``change`` tells whether it says that something changed: 2 yes, 1 perhaps, 0 no.
    """

    text: str
    kind: str
    language: str
    change: int = 0


def statements(message: str) -> list[Statement]:
    """What to remember of a message, in its order; each is a verbatim piece of it."""
    sentences = typed_sentences(message)
    own = "\n".join(sentence.masked for sentence in sentences)
    if any(pattern.search(own) for pattern in (NOT_TO_KEEP, INJECTION, ROLE_PLAY)):
        return []
    return [found for sentence in sentences for found in _of_sentence(sentence)]


def _of_sentence(sentence: Sentence) -> Iterator[Statement]:
    if (
        JOKE.search(sentence.masked)
        or RECITED.search(sentence.masked)
        or SECRET.search(sentence.text)
    ):
        return
    for piece in _joined(_pieces(sentence)):
        text = sentence.text[piece.start : piece.end]
        if piece.kind and SHORTEST <= len(text) <= LONGEST:
            yield Statement(text, piece.kind, language_of(text), piece.change)


@dataclass(frozen=True)
class _Piece:
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

    def joins(self, after: _Piece) -> bool:
        """Whether both say one thing: "the A100s went back, now we have four L40S"."""
        if after.number != self.number + 1 or (self.kind and after.kind not in ("", self.kind)):
            return False
        if after.instead:
            return bool(self.kind) or self.ends
        if self.ends:
            return bool(after.kind) and after.change < 2
        return bool(self.kind) and self.change == 2 and after.ends and not after.is_beside

    def joined(self, after: _Piece) -> _Piece:
        kind = self.kind or after.kind or "fact"
        return replace(after, start=self.start, kind=kind, change=2, ends=False, instead=False)


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    last: _Piece | None = None
    for piece in pieces:
        if last and last.joins(piece):
            last = last.joined(piece)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


@dataclass
class _Context:
    """What the clauses before say of the next one."""

    is_of_others: bool = False
    is_told: bool = False
    follows: bool = False  # a clause that was kept
    is_own: bool = False  # the last one with a subject was about the user


def _pieces(sentence: Sentence) -> Iterator[_Piece]:
    context = _Context()
    for number, clause in enumerate(clauses(sentence)):
        context.is_told = context.is_told or bool(_TOLD.search(clause.lead))
        if clause.mark.strip() in _COLONS and _TOLD.search(clause.masked):
            context.is_told = True
            continue
        if HYPOTHETICAL.search(clause.masked) and not is_wish(clause.masked):
            return
        if _is_rejected(clause, context):
            continue
        kind = _kind(clause, context)
        context.follows = context.follows or bool(kind)
        ends, instead = only_ends(clause.text), is_instead(clause.text)
        if kind or ends or instead:
            change = change_of(clause.text, clause.lead)
            beside = bool(_BESIDE.search(clause.masked))
            yield _Piece(number, clause.start, clause.end, kind, change, ends, instead, beside)


def _is_rejected(clause: Clause, context: _Context) -> bool:
    """Whether a clause is never kept, whatever speaks for it."""
    if is_wish(clause.masked):
        return "?" in clause.mark or "？" in clause.mark
    if _is_of_others(clause.masked):
        context.is_of_others, context.is_own = True, False
        return True
    if _OWN.search(clause.masked):
        context.is_of_others = False
        context.is_own = True
    if context.is_of_others or len(clause.masked.replace(MASK, "").strip()) < 2:
        return True
    if TRANSIENT.search(clause.masked):
        return not LASTS.search(clause.lead + clause.masked)
    return False


def _kind(clause: Clause, context: _Context) -> str:
    """ "preference", "fact", or "" for what too little speaks for."""
    if is_wish(clause.masked):
        return "preference"
    if asks(clause.masked, clause.mark):
        return ""
    is_about_user = context.is_told or context.follows or context.is_own
    total = points(clause.masked, is_about_user)
    total += TOLD * context.is_told + FOLLOWS * context.follows
    total += WHO_IT_IS * bool(RELATION.search(clause.masked))
    if (context.follows or context.is_own) and goes_on(clause.masked):
        total += GOES_ON
    return "fact" if total >= ENOUGH else ""


def _is_of_others(clause: str) -> bool:
    if REPORTED.search(clause):
        return True
    return bool(OTHERS.search(clause)) and not RELATION.search(clause)

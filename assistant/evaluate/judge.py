"""Judges whether passages bear a sentence, apart from the citation module: nothing of its code and
none of its scores is used here, so that it can be measured by this.

Where the set's own judgements tell, they decide: a sentence that holds the answer known to be
right, cited from a passage that is relevant and holds it too, is borne. Else raw characters do:
most of the sentence's letters must stand in runs that the passages (or the question) have too,
all of its digits must be there (before the same Chinese character), and it must not deny where the
passage doesn't.

It can't see: the same words about another thing, an order turned round, a paraphrase without
common words (which it calls not borne), numbers spelt out as words, denials by other words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 0.62  # share of a sentence's letters in common runs
RUN, LATIN_RUN = 2, 5  # characters of a run that tells: Chinese, other
NEW = 0.5  # of what the question doesn't say, the share that must be there
LONGEST_ANSWER = 40  # characters of an answer that a sentence can hold as it is

_ENDS = " .。!！?？;；,，"
_SPACE = re.compile(r"\s+")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_COUNTED = re.compile(r"\d+(?:\.\d+)?[\u3400-\u9fff]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_WHETHER = re.compile(r"^\s*(?:yes|no|是的|不是|对|可以|不可以)[,，。.]\s*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_DENIES = re.compile(
    r"不(?!仅|但|过|同|断|少|久|论|管|错|足|止)|没|未(?!来)|无(?!论|数|线)|并非"
    r"|\b(?:not|no|never|none|cannot|without|neither|nor)\b|n't\b"
)
_CLAUSE = re.compile(r"[，,、：:。！？!?；;\n]|(?<=[a-z)\"'] )\.\s|(?<=[a-z)])\.\s")
_MARKER = re.compile(r"\[\d{1,3}\]")
_TRADITIONAL = str.maketrans(
    "國會學發個來時對開關長東車書與萬後為們這說電話過還進經動機無現點從實業體義產種應樣華見親覺觀語讀變讓",
    "国会学发个来时对开关长东车书与万后为们这说电话过还进经动机无现点从实业体义产种应样华见亲觉观语读变让",
)


@dataclass(frozen=True)
class Judged:
    """``by``: "set" where its judgements decided, else "text"; ``score``: the share of the
    sentence's letters in common runs."""

    is_borne: bool
    by: str
    score: float


def judge(
    sentence: str,
    quotes: Sequence[str],
    question: str = "",
    answers: Sequence[str] = (),
    is_relevant: bool = False,
) -> Judged:
    """Whether ``quotes`` together bear ``sentence``.

    Args:
        question: what it says needs no passage.
        answers: those that are right, as the set has them.
        is_relevant: one of the quotes is of a passage that the set calls relevant.
    """
    told = _WHETHER.sub("", _plain(sentence))
    given, asked = _plain("\n".join(quotes)), _plain(question)
    if is_relevant and _holds_answer(told, given, answers):
        return Judged(True, "set", 1.0)
    if told.strip(_ENDS) and told.strip(_ENDS) in given:
        return Judged(True, "text", 1.0)  # copied
    score, new = _common(told, given + " " + asked), _common_new(told, given, asked)
    # A year that the question names may go without saying, but not beside another year.
    known: set[str] = set() if _YEAR.search(given) else _numbers(asked)
    is_told = _numbers(told) - known <= _numbers(given)
    is_borne = score >= LEAST and new >= NEW and is_told and _denies_alike(told, given)
    return Judged(is_borne, "text", round(score, 4))


def _plain(text: str) -> str:
    """Normalised, in small letters and simplified, without markers."""
    text = unicodedata.normalize("NFKC", _MARKER.sub("", text)).casefold().replace("\u2019", "'")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return _SPACE.sub(" ", text).translate(_TRADITIONAL)


def _numbers(text: str) -> set[str]:
    """All digits as they are, and with the Chinese character after them."""
    return set(_DIGITS.findall(text)) | set(_COUNTED.findall(text))


def _holds_answer(told: str, given: str, answers: Sequence[str]) -> bool:
    short = [_plain(answer) for answer in answers if len(answer) <= LONGEST_ANSWER]
    return any(answer and answer in told and answer in given for answer in short)


def _common(told: str, given: str) -> float:
    """The share of the letters and digits of ``told`` that stand in a common run."""
    letters = [place for place, c in enumerate(told) if c.isalnum()]
    covered = _covered(told, given)
    return sum(place in covered for place in letters) / len(letters) if letters else 0.0


def _common_new(told: str, given: str, asked: str) -> float:
    """The same of those that are in no run with the question; 1 where there are none."""
    known = _covered(told, asked)
    letters = [place for place, c in enumerate(told) if c.isalnum() and place not in known]
    covered = _covered(told, given)
    return sum(place in covered for place in letters) / len(letters) if letters else 1.0


def _covered(told: str, given: str) -> set[int]:
    """The places of ``told`` in runs that ``given`` has: longest first from each place."""
    covered: set[int] = set()
    start = 0
    while start < len(told):
        size = 0
        while start + size < len(told) and told[start : start + size + 1] in given:
            size += 1
        run = told[start : start + size]
        least = RUN if _HAN.search(run) else LATIN_RUN
        if len(run.strip()) >= least or (run.strip().isdigit() and run):
            covered.update(range(start, start + size))
            start += size
        else:
            start += 1
    return covered


def _denies_alike(told: str, given: str) -> bool:
    """Whether the sentence denies where the nearest clause of the passages does."""
    clauses = [clause for clause in _CLAUSE.split(given) if clause.strip()]
    if not clauses:
        return False
    nearest = max(clauses, key=lambda clause: _common(told, clause))
    return bool(_DENIES.search(told)) <= bool(_DENIES.search(nearest))

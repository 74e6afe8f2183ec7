"""Checks citations: which passage bears each sentence of an answer.

Small models write few markers and wrong ones, so the markers are ours: each sentence is aligned
to the passages by the share of its terms (and all of its numbers) that a passage holds. A marker
that the passage doesn't bear is removed, a missing one is added, and a sentence that no passage
bears is reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.passages import Passage
from assistant.sentences import MARKER, held, split_sentences, terms_of

SUPPORT = 0.55  # share of a sentence's terms that a passage must hold to be cited
SUPPORT_MARKED = 0.4  # where the model itself marked the passage
CLOSE = 0.9  # a second passage is cited as well when it holds nearly as much as the best
MOST = 2  # citations a sentence

_WORD = re.compile(r"\w")
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d+(?:[.,:：]\d+)*")
# Talk about the passages themselves claims nothing.
_ABOUT = re.compile(
    r"(?:根据|依据)?(?:以上|上述|提供的|这些|给出的)*资料(?:中|里)?(?:提供)?(?:的)?(?:信息|内容)?"
    r"|(?:according to|based on|in) the (?:provided |given )?(?:passages?|information|documents?)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(\s*[。！？；!?.;…”’」』\"']*\s*)$")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,3}[.)、]|[-*+])\s+")


@dataclass(frozen=True)
class Checked:
    """An answer with its markers put right."""

    answer: str
    cited: tuple[int, ...]
    unsupported: tuple[str, ...]


def check_citations(answer: str, passages: Sequence[Passage], question: str = "") -> Checked:
    """Put the markers of ``answer`` right.

    Args:
        question: its words need no support: an answer repeats them.
    """
    given = [_passage_text(passage) for passage in passages]
    numbers = [set(_NUMBER.findall(text)) for text in given]
    asked, asked_numbers = terms_of(question), set(_NUMBER.findall(question))
    pieces: list[str] = []
    cited: set[int] = set()
    unsupported: list[str] = []
    for sentence in split_sentences(answer):
        bare = MARKER.sub("", sentence)
        claim = _LIST_MARK.sub("", _ABOUT.sub(" ", bare))
        if claim != bare and not _WORD.search(claim):
            continue  # "According to the passages." and no more
        terms = terms_of(claim)
        if not (terms - asked) and not _NUMBER.search(claim):
            pieces.append(bare)  # says nothing of its own: a lead-in, a heading, a code fence
            continue
        # What only the question said can't be asked of the passages.
        terms = terms - (asked - held(asked, " ".join(given)))
        told = set(_NUMBER.findall(claim)) - asked_numbers
        written = {int(n) for found in MARKER.findall(sentence) for n in _DIGITS.findall(found)}
        marks = _bearing(terms, told, given, numbers, written)
        if marks:
            cited.update(marks)
            pieces.append(_mark(bare, marks))
        else:
            unsupported.append(bare.strip())
            pieces.append(bare)
    return Checked("".join(pieces).strip(), tuple(sorted(cited)), tuple(unsupported))


def _bearing(
    terms: frozenset[str],
    told: set[str],
    given: Sequence[str],
    numbers: Sequence[set[str]],
    written: set[int],
) -> list[int]:
    """Numbers of the passages that bear a sentence, the best first."""
    shares = [
        (len(held(terms, text)) / len(terms) if terms else 1.0, n)
        for n, (text, figures) in enumerate(zip(given, numbers, strict=True), 1)
        if told <= figures
    ]
    shares = [
        (share, n) for share, n in shares if share >= (SUPPORT_MARKED if n in written else SUPPORT)
    ]
    if not shares:
        return []
    best = max(share for share, _ in shares)
    ordered = sorted(shares, key=lambda pair: (-pair[0], pair[1]))
    return [n for share, n in ordered if share >= CLOSE * best][:MOST]


def _mark(sentence: str, marks: Sequence[int]) -> str:
    body = _TAIL.sub("", sentence)
    tail = sentence[len(body) :]
    return body + "".join(f"[{n}]" for n in sorted(marks)) + tail


def _passage_text(passage: Passage) -> str:
    return f"{passage.hit.subject} {passage.quote}"

"""Chooses the sentences that the model is given: the best of the best chunks within a budget.

A small model on a CPU reads some 60 tokens a second, so which sentences it is given matters more
than how many. Each sentence is scored by the question's terms that it holds, weighted by their
rarity among the candidates, and by the score of its chunk; a chunk's chosen sentences keep their
order, and gaps are marked. A row of a table brings the heading of its columns.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assistant.knowledge.records import Hit, Part
from assistant.sentences import held, split_sentences, terms_of

GAP, LINE_GAP = " … ", "\n…\n"
CHUNK_WEIGHT = 1.0  # of the chunk's retrieval score beside the share of terms in a sentence
NEIGHBOUR = 0.5  # of a sentence's score is lent to the one after it: answers often follow
FIRST_SENTENCE = 0.15  # what a chunk is about usually stands there

_RULE = re.compile(r"\|[\s:|-]*-[\s:|-]*\|")  # between a table's heading and its rows
_GAPS = re.compile(f"{re.escape(GAP)}|{re.escape(LINE_GAP)}")
_CLAUSE_END = re.compile(r"[，,；;、：:](?:\s|(?<=[，；、：]))|\s")


@dataclass(frozen=True)
class Passage:
    """A numbered piece of a chunk as the model sees it."""

    n: int
    hit: Hit
    quote: str

    def render(self) -> str:
        title = " > ".join(self.hit.heading_path) or self.hit.source.title
        head = "" if self.quote.startswith(title) else f"{title}: "
        return f"[{self.n}] {head}{self.quote}"


@dataclass(frozen=True)
class _Sentence:
    hit: int
    position: int
    text: str
    score: float
    tokens: int
    above: tuple[int, ...] = ()  # positions of the heading of its table


def select_passages(
    hits: Sequence[Hit], question: str, budget: int, count_tokens: Callable[[str], int]
) -> list[Passage]:
    """Passages numbered from 1 in the order of ``hits``, together at most ``budget`` tokens.

    The best sentence is always given, cut if it alone is longer than the budget.
    """
    candidates = _score(hits, question, count_tokens)
    if not candidates:
        return []
    chosen = _chosen(candidates, budget)
    if not chosen:
        best = max(candidates, key=lambda one: one.score)
        return [Passage(1, hits[best.hit], _cut(best, budget))]
    return [
        Passage(n, hits[index], _join(list(chosen[index].values())))
        for n, index in enumerate(sorted(chosen), 1)
    ]


def _chosen(candidates: Sequence[_Sentence], budget: int) -> dict[int, dict[int, _Sentence]]:
    """The best sentences that fit, by hit and position."""
    at = {(one.hit, one.position): one for one in candidates}
    chosen: dict[int, dict[int, _Sentence]] = defaultdict(dict)
    left = budget
    for best in sorted(candidates, key=lambda one: -one.score):
        known = chosen.get(best.hit, {})
        more = [at[best.hit, place] for place in best.above if place not in known]
        more += [best] if best.position not in known else []
        # The title, the number and the gap marks that come with a chunk's first sentence.
        cost = sum(one.tokens for one in more) + (0 if known else 12)
        if more and cost <= left:
            chosen[best.hit].update((one.position, one) for one in more)
            left -= cost
    return chosen


def _score(
    hits: Sequence[Hit], question: str, count_tokens: Callable[[str], int]
) -> list[_Sentence]:
    wanted = terms_of(question)
    split = [split_sentences(hit.text) for hit in hits]
    # The headings belong to each sentence below them: "its length" is said of the title.
    headings = [held(wanted, hit.subject) for hit in hits]
    found = [
        [held(wanted, sentence) | headings[index] for sentence in sentences]
        for index, sentences in enumerate(split)
    ]
    counts = Counter(term for row in found for terms in row for term in terms)
    total = sum(len(row) for row in split)
    weight = {term: math.log(1 + total / count) for term, count in counts.items()}
    full = sum(weight.values()) or 1.0
    top = max((hit.score for hit in hits), default=0.0) or 1.0
    scored = []
    for index, sentences in enumerate(split):
        above = _above(sentences)
        shares = [sum(weight[term] for term in terms) / full for terms in found[index]]
        for position, text in enumerate(sentences):
            lent = NEIGHBOUR * shares[position - 1] if position else FIRST_SENTENCE
            score = max(shares[position], lent) + CHUNK_WEIGHT * hits[index].score / top
            tokens = count_tokens(text)
            scored.append(_Sentence(index, position, text, score, tokens, above[position]))
    return scored


def _above(sentences: Sequence[str]) -> list[tuple[int, ...]]:
    """For each sentence the places of its table's heading: the row that names the columns and the
    rule below it. A row without them may be of another thing than it seems."""
    heading: tuple[int, ...] = ()
    above = []
    for place, sentence in enumerate(sentences):
        row = sentence.strip()
        if not row.startswith("|"):
            heading = ()
        elif _RULE.fullmatch(row) and place and sentences[place - 1].lstrip().startswith("|"):
            heading = (place - 1, place)
        above.append(heading if place not in heading else ())
    return above


def _cut(sentence: _Sentence, budget: int) -> str:
    """The beginning of a sentence that alone is longer than the budget, up to the end of a clause
    or a word where there is one in its second half."""
    text = sentence.text[: max(1, len(sentence.text) * budget // max(1, sentence.tokens))]
    ends = [found.end() for found in _CLAUSE_END.finditer(text, len(text) // 2)]
    return (text[: ends[-1]] if ends else text).rstrip()


def _join(sentences: Sequence[_Sentence]) -> str:
    ordered = sorted(sentences, key=lambda one: one.position)
    text, last = "", -1
    for sentence in ordered:
        if last >= 0 and sentence.position != last + 1:
            # Rows of tables stay lines.
            is_table = text.rstrip().endswith("|") and sentence.text.lstrip().startswith("|")
            text = text.rstrip() + (LINE_GAP if is_table else GAP)
        text += sentence.text
        last = sentence.position
    return text.strip()


class Place(NamedTuple):
    """Characters ``begin`` to ``end`` of the chunk at ``position`` in its document."""

    position: int
    begin: int
    end: int


def places_in_document(passage: Passage, start: int, end: int) -> list[Place]:
    """Where characters ``start`` to ``end`` of a passage's quote stand in its document; what is
    not there is left out."""
    hit = passage.hit
    parts = hit.parts or (Part(hit.position, 0, len(hit.text)),)
    return [
        Place(part.position, begin - part.start + part.skipped, stop - part.start + part.skipped)
        for first, last in _places_in_text(passage, start, end)
        for part in parts
        if (begin := max(first, part.start)) < (stop := min(last, part.end))
    ]


def _places_in_text(passage: Passage, start: int, end: int) -> list[tuple[int, int]]:
    found, cursor, begin = [], 0, 0
    for piece in _GAPS.split(passage.quote):
        at = passage.quote.index(piece, begin)
        begin = at + len(piece)
        place = passage.hit.text.find(piece, cursor)
        if place < 0 or not piece:
            continue
        cursor = place + len(piece)
        first, last = max(start, at) - at, min(end, begin) - at
        if first < last:
            found.append((place + first, place + last))
    return found

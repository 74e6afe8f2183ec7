"""Passages spread over a document's sections, for a summary within a token budget.

The beginning of each section is given, or of as many as there is room for, evenly spread; what is
left of the budget goes to the sentences that hold most of what the document speaks of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol, TypeVar

from assistant.asking.kinds import Asking
from assistant.asking.naming import names_of
from assistant.knowledge.records import Hit, Source
from assistant.passages import GAP
from assistant.sentences import split_sentences, terms_of

#: What a passage should be given at least, and what its number and title take, in tokens.
PASSAGE_TOKENS, OVERHEAD = 60, 16
#: Documents that are summarised at once where they are named or were talked about.
MOST_DOCUMENTS = 5
#: A section's sentences beyond these are not looked at.
MOST_SENTENCES = 40
#: Levels of headings that make a section; characters of a sentence that says something.
LEVELS, LEAST_CHARACTERS = 2, 8

Count = Callable[[str], int]
_T = TypeVar("_T")


class Library(Protocol):
    """What is read of a knowledge base."""

    def sources(self) -> list[Source]: ...
    def chunks(self, source_id: int) -> list[Hit]: ...


@dataclass
class _Section:
    """Sentences of a section's first chunk, and which of them are given."""

    hit: Hit
    sentences: list[str]
    tokens: list[int]
    chosen: set[int] = field(default_factory=set)

    @property
    def text(self) -> str:
        text, last = "", -1
        for index in sorted(self.chosen):
            gap = GAP if last >= 0 and index != last + 1 else ""
            text = (text.rstrip() + gap if gap else text) + self.sentences[index]
            last = index
        return text.strip()


def summary_hits(
    knowledge: Library,
    asking: Asking,
    budget: int,
    count_tokens: Count,
    recent: Sequence[int] = (),
) -> list[Hit]:
    """Passages for a summary, in the order of the document; each hit's text is what is given.

    Args:
        asking: whose subjects are names of documents (``library_names``); none: the documents of
            ``recent``, else the whole library.
        budget: tokens of all passages together.
        recent: ids of the sources of the last answer.
    """
    documents = _documents(knowledge.sources(), asking, recent)
    room = max(1, budget // (PASSAGE_TOKENS + OVERHEAD))
    documents = _evenly(documents, room)
    sections = [
        section
        for document in documents
        for section in _spread(
            knowledge.chunks(document.id), max(1, budget // len(documents)), count_tokens
        )
    ]
    _fill([section for section in sections if section.sentences], budget)
    given = [section for section in sections if section.chosen]
    if not given and sections:
        return [_cut(sections[0].hit, budget, count_tokens)]
    return [replace(section.hit, text=section.text, score=1.0) for section in given]


def _spread(chunks: Sequence[Hit], budget: int, count_tokens: Count) -> list[_Section]:
    """As many sections as there is room for, more of them where they are short."""
    firsts = _sections(chunks)
    tried = _evenly(firsts, max(1, budget // (PASSAGE_TOKENS + OVERHEAD)))
    sizes = [min(PASSAGE_TOKENS, count_tokens(hit.text)) for hit in tried]
    size = sum(sizes) // max(1, len(sizes))
    chosen = _evenly(firsts, max(1, budget // (size + OVERHEAD)))
    return [_section(hit, count_tokens) for hit in chosen]


def _documents(sources: Sequence[Source], asking: Asking, recent: Sequence[int]) -> list[Source]:
    """Those that are meant: named, else talked about, else all."""
    full = [source for source in sources if source.chunks]
    meant = [one for one in full if set(asking.subjects) & set(names_of(one))]
    if not meant and not asking.subjects:
        meant = [one for one in full if one.id in recent]
    return meant[:MOST_DOCUMENTS] or full


def _sections(chunks: Sequence[Hit]) -> list[Hit]:
    """The first chunk of each section; all chunks where the document has no headings."""
    groups = groupby(chunks, key=lambda hit: hit.heading_path[:LEVELS])
    firsts = [next(group) for _, group in groups]
    return firsts if len(firsts) > 1 else list(chunks)


def _evenly(items: Sequence[_T], most: int) -> list[_T]:
    """At most ``most`` of ``items``, spread evenly, with the first."""
    if len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def _section(hit: Hit, count_tokens: Count) -> _Section:
    sentences = [one for one in split_sentences(hit.text)[:MOST_SENTENCES] if _says(one, hit)]
    return _Section(hit, sentences, [count_tokens(one) for one in sentences])


def _says(sentence: str, hit: Hit) -> bool:
    bare = sentence.strip(" \n\t#*-|=")
    return len(bare) >= LEAST_CHARACTERS and bare not in hit.heading_path


def _fill(sections: Sequence[_Section], budget: int) -> None:
    """Choose sentences: each section's first that fits, in turn, then the most salient."""
    left = budget
    for section in sections:
        for index, tokens in enumerate(section.tokens[:3]):
            if tokens + OVERHEAD <= left:
                section.chosen.add(index)
                left -= tokens + OVERHEAD
                break
    for section, index in _salient(sections):
        if section.chosen and section.tokens[index] <= left:
            section.chosen.add(index)
            left -= section.tokens[index]


def _salient(sections: Sequence[_Section]) -> Iterator[tuple[_Section, int]]:
    """Sentences not yet chosen, those first that hold most of what the sections speak of, a
    sentence of each section before the second of any."""
    counts = Counter(
        term for section in sections for one in section.sentences for term in terms_of(one)
    )
    ranked: list[tuple[int, float, int, int]] = []
    for place, section in enumerate(sections):
        scores = [
            (-_weight(sentence, counts), index)
            for index, sentence in enumerate(section.sentences)
            if index not in section.chosen
        ]
        ranked += [
            (turn, score, place, index) for turn, (score, index) in enumerate(sorted(scores))
        ]
    for _, _, place, index in sorted(ranked):
        yield sections[place], index


def _weight(sentence: str, counts: Counter[str]) -> float:
    """How much of what is spoken of elsewhere too ``sentence`` holds; long ones gain less."""
    terms = terms_of(sentence)
    shared = sum(counts[term] - 1 for term in terms)
    return float(shared / (len(terms) + 5)) if terms else 0.0


def _cut(hit: Hit, budget: int, count_tokens: Count) -> Hit:
    """The beginning of the first chunk, where no sentence fits."""
    tokens = max(1, count_tokens(hit.text))
    return replace(
        hit, text=hit.text[: max(1, len(hit.text) * budget // tokens)].strip(), score=1.0
    )

"""The passages as claims are checked against them: their sentences, and what each holds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from assistant.citations.figures import Figure, figures
from assistant.citations.markers import without_marks
from assistant.citations.words import Part, tokens_of
from assistant.passages import LINE_GAP, Passage
from assistant.sentences import split_sentences

WINDOW = 3  # neighbouring sentences that may bear a claim together


@dataclass(frozen=True)
class Line:
    """A sentence of a quote, from character ``start`` to ``end``. ``context`` gives its words a
    meaning: the heading row of its table."""

    start: int
    end: int
    text: str
    context: str = ""

    @property
    def is_row(self) -> bool:
        return self.text.startswith("|")


@dataclass(frozen=True)
class Window:
    """Neighbouring sentences of passage ``n``."""

    n: int
    lines: tuple[Line, ...]

    @cached_property
    def text(self) -> str:
        return "\n".join(dict.fromkeys(line.text for line in self.lines))

    @cached_property
    def whole(self) -> str:
        """With the headings of tables."""
        contexts = dict.fromkeys(line.context for line in self.lines if line.context)
        return "\n".join((*contexts, self.text))

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        return figures(self.whole)


class Quoted:
    """One numbered passage."""

    def __init__(self, passage: Passage) -> None:
        self.n = passage.n
        self.subject = passage.hit.subject
        self.quote = passage.quote
        self.lines = tuple(_lines(passage.quote))
        self.text = f"{self.subject}\n{without_marks(passage.quote)}"

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        return figures(self.text)

    def figures_of(self, line: Line) -> tuple[Figure, ...]:
        """The numbers of a sentence, with the units that the heading of its table gives."""
        return figures(line.text) + (figures(line.context) if line.context else ())

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Every run of at most :data:`WINDOW` sentences, the short ones first; a row of a table
        stands alone, since its numbers are of its own thing."""
        runs = (
            self.lines[start : start + size]
            for size in range(1, min(WINDOW, len(self.lines)) + 1)
            for start in range(len(self.lines) - size + 1)
        )
        return tuple(Window(self.n, run) for run in runs if len(run) < 2 or not _has_row(run))


class Ground:
    """All passages, and how much each part of a claim tells: the rarer among their sentences, the
    more."""

    def __init__(self, passages: Sequence[Passage], question: str) -> None:
        self.question = question
        self.quoted = tuple(Quoted(passage) for passage in passages)
        self.text = "\n".join(one.text for one in self.quoted)
        self._lines = [tokens_of(line.text) for one in self.quoted for line in one.lines]

    def is_asked(self, part: Part) -> bool:
        """Whether the question says it too."""
        return not part.keys.isdisjoint(tokens_of(self.question))

    def is_known(self, part: Part) -> bool:
        """Whether any passage says it."""
        return not part.keys.isdisjoint(tokens_of(self.text))

    def weight(self, part: Part) -> float:
        count = sum(not part.keys.isdisjoint(line) for line in self._lines)
        return part.weight * math.log(2 + len(self._lines) / max(count, 0.5))


def _has_row(run: Sequence[Line]) -> bool:
    return any(line.is_row for line in run)


def _lines(quote: str) -> Iterator[Line]:
    """The sentences of a quote without the white space around them."""
    start = 0
    header, in_table = "", False
    for sentence in split_sentences(quote):
        body = sentence.strip()
        begin = start + sentence.index(body)
        start += len(sentence)
        is_row = body.startswith("|")
        if is_row and not in_table:
            header = body
        if body != LINE_GAP.strip():  # rows were left out
            in_table = is_row
        if re.search(r"\w", body) and not body.startswith(("```", "~~~")):
            context = header if is_row and body != header else ""
            yield Line(begin, begin + len(body), without_marks(body), without_marks(context))

"""What a text says, in the smallest parts that can be looked up in another: English terms, and
Chinese characters, each in the pair with its neighbour before or after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from assistant.citations.meaning import is_chinese
from assistant.knowledge.keywords import segment
from assistant.sentences import terms_of

# Characters that join others and say nothing alone.
_LIGHT = frozenset(
    "的了是在和与及或也都就被把对为从到要会能可于将以等这那其之而但并由所着过與為從會將這來"
)
# English words that a sentence is built with, whatever it says; they weigh little.
_FRAME_WORDS = """
according specifically generally typically usually often several various considered known including
provide provides provided called such context indeed seems seem also mainly many related based
refers involves involve especially particularly overall respectively additionally furthermore served
"""
_FRAME = frozenset(term for word in _FRAME_WORDS.split() for term in terms_of(word))


@dataclass(frozen=True)
class Part:
    """Found where a text has one of its ``keys``. A character weighs half of a word."""

    keys: frozenset[str]
    weight: float


@lru_cache(maxsize=2048)
def parts_of(text: str) -> tuple[Part, ...]:
    """The parts of ``text`` that say something, each once."""
    wanted = terms_of(text)
    found: dict[Part, None] = {}
    run: list[str] = []
    for token in segment(text):
        if not is_chinese(token[0]):
            # "first-line" stands for its words, which may be written apart.
            if token in wanted and not ("-" in token and token.partition("-")[0] in wanted):
                found[Part(frozenset([token]), 0.25 if token in _FRAME else 1.0)] = None
            continue
        run.append(token)
        if len(token) == 1:  # the last of its run
            found.update(dict.fromkeys(_characters(run)))
            run = []
    return tuple(found)


def _characters(run: list[str]) -> Iterator[Part]:
    pairs = run[:-1]  # a character by itself, as in 30万, says nothing that can be looked up
    for place, token in enumerate(run):
        if pairs and token[0] not in _LIGHT:
            yield Part(frozenset(pairs[max(0, place - 1) : place + 1]), 0.5)


def is_number(part: Part) -> bool:
    return all(key.replace(".", "").isdigit() for key in part.keys)


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> frozenset[str]:
    """What the parts are looked up in."""
    return frozenset(segment(text))

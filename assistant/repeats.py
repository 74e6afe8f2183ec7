"""Leaves out hits that say nothing which a better one doesn't say.

Copies of a document, a page crawled at two addresses and chunks that overlap would fill the places
of other evidence. Texts that are merely alike are kept: where one differs from the other in a
number or in a "not", the reader must see both.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.knowledge.records import Hit

#: A longer copy of a better hit is a repeat, too, if no more than this share of it is new.
MOST_NEW = 0.1


def without_repeats(hits: Sequence[Hit], most: int) -> list[Hit]:
    """The first ``most`` of ``hits``, best first, without those whose letters and digits stand in
    a better one below the same headings."""
    kept: list[Hit] = []
    texts: list[tuple[str, str]] = []
    for hit in hits:
        if len(kept) == most:
            break
        text = _plain(" ".join(hit.heading_path)), _plain(hit.text)
        if not any(_repeats(text, better) for better in texts):
            kept.append(hit)
            texts.append(text)
    return kept


def repeated_by(hit: Hit, kept: Sequence[Hit]) -> int:
    """The number (1-based) of the first of ``kept`` that says what ``hit`` says; 0 where none
    does."""
    own = _plain(" ".join(hit.heading_path)), _plain(hit.text)
    for n, better in enumerate(kept, 1):
        if _repeats(own, (_plain(" ".join(better.heading_path)), _plain(better.text))):
            return n
    return 0


def _plain(text: str) -> str:
    """Letters and digits alone, so that layout and punctuation don't count."""
    return "".join(filter(str.isalnum, text.casefold()))


def _repeats(own: tuple[str, str], better: tuple[str, str]) -> bool:
    (heading, text), (its_heading, its_text) = own, better
    if heading != its_heading:
        return False  # "30 days" is said of another thing there
    if text in its_text:
        return True
    return its_text in text and len(its_text) >= (1 - MOST_NEW) * len(text)

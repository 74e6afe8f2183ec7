"""The words of a memory: how they are searched, compared, cleaned and shown."""

from __future__ import annotations

import hashlib
import html
import re
import time
import unicodedata
from collections.abc import Sequence

from assistant.memory.records import Fact
from assistant.memory.withdrawal import said_in, withdrawn

#: A longer memory is not a memory but a document.
LONGEST = 1000


def version(words: str) -> str:
    """What tells whether a memory still says what a page showed."""
    return hashlib.blake2s(words.encode("utf-8", "replace"), digest_size=8).hexdigest()


def matches(words: str, query: str) -> bool:
    """Whether all that was typed stands in ``words``, in any order, whatever the width or case.

    >>> matches("我用的是一块 H20", "ｈ20 我")
    True
    """
    folded = _folded(words)
    return all(term in folded for term in _folded(query).split())


def marked(words: str, query: str) -> str:
    """``words`` as HTML, with what was searched for marked."""
    terms = sorted(filter(None, query.split()), key=len, reverse=True)
    if not terms:
        return html.escape(words)
    pieces = re.split(f"({'|'.join(map(re.escape, terms))})", words, flags=re.IGNORECASE)
    return "".join(
        f"<mark>{html.escape(piece)}</mark>" if n % 2 else html.escape(piece)
        for n, piece in enumerate(pieces)
    )


def is_same(words: str, others: str) -> bool:
    """Whether two texts say the same but for width, case and spaces."""
    return _folded(words).split() == _folded(others).split()


def _folded(value: str) -> str:
    return unicodedata.normalize("NFKC", value).casefold()


def cleaned(typed: str) -> str:
    """What was typed, without the characters that can't be seen and could mislead: controls and
    marks of direction. Lines stay, and so does what joins emoji and scripts."""
    lines = re.split(r"\r\n?|\n", typed)
    kept = ("".join(filter(_is_shown, line)) for line in lines)
    return "\n".join(" ".join(line.split()) for line in kept).strip()


def _is_shown(char: str) -> bool:
    if char in "\u200c\u200d\t":  # joiners, which are format characters too
        return True
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co")


def moment(seconds: float) -> str:
    """A time for people; of a broken one, nothing."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "?"


def lost_with(facts: Sequence[Fact], conversation_id: str) -> tuple[int, int]:
    """How many memories go with a conversation, and how many say again what they said before."""
    changes = withdrawn(facts, said_in([conversation_id]))
    texts = {fact.id: fact.text for fact in facts}
    return len(changes.delete), sum(fact.text != texts[fact.id] for fact in changes.put)

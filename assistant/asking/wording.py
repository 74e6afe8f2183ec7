"""Matching a whole message against ways to word a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: What is longer is no short request of these kinds.
LONGEST = 200
_AROUND = re.compile(r"^[\s,，:：]+|[\s?？!！。.~…,，]+$")

Patterns = tuple[re.Pattern[str], ...]


def patterns(*sources: str) -> Patterns:
    return tuple(re.compile(source, re.IGNORECASE) for source in sources)


def trimmed(text: str) -> str:
    """``text`` on one line, without the marks at its end."""
    return _AROUND.sub("", " ".join(text.replace("’", "'").split()))


def first_match(wordings: Iterable[re.Pattern[str]], text: str) -> re.Match[str] | None:
    """How the first of ``wordings`` that fits matches the whole ``text``."""
    if len(text) > LONGEST:
        return None
    return next((found for one in wordings if (found := one.fullmatch(text))), None)


def first_group(found: re.Match[str]) -> str:
    """What the first group that took part holds, empty where none did."""
    groups: Sequence[str | None] = found.groups()
    return next((group.strip() for group in groups if group), "")

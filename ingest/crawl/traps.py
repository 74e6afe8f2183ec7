"""Addresses without end: calendars, paths that repeat themselves, ever new queries of one path."""

from __future__ import annotations

import re
from collections import Counter

#: Different queries of one path.
MOST_VARIANTS = 100
#: Addresses that differ by a date alone.
MOST_DATES = 100
#: Levels of a path.
DEEPEST_PATH = 25

_DATE = re.compile(
    r"(?<!\d)(?:19|20|21)\d\d"
    r"(?:[-/](?:0?[1-9]|1[0-2])(?:[-/](?:[0-2]?\d|3[01]))?|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))"
    r"(?!\d)"
)
_DATE_KEY = re.compile(
    r"([?&](?:year|month|day|date|week|cal\w*|start|from|to)=)[^&]*\d[^&]*", re.I
)
# One to three levels of a path, three times in a row.
_REPEATED = re.compile(r"(/[^/]+(?:/[^/]+){0,2})\1{2}(?:/|$)")
_MOST_SAME = 5


class Traps:
    """Counts the addresses of a crawl by their form. Memory: a counter for each form, and there
    are no more forms than addresses."""

    def __init__(self) -> None:
        self._variants: Counter[str] = Counter()
        self._dates: Counter[str] = Counter()
        self._said: set[tuple[str, str]] = set()

    def catches(self, url: str) -> tuple[str, str] | None:
        """Count a new address: None, or the reason and detail for which it is left out."""
        path, question, _ = url.partition("?")
        tail = path.split("/", 3)[3] if path.count("/") > 2 else ""
        if _repeats(f"/{tail}"):
            return "repeating", ""
        form = _undated(url)
        if form != url:
            self._dates[form] += 1
            if self._dates[form] > MOST_DATES:
                return "calendar", str(MOST_DATES)
        if question:
            self._variants[path] += 1
            if self._variants[path] > MOST_VARIANTS:
                return "variants", str(MOST_VARIANTS)
        return None

    def is_first(self, reason: str, url: str) -> bool:
        """Whether this trap has not been said before."""
        place = {
            "variants": url.partition("?")[0],
            "calendar": _undated(url),
            "repeating": url.split("/", 3)[2],
        }[reason]
        is_new = (reason, place) not in self._said
        self._said.add((reason, place))
        return is_new


def _undated(url: str) -> str:
    """``url`` with all its dates made the same."""
    form = _DATE.sub("@", url)
    return _DATE_KEY.sub(r"\1@", form) if "?" in form else form


def _repeats(path: str) -> bool:
    levels = path.strip("/").split("/")
    if len(levels) < 3:
        return False
    if len(levels) > DEEPEST_PATH or _REPEATED.search(path):
        return True
    return max(Counter(levels).values()) >= _MOST_SAME

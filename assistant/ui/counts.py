"""Figures of document work in words: what a run did, how fast it is, how long it will take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.ui.texts import text

_COUNTS = {
    "added": "n_added",
    "updated": "n_updated",
    "removed": "n_removed",
    "unchanged": "n_unchanged",
    "skipped": "n_skipped",
    "warned": "n_warned",
    "failed": "n_failed",
    "chunks_added": "n_chunks",
}


def counts_text(summary: Mapping[str, Any], language: str) -> str:
    """What a run did; "nothing to add" where that was nothing, empty where it is not known.

    >>> counts_text({"added": 3, "chunks_added": 41, "seconds": 2.14}, "en")
    '3 added · 41 chunks · 2.1 s'
    """
    if not summary:
        return ""
    said = [
        text(key, language, n=summary[name]) for name, key in _COUNTS.items() if summary.get(name)
    ]
    said = said or [text("n_nothing", language)]
    if summary.get("seconds"):
        said.append(text("in_seconds", language, n=f"{summary['seconds']:.1f}"))
    return " · ".join(said)


def speed_text(rate: float, seconds_left: float | None, language: str) -> str:
    """How fast and how long still; empty where neither is known.

    >>> speed_text(12.34, 170, "en")
    '12.3 chunks/s · about 3 min left'
    """
    said = [text("rate", language, rate=f"{rate:.1f}")] if rate else []
    if seconds_left is not None:
        said.append(_left(seconds_left, language))
    return " · ".join(said)


def _left(seconds: float, language: str) -> str:
    if seconds < 55:
        return text("left_seconds", language, n=max(5, round(seconds / 5) * 5))
    if seconds < 90 * 60:
        return text("left_minutes", language, n=max(1, round(seconds / 60)))
    return text("left_hours", language, n=f"{seconds / 3600:.1f}")

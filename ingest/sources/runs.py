"""How the last run of each source went, for the schedule and the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.state import State

#: Documents of a run that are kept: those that someone may have to act on.
_KEPT = ("failed", "warned")
_MOST_KEPT = 50


@dataclass(frozen=True)
class LastRun:
    """``began`` and ``ended`` in seconds since the epoch; ``ended`` is None while it runs, or
    where it was killed. ``status`` and ``outcome`` as in the report (``running`` until then)."""

    began: float
    ended: float | None
    status: str
    outcome: Mapping[str, Any]


def last_run(state: State, name: str) -> LastRun | None:
    """None where it never ran."""
    for row in state.rows("SELECT * FROM runs WHERE name = ?", (name,)):
        outcome = json.loads(row["outcome"])
        return LastRun(row["began"], row["ended"], outcome["status"], outcome)
    return None


def note_run(
    state: State, name: str, began: float, ended: float | None, outcome: Mapping[str, Any]
) -> None:
    """Remember how a run stands."""
    documents = [row for row in outcome["documents"] if row["status"] in _KEPT][:_MOST_KEPT]
    text = json.dumps({**outcome, "documents": documents}, ensure_ascii=False)
    state.write("REPLACE INTO runs VALUES (?, ?, ?, ?)", (name, began, ended, text))


def forget_run(state: State, name: str) -> None:
    state.write("DELETE FROM runs WHERE name = ?", (name,))

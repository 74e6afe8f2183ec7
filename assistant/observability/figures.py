"""What the status page plots: questions, waits and errors by the minute, of the last seven days.

A minute takes some hundred bytes, in memory and in ``DATA_DIR/logs/figures.jsonl``; a minute
without a question takes none. No question, answer or user is kept.

>>> figures = Figures(None, clock=lambda: 120.0)
>>> figures.add(Ended(first_token=0.5, retrieval=0.1))
>>> [minute.questions for minute in figures.since(0)]
[1]
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.events import Done, Error
from assistant.running_turn import RunningTurn

log = logging.getLogger(__name__)

MINUTE = 60
KEPT_MINUTES = 7 * 24 * 60
WRITE_SECONDS = 10.0  # at most so much is lost with the process
#: Upper bounds of the classes that durations are counted in, in seconds: each a fifth more.
BOUNDS = tuple(round(0.005 * 1.2**step, 6) for step in range(64))


@dataclass(frozen=True)
class Ended:
    """A turn that ended. Seconds; None where it didn't come to that."""

    first_token: float | None = None
    retrieval: float | None = None
    error: str = ""  # its kind


@dataclass
class Minute:
    """What happened in a minute. Durations are counted by class: index into :data:`BOUNDS`."""

    at: int = 0  # seconds since the epoch, a multiple of 60
    questions: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    first_token: Counter[int] = field(default_factory=Counter)
    retrieval: Counter[int] = field(default_factory=Counter)

    def add(self, ended: Ended) -> None:
        self.questions += 1
        if ended.error:
            self.errors[ended.error] += 1
        for seconds, counts in (
            (ended.first_token, self.first_token),
            (ended.retrieval, self.retrieval),
        ):
            if seconds is not None:
                counts[min(bisect_left(BOUNDS, seconds), len(BOUNDS) - 1)] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "n": self.questions,
            "errors": self.errors,
            "first": self.first_token,
            "search": self.retrieval,
        }


def merged(minutes: Iterable[Minute], at: int = 0) -> Minute:
    """All of ``minutes`` as one."""
    whole = Minute(at)
    for minute in minutes:
        whole.questions += minute.questions
        whole.errors += minute.errors
        whole.first_token += minute.first_token
        whole.retrieval += minute.retrieval
    return whole


def quantile(counts: Counter[int], share: float) -> float | None:
    """The duration that ``share`` of the turns did not pass, to a tenth; None without a turn."""
    total = counts.total()
    if not total:
        return None
    seen = 0
    for index in sorted(counts):
        seen += counts[index]
        if seen >= share * total:
            upper = BOUNDS[index]
            return upper / math.sqrt(1.2)
    return None  # pragma: no cover - the last class holds the rest


class Figures:
    """The minutes, oldest first. Safe for any number of threads.

    Args:
        path: where they are kept; None: in memory only.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._file_lock = threading.Lock()
        self._minutes: dict[int, Minute] = {}
        self._unwritten: set[int] = set()
        self._timer: threading.Timer | None = None
        self._lines = 0
        if path is not None:
            self._load(path)

    def observe(self, turn: RunningTurn, last: Done | Error) -> None:
        """Take a turn that ended, as :class:`assistant.turns.Turns` tells it."""
        self.add(ended_as(last))

    def add(self, ended: Ended) -> None:
        with self._lock:
            at = int(self._clock()) // MINUTE * MINUTE
            if at not in self._minutes:
                self._minutes[at] = Minute(at)
                self._forget(at)
            self._minutes[at].add(ended)
            self._unwritten.add(at)
            if self._path is not None and self._timer is None:
                self._timer = threading.Timer(WRITE_SECONDS, self.write)
                self._timer.daemon = True
                self._timer.start()

    def since(self, at: float) -> list[Minute]:
        """The minutes from ``at`` on that had a question."""
        with self._lock:
            return [merged([one], one.at) for one in self._minutes.values() if one.at >= at]

    def write(self) -> None:
        """Bring what is new onto the disk. A fault of the disk is logged, and nothing is lost in
        memory."""
        with self._lock:
            timer, self._timer = self._timer, None
            fresh = [self._minutes[at].as_json() for at in sorted(self._unwritten)
                     if at in self._minutes]  # fmt: skip
            self._unwritten.clear()
        if timer is not None:
            timer.cancel()
        if self._path is None or not fresh:
            return
        try:
            with self._file_lock:
                self._append(self._path, fresh)
        except OSError as error:
            log.warning("the figures can't be written to %s: %s", self._path, error)

    def _append(self, path: Path, rows: Sequence[dict[str, Any]]) -> None:
        if self._lines + len(rows) > 2 * KEPT_MINUTES:
            with self._lock:
                rows = [minute.as_json() for minute in self._minutes.values()]
            fresh = path.with_name(f"{path.name}.new")
            fresh.write_text(_lines(rows), "utf-8")
            fresh.replace(path)
            self._lines = len(rows)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(_lines(rows))
        self._lines += len(rows)

    def _load(self, path: Path) -> None:
        """A minute's last line counts; a line that can't be read is left out."""
        oldest = self._clock() - KEPT_MINUTES * MINUTE
        try:
            lines = path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return
        self._lines = len(lines)
        found = {}
        for line in lines:
            minute = _read(line)
            if minute is not None and oldest <= minute.at <= self._clock():
                found[minute.at] = minute
        self._minutes = {at: found[at] for at in sorted(found)}

    def _forget(self, now: int) -> None:
        oldest = now - KEPT_MINUTES * MINUTE
        while self._minutes and (first := next(iter(self._minutes))) < oldest:
            del self._minutes[first]


def ended_as(last: Done | Error) -> Ended:
    """What is counted of a turn with this last event. One that was stopped is no error."""
    if isinstance(last, Error):
        return Ended(error=last.kind)
    timings = last.timings
    searched = timings.get("retrieve")
    began = timings.get("answer")
    return Ended(
        first_token=timings.get("first_thought", timings.get("first_token")),
        retrieval=None if searched is None or began is None else max(0.0, began - searched),
    )


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def _read(line: str) -> Minute | None:
    try:
        row = json.loads(line)
        return Minute(
            at=int(row["at"]) // MINUTE * MINUTE,
            questions=int(row["n"]),
            errors=Counter({str(kind): int(n) for kind, n in row["errors"].items()}),
            first_token=_classes(row["first"]),
            retrieval=_classes(row["search"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _classes(row: dict[str, int]) -> Counter[int]:
    last = len(BOUNDS) - 1
    return Counter({min(max(int(index), 0), last): int(n) for index, n in row.items()})

"""Figures over time and the last faults: counted, bounded, and there after a restart."""

import json
import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant.events import Done, Error
from assistant.observability import request_ids
from assistant.observability.figures import (
    BOUNDS,
    KEPT_MINUTES,
    Ended,
    Figures,
    ended_as,
    merged,
    quantile,
)
from assistant.observability.recent_faults import LONGEST, MOST, RecentFaults


class Clock:
    def __init__(self, now: float = 6_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_turns_are_counted_by_the_minute() -> None:
    clock = Clock()
    figures = Figures(None, clock)
    figures.add(Ended(first_token=1.0, retrieval=0.2))
    figures.add(Ended(error="model"))
    clock.now += 60
    figures.add(Ended(first_token=3.0))
    first, second = figures.since(0)
    assert (first.questions, dict(first.errors), second.questions) == (2, {"model": 1}, 1)
    assert second.at - first.at == 60
    assert [one.at for one in figures.since(second.at)] == [second.at]


@pytest.mark.parametrize("seconds", [0.003, 0.01, 0.25, 1.0, 7.3, 60.0, 400.0])
def test_a_quantile_is_near_what_was_measured(seconds: float) -> None:
    figures = Figures(None, Clock())
    for _ in range(20):
        figures.add(Ended(first_token=seconds))
    shown = quantile(merged(figures.since(0)).first_token, 0.5)
    assert shown is not None
    assert shown == pytest.approx(seconds, rel=0.11) or seconds < BOUNDS[0]


def test_quantiles_tell_the_middle_from_the_tail() -> None:
    figures = Figures(None, Clock())
    for seconds in [0.1] * 90 + [10.0] * 10:
        figures.add(Ended(retrieval=seconds))
    counts = merged(figures.since(0)).retrieval
    assert quantile(counts, 0.5) == pytest.approx(0.1, rel=0.1)
    assert quantile(counts, 0.95) == pytest.approx(10.0, rel=0.1)
    assert quantile(merged([]).retrieval, 0.5) is None


def test_a_restart_keeps_what_was_written(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "logs" / "figures.jsonl"
    figures = Figures(path, clock)
    figures.add(Ended(first_token=1.0))
    figures.write()
    figures.add(Ended(first_token=2.0, error="model"))
    figures.write()
    again = Figures(path, clock)
    [minute] = again.since(0)
    assert (minute.questions, dict(minute.errors)) == (2, {"model": 1})
    again.add(Ended())
    again.write()
    assert [one.questions for one in Figures(path, clock).since(0)] == [3]


def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "figures.jsonl"
    figures = Figures(path, clock)
    figures.add(Ended(first_token=1.0))
    figures.write()
    whole = path.read_text("utf-8")
    path.write_text(f'{whole[:20]}\nnot json\n[]\n{{"at": 5}}\n{whole}{whole[:-9]}', "utf-8")
    assert [one.questions for one in Figures(path, clock).since(0)] == [1]


def test_seven_days_are_kept_and_the_file_stays_small(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "figures.jsonl"
    rows = [
        {
            "at": int(clock.now) // 60 * 60 - 60 * back,
            "n": 1,
            "errors": {},
            "first": {},
            "search": {},
        }
        for back in range(2 * KEPT_MINUTES, 0, -1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    figures = Figures(path, clock)
    assert len(figures.since(0)) == pytest.approx(KEPT_MINUTES, abs=1)
    figures.add(Ended())
    figures.write()
    assert len(path.read_text("utf-8").splitlines()) <= KEPT_MINUTES + 2
    clock.now += 3 * KEPT_MINUTES * 60
    figures.add(Ended())
    assert len(figures.since(0)) == 1


def test_a_disk_that_fails_loses_nothing_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    path.mkdir()
    figures = Figures(path, Clock())
    figures.add(Ended())
    figures.write()
    assert [one.questions for one in figures.since(0)] == [1]


def test_many_threads_are_all_counted(tmp_path: Path) -> None:
    figures = Figures(tmp_path / "f.jsonl", Clock())

    def ask() -> None:
        for _ in range(200):
            figures.add(Ended(first_token=0.1))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures.write()
    assert merged(figures.since(0)).questions == 1600


def test_what_a_turn_counts_as() -> None:
    timings = {"rewrite": 0.0, "retrieve": 0.2, "answer": 0.5, "first_token": 1.5, "total": 4.0}
    done = Done("c", "answer", False, timings)
    assert ended_as(done) == Ended(first_token=1.5, retrieval=pytest.approx(0.3))  # type: ignore[arg-type]
    stopped = Done("c", "", False, {}, stopped=True)
    assert ended_as(stopped) == Ended()
    assert ended_as(Error("model_timeout", "late")).error == "model_timeout"
    figures = Figures(None, Clock())
    figures.observe(cast(Any, SimpleNamespace()), done)
    assert figures.since(0)[0].questions == 1


@pytest.fixture
def faults() -> Any:
    with RecentFaults().attached() as attached:
        yield attached


def test_warnings_of_our_packages_are_kept_newest_first(faults: RecentFaults) -> None:
    log = logging.getLogger("assistant.somewhere")
    log.info("nothing")
    log.warning("first %d", 1)
    with request_ids.using("abc123"):
        try:
            raise ValueError("broken")
        except ValueError:
            log.exception("second")
    logging.getLogger("elsewhere").error("not ours")
    second, first = faults.newest()
    assert (first.level, first.message, first.request_id) == ("WARNING", "first 1", "")
    assert (second.level, second.request_id) == ("ERROR", "abc123")
    assert "ValueError: broken" in second.trace


def test_the_same_one_in_a_row_is_kept_once(faults: RecentFaults) -> None:
    log = logging.getLogger("ingest.somewhere")
    for _ in range(5):
        log.warning("again")
    log.warning("other")
    assert [(fault.message, fault.times) for fault in faults.newest()] == [
        ("other", 1),
        ("again", 5),
    ]


def test_faults_are_bounded(faults: RecentFaults) -> None:
    log = logging.getLogger("assistant.somewhere")
    for number in range(MOST + 50):
        log.warning("%d %s", number, "x" * 2 * LONGEST)
    kept = faults.newest()
    assert len(kept) == MOST
    assert kept[0].message.startswith(f"{MOST + 49} ")
    assert max(len(fault.message) for fault in kept) == LONGEST
    assert len(faults.newest(3)) == 3


def test_a_record_that_can_not_be_read_breaks_nobody(
    faults: RecentFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("assistant.somewhere").warning("%d", "no number")
    assert faults.newest() == []

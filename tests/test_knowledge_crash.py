"""Processes that are killed with SIGKILL while they write, reindex and publish."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from assistant.knowledge.index import snapshot
from tests.knowledge_crash import (
    FIRST,
    PHASES,
    SECOND,
    Change,
    Content,
    Death,
    Message,
    Tally,
    acknowledged,
    change_until,
    compare,
    content_of,
    last_words,
    publish_until_killed,
    put,
    search_until_told,
    serving,
    unique_text,
    unsound,
    write_until_killed,
)
from tests.knowledge_samples import start

#: How often a phase begins at most before the process dies in it, and how long after that.
MOMENTS = {
    "write": (300, 0.001),
    "commit": (20, 0.001),
    "after": (20, 0.0),
    "fill": (10, 0.002),
    "switch": (3, 0.001),
    "clear": (3, 0.0005),
    "build": (8, 0.003),
    "publish": (8, 0.003),
    "any": (10, 0.1),
}


def test_a_killed_writer_loses_and_doubles_nothing(tmp_path: Path) -> None:
    tally = kill_writers(tmp_path, 18, seed=7)
    print(f"\n{tally}")
    tally.check()
    assert tally.changes > 40


@pytest.mark.heavy
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_many_killed_writers_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    tally = kill_writers(tmp_path, 63, seed=100 + seed)
    print(f"\nseed {seed}: {tally}")
    tally.check()
    assert all(tally.kills[phase] for phase in PHASES)


def kill_writers(data_dir: Path, kills: int, seed: int) -> Tally:
    """Start a writer that dies, compare, and again; one reader searches all the time."""
    rng = random.Random(seed)
    tally = Tally()
    stable = Change("/stable.md", tuple(unique_text("stable", n) for n in range(25)))
    with FIRST.open(data_dir) as knowledge:
        put(knowledge, FIRST, stable)
    truth = Content().after(stable)
    reader = start(search_until_told, data_dir, stable.parts)
    for n in range(kills):
        death = random_death(PHASES[n % len(PHASES)], rng)
        writer = start(write_until_killed, data_dir, rng.randrange(2**32), death)
        messages = last_words(writer)
        expected, possible, count = acknowledged(messages, truth)
        tally.changes += count
        tally.kills[last_phase(messages)] += 1
        # What one process leaves behind, the next must often cope with itself.
        truth = compare(data_dir, expected, possible, tally, doctor=rng.random() < 0.5)
    compare(data_dir, truth, truth, tally)
    tally.searches, tally.failed = reader.ask("what was it like?")
    reader.finish()
    return tally


def random_death(phase: str, rng: random.Random) -> Death:
    most, span = MOMENTS[phase]
    # Half of them at the phase's first statement, half anywhere in it or a little behind.
    return Death(phase, rng.randint(1, most), rng.choice((0, rng.uniform(0, span))))


def last_phase(messages: list[Message]) -> str:
    return [message.phase for message in messages if message.kind == "phase"][-1]


def unique_texts(*names: object) -> tuple[str, ...]:
    return tuple(unique_text(name) for name in names)


CHANGES = {
    "a new document": Change("/new.md", unique_texts(1, 2)),
    "another version of a document": Change("/a.md", unique_texts("b", "new", "a")),
    "a deleted document": Change("/a.md"),
    "new and known texts": Change(texts=(("x", unique_text("z")), ("new", unique_text("n")))),
    "deleted texts": Change(texts=(("x", None), ("y", None))),
}


@pytest.mark.parametrize("name", CHANGES)
def test_killed_before_each_statement_of_a_change(tmp_path: Path, name: str) -> None:
    before = Content()
    with FIRST.open(tmp_path) as knowledge:
        for change in (
            Change("/a.md", unique_texts("a", "b", "c")),
            Change(texts=(("x", unique_text("x")), ("y", unique_text("y")))),
        ):
            put(knowledge, FIRST, change)
            before = before.after(change)
        statements = 0
        while not has_finished(tmp_path, CHANGES[name], statements := statements + 1):
            assert content_of(knowledge) == before and unsound(knowledge) == []
    assert statements > 5
    tally, after = Tally(), before.after(CHANGES[name])
    compare(tmp_path, after, after, tally)
    tally.check()


def test_killed_before_each_statement_of_a_reindex(tmp_path: Path) -> None:
    """Each time it goes on where it was, and one statement further."""
    change = Change("/a.md", tuple(unique_text(n) for n in range(40)))
    content, tally = Content().after(change), Tally()
    with FIRST.open(tmp_path) as knowledge:
        put(knowledge, FIRST, change)
    statements = 0
    while not has_finished(tmp_path, None, statements := statements + 1):
        compare(tmp_path, content, content, tally, doctor=False)
    assert statements > 10 and serving(tmp_path) == SECOND
    compare(tmp_path, content, content, tally)
    tally.check()


def has_finished(data_dir: Path, change: Change | None, statements: int) -> bool:
    child = start(change_until, data_dir, change, statements)
    child.process.join(60)
    assert child.process.exitcode in {0, -signal.SIGKILL}
    child.pipe.close()
    return child.process.exitcode == 0


def test_a_killed_publisher_leaves_a_whole_file(tmp_path: Path) -> None:
    tally = kill_publishers(tmp_path, 8, seed=3)
    print(f"\n{tally}")
    tally.check()


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_many_killed_publishers_leave_whole_files(tmp_path: Path) -> None:
    tally = kill_publishers(tmp_path, 80, seed=4)
    print(f"\n{tally}")
    tally.check()
    assert tally.kills["build"] > 10 and tally.kills["publish"] > 10


def kill_publishers(data_dir: Path, kills: int, seed: int) -> Tally:
    rng = random.Random(seed)
    tally, truth = Tally(), Content()
    with FIRST.open(data_dir) as knowledge:
        for n in range(kills):
            change = Change(f"/{n}.md", tuple(unique_text(n, m) for m in range(20)))
            put(knowledge, FIRST, change)
            truth = truth.after(change)
            tally.changes += 1
            death = random_death(("build", "publish")[n % 2], rng)
            messages = last_words(start(publish_until_killed, data_dir, death))
            tally.kills[last_phase(messages)] += 1
            path = data_dir / "index" / "1.faiss"
            if path.exists():
                with path.open("rb") as file:
                    snapshot.check(file)
            truth = compare(data_dir, truth, truth, tally)
    return tally

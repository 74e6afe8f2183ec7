"""The background process: tasks out, events back, and every way it may end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import AssistantError, DocumentError, SettingsError
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import ROOT, Settings
from ingest.background.client import Background
from ingest.background.tasks import AddFiles, Preview, RunSources, Task
from ingest.events import Event
from ingest.sources.listing import add_source
from ingest.sources.sync import sync_lock
from tests.library_desk import environment
from tests.waiting import wait_for

NEVER = threading.Event()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("background")


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    return folder / "data"


@pytest.fixture(scope="module")
def background(data: Path) -> Iterator[Background]:
    """One process for all tests that leave it alive."""
    made = Background(environment(data))
    yield made
    made.close()


def document(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text or f"# {name}\n\nWhat {name} says.", "utf-8")
    return path


def many(folder: Path, count: int) -> Path:
    """A folder that takes a while."""
    for number in range(count):
        document(folder / "many", f"{number}.md")
    return folder / "many"


def stored(data: Path) -> set[str]:
    with KnowledgeBase(data, None, "") as knowledge:
        return {Path(source.uri).name for source in knowledge.sources()}


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def process_of(background: Background) -> int:
    process = background._process
    assert process is not None
    return process.pid


def is_alive(process: int) -> bool:
    """Whether it runs; one that only waits to be collected doesn't."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()[:1] not in ("", "Z")


class Running:
    """A task in a thread of its own, as the page's jobs are."""

    def __init__(self, background: Background, task: Task) -> None:
        self.cancel = threading.Event()
        self.events: list[Event] = []
        self.fault: AssistantError | None = None
        self._thread = threading.Thread(target=self._consume, args=(background, task), daemon=True)
        self._thread.start()

    def _consume(self, background: Background, task: Task) -> None:
        try:
            for event in background.run(task, self.cancel):
                self.events.append(event)
        except AssistantError as error:
            self.fault = error

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(30)
        assert self.is_over


def test_events_arrive_as_they_happen(background: Background, folder: Path, data: Path) -> None:
    good, bad = document(folder, "good.md"), document(folder, "bad.pdf", "%PDF-1.7 broken")
    events = list(background.run(AddFiles((good, bad)), NEVER))
    assert names(events)[0] == "started" and names(events)[-1] == "finished"
    assert {"added", "failed", "progress"} <= set(names(events))
    failed: Any = next(event for event in events if event.name == "failed")
    assert "bad.pdf" in failed.error.text("en") and "不是" in failed.error.text("zh")
    assert "good.md" in stored(data)


def test_a_task_that_cannot_be_done_raises_its_error_whole(background: Background) -> None:
    with pytest.raises(SettingsError) as raised:
        list(background.run(RunSources(("nobody",)), NEVER))
    assert "no source nobody" in raised.value.text("en")
    assert "没有来源 nobody" in raised.value.text("zh")


def test_a_preview_adds_nothing(background: Background, folder: Path, data: Path) -> None:
    path = document(folder, "seen.md")
    (previewed,) = background.run(Preview(path), NEVER)
    shown: Any = previewed
    assert (shown.document.title, shown.error) == ("seen.md", None)
    assert shown.chunks[0].tokens > 3
    assert "seen.md" not in stored(data)


def test_two_tasks_at_a_time(background: Background, folder: Path, data: Path) -> None:
    path, other = document(folder, "followed.md"), document(folder, "other.md")
    add_source(data, {"name": "one", "file": str(path)})
    settings = Settings.load({"DATA_DIR": str(data)}, None)
    with sync_lock(settings, 0, NEVER):  # the first task waits for this
        waiting = Running(background, RunSources(("one",)))
        events = list(background.run(AddFiles((other,)), NEVER))
        assert "added" in names(events)
        assert not waiting.is_over and waiting.events == []
    waiting.join()
    assert "added" in names(waiting.events)
    assert {"followed.md", "other.md"} <= stored(data)


def test_a_cancelled_task_ends_within_a_second(
    background: Background, folder: Path, data: Path
) -> None:
    running = Running(background, AddFiles((many(folder, 300),)))
    wait_for(lambda: "added" in names(running.events))
    began = time.monotonic()
    running.cancel.set()
    running.join()
    assert time.monotonic() - began < 3  # on a busy machine
    assert running.fault is None
    finished: Any = running.events[-1]
    assert finished.summary.cancelled
    added = {Path(e.uri).name for e in running.events if e.name == "added"}  # type: ignore[attr-defined]
    assert 0 < len(added) < 300
    assert added <= stored(data)


def test_a_stream_that_is_left_ends_its_task(background: Background, folder: Path) -> None:
    events = background.run(AddFiles((many(folder, 300),)), NEVER)
    next(events)
    events.close()
    wait_for(lambda: not background._answers)
    assert names(list(background.run(Preview(document(folder, "a.md")), NEVER))) == ["previewed"]


def test_a_process_that_is_killed_is_said_and_the_next_task_works(
    background: Background, folder: Path
) -> None:
    running = Running(background, AddFiles((many(folder, 300),)))
    wait_for(lambda: running.events)
    killed = process_of(background)
    os.kill(killed, signal.SIGKILL)
    running.join()
    assert isinstance(running.fault, DocumentError)
    assert "ended unexpectedly" in running.fault.text("en")
    assert "意外退出" in running.fault.text("zh")
    assert names(list(background.run(Preview(document(folder, "a.md")), NEVER))) == ["previewed"]
    assert process_of(background) != killed


def test_closing_leaves_no_process(folder: Path) -> None:
    background = Background(environment(folder / "closed"))
    running = Running(background, AddFiles((many(folder, 300),)))
    wait_for(lambda: running.events)
    process = process_of(background)
    began = time.monotonic()
    background.close()
    assert not is_alive(process)
    assert time.monotonic() - began < 5
    running.join()
    assert running.fault is not None


APP = """
import threading, time
from ingest.background.client import Background
from ingest.background.tasks import RunSources

background = Background()
events = background.run(RunSources(("one",)), threading.Event())
threading.Thread(target=lambda: list(events), daemon=True).start()
while background._process is None:
    time.sleep(0.01)
print(background._process.pid, flush=True)
threading.Event().wait()
"""


def test_it_ends_when_the_app_is_killed(folder: Path, tmp_path: Path) -> None:
    """With a task under way that would wait for ever."""
    data = tmp_path / "data"
    add_source(data, {"name": "one", "file": str(document(folder, "one.md"))})
    settings = Settings.load({"DATA_DIR": str(data)}, None)
    with sync_lock(settings, 0, NEVER):
        app = subprocess.Popen(
            [sys.executable, "-c", APP], cwd=ROOT, env=environment(data), stdout=subprocess.PIPE
        )
        with app:
            assert app.stdout is not None
            process = int(app.stdout.readline())
            assert is_alive(process)
            app.kill()
        wait_for(lambda: not is_alive(process), 10)

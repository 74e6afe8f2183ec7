"""Documents coming in behind the page: each upload and crawl is a job of the server, so that a
page that is closed or reloaded finds it again.

A job consumes the events of the ingest functions that it is given. They are known here by their
names and fields only: the question flow doesn't import the document flow.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, Protocol
from urllib.parse import unquote

from assistant.errors import AssistantError, InternalError
from assistant.ui.texts import TEXTS

log = logging.getLogger(__name__)

AT_ONCE = 3  # jobs that run side by side, so that a long crawl doesn't hold up an upload
KEPT_LINES = 200
KEPT_JOBS = 20
CLOSE_SECONDS = 3.0

Both = tuple[str, str]  # a text in Chinese and in English
JobState = Literal["waiting", "running", "done", "partly", "failed", "cancelled"]


class IngestEvent(Protocol):
    """An event of the document flow. By ``name``: ``started(total)``, ``progress(done, total,
    what, uri)``, ``added(uri, title, added, kept, removed, is_new)``, ``unchanged(uri, title)``,
    ``skipped(uri, error)``, ``failed(uri, error)``, ``finished(summary)``."""

    @property
    def name(self) -> str: ...


Work = Callable[[threading.Event], Iterator[IngestEvent]]


@dataclass(frozen=True)
class Line:
    """What became of one document."""

    kind: Literal["good", "same", "skipped", "failed"]
    name: str
    text: Both


@dataclass
class Job:
    """An upload or a crawl, and how far it is."""

    id: int
    title: Both
    state: JobState = "waiting"
    done: int = 0
    total: int | None = None
    current: tuple[str, int, int] | None = None  # document, passages embedded, of how many
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    failures: int = 0
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def is_active(self) -> bool:
        return self.state in ("waiting", "running")

    def apply(self, event: Any) -> None:
        """Take in an event of the document flow."""
        match event.name:
            case "started":
                self.total = event.total
            case "progress" if event.what == "documents":
                self.done, self.total = event.done, event.total
            case "progress":
                self.current = (name_of(event.uri), event.done, event.total)
            case "added":
                self._add(Line("good", event.title or name_of(event.uri), _added(event)))
            case "unchanged":
                self._add(Line("same", event.title, TEXTS["line_unchanged"]))
            case "skipped" | "failed":
                self._add(Line(event.name, name_of(event.uri), both(event.error)))

    def fail(self, error: AssistantError, name: str = "") -> None:
        self._add(Line("failed", name, both(error)))

    def _add(self, line: Line) -> None:
        self.current = None
        self.failures += line.kind == "failed"
        self.lines.append(line)


class Jobs:
    """The jobs of this process. ``version`` grows with every change, so that a page knows
    whether it must be drawn again."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque(maxlen=KEPT_JOBS)
        self._ids = itertools.count(1)
        self._slots = threading.Semaphore(AT_ONCE)
        self._threads: list[threading.Thread] = []
        self._versions = itertools.count(1)
        self.version = 0

    def submit(
        self, title: Both, work: Work, failed: Sequence[tuple[str, AssistantError]] = ()
    ) -> Job:
        """Run ``work`` in the background.

        Args:
            failed: documents that failed before the work began, with their names.
        """
        job = Job(next(self._ids), title)
        for name, error in failed:
            job.fail(error, name)
        self._jobs.append(job)
        self._changed()
        thread = threading.Thread(target=self._run, args=(job, work), name="ingest", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()
        return job

    def list(self) -> list[Job]:
        """The newest first."""
        return list(reversed(self._jobs))

    @property
    def active(self) -> bool:
        return any(job.is_active for job in self._jobs)

    def cancel_all(self) -> None:
        """Ask every running job to end; what it stored stays."""
        for job in self._jobs:
            job.cancel.set()

    def close(self) -> None:
        """Cancel and wait a little, so that no crawler outlives the app."""
        self.cancel_all()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _run(self, job: Job, work: Work) -> None:
        with self._slots:
            job.state = "running"
            self._changed()
            try:
                for event in work(job.cancel):
                    job.apply(event)
                    self._changed()
            except AssistantError as error:
                log.warning("%s: %s", job.title[1], error)
                job.fail(error)
            except Exception as error:  # the outermost edge of this thread
                log.exception("%s failed", job.title[1])
                job.fail(InternalError(error))
            job.state = _ended(job)
            job.current = None
            self._changed()

    def _changed(self) -> None:
        self.version = next(self._versions)


def name_of(uri: str) -> str:
    """A document's name for people: a URL as it reads, of a path its last part."""
    return unquote(uri) if "://" in uri else PurePath(uri).name


def both(error: AssistantError) -> Both:
    return error.text("zh"), error.text("en")


def _added(event: Any) -> Both:
    zh, en = TEXTS["line_added" if event.is_new else "line_updated"]
    count = event.added + event.kept if event.is_new else event.added
    fields = {"n": count, "removed": event.removed}
    return zh.format(**fields), en.format(**fields)


def _ended(job: Job) -> JobState:
    if job.cancel.is_set():
        return "cancelled"
    if not job.failures:
        return "done"
    return "partly" if any(line.kind in ("good", "same") for line in job.lines) else "failed"

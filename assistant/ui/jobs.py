"""Documents coming in behind the page: each upload and crawl is a job of the server, so that a
page that is closed or reloaded finds it again.

A job consumes the events of the ingest functions that it is given. They are known here by their
names and fields only: the question flow doesn't import the document flow.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from typing import Any, Literal, Protocol
from urllib.parse import unquote

from assistant.errors import AssistantError, InternalError
from assistant.ui.texts import LANGUAGES, TEXTS, text

log = logging.getLogger(__name__)

AT_ONCE = 3  # jobs that run side by side, so that a long one doesn't hold up an upload
KEPT_LINES = 200
INSIDE = "!/"  # between an archive's place and a document's in it
KEPT_JOBS = 20
CLOSE_SECONDS = 3.0

#: What cut a crawl, by the reason in its event.
_CRAWL_ENDS = {
    "pages": "cut_pages",
    "links": "cut_links",
    "seconds": "cut_seconds",
    "cancelled": "cut_cancelled",
    "busy": "cut_busy",
    "down": "cut_down",
    "failures": "cut_failures",
    "vanished": "cut_vanished",
}

Both = tuple[str, str]  # a text in Chinese and in English
JobState = Literal["waiting", "running", "done", "partly", "failed", "cancelled"]


class IngestEvent(Protocol):
    """An event of the document flow. By ``name``: ``started(total)``, ``progress(done, total,
    what, uri, rate, seconds_left)``, ``added(uri, title, added, kept, removed, is_new)``,
    ``unchanged(uri, title)``, ``removed(uri, title, chunks)``, ``warned(uri, error)``,
    ``skipped(uri, error)``, ``failed(uri, error)``, ``crawled(complete, reason, requests)``,
    ``finished(summary)``."""

    @property
    def name(self) -> str: ...


Work = Callable[[threading.Event], Iterator[IngestEvent]]


@dataclass(frozen=True)
class Line:
    """What became of one document; ``at`` in seconds since the epoch."""

    kind: Literal["good", "same", "removed", "warned", "skipped", "failed"]
    name: str
    text: Both
    at: float = 0.0


@dataclass
class Job:
    """An upload, a deletion or the run of a followed source (``source``, its name), and how far it
    is.

    ``collection``: whose documents they are. ``begun``: its first event came. ``rate`` is in chunks
    a second; ``seconds_left`` is None where nobody can know. ``counts`` are the fields of the
    summary, once there is one. ``files``: what became of each file of an upload, by its place; None
    for one that waits.
    """

    id: int
    title: Both
    source: str = ""
    collection: str = "default"
    state: JobState = "waiting"
    begun: bool = False
    done: int = 0
    total: int | None = None
    rate: float = 0.0
    seconds_left: float | None = None
    current: tuple[str, int, int] | None = None  # document, chunks embedded, of how many
    counts: Mapping[str, Any] = field(default_factory=dict)
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    files: dict[str, Line | None] = field(default_factory=dict)
    is_deletion: bool = False
    failures: int = 0
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def is_active(self) -> bool:
        return self.state in ("waiting", "running")

    def apply(self, event: Any) -> None:
        """Take in an event of the document flow."""
        match event.name:
            case "started":
                self.begun, self.total = True, event.total
            case "progress":
                self._advance(event)
            case "added":
                line = Line("good", event.title or name_of(event.uri), _added(event))
                self._add(line, event.uri)
            case "unchanged":
                self._add(Line("same", event.title, TEXTS["line_unchanged"]), event.uri)
            case "removed":
                key = "line_deleted" if self.is_deletion else "line_removed"
                said = both_texts(key, n=event.chunks)
                self._add(Line("removed", event.title or name_of(event.uri), said))
            case "warned" | "skipped" | "failed":
                self._add(Line(event.name, name_of(event.uri), both(event.error)), event.uri)
            case "crawled" if not event.complete:
                reason = incomplete_crawl(event.reason)
                self._add(Line("warned", "", reason))
            case "finished":
                self.counts = asdict(event.summary)

    def _advance(self, event: Any) -> None:
        self.rate = event.rate or self.rate
        if event.what == "documents":
            self.done, self.total = event.done, event.total
            self.seconds_left = event.seconds_left
        else:
            self.current = (name_of(event.uri), event.done, event.total)
            if self.total == 1:
                self.seconds_left = event.seconds_left

    def fail(self, error: AssistantError, name: str = "") -> None:
        self._add(Line("failed", name, both(error)))

    def _add(self, line: Line, uri: str = "") -> None:
        self.current = None
        self.failures += line.kind == "failed"
        self.lines.append(replace(line, at=time.time()))
        file = uri.partition(INSIDE)[0]  # an archive's documents are told of the archive
        known = self.files.get(file)
        if file in self.files and (known is None or known.kind not in ("failed", "warned")):
            self.files[file] = line


class Jobs:
    """The jobs of this process. ``version`` grows with every change, so that a page knows
    whether it must be drawn again. ``kept``: how many are known, the newest."""

    def __init__(self, kept: int = KEPT_JOBS) -> None:
        self._jobs: deque[Job] = deque(maxlen=kept)
        self._ids = itertools.count(1)
        self._slots = threading.Semaphore(AT_ONCE)
        # Followed sources run one after the other anyway: those that wait take no other's slot.
        self._turn = threading.Semaphore(1)
        self._threads: list[threading.Thread] = []
        self._versions = itertools.count(1)
        self.version = 0

    def submit(
        self,
        title: Both,
        work: Work,
        failed: Sequence[tuple[str, AssistantError]] = (),
        source: str = "",
        *,
        collection: str = "default",
        files: Sequence[str] = (),
        told: Sequence[tuple[str, Both]] = (),
        is_deletion: bool = False,
    ) -> Job:
        """Run ``work`` in the background.

        Args:
            failed: documents that failed before the work began, with their names.
            source: the followed source that it runs.
            collection: whose documents they are.
            files: places of the files that are added.
            told: what is to be known of others that came with them.
        """
        job = Job(next(self._ids), title, source, collection, is_deletion=is_deletion)
        job.files.update(dict.fromkeys(files))
        job.lines.extend(Line("same", name, said) for name, said in told)
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

    def works_on(self, collection: str) -> bool:
        """Whether a job brings documents into this collection, or is about to."""
        return any(job.is_active and job.collection == collection for job in self._jobs)

    def runs(self, source: str) -> bool:
        """Whether this followed source is being run, or is about to be."""
        return any(job.is_active and job.source == source for job in self._jobs)

    def cancel(self, job_id: int) -> None:
        """Ask one job to end; what it stored stays."""
        for job in self._jobs:
            if job.id == job_id:
                job.cancel.set()

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
        with self._turn if job.source else self._slots:
            if not job.cancel.is_set():
                job.state = "running"
                self._changed()
                self._work(job, work)
            job.state = _ended(job)
            job.current = None
            self._changed()

    def _work(self, job: Job, work: Work) -> None:
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

    def _changed(self) -> None:
        self.version = next(self._versions)


def name_of(uri: str) -> str:
    """A document's name for people: a URL as it reads, of a path its last part."""
    return unquote(uri) if "://" in uri else PurePath(uri).name


def both(error: AssistantError) -> Both:
    return error.text("zh"), error.text("en")


def both_texts(key: str, **fields: object) -> Both:
    zh, en = (text(key, language, **fields) for language in LANGUAGES)
    return zh, en


def incomplete_crawl(reason: str) -> Both:
    """Why a crawl did not see the whole site."""
    why = TEXTS[_CRAWL_ENDS.get(reason, "cut_ended")]
    zh, en = (template.format(why=w) for template, w in zip(TEXTS["crawl_cut"], why, strict=True))
    return zh, en


def _added(event: Any) -> Both:
    count = event.added + event.kept if event.is_new else event.added
    key = "line_added" if event.is_new else "line_updated"
    return both_texts(key, n=count, removed=event.removed)


def _ended(job: Job) -> JobState:
    if job.cancel.is_set():
        return "cancelled"
    if not job.failures:
        return "done"
    came = any(job.counts.get(name) for name in ("added", "updated", "unchanged", "removed"))
    came = came or any(line.kind in ("good", "same", "removed") for line in job.lines)
    return "partly" if came else "failed"

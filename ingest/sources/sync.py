"""One run over the list of sources: each in turn, under a lock of its own, within its budgets.

The lock keeps two runs apart; uploads and other commands go on beside it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from assistant.errors import AssistantError, InternalError, KnowledgeLocked
from assistant.knowledge.disk import exclusive
from assistant.knowledge.opening import open_knowledge
from assistant.language import reader_language
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from ingest.events import Event, Progress
from ingest.passage import Cancel
from ingest.pipeline import Pipeline
from ingest.sources.entry import SourceEntry
from ingest.sources.listing import find_source, read_sources
from ingest.sources.origin import Deadline, follow
from ingest.sources.report import SourceReport, Status, SyncReport
from ingest.sources.runs import last_run, note_run
from ingest.state import State

logger = logging.getLogger(__name__)

_RUNNING = {"status": "running"}
_OPEN = ("cut", "interrupted", "running")
_LOOK = 0.5  # seconds between two tries for the lock
#: A crawl is asked to end so many seconds before it is made to.
_IN_GOOD_ORDER = 5.0


SourceEvents = Generator[tuple[SourceEntry, Event], None, None]


@dataclass(frozen=True)
class SyncRequest:
    """What to run.

    Args:
        only: names of sources; run whether due or not, paused or not. Empty: all that are due.
        everything: all that are not paused, whether due or not.
        minutes, pages: budgets of the whole run; pages and files that were read count.
        wait: seconds to wait for another run to end; None: as long as it takes.
    """

    only: tuple[str, ...] = ()
    everything: bool = False
    is_trial: bool = False
    minutes: float | None = None
    pages: int | None = None
    wait: float | None = 0.0


class Sync:
    """One run. ``report`` is whole when the events have ended.

    Args:
        embeddings: the model, where it is open already; otherwise it is opened when needed.
    """

    def __init__(
        self,
        settings: Settings,
        request: SyncRequest,
        cancel: Cancel,
        embeddings: EmbeddingModel | None = None,
    ) -> None:
        self._settings = settings
        self._request = request
        self._cancel = cancel
        self._language = reader_language(settings.language)
        self._pages = request.pages
        self._embeddings = embeddings
        self._is_ours = embeddings is None
        self.report = SyncReport(time.time(), request.is_trial)

    def events(self) -> SourceEvents:
        """Run what is due, with what happens; a source that fails doesn't stop the next.

        Raises:
            SettingsError: the list of sources can't be used, or has no source of a name in
                ``only``.
            KnowledgeLocked: another run is under way.
        """
        entries = read_sources(self._settings.data_dir)
        chosen = [find_source(entries, name) for name in self._request.only] or entries
        with (
            sync_lock(self._settings, self._request.wait, self._cancel),
            State(self._settings.data_dir, is_trial=self._request.is_trial) as state,
        ):
            whole = Deadline(_seconds(self._request.minutes), self._cancel)
            try:
                for entry in chosen:
                    yield from self._source(entry, state, whole)
            finally:
                self._end()

    def _end(self) -> None:
        report = self.report
        report.seconds = time.time() - report.began
        if not report.is_trial and any(source.ran for source in report.sources):
            report.save(self._settings.log_dir, self._language)
        if self._embeddings is not None and self._is_ours:
            self._embeddings.close()

    def _source(self, entry: SourceEntry, state: State, whole: Deadline) -> SourceEvents:
        report = SourceReport(entry)
        self.report.sources.append(report)
        if not self._request.only and entry.paused:
            report.status = "paused"
        elif not self._is_wanted(entry, state):
            report.status = "not_due"
        elif whole.is_set():
            report.status = "cut" if whole.is_over else "cancelled"
        else:
            yield from self._run_source(entry, state, whole, report)

    def _is_wanted(self, entry: SourceEntry, state: State) -> bool:
        if self._request.only or self._request.everything:
            return True
        last = last_run(state, entry.name)
        # A run that was cut, interrupted, or killed (we hold the lock) goes on at once.
        is_open = last is not None and last.status in _OPEN
        return is_open or entry.schedule.is_due(last.began if last else None, time.time())

    def _run_source(
        self, entry: SourceEntry, state: State, whole: Deadline, report: SourceReport
    ) -> SourceEvents:
        began = time.time()
        own = _seconds(entry.minutes or None)
        deadline = Deadline(None if own is None else own + _IN_GOOD_ORDER, whole)
        budget = _Pages(self._pages, deadline)
        note_run(state, entry.name, began, None, report.as_json(self._language) | _RUNNING)
        report.status = "interrupted"  # until it has ended
        try:
            with open_knowledge(self._settings, self._model(), entry.collection) as knowledge:
                pipeline = Pipeline(
                    self._settings, knowledge, self._model(), is_trial=self._request.is_trial
                )
                with closing(follow(entry, pipeline, state, budget, own)) as events:
                    for event in events:
                        budget.count(event)
                        report.take(event)
                        yield entry, event
            report.status = _status(report, budget, deadline, whole)
        except AssistantError as error:
            report.error, report.status = error, "failed"
            logger.warning("%s: %s", entry.name, error)
        except Exception as error:
            report.error, report.status = InternalError(error), "failed"
            logger.exception("%s failed", entry.name)
        finally:
            self._pages = budget.left
            note_run(state, entry.name, began, time.time(), report.as_json(self._language))

    def _model(self) -> EmbeddingModel:
        if self._embeddings is None:
            self._embeddings = open_embeddings(self._settings)
        return self._embeddings


class _Pages:
    """The budget of pages, as something that stops a run."""

    def __init__(self, left: int | None, also: Deadline) -> None:
        self.left = left
        self._also = also

    def count(self, event: Event) -> None:
        if self.left is not None and isinstance(event, Progress) and event.what == "documents":
            self.left = max(0, self.left - 1)

    @property
    def is_over(self) -> bool:
        return self.left == 0

    def is_set(self) -> bool:
        return self.is_over or self._also.is_set()


def _status(report: SourceReport, budget: _Pages, deadline: Deadline, whole: Deadline) -> Status:
    summary = report.summary
    came = summary.added + summary.updated + summary.unchanged + summary.removed
    if summary.failed and not came:
        return "failed"
    if budget.is_over or deadline.is_over or whole.is_over:
        return "cut"
    if report.crawl is not None and report.crawl.reason == "seconds":
        return "cut"
    if summary.cancelled:
        return "cancelled"
    return "partly" if summary.failed else "done"


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else minutes * 60


@contextmanager
def sync_lock(settings: Settings, wait: float | None, cancel: Cancel) -> Iterator[None]:
    """Hold the lock of the runs over the sources.

    Raises:
        KnowledgeLocked: another run held it for the whole wait, or the wait was cancelled.
    """
    path = settings.run_dir / "sync.lock"
    deadline = Deadline(wait, cancel)
    while True:
        with exclusive(path) as is_ours:
            if is_ours:
                path.write_text(f"{os.getpid()}\n", "utf-8")
                yield
                return
        if deadline.is_set():
            raise _locked(settings)
        time.sleep(_LOOK)


def _locked(settings: Settings) -> KnowledgeLocked:
    pid = (settings.run_dir / "sync.lock").read_text("utf-8").strip()
    return KnowledgeLocked(
        "Another sync is running (process {pid}): wait for it, or give this one --wait SECONDS.",
        "另一个同步正在运行（进程 {pid}）：请等待其结束，或为本次加上 --wait 秒数。",
        pid=pid or "?",
    )

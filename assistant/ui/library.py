"""What happens on each click of the knowledge page.

What documents need to come in is handed in as a :class:`Library` by ``app.py``.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.records import Source
from assistant.knowledge.store import KnowledgeBase
from assistant.ui.followed import FollowedPage
from assistant.ui.jobs import IngestEvent, Jobs, both_texts
from assistant.ui.library_rendering import (
    COLUMNS,
    chosen_html,
    counts_html,
    jobs_html,
    table_row,
    upload_title,
)
from assistant.ui.messages import warn
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

SHOWN_JOBS = 5


class Library(Protocol):
    """The document flow, as far as the page uses it. The iterators are consumed in a background
    thread and raise AssistantError where nothing more can be stored."""

    def add(self, paths: Sequence[Path], cancel: threading.Event) -> Iterator[IngestEvent]:
        """Add files and folders."""

    def store_upload(self, path: Path, name: str) -> Path:
        """Keep an uploaded file and return its place; DocumentError where that can't be."""

    def delete(self, source_id: int) -> None:
        """Delete a source, with its file where it was uploaded."""


class Shown(NamedTuple):
    """What the page shows, in the order of the components."""

    jobs: Any
    followed: Any
    counts: Any
    table: Any
    seen: Any  # what the page has now, to draw only what changed


class LibraryPage:
    """The handlers of the knowledge page."""

    def __init__(
        self,
        library: Library,
        knowledge: KnowledgeBase,
        jobs: Jobs,
        visitors: Visitors,
        *,
        followed: FollowedPage,
        sample: Path,
    ) -> None:
        self._library = library
        self._knowledge = knowledge
        self._jobs = jobs
        self._visitors = visitors
        self._followed = followed
        self._sample = str(sample)

    def refresh(self, seen: Sequence[int] | None, request: gr.Request) -> Shown:
        """Called every second: what has changed since ``seen``."""
        language = self._visitors.language(request)
        sources = self._sources(language)
        jobs, followed = self._jobs_html(language), self._followed.html(language)
        now = [hash(jobs), hash(followed), hash((tuple(sources), language))]
        if now == seen:
            return Shown(*(gr.skip() for _ in Shown._fields))
        is_old = [known == new for known, new in zip(seen or [0] * len(now), now, strict=True)]
        return Shown(
            jobs=gr.skip() if is_old[0] else jobs,
            followed=gr.skip() if is_old[1] else followed,
            counts=gr.skip() if is_old[2] else counts_html(sources, self._sample, language),
            table=gr.skip() if is_old[2] else self._table(sources, language),
            seen=now,
        )

    def _jobs_html(self, language: str) -> str:
        jobs = self._jobs.list()[:SHOWN_JOBS]
        return jobs_html(jobs, language, {job.id: self._followed.waits_for(job) for job in jobs})

    def _table(self, sources: Sequence[Source], language: str) -> Any:
        return gr.update(
            headers=[text(column, language) for column in COLUMNS],
            value=[table_row(source) for source in sources],
            visible=bool(sources),
        )

    def upload(self, files: Sequence[str] | None, request: gr.Request) -> Any:
        """Keep the files that the browser sent and add them in the background."""
        kept: list[Path] = []
        failed: list[tuple[str, AssistantError]] = []
        for file in files or ():
            name = Path(file).name
            try:
                kept.append(self._library.store_upload(Path(file), name))
            except AssistantError as error:
                failed.append((name, error))
            finally:
                Path(file).unlink(missing_ok=True)  # the copy that Gradio made
        if kept or failed:
            title = upload_title([Path(file).name for file in files or ()])
            self._jobs.submit(title, lambda cancel: self._library.add(kept, cancel), failed)
        return gr.update(value=None)

    def act(self, event: gr.EventData) -> None:
        """A button of a job: stop it."""
        if event.do == "stop":
            self._jobs.cancel(int(event.source))

    def choose(self, event: gr.SelectData, request: gr.Request) -> tuple[Any, Any, Any]:
        """A row of the table was clicked: the source's id, its line, and the delete button."""
        language = self._visitors.language(request)
        source = self._knowledge.source(int(event.row_value[0]))
        if source is None:
            return 0, "", gr.update(visible=False)
        return source.id, chosen_html(source, language), gr.update(visible=True)

    def delete(self, source_id: int, request: gr.Request) -> Any:
        """Delete the chosen source."""
        language = self._visitors.language(request)
        source = self._knowledge.source(source_id)
        try:
            if source is not None:
                self._library.delete(source_id)
                said = text("deleted_source", language, title=html.escape(source.title))
                gr.Info(said, title=text("app", language), duration=3)
        except AssistantError as error:
            warn(error, language)
        return gr.update(visible=False)

    def _sources(self, language: str) -> list[Source]:
        try:
            found = self._knowledge.sources()
        except AssistantError as error:
            warn(error, language)
            return []
        return sorted(found, key=lambda source: -source.updated_at)


def add_sample_once(
    sample: Path, marker: Path, knowledge: KnowledgeBase, jobs: Jobs, library: Library
) -> None:
    """Add the sample documents at the first start with an empty knowledge base. ``marker`` is the
    file that remembers it: a sample that was deleted does not come back.

    Raises:
        KnowledgeError: the knowledge base can't be read.
    """
    if marker.exists():
        return
    if not knowledge.is_empty:
        marker.touch()
        return
    files = sorted(sample.glob("*.md"))

    def work(cancel: threading.Event) -> Iterator[IngestEvent]:
        yield from library.add(files, cancel)
        if not cancel.is_set():
            marker.touch()

    jobs.submit(both_texts("job_sample"), work)

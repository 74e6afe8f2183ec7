"""What happens on each click of the knowledge page.

What documents need to come in is handed in as a :class:`Library` by ``app.py``.
"""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.records import Source
from assistant.knowledge.store import KnowledgeBase
from assistant.ui.jobs import IngestEvent, Jobs
from assistant.ui.library_rendering import (
    COLUMNS,
    both_texts,
    chosen_html,
    counts_html,
    jobs_html,
    table_row,
    upload_title,
)
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

SHOWN_JOBS = 5

_HOST_FIRST = re.compile(r"[\w-]+(\.[\w-]+)+([:/]\S*)?$")  # an address without its scheme


class Library(Protocol):
    """The document flow, as far as the page uses it. The iterators are consumed in a background
    thread and raise AssistantError where nothing more can be stored."""

    def add(self, paths: Sequence[Path], cancel: threading.Event) -> Iterator[IngestEvent]:
        """Add files and folders."""

    def crawl(
        self, url: str, depth: int, allow_private: bool, cancel: threading.Event
    ) -> Iterator[IngestEvent]:
        """Add the pages of a site, those at most ``depth`` links away from ``url``."""

    def store_upload(self, path: Path, name: str) -> Path:
        """Keep an uploaded file and return its place; DocumentError where that can't be."""

    def delete(self, source_id: int) -> None:
        """Delete a source, with its file where it was uploaded."""


class Shown(NamedTuple):
    """What the page shows, in the order of the components."""

    jobs: Any
    counts: Any
    table: Any
    stop: Any
    seen: Any  # what the page has now, to draw only what changed


class LibraryPage:
    """The handlers of the knowledge page."""

    def __init__(
        self,
        library: Library,
        knowledge: KnowledgeBase,
        jobs: Jobs,
        visitors: Visitors,
        sample: Path,
    ) -> None:
        self._library = library
        self._knowledge = knowledge
        self._jobs = jobs
        self._visitors = visitors
        self._sample = str(sample)

    def refresh(self, seen: object, request: gr.Request) -> Shown:
        """Called every second: what has changed since ``seen``."""
        language = self._visitors.language(request)
        sources = self._sources(language)
        now = (self._jobs.version, hash(tuple(sources)), language)
        if now == seen:
            return Shown(*(gr.skip() for _ in Shown._fields))
        return Shown(
            jobs=jobs_html(self._jobs.list()[:SHOWN_JOBS], language),
            counts=counts_html(sources, self._sample, language),
            table=gr.update(
                headers=[text(column, language) for column in COLUMNS],
                value=[table_row(source) for source in sources],
                visible=bool(sources),
            ),
            stop=gr.update(visible=self._jobs.active),
            seen=now,
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

    def add_site(self, url: str, depth: float, allow_private: bool, request: gr.Request) -> Any:
        """Fetch a page, or crawl a site, in the background."""
        language = self._visitors.language(request)
        url = url.strip()
        if not url:
            gr.Warning(text("no_url", language), title=text("app", language))
            return gr.skip()
        if _HOST_FIRST.match(url):
            url = f"https://{url}"

        def work(cancel: threading.Event) -> Iterator[IngestEvent]:
            yield from self._library.crawl(url, int(depth), allow_private, cancel)

        self._jobs.submit(both_texts("job_site" if depth else "job_page", url=url), work)
        return ""

    def cancel(self) -> None:
        self._jobs.cancel_all()

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
            gr.Warning(html.escape(error.text(language)), title=text("app", language))
        return gr.update(visible=False)

    def _sources(self, language: str) -> list[Source]:
        try:
            found = self._knowledge.sources()
        except AssistantError as error:
            gr.Warning(html.escape(error.text(language)), title=text("app", language))
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

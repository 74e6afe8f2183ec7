"""What the knowledge page shows of a collection, and uploads into it.

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
from assistant.knowledge.collections import Look
from assistant.knowledge.store import KnowledgeBase
from assistant.ui.collection_names import collection_choices
from assistant.ui.followed import FollowedPage
from assistant.ui.jobs import Both, IngestEvent, Jobs, both_texts
from assistant.ui.library_access import LibraryAccess, Rights
from assistant.ui.library_rendering import counts_html, jobs_html, upload_title
from assistant.ui.library_table import Standing, kind_choices, table_html
from assistant.ui.messages import caution, warn
from assistant.ui.texts import TEXTS
from assistant.ui.upload_names import Chosen, chosen_files
from assistant.users.audit import Audit

SHOWN_JOBS = 5
NAMED = 20  # files that the audit log names


class Library(Protocol):
    """The document flow, as far as the page uses it. The iterators are consumed in a background
    thread and raise AssistantError where nothing more can be stored."""

    def add(
        self,
        paths: Sequence[Path | str],
        cancel: threading.Event,
        collection: str = "default",
        *,
        allow_private: bool = False,
    ) -> Iterator[IngestEvent]:
        """Add files, folders and web pages (their addresses)."""

    def store_upload(self, path: Path, name: str, collection: str = "default") -> Path:
        """Keep an uploaded file and return its place; DocumentError where that can't be."""

    def delete(self, source_ids: Sequence[int], cancel: threading.Event) -> Iterator[IngestEvent]:
        """Delete documents, with their files where they were uploaded."""

    def drop(self, collection: str, cancel: threading.Event) -> Iterator[IngestEvent]:
        """Delete a collection with all that belongs to it."""


class Shown(NamedTuple):
    """What the page shows, in the order of the components."""

    jobs: Any
    followed: Any
    counts: Any
    table: Any
    kinds: Any
    collection: Any
    seen: Any  # what the page has now, to draw only what changed


class LibraryPage:
    """The handlers of what changes by itself, and of uploads."""

    def __init__(
        self,
        library: Library,
        access: LibraryAccess,
        jobs: Jobs,
        audit: Audit,
        *,
        followed: FollowedPage,
        sample: Path,
        uploads: Path,
        largest_file: int,
    ) -> None:
        self._library = library
        self._access = access
        self._jobs = jobs
        self._audit = audit
        self._followed = followed
        self._sample = str(sample)
        self._uploads = str(uploads)
        self.largest_file = largest_file  # bytes

    def refresh(
        self, name: str | None, look: Look, seen: Sequence[int] | None, request: gr.Request
    ) -> Shown:
        """Called every second: what of the collection ``name`` has changed since ``seen``."""
        language = self._access.visitors.language(request)
        if not name:
            return _skipped()
        try:
            rights = self._access.read(name, request)
            stamp = self._access.collections.stamp(name)
            infos = self._access.readable(request)
        except AssistantError as error:
            return self._closed(error, seen, language)
        jobs, followed = self._jobs_html(rights, language), self._followed.html(rights, language)
        standing = Standing.of(self._followed.look().sources, name)
        parts = (
            jobs,
            followed,
            (stamp, look, repr(standing), name, language, rights.may_write),
            tuple(infos),
        )
        now = [hash(part) for part in parts]
        if now == seen:
            return _skipped()
        is_old = [known == new for known, new in zip(seen or [0] * 4, now, strict=True)]
        skip = gr.skip()
        documents = (skip,) * 3 if is_old[2] else self._documents(rights, look, standing, language)
        choices = collection_choices(infos, language)
        return Shown(
            skip if is_old[0] else jobs,
            skip if is_old[1] else followed,
            *documents,
            collection=skip if is_old[3] else gr.update(choices=choices),
            seen=now,
        )

    def upload(self, files: Sequence[str] | None, name: str, request: gr.Request) -> Any:
        """Keep the files that the browser sent and add them in the background."""
        language = self._access.visitors.language(request)
        try:
            rights = self._access.write(name, request)
            self._take(chosen_files(files or ()), rights)
        except AssistantError as error:
            warn(error, language)
        finally:
            for file in files or ():
                Path(file).unlink(missing_ok=True)  # the copy that Gradio made
        return gr.update(value=None)

    def act(self, event: gr.EventData, name: str, request: gr.Request) -> None:
        """A button of a job: stop it; or files were left out, which were too large."""
        language = self._access.visitors.language(request)
        if event.do == "large":
            self._too_large(str(event.source).splitlines(), str(event.value), language)
            return
        try:
            self._access.write(name, request)
        except AssistantError as error:
            warn(error, language)
            return
        stopped = [job for job in self._jobs.list() if str(job.id) == str(event.source)]
        if event.do == "stop" and stopped and stopped[0].collection == name:
            self._jobs.cancel(stopped[0].id)

    def _take(self, chosen: Sequence[Chosen], rights: Rights) -> None:
        kept: list[Path] = []
        failed: list[tuple[str, AssistantError]] = []
        again: list[tuple[str, Both]] = []
        for file in chosen:
            if file.is_repeated:
                again.append((file.name, TEXTS["file_again"]))
                continue
            try:
                place = self._library.store_upload(file.path, file.name, rights.info.name)
                kept.append(place)
            except AssistantError as error:
                failed.append((file.name, error))
        if not (kept or failed):
            return
        names = [file.name for file in chosen]
        collection = rights.info.name
        self._audit.note(
            rights.identity, "library.add", collection,
            files=len(names), names=", ".join(names[:NAMED]),
        )  # fmt: skip
        self._jobs.submit(
            upload_title(names),
            lambda cancel: self._library.add(kept, cancel, collection),
            failed,
            collection=collection,
            files=[str(place) for place in kept],
            told=again,
        )

    def _too_large(self, names: Sequence[str], count: str, language: str) -> None:
        listed = ", ".join(name[:100] for name in names[:20])
        most = self.largest_file // 2**20
        caution("too_large", language, names=listed, n=count[:6], most=most)

    def _jobs_html(self, rights: Rights, language: str) -> str:
        own = [job for job in self._jobs.list() if job.collection == rights.info.name]
        waits = {job.id: self._followed.waits_for(job) for job in own[:SHOWN_JOBS]}
        return jobs_html(own[:SHOWN_JOBS], language, waits, may_stop=rights.may_write)

    def _documents(
        self, rights: Rights, look: Look, standing: Standing, language: str
    ) -> tuple[Any, Any, Any]:
        """Counts, table and kinds."""
        page = self._access.collections.page(rights.info.name, look)
        table = table_html(
            page,
            look,
            standing,
            language,
            name=rights.info.name,
            may_write=rights.may_write,
            uploads=self._uploads,
        )
        is_sample = any(source.uri.startswith(self._sample) for source in page.shown)
        kinds = gr.update(choices=kind_choices(page, language), value=look.kind)
        return counts_html(page, is_sample, language), table, kinds

    def _closed(self, error: AssistantError, seen: Any, language: str) -> Shown:
        """The collection was deleted, or is no longer shared with this visitor."""
        said = f'<div class="banner box" role="alert">{html.escape(error.text(language))}</div>'
        now = [hash(said)]
        if seen == now:
            return _skipped()
        return Shown("", "", said, "", gr.skip(), gr.skip(), now)


def _skipped() -> Shown:
    return Shown(*(gr.skip() for _ in Shown._fields))


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

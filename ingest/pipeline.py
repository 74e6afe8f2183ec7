"""The flow of documents: load (or crawl) -> split -> embed -> knowledge base.

1. A file, folder or site becomes a stream of documents; one that can't be read is said and passed.
2. A document whose text is stored already is left alone; its hash covers the splitter's rules too.
3. Chunks whose text was embedded before keep their vectors; the others are embedded in batches.
4. The knowledge base is written once for each document, with everything ready: the write lock
   never waits for a page or a vector.

The stages run side by side (:mod:`ingest.flow`). All methods are generators of
:mod:`ingest.events`: whoever consumes them shows the progress. Closing one, or setting its
``cancel``, ends the work and leaves what is done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from assistant.errors import DocumentError
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from ingest.crawl import CrawlEnd, CrawlRequest, Gone, NoPage, Page, Same, SiteMemory, fetch_pages
from ingest.events import (
    Added,
    Crawled,
    Event,
    Failed,
    Finished,
    Removed,
    Skipped,
    Started,
    Summary,
    Unchanged,
    Warned,
)
from ingest.files.found import FoundFile, find_files
from ingest.files.memory import FolderMemory
from ingest.flow.embedder import Rules
from ingest.flow.run import Flow, Works
from ingest.flow.work import Keeping, Reading, Removing, Saying, Work
from ingest.load.ocr import is_installed
from ingest.passage import Cancel
from ingest.reading.child import Job
from ingest.reading.reader import reader_count
from ingest.split import Splitter

Events = Generator[Event, None, None]


class Pipeline:
    """Brings documents into one collection.

    Args:
        settings: limits and the splitter's sizes.
        knowledge: the collection to write to.
        embeddings: the model that the collection was filled with.
        is_trial: nothing is changed: the events say what would be (``--dry-run``).
    """

    def __init__(
        self,
        settings: Settings,
        knowledge: KnowledgeBase,
        embeddings: EmbeddingModel,
        *,
        is_trial: bool = False,
    ) -> None:
        self.settings = settings
        self.knowledge = knowledge
        self.embeddings = embeddings
        splitter = Splitter.from_settings(settings, embeddings.count_tokens)
        self.rules = Rules(splitter, embeddings.fingerprint)
        self.is_trial = is_trial

    def add_paths(
        self,
        paths: Sequence[str | Path],
        *,
        allow_private: bool = False,
        cancel: Cancel | None = None,
    ) -> Events:
        """Add files, folders (walked; hidden files and the data folder are left out) and single
        web pages (their URLs).

        Raises:
            KnowledgeError, ModelError: nothing more can be stored; what is done stays.
        """
        urls = [str(path) for path in paths if _is_url(path)]
        files = [Path(path) for path in paths if not _is_url(path)]
        # Found before the start, so that the total is known.
        found = list(find_files(files, left_out=self.settings.data_dir))

        def works(halt: threading.Event) -> Iterator[Work]:
            yield from map(self._read_file, found)
            for url in urls:
                yield from self._one_page(url, allow_private, halt)

        yield from self._run(works, len(found) + len(urls), cancel)

    def crawl(
        self,
        request: CrawlRequest,
        memory: SiteMemory | None = None,
        *,
        cancel: Cancel | None = None,
    ) -> Events:
        """Add the pages of a site; with its ``memory`` from earlier crawls, only what changed is
        fetched, and what is gone is removed.

        Raises:
            KnowledgeError, ModelError: as :meth:`add_paths`.
        """
        if memory is not None:
            memory.begin(self._stored())

        def works(halt: threading.Event) -> Iterator[Work]:
            with closing(fetch_pages(self.settings, request, memory, halt)) as messages:
                for message in messages:
                    yield self._work_of(message, memory)

        yield from self._run(works, None, cancel)

    def follow_files(
        self,
        found: Iterable[FoundFile],
        memory: FolderMemory,
        *,
        is_whole: bool,
        cancel: Cancel | None = None,
    ) -> Events:
        """Keep up with files: read those that are new or changed since ``memory`` saw them last,
        and remove those that it knows and that are not among ``found``.

        Args:
            is_whole: ``found`` is all there is; otherwise nothing is removed.

        Raises:
            KnowledgeError, ModelError: as :meth:`add_paths`.
        """
        files = list(found)
        gone = memory.begin(files, self._stored()) if is_whole else ()

        def works(halt: threading.Event) -> Iterator[Work]:
            for file in files:
                yield self._follow(file, memory)
            for path in gone:
                yield Removing(path, memory)

        yield from self._run(works, len(files), cancel)

    def _stored(self) -> dict[str, str]:
        """Content hashes by URI, of what is stored under the present rules."""
        sources = self.knowledge.sources()
        return {s.uri: s.content_hash for s in sources if s.content_hash in self.rules}

    def _follow(self, file: FoundFile, memory: FolderMemory) -> Work:
        if file.fault is not None or not memory.is_same(file.path):
            return self._read_file(file, memory)
        if memory.was_rejected(file.path):
            return Saying(Skipped(str(file.path), _still_unreadable(file.path)), is_document=True)
        return Keeping(str(file.path))

    def _read_file(self, file: FoundFile, memory: FolderMemory | None = None) -> Work:
        if file.fault is not None:
            return Saying(Failed(str(file.path), file.fault), is_document=True)
        return Reading(Job(file.path, None, self.settings.max_file_mb), file.asked, memory)

    def _one_page(self, url: str, allow_private: bool, halt: threading.Event) -> Iterator[Work]:
        try:
            request = CrawlRequest(
                url, depth=0, pages=1, sitemap=False, allow_private=allow_private
            )
        except DocumentError as error:
            yield Saying(Failed(url, error))
            return
        with closing(fetch_pages(self.settings, request, None, halt)) as messages:
            for message in messages:
                if not isinstance(message, CrawlEnd):
                    yield self._work_of(message, None)

    def _work_of(
        self, message: Page | Same | NoPage | Gone | CrawlEnd, memory: SiteMemory | None
    ) -> Work:
        if isinstance(message, Page):
            job = Job(None, message.raw, self.settings.max_file_mb)
            return Reading(job, message.is_start, memory, known=message.known)
        if isinstance(message, Same):
            return Keeping(message.url)
        if isinstance(message, Gone):
            return Removing(message.url, memory)
        if isinstance(message, CrawlEnd):
            return Saying(Crawled(message.complete, message.reason, message.requests))
        return Saying((Skipped if message.harmless else Failed)(message.url, message.error))

    def _run(self, works: Works, total: int | None, cancel: Cancel | None) -> Events:
        """The events of the flow between their start and a summary of them."""
        began = time.monotonic()
        summary = Summary()
        yield Started(total)
        flow = Flow(
            self.knowledge,
            self.embeddings,
            self.rules,
            works,
            readers=reader_count(),
            recognises=is_installed(),
            total=total,
            is_trial=self.is_trial,
        )
        with closing(flow.events(cancel)) as events:
            for event in events:
                summary = _counted(summary, event)
                yield event
        cancelled = cancel is not None and cancel.is_set()
        yield Finished(replace(summary, seconds=time.monotonic() - began, cancelled=cancelled))


def _still_unreadable(path: Path) -> DocumentError:
    return DocumentError(
        "{name} could not be read and has not changed since: see the report of that time.",
        "{name} 之前无法读取，之后没有改动：原因见当时的报告。",
        name=path.name,
    )


def _is_url(path: str | Path) -> bool:
    return isinstance(path, str) and "://" in path


_COUNTERS = (
    (Unchanged, "unchanged"),
    (Warned, "warned"),
    (Skipped, "skipped"),
    (Failed, "failed"),
)


def _counted(summary: Summary, event: Event) -> Summary:
    if isinstance(event, Added):
        return replace(
            summary,
            added=summary.added + event.is_new,
            updated=summary.updated + (not event.is_new),
            chunks_added=summary.chunks_added + event.added,
            chunks_kept=summary.chunks_kept + event.kept,
            chunks_removed=summary.chunks_removed + event.removed,
        )
    if isinstance(event, Removed):
        chunks = summary.chunks_removed + event.chunks
        return replace(summary, removed=summary.removed + 1, chunks_removed=chunks)
    for kind, name in _COUNTERS:
        if isinstance(event, kind):
            return replace(summary, **{name: getattr(summary, name) + 1})
    return summary

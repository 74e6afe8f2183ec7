"""The flow of documents: load (or crawl) -> split -> embed -> knowledge base.

1. A file, folder or site becomes a stream of documents; one that can't be read is said and passed.
2. A document whose text is stored already is left alone; its hash covers the splitter's rules too.
3. Chunks whose text was embedded before keep their vectors; the others are embedded in batches.
4. The knowledge base is written once for each document, with everything ready: the write lock
   never waits for a page or a vector.

All methods are generators of :mod:`ingest.events`: whoever consumes them shows the progress.
Closing one, or setting its ``cancel``, ends the work and leaves what is done.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.errors import AssistantError, DocumentError, ModelRefused
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from ingest.crawl import CrawlRequest, NoPage, Page, fetch_pages
from ingest.events import (
    Added,
    Event,
    Failed,
    Finished,
    Progress,
    Skipped,
    Started,
    Summary,
    Unchanged,
)
from ingest.folders import FoundFile, find_files
from ingest.load import Document, UnknownType, load_file, load_raw
from ingest.split import Splitter

logger = logging.getLogger(__name__)

Events = Generator[Event, None, None]

# Faults of one document. Others (a locked database, a model that is down) are everyone's: they
# are raised and end the run.
_OF_ONE_DOCUMENT = (DocumentError, ModelRefused)


class Pipeline:
    """Brings documents into one collection.

    Args:
        settings: limits and the splitter's sizes.
        knowledge: the collection to write to.
        embeddings: the model that the collection was filled with.
    """

    def __init__(
        self, settings: Settings, knowledge: KnowledgeBase, embeddings: EmbeddingModel
    ) -> None:
        self.settings = settings
        self.knowledge = knowledge
        self.embeddings = embeddings
        self.splitter = Splitter.from_settings(settings, embeddings.count_tokens)

    def add_paths(
        self,
        paths: Sequence[str | Path],
        *,
        allow_private: bool = False,
        cancel: threading.Event | None = None,
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
        works = [self._file(file, cancel) for file in found]
        works += [self._url(url, allow_private, cancel) for url in urls]
        yield from _run(len(works), _in_turn(works, cancel), cancel)

    def crawl(self, request: CrawlRequest, *, cancel: threading.Event | None = None) -> Events:
        """Add the pages of a site.

        Raises:
            KnowledgeError, ModelError: as :meth:`add_paths`.
        """
        yield from _run(None, self._crawl(request, cancel), cancel)

    def add_document(
        self, document: Document, uri: str, *, cancel: threading.Event | None = None
    ) -> Events:
        """Store a loaded document under ``uri``: progress of its chunks, then ``Added`` or
        ``Unchanged``; neither where ``cancel`` came first.

        Raises:
            KnowledgeError: it can't be stored.
            ModelError: its chunks can't be embedded.
        """
        content_hash = self._hash(document)
        known = self.knowledge.source_by_uri(uri)
        if known is not None and known.content_hash == content_hash:
            yield Unchanged(uri, known.title, known.id)
            return
        chunks = self.splitter.split(document)
        vectors = yield from self._embed(uri, chunks, cancel)
        if vectors is None:
            return
        source, report = self.knowledge.add_embedded(
            uri, document.title, document.kind, document.size, content_hash, chunks, vectors
        )
        counts = (report.added, report.kept, report.removed)
        yield Added(uri, source.title, source.id, *counts, is_new=known is None)

    def _hash(self, document: Document) -> str:
        """Changes with the text, the rules it is split by, and the embedding model."""
        rules = (document.content_hash, self.splitter.signature, self.embeddings.fingerprint)
        return hashlib.sha256("\n".join(rules).encode()).hexdigest()

    def _embed(
        self, uri: str, chunks: Sequence[NewChunk], cancel: threading.Event | None
    ) -> Generator[Event, None, NDArray[np.float32] | None]:
        """Vectors of ``chunks``, shape (n, dimension); None when cancelled."""
        vectors = dict(self.knowledge.vectors_for([chunk.content_hash for chunk in chunks]))
        new = {c.content_hash: c.embedding_text for c in chunks if c.content_hash not in vectors}
        hashes = list(new)
        size = self.embeddings.batch_size
        for start in range(0, len(hashes), size):
            if cancel is not None and cancel.is_set():
                return None
            batch = hashes[start : start + size]
            embedded = self.embeddings.embed_passages([new[each] for each in batch])
            vectors.update(zip(batch, embedded, strict=True))
            yield Progress(min(start + size, len(hashes)), len(hashes), "chunks", uri)
        return np.stack([vectors[chunk.content_hash] for chunk in chunks]).astype(np.float32)

    def _file(self, file: FoundFile, cancel: threading.Event | None) -> Events:
        uri = str(file.path)
        try:
            if file.fault is not None:
                raise file.fault
            document = load_file(file.path, self.settings.max_file_mb)
            yield from self.add_document(document, uri, cancel=cancel)
        except _OF_ONE_DOCUMENT as error:
            yield _not_added(uri, error, file.asked)

    def _url(self, url: str, allow_private: bool, cancel: threading.Event | None) -> Events:
        try:
            request = CrawlRequest(url, depth=0, pages=1, allow_private=allow_private)
        except DocumentError as error:
            yield Failed(url, error)
            return
        with closing(fetch_pages(self.settings, request, cancel)) as pages:
            for page in pages:
                yield from self._page(page, cancel)

    def _crawl(self, request: CrawlRequest, cancel: threading.Event | None) -> Events:
        with closing(fetch_pages(self.settings, request, cancel)) as pages:
            done = 0
            for page in pages:
                yield from self._page(page, cancel)
                if isinstance(page, Page):
                    done += 1
                    yield Progress(done, page.known, "documents", page.raw.name)

    def _page(self, page: Page | NoPage, cancel: threading.Event | None) -> Events:
        if isinstance(page, NoPage):
            yield (Skipped if page.harmless else Failed)(page.url, page.error)
            return
        try:
            yield from self.add_document(load_raw(page.raw), page.raw.name, cancel=cancel)
        except _OF_ONE_DOCUMENT as error:
            yield _not_added(page.raw.name, error, page.is_start)


def _is_url(path: str | Path) -> bool:
    return isinstance(path, str) and "://" in path


def _not_added(uri: str, error: AssistantError, asked: bool) -> Event:
    """A type that can't be read is a failure only where it was asked for by name."""
    if isinstance(error, UnknownType) and not asked:
        return Skipped(uri, error)
    logger.info("%s: %s", uri, error, exc_info=error.__cause__)
    return Failed(uri, error)


def _in_turn(works: Sequence[Events], cancel: threading.Event | None) -> Events:
    for number, work in enumerate(works, start=1):
        if cancel is not None and cancel.is_set():
            return
        yield from work
        yield Progress(number, len(works), "documents")


def _run(total: int | None, events: Events, cancel: threading.Event | None) -> Events:
    """``events`` between their start and a summary of them."""
    began = time.monotonic()
    summary = Summary()
    yield Started(total)
    with closing(events):
        for event in events:
            summary = _counted(summary, event)
            yield event
    cancelled = cancel is not None and cancel.is_set()
    yield Finished(replace(summary, seconds=time.monotonic() - began, cancelled=cancelled))


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
    for kind, name in ((Unchanged, "unchanged"), (Skipped, "skipped"), (Failed, "failed")):
        if isinstance(event, kind):
            return replace(summary, **{name: getattr(summary, name) + 1})
    return summary

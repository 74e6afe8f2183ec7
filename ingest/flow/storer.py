"""The stage that stores: one write of the knowledge base for each document, with everything ready,
so that the write lock never waits for a page or a vector."""

from __future__ import annotations

import logging
from collections import defaultdict

import numpy as np

from assistant.knowledge.records import Source
from assistant.knowledge.store import KnowledgeBase
from ingest.events import Added, Event, Failed, Progress, Removed, Unchanged
from ingest.flow.work import (
    Embedding,
    Keeping,
    Outcome,
    Reading,
    ReadWhole,
    Removing,
    Saying,
    Work,
)
from ingest.load.document import INSIDE
from ingest.members import with_members
from ingest.passage import Passage

logger = logging.getLogger(__name__)


class Storer:
    """Takes outcomes and removals; sends events.

    Args:
        is_trial: nothing is changed; the events say what would be.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        ready: Passage[Outcome | ReadWhole | Work],
        events: Passage[Event],
        is_trial: bool = False,
    ) -> None:
        self._knowledge = knowledge
        self._ready = ready
        self._events = events
        self._is_trial = is_trial
        self._came: defaultdict[Reading, list[Outcome]] = defaultdict(list)
        self._counts: dict[Reading, int] = {}
        self.done = 0  # readings

    def run(self) -> None:
        """Work until the end comes."""
        while (item := self._ready.get()) is not None:
            self._do(item)

    def store_waiting(self) -> None:
        """After a cancel: store the documents that are ready."""
        while self._ready.waiting():
            item = self._ready.look()
            if isinstance(item, Outcome):
                self._do(item)

    def _do(self, item: Outcome | ReadWhole | Work) -> None:
        if isinstance(item, Outcome):
            self._settle(item)
        elif isinstance(item, ReadWhole):
            self._counts[item.reading] = item.count
            self._finish(item.reading)
        elif isinstance(item, Keeping):
            for source in with_members(self._knowledge, item.uri):
                self._events.tell(Unchanged(source.uri, source.title, source.id))
            self._count(item.uri)
        elif isinstance(item, Removing):
            self._remove(item)
        elif isinstance(item, Saying):
            self._events.tell(item.event)
            if item.is_document:
                self._count("")

    def _settle(self, outcome: Outcome) -> None:
        memory = None if self._is_trial else outcome.reading.memory
        if outcome.store is not None:
            self._events.tell(self._store(outcome.store))
        if memory and outcome.content_hash:
            memory.stored(outcome.uri, outcome.content_hash)
        elif memory:
            memory.rejected(outcome.uri)
        for event in outcome.events:
            if isinstance(event, Failed):
                logger.info("%s: %s", event.uri, event.error, exc_info=event.error.__cause__)
            self._events.tell(event)
        self._came[outcome.reading].append(outcome)
        self._finish(outcome.reading)

    def _store(self, new: Embedding) -> Added:
        known = self._knowledge.source_by_uri(new.uri)
        document = new.document
        if self._is_trial:
            kept = len(new.chunks) - new.total
            removed = max(0, known.chunks - kept) if known else 0
            source_id = known.id if known else 0
            counts = (new.total, kept, removed)
            return Added(new.uri, document.title, source_id, *counts, is_new=known is None)
        vectors = [new.vectors[chunk.content_hash] for chunk in new.chunks]
        source, report = self._knowledge.add_embedded(
            new.uri,
            document.title,
            document.kind,
            document.size,
            new.content_hash,
            new.chunks,
            np.stack(vectors).astype(np.float32),
        )
        counts = (report.added, report.kept, report.removed)
        return Added(new.uri, source.title, source.id, *counts, is_new=known is None)

    def _finish(self, reading: Reading) -> None:
        """When all documents of a reading are settled: what an archive no longer holds goes."""
        if self._counts.get(reading) != len(self._came[reading]):
            return
        outcomes = self._came.pop(reading)
        del self._counts[reading]
        names = {outcome.uri for outcome in outcomes}
        whole = reading.job.name
        if any(INSIDE in name for name in names):
            for source in with_members(self._knowledge, whole):
                if source.uri not in names:
                    self._drop(source)
                    if reading.memory is not None and not self._is_trial:
                        reading.memory.removed(source.uri)
        self._count(whole, reading.known)

    def _count(self, uri: str, known: int | None = None) -> None:
        self.done += 1
        self._events.tell(Progress(self.done, known, "documents", uri))

    def _remove(self, removing: Removing) -> None:
        for source in with_members(self._knowledge, removing.uri):
            self._drop(source)
        if removing.memory is not None and not self._is_trial:
            removing.memory.removed(removing.uri)

    def _drop(self, source: Source) -> None:
        if not self._is_trial:
            self._knowledge.delete_source(source.id)
        self._events.tell(Removed(source.uri, source.title, source.chunks))

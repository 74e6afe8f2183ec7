"""One run of documents through the stages, as a stream of events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from ingest.events import Event, Progress
from ingest.flow.embedder import Embedder, Rules
from ingest.flow.storer import Storer
from ingest.flow.work import Outcome, Read, Reading, ReadWhole, Work
from ingest.passage import Cancel, Passage, Stopped
from ingest.reading.reader import Reader

#: Documents that wait between two stages, at most: with ``MAX_FILE_MB`` the bound of the memory.
WAITING = 4

#: Gives the works; its argument is set when they are no longer wanted.
Works = Callable[[threading.Event], Iterator[Work]]


class Flow:
    """Reads, splits, embeds and stores what ``works`` gives. One use each.

    Args:
        readers: parsing processes.
        total: readings to come, where it is known.
        is_trial: the knowledge base stays as it is; the events tell what would be done.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        embeddings: EmbeddingModel,
        rules: Rules,
        works: Works,
        *,
        readers: int,
        recognises: bool = False,
        total: int | None = None,
        is_trial: bool = False,
    ) -> None:
        self._halt = threading.Event()
        self._works = works
        self._readers = readers
        self._recognises = recognises
        self._total = total
        self._tasks: Passage[Reading] = Passage(2, self._halt)
        self._loaded: Passage[Read | ReadWhole | Work] = Passage(WAITING, self._halt)
        ready: Passage[Outcome | ReadWhole | Work] = Passage(WAITING, self._halt)
        self._ready = ready
        self._events: Passage[Event] = Passage(0, self._halt)
        self._embedder = Embedder(
            knowledge,
            embeddings,
            rules,
            loaded=self._loaded,
            ready=ready,
            events=self._events,
            is_trial=is_trial,
        )
        self._storer = Storer(knowledge, ready, self._events, is_trial)
        self._fault: BaseException | None = None
        self._began = time.monotonic()

    def events(self, cancel: Cancel | None = None) -> Generator[Event, None, None]:
        """Everything that happens, as it happens. Closing the generator or setting ``cancel``
        ends the run; what is stored stays, and is said.

        Raises:
            AssistantError: nothing more can be stored (a locked database, a model that is down).
        """
        threads = self._start()
        try:
            while any(thread.is_alive() for thread in threads) or self._events.waiting():
                if cancel is not None and cancel.is_set():
                    self._halt.set()
                event = self._events.look()
                if event is not None:
                    yield self._completed(event)
        finally:
            self._halt.set()
            for thread in threads:
                thread.join()
        if self._fault is not None:
            raise self._fault

    def _start(self) -> list[threading.Thread]:
        stages: list[tuple[str, Callable[[], None]]] = [("feed", self._feed)]
        stages += [("read", self._read)] * self._readers
        stages += [("embed", self._embed), ("store", self._store)]
        threads = [
            threading.Thread(target=self._guard, args=(stage,), name=f"ingest-{name}", daemon=True)
            for name, stage in stages
        ]
        for thread in threads:
            thread.start()
        return threads

    def _guard(self, stage: Callable[[], None]) -> None:
        """A stage that fails ends the others; the first fault is the run's."""
        try:
            stage()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by `events`
            self._fault = self._fault or error
            self._halt.set()

    def _feed(self) -> None:
        works: Any = self._works(self._halt)
        with closing(works):
            for work in works:
                if isinstance(work, Reading):
                    self._tasks.put(work)
                else:
                    self._loaded.put(work)
        for _ in range(self._readers):
            self._tasks.put(None)

    def _read(self) -> None:
        reader = Reader(self._halt.is_set, self._recognises)
        try:
            while (reading := self._tasks.get()) is not None:
                count = 0
                for loaded in reader.read(reading.job):
                    self._loaded.put(Read(reading, loaded))
                    count += 1
                self._loaded.put(ReadWhole(reading, count))
        finally:
            reader.close()
        self._loaded.put(None)

    def _embed(self) -> None:
        self._embedder.run(self._readers)
        self._ready.put(None)

    def _store(self) -> None:
        try:
            self._storer.run()
        except Stopped:
            if self._fault is None:  # a cancel: what is ready is kept
                self._storer.store_waiting()
            raise

    def _completed(self, event: Event) -> Event:
        """``event`` with what only the run knows."""
        if not isinstance(event, Progress) or event.what != "documents":
            return event
        total = self._total if self._total is not None else event.total
        left = None
        if total is not None and event.done:
            left = (time.monotonic() - self._began) / event.done * max(0, total - event.done)
        return replace(event, total=total, rate=self._embedder.rate, seconds_left=left)

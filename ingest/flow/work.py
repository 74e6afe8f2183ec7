"""What passes through the stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.records import NewChunk
from ingest.events import Event
from ingest.load.document import Document, Loaded
from ingest.reading.child import Job


class Memory(Protocol):
    """Remembers between runs what became of each document, so that what did not change is left
    alone. Called from one thread, after the knowledge base holds what is said."""

    def stored(self, uri: str, content_hash: str) -> None:
        """The document is in the knowledge base, with this content."""

    def rejected(self, uri: str) -> None:
        """The document can't be read as it is now."""

    def same_text(self, uri: str, content_hash: str) -> str | None:
        """Another address of this origin whose document is the same."""

    def removed(self, uri: str) -> None:
        """The document is no longer in the knowledge base, because its original is gone."""


@dataclass(eq=False)
class Reading:
    """A file or page to be read. ``asked``: it was named itself. ``known`` documents are known of
    a site that is still explored."""

    job: Job
    asked: bool
    memory: Memory | None = None
    known: int | None = None


@dataclass(frozen=True)
class Saying:
    """An event with nothing to be done, in its turn: a page that did not come. ``is_document``: it
    stands for one of the documents that are counted."""

    event: Event
    is_document: bool = False


@dataclass(frozen=True)
class Keeping:
    """A document that is known not to have changed."""

    uri: str


@dataclass(frozen=True)
class Removing:
    """A document whose original is gone; with it all that an archive of that name held."""

    uri: str
    memory: Memory | None = None


Work = Reading | Saying | Keeping | Removing


@dataclass(frozen=True)
class Read:
    """A document out of a reading, or why there is none."""

    reading: Reading
    loaded: Loaded


@dataclass(frozen=True)
class ReadWhole:
    """All ``count`` documents of a reading came."""

    reading: Reading
    count: int


@dataclass(eq=False)
class Embedding:
    """A document with the vectors it has so far, by the hash of their chunk."""

    read: Read
    document: Document
    content_hash: str
    chunks: list[NewChunk]
    vectors: dict[str, NDArray[np.float32]]
    missing: set[str]
    total: int = 0  # chunks to be embedded

    @property
    def uri(self) -> str:
        return self.read.loaded.name

    @property
    def done(self) -> int:
        return self.total - len(self.missing)


@dataclass(frozen=True)
class Outcome:
    """What became of one document of a reading: events to be sent, and what to store.

    ``content_hash`` is what the knowledge base holds of it then; empty where it can't be read.
    """

    reading: Reading
    uri: str
    events: tuple[Event, ...] = ()
    content_hash: str = ""
    store: Embedding | None = None

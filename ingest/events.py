"""What happens while documents come in, as one stream for the page and the command line.

``started (progress | added | unchanged | removed | warned | skipped | failed)* [crawled] finished``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assistant.errors import AssistantError


@dataclass(frozen=True)
class Event:
    """Base. ``name`` is fixed for programs."""

    @property
    def name(self) -> str:
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Started(Event):
    """The work begins. ``total`` documents are known; None while a site is still explored."""

    total: int | None


@dataclass(frozen=True)
class Progress(Event):
    """``done`` of ``total`` documents read, or chunks of the document ``uri`` embedded.

    ``rate`` is in embedded chunks a second so far; ``seconds_left`` is an estimate, None where
    nobody can know.
    """

    done: int
    total: int | None
    what: Literal["documents", "chunks"]
    uri: str = ""
    rate: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Added(Event):
    """A document is in the knowledge base, new or changed. Counts are chunks."""

    uri: str
    title: str
    source_id: int
    added: int
    kept: int
    removed: int
    is_new: bool


@dataclass(frozen=True)
class Unchanged(Event):
    """A document is in the knowledge base already, with the same text."""

    uri: str
    title: str
    source_id: int


@dataclass(frozen=True)
class Removed(Event):
    """A document is no longer in the knowledge base, because its original is gone."""

    uri: str
    title: str
    chunks: int


@dataclass(frozen=True)
class Warned(Event):
    """A document is in, but for what ``error`` tells: pages that are pictures, bad lines."""

    uri: str
    error: AssistantError


@dataclass(frozen=True)
class Skipped(Event):
    """Something that nobody asked for by name isn't read: a picture in a folder, a page that
    robots.txt excludes. No failure."""

    uri: str
    error: AssistantError


@dataclass(frozen=True)
class Failed(Event):
    """A document could not be read or stored; the rest goes on."""

    uri: str
    error: AssistantError

    @property
    def kind(self) -> str:
        return self.error.kind


@dataclass(frozen=True)
class Crawled(Event):
    """How a site's crawl ended. ``complete``: the whole site was seen; otherwise ``reason`` says
    what cut it, and the next crawl goes on from there."""

    complete: bool
    reason: str
    requests: int


@dataclass(frozen=True)
class Summary:
    """What a run did: documents by outcome, chunks, seconds."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    warned: int = 0
    skipped: int = 0
    failed: int = 0
    chunks_added: int = 0
    chunks_kept: int = 0
    chunks_removed: int = 0
    seconds: float = 0.0
    cancelled: bool = False


@dataclass(frozen=True)
class Finished(Event):
    """The end, also of a cancelled run."""

    summary: Summary

"""What a crawl says, one message for each thing that happened."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.errors import PageError
from ingest.load.document import RawDocument


@dataclass(frozen=True)
class Page:
    """A page that came, new or changed. ``known`` pages are known of the site so far, this one
    and the done ones included."""

    raw: RawDocument
    is_start: bool
    known: int


@dataclass(frozen=True)
class Same:
    """A page of the knowledge base that did not change."""

    url: str


@dataclass(frozen=True)
class NoPage:
    """A page that did not come. ``harmless``: by rule, not by fault."""

    url: str
    error: PageError
    harmless: bool


@dataclass(frozen=True)
class Gone:
    """A page of the knowledge base that was missed so often that it is to be removed."""

    url: str
    error: PageError


@dataclass(frozen=True)
class CrawlEnd:
    """The last message. ``complete``: the whole site was seen.

    ``reason`` is a key of :data:`ingest.crawl.reasons.END_REASONS`; ``requests`` were sent,
    robots.txt, sitemaps, redirects and repetitions included.
    """

    complete: bool
    reason: str
    requests: int


Message = Page | Same | NoPage | Gone | CrawlEnd

"""Crawls of the tests' sites, and what came of them by path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assistant.settings import Settings
from ingest.crawl import (
    CrawlEnd,
    CrawlRequest,
    Gone,
    NoPage,
    Page,
    Same,
    SiteMemory,
    fetch_pages,
    open_memory,
)
from ingest.state import State
from tests.site import Site

MEGABYTE = 1024 * 1024


def ask(url: str, **options: object) -> CrawlRequest:
    """A crawl without pauses of a site on this machine."""
    return CrawlRequest(url, **({"delay": 0, "allow_private": True} | options))  # type: ignore[arg-type]


@dataclass
class Outcome:
    """What a crawl said, by path."""

    pages: dict[str, Page] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    none: dict[str, NoPage] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    end: CrawlEnd | None = None

    def why(self, path: str) -> str:
        return self.none[path].error.text("en")


@dataclass
class Reader:
    """Stands for the pipeline: keeps the texts of pages, and tells the memory."""

    settings: Settings
    site: Site
    texts: dict[str, str] = field(default_factory=dict)  # hashes by URL
    bad: set[str] = field(default_factory=set)  # URLs that can't be read

    def crawl(self, **options: object) -> Outcome:
        """A crawl with the memory of those before."""
        url = self.site.url(str(options.pop("at", "/")))
        with self.memory(url) as memory:
            memory.begin(self.texts)
            return self._take(ask(url, **options), memory)

    @contextmanager
    def memory(self, url: str = "", *, is_trial: bool = False) -> Iterator[SiteMemory]:
        with State(self.settings.data_dir, is_trial=is_trial) as state:
            yield open_memory(state, "web", url or self.site.url())

    def _take(self, request: CrawlRequest, memory: SiteMemory) -> Outcome:
        outcome = Outcome()
        for message in fetch_pages(self.settings, request, memory):
            note(outcome, message, self.site)
            if isinstance(message, Page):
                self.read(message, memory)
            elif isinstance(message, Gone):
                self.texts.pop(message.url, None)
                memory.removed(message.url)
        return outcome

    def read(self, page: Page, memory: SiteMemory) -> None:
        uri = page.raw.name
        text = hashlib.sha256(page.raw.data).hexdigest()
        if uri in self.bad:
            memory.rejected(uri)
        elif self.texts.get(uri) == text:
            memory.stored(uri, text)
        elif not page.is_start and memory.same_text(uri, text):
            memory.rejected(uri)
        else:
            self.texts[uri] = text
            memory.stored(uri, text)


def note(outcome: Outcome, message: object, site: Site) -> None:
    def path(url: str) -> str:
        return url.removeprefix(site.url("")) or "/"

    if isinstance(message, Page):
        assert path(message.raw.name) not in outcome.pages
        outcome.pages[path(message.raw.name)] = message
    elif isinstance(message, Same):
        outcome.same.append(path(message.url))
    elif isinstance(message, NoPage):
        outcome.none[path(message.url)] = message
        outcome.said.append(path(message.url))
    elif isinstance(message, Gone):
        outcome.gone.append(path(message.url))
    elif isinstance(message, CrawlEnd):
        assert outcome.end is None
        outcome.end = message


def crawl(settings: Settings, request: CrawlRequest, site: Site) -> Outcome:
    """A crawl without a memory."""
    outcome = Outcome()
    for message in fetch_pages(settings, request):
        note(outcome, message, site)
    return outcome


def crawlers() -> set[int]:
    """The crawler processes that this process started."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"ingest.crawl.spider" in command and parent == os.getpid():
            found.add(int(path.name))
    return found


def crawl_settings(folder: Path) -> Settings:
    return Settings.load(
        {
            "DATA_DIR": str(folder),
            "MAX_FILE_MB": "1",
            "USER_AGENT": "Probe/7 (+mailto:a@b.example)",
        },
        None,
    )

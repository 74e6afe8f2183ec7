"""One crawl: what the crawler's process says becomes messages, and the memory learns of it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from assistant.settings import Settings
from ingest.crawl.messages import CrawlEnd, Gone, Message, NoPage, Page, Same
from ingest.crawl.process import Clock, CrawlerProcess, crawler_options
from ingest.crawl.reasons import miss_error, page_error
from ingest.crawl.request import CrawlRequest
from ingest.crawl.scope import Scope
from ingest.crawl.visit_reader import MOST_TURNED
from ingest.crawl.visits import SiteMemory
from ingest.load.document import RawDocument
from ingest.passage import Cancel

logger = logging.getLogger(__name__)

# Reasons that are no fault of a page that was only linked to.
BY_RULE = (
    "robots", "noindex", "redirect", "type", "language", "pattern", "duplicate", "rejected",
    "sitemap", "variants", "calendar", "repeating", "links", "pages",
)  # fmt: skip
_LEFT_OUT_BUT_FOLLOWED = ("noindex", "language", "pattern", "duplicate")
# Left out for good, until they change: worth to be remembered.
_REMEMBERED = ("noindex", "language", "duplicate")
# Faults of the site or the way to it, which may pass.
_PASSING = ("server", "busy", "robots_down", "timeout", "refused", "name", "network", "tls", "cut")
# Cuts that the next run goes on from. It would meet the others again.
_GONE_ON_FROM = ("seconds", "cancelled", "busy", "ended")
# More failures than that, and more than one in five answers: the site is not well.
_FEW_FAILURES = 5
# Missing because the crawl was asked for otherwise than before.
_BY_REQUEST = ("scope", "pattern")
# Fewer known pages may well go all at once.
_FEW_MISSING = 3
_NEARLY_ALL = 0.8


def fetch_pages(
    settings: Settings,
    request: CrawlRequest,
    memory: SiteMemory | None = None,
    cancel: Cancel | None = None,
) -> Generator[Message, None, None]:
    """Crawl: what becomes of each page, as it comes; the last message is a ``CrawlEnd``.

    With ``memory`` only what changed comes as a page. Closing the iterator or setting ``cancel``
    ends the crawler. A start page that doesn't come is a ``NoPage`` that is not harmless.

    Memory: the crawler's process holds at most ``concurrency`` answers of MAX_FILE_MB while they
    are downloaded, one parsed page, and some hundred bytes for each of the addresses that
    :mod:`ingest.crawl.frontier` and :mod:`ingest.crawl.listing` allow. Pages that were not taken
    yet wait on disk: :data:`ingest.crawl.output.MOST_WAITING` and those under way.
    """
    clock = Clock(request.seconds, cancel)
    with tempfile.TemporaryDirectory(prefix="crawl-") as folder:
        pages = Path(folder, "pages")
        pages.mkdir()
        known = (
            memory.start_run(Scope.of(vars(request)).__contains__) if memory is not None else None
        )
        options = crawler_options(settings, request, pages, known)
        run = _Run(request, memory)
        with CrawlerProcess(Path(folder), options) as crawler:
            for message in crawler.messages(clock.is_over):
                yield from run.take(message)
            if clock.reason:
                run.reason = clock.reason
            else:
                yield from run.check(*crawler.end())
            yield from run.end()


class _Run:
    """What is known of a crawl while it goes on."""

    def __init__(self, request: CrawlRequest, memory: SiteMemory | None) -> None:
        self.reason = "ended"
        self._request = request
        self._memory = memory
        self._requests = 0
        self._answers = 0
        self._failures = 0
        self._starts_down = False
        self._missing: dict[str, tuple[str, str]] = {}
        self._seen: set[str] = set()

    def take(self, message: dict[str, Any]) -> Iterator[Message]:
        """One message of the process."""
        self._requests = message["requests"]
        event, url = message["event"], message["url"]
        self._answers += event != "done"
        if event == "page":
            yield self._page(url, message)
        elif event == "same":
            yield self._same(url, message)
        elif event == "missing":
            self._note_missing(url, message["reason"], message["detail"])
        elif event == "nothing":
            yield self._nothing(url, message)
        else:
            self.reason = message["reason"]

    def check(self, code: int, said: str) -> Iterator[Message]:
        """Look at how the process ended."""
        url = self._request.url
        if said:
            logger.log(logging.ERROR if code else logging.INFO, "crawl of %s:\n%s", url, said)
        if code != 0 or self.reason == "ended":
            self.reason = "ended"
            detail = said.splitlines()[-1] if said else f"exit code {code}"
            yield NoPage(url, page_error("ended", url, detail=detail), harmless=False)
        elif self.reason == "pages":
            error = page_error("pages", url, pages=self._request.pages)
            yield NoPage(url, error, harmless=True)
        elif self._starts_down:
            self.reason = "down"
        elif self._failures > _FEW_FAILURES and self._failures * 5 > self._answers:
            self.reason = "failures"

    def end(self) -> Iterator[Message]:
        """What is missing, and the end."""
        if self._memory is not None:
            if self._is_suspicious(self._memory):
                yield from self._vanished(self._memory)
            else:
                yield from self._settle(self._memory)
            self._memory.end_run(is_over=self.reason not in _GONE_ON_FROM)
        yield CrawlEnd(self.reason == "finished", self.reason, self._requests)

    def _page(self, url: str, message: dict[str, Any]) -> Page:
        file = Path(message["file"])
        raw = RawDocument(url, file.read_bytes(), message["content_type"])
        file.unlink()
        self._see(url)
        if self._memory is not None:
            self._memory.came(url, message["visit"])
        return Page(raw, message["is_start"], message["known"])

    def _same(self, url: str, message: dict[str, Any]) -> Same | NoPage:
        outcome, detail = message["outcome"], message["detail"]
        if self._memory is not None:
            is_kept = self._memory.confirm(message["at"], url, message["visit"])
            if is_kept and outcome == "duplicate":
                self._note_missing(url, outcome, detail)
        if outcome == "stored":
            self._see(url)
            return Same(url)
        return NoPage(url, page_error(outcome, url, detail=detail), harmless=True)

    def _nothing(self, url: str, message: dict[str, Any]) -> NoPage:
        reason, is_start = message["reason"], message["is_start"]
        self._failures += reason in _PASSING
        self._starts_down |= is_start and reason not in BY_RULE
        if self._memory is not None and reason in _REMEMBERED and message["visit"]:
            self._memory.remember(url, reason, message["detail"], message["visit"])
        fields = {name: message[name] for name in ("status", "detail")}
        harmless = reason in BY_RULE and (not is_start or self._may_start_with(reason))
        return NoPage(url, page_error(reason, url, **fields), harmless)

    def _may_start_with(self, reason: str) -> bool:
        """Whether a start page that is left out for ``reason`` serves by its links all the same."""
        return self._request.depth > 0 and reason in _LEFT_OUT_BUT_FOLLOWED

    def _see(self, url: str) -> None:
        self._seen.add(url)
        self._missing.pop(url, None)

    def _note_missing(self, url: str, reason: str, detail: str) -> None:
        if url not in self._seen and self._memory is not None:
            self._missing[url] = (reason, detail)
            self._memory.doubt(url)

    def _is_suspicious(self, memory: SiteMemory) -> bool:
        """Whether nearly all known pages are missing at once."""
        left_out = sum(reason in _BY_REQUEST for reason, _ in self._missing.values())
        others = memory.count_kept() - left_out - 1  # the start page answered
        missing = self._count_missing() - left_out
        return missing >= _FEW_MISSING and missing >= _NEARLY_ALL * others

    def _count_missing(self) -> int:
        """Known pages that are not there. The first ones that turned into the same page came as
        pages, before it was clear what they are."""
        turned = any(reason == "duplicate" for reason, _ in self._missing.values())
        return len(self._missing) + MOST_TURNED * turned

    def _vanished(self, memory: SiteMemory) -> Iterator[Message]:
        url = self._request.url
        fields = {"count": self._count_missing(), "known": memory.count_kept()}
        yield NoPage(url, page_error("vanished", url, **fields), harmless=False)
        if self.reason == "finished":
            self.reason = "vanished"

    def _settle(self, memory: SiteMemory) -> Iterator[Message]:
        """Count misses, where the crawl saw enough to tell; say them in any case."""
        for name, (reason, detail) in sorted(self._missing.items()):
            counts = self.reason == "finished" or (self.reason == "pages" and reason == "status")
            count = memory.misses(name)
            if counts:
                is_final = reason == "status" and detail == "410"
                count = memory.miss(name, self._request.misses if is_final else 1)
            if counts and count >= self._request.misses and self._may_go(name, memory):
                if not memory.live_elsewhere(name):
                    yield Gone(name, miss_error("gone", name, reason, detail))
                    continue
                memory.removed(name)
            fields = {"count": count, "misses": self._request.misses}
            error = miss_error("missed", name, reason, detail, **fields)
            yield NoPage(name, error, harmless=True)

    def _may_go(self, name: str, memory: SiteMemory) -> bool:
        """Not while others were left out for being the same: these are read first."""
        return not memory.has_twins(name)

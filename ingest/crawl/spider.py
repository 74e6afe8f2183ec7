"""The crawler's own process: ``python -m ingest.crawl.spider`` with its options as JSON on stdin.

Scrapy does the crawling; this says what to ask for next. What became of it is settled by
:mod:`ingest.crawl.findings`, and said as :mod:`ingest.crawl.output` describes;
:mod:`ingest.crawl.run` is the other end.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.exceptions import DontCloseSpider, StopDownload
from scrapy.http import Response
from twisted.internet import task
from twisted.python.failure import Failure

from ingest.crawl.admission import AdmissionMiddleware, PublicResolver
from ingest.crawl.faults import Fault, fault_of
from ingest.crawl.findings import Findings
from ingest.crawl.frontier import Frontier
from ingest.crawl.kinds import can_be_read
from ingest.crawl.listing import Listing
from ingest.crawl.output import Output
from ingest.crawl.politeness import Pauses, Robots, Throttle
from ingest.crawl.scope import Scope
from ingest.crawl.urls import clean_url
from ingest.crawl.visit_reader import Visit, VisitReader

#: Requests given to Scrapy at once, beyond those that are under way.
MOST_QUEUED = 4
#: Answers in a row that ask for fewer requests, after which the crawl stops.
MOST_BUSY = 3


class SiteSpider(Spider):
    """One site, breadth first, within its scope and limits."""

    name = "site"

    def __init__(self, options: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = options
        scope = Scope.of(options)
        self.frontier = Frontier(scope, options["pages"], options["depth"])
        self.listing = Listing(scope, options)
        self.visits = VisitReader.of(options)
        self.output = Output(Path(options["folder"]))
        self.findings = Findings(
            options,
            frontier=self.frontier,
            listing=self.listing,
            visits=self.visits,
            output=self.output,
            ask_onward=self._ask_onward,
        )
        self.starts = list(dict.fromkeys((options["url"], *options["more_urls"])))
        self.outstanding = 0
        self.is_waiting = False  # for pages to be taken
        self.last: list[Visit] | None = None  # known pages that no link led to

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        spider: SiteSpider = super().from_crawler(crawler, *args, **kwargs)
        for handler, signal in (
            (spider.on_headers, signals.headers_received),
            (spider.on_request, signals.request_reached_downloader),
            (spider.on_robots, signals.robots_parsed),
            (spider.on_idle, signals.spider_idle),
            (spider.on_bug, signals.spider_error),
        ):
            crawler.signals.connect(handler, signal)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        self.parent = os.getppid()
        task.LoopingCall(self._regulate).start(0.1, now=False)
        self.frontier.asked.update(self.starts)
        for url in self.starts:
            if not self.findings.is_known(url):
                self.outstanding += 1
                yield self._request(url, is_start=True)

    def _regulate(self) -> None:
        """Go on when pages were taken; end with the process that started this one."""
        if os.getppid() != self.parent:
            os._exit(1)
        if self.is_waiting:
            self._go_on()

    # What Scrapy tells

    def on_headers(self, headers: Any, request: Request) -> None:
        """Give up a body that no loader could read before it is downloaded."""
        if "page" not in request.meta or headers.get(b"Location"):
            return
        declared = (headers.get(b"Content-Type") or b"").decode("latin-1")
        is_named = request.meta["is_start"] or self.frontier.scope.names(request.url)
        if not can_be_read(declared, request.url, is_named=is_named):
            raise StopDownload(fail=True)

    def on_request(self, request: Request) -> None:
        self.output.requests += 1

    def on_robots(self, robotparser: Any, request: Request) -> None:
        if request.meta.get("is_start"):
            self._ask_for(self.listing.found(request.url, list(robotparser.rp.sitemaps)))

    def on_idle(self) -> None:
        self.outstanding = 0
        self._go_on()
        if not self.outstanding and not self.is_waiting:
            self._end("links" if self.frontier.is_cut else "finished")
        raise DontCloseSpider

    def on_bug(self, failure: Failure, response: Response) -> None:
        """A fault of this program costs one page."""
        detail = f"{type(failure.value).__name__}: {failure.value}"
        self.output.nothing(clean_url(response.url), Fault("network", detail=detail))

    def on_page(self, response: Response) -> None:
        self.outstanding -= 1
        try:
            self.findings.take(response)
        finally:
            self._go_on(response.meta)

    def on_error(self, failure: Failure) -> None:
        self.outstanding -= 1
        request: Request = failure.request  # type: ignore[attr-defined]
        self.findings.miss(request.meta, fault_of(failure.value, request))
        self._go_on(request.meta)

    def on_sitemap(self, response: Response) -> None:
        self.outstanding -= 1
        further, pages, fault = self.listing.read(response)
        self._ask_for(further)
        self.findings.follow(pages, is_listed=True)
        if fault is not None:
            self.output.nothing(response.meta["sitemap"], fault)
        self._go_on()

    def on_no_sitemap(self, failure: Failure) -> None:
        self.outstanding -= 1
        request: Request = failure.request  # type: ignore[attr-defined]
        fault = self.listing.failed(request.meta["sitemap"], fault_of(failure.value, request))
        if fault is not None:
            self.output.nothing(request.meta["sitemap"], fault)
        self._go_on()

    # What to ask for

    def _request(self, url: str, **meta: Any) -> Request:
        meta = {"is_start": False, "is_last": False, "page": True, "asked": url} | meta
        # Filtered by the frontier; Scrapy's filter would drop redirects in a circle unsaid.
        return Request(url, self.on_page, errback=self.on_error, meta=meta, dont_filter=True)

    def _ask(self, request: Request) -> None:
        self.outstanding += 1
        self.crawler.engine.crawl(request)

    def _ask_onward(self, url: str, **meta: Any) -> None:
        self._ask(self._request(url, **meta))

    def _ask_for(self, sitemaps: list[str]) -> None:
        for url in sitemaps:
            meta = {"sitemap": url, "is_start": False}
            self._ask(
                Request(
                    url, self.on_sitemap, errback=self.on_no_sitemap, meta=meta, dont_filter=True
                )
            )

    def _go_on(self, meta: dict[str, Any] | None = None) -> None:
        """Keep Scrapy busy, but not with more than it needs, nor while pages pile up; a level
        begins when the one before it is done."""
        if (meta and meta.get("must_stop")) or self.findings.busy >= MOST_BUSY:
            self._end("busy")
        if self.findings.lost_starts == len(self.starts):
            self._end("down")
        most = self.options["concurrency"] + MOST_QUEUED
        while self.outstanding < most:
            self._check_limit()
            self.is_waiting = self.output.is_full
            request = None if self.is_waiting else self._next()
            if request is None:
                break
            self._ask(request)

    def _next(self) -> Request | None:
        """What to ask for next; None where nothing is left, or where answers must come first."""
        while self.last is None:
            url = self.frontier.pop()
            if url is None:
                if self.outstanding:
                    return None
                if not self.frontier.descend():
                    self.last = list(self.visits.kept())
            elif not self.findings.is_known(url):
                return self._request(url)
        return self._next_last(self.last)

    def _next_last(self, visits: list[Visit]) -> Request | None:
        """Of the known pages, those that no link led to."""
        while visits:
            visit = visits.pop()
            if not self.findings.is_settled(visit):
                return self._request(visit.url, is_last=True)
        return None

    def _check_limit(self) -> None:
        left = self.frontier or self.outstanding
        if self.findings.count >= self.options["pages"] and left and self.last is None:
            self._end("pages")

    def _end(self, reason: str) -> None:
        """At once: asked politely, Scrapy waits for what is under way, and nothing is to be
        saved."""
        self.output.done(reason)
        os._exit(0)


def main() -> None:
    options = json.load(sys.stdin)
    settings = options.pop("scrapy") | {
        "CRAWL": options,
        "DOWNLOADER_MIDDLEWARES": {AdmissionMiddleware: 50, Robots: 100, Pauses: 560},
        "EXTENSIONS": {Throttle: 0},
        "TWISTED_DNS_RESOLVER": PublicResolver,
    }
    process = CrawlerProcess(settings)
    # These log every page that fails; it is said on standard output already. Not before the
    # process is made: that sets the levels of all.
    for name in ("downloadermiddlewares", "core.downloader"):
        logging.getLogger(f"scrapy.{name}").setLevel(logging.CRITICAL)
    process.crawl(SiteSpider, options=options)
    process.start()


if __name__ == "__main__":
    main()

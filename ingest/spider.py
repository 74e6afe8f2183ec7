"""The crawler's own process: ``python -m ingest.spider`` with its options as JSON on stdin.

Scrapy does the crawling. What comes out is one JSON object a line on standard output: ``page``
(the body in a file of the folder that was given), ``nothing`` (no page: reason, status, detail),
and ``done``. :mod:`ingest.crawl` is the other end.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.exceptions import (
    CannotResolveHostError,
    CloseSpider,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    StopDownload,
)
from scrapy.http import Response, TextResponse
from scrapy.linkextractors import IGNORED_EXTENSIONS, LinkExtractor
from scrapy.resolver import CachingThreadedResolver
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet import task, threads
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.python.failure import Failure

from ingest.addresses import Scope, clean_url, is_proxied, is_public, proxy_hosts, resolve
from ingest.load.detect import MEDIA_TYPES, SUFFIXES

# Downloads wait while so many pages have not been taken yet.
MOST_WAITING = 32
_IGNORED = [name for name in IGNORED_EXTENSIONS if f".{name}" not in SUFFIXES]
_UNDECLARED = ("", "application/octet-stream", "binary/octet-stream")
_SEPARATORS = re.compile(r"[\s,]+")
_ROBOTS_META = "//meta[translate(@name, 'ROBTS', 'robts') = 'robots']/@content"

# The hosts whose names led to addresses outside the public network.
_refused_hosts: set[str] = set()


class Refused(IgnoreRequest):
    """A request that the rules of the crawl forbid; ``reason`` as in the output."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class PublicResolver(CachingThreadedResolver):
    """Gives public addresses only, at the moment of connecting: a name that changes its address
    between a check and its use gains nothing."""

    proxies = proxy_hosts()

    def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
        return super().getHostByName(name, timeout).addCallback(self._check, name)

    def _check(self, address: str, name: str) -> str:
        if name not in self.proxies and not is_public(address):
            _refused_hosts.add(name)
            raise DNSLookupError(f"{name} is {address}, not a public address")
        return address


class ScopeMiddleware:
    """Stands before every request, those of redirects and robots.txt included."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.scope = Scope(options["url"], options["prefix"])
        self.allow_private: bool = options["allow_private"]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ScopeMiddleware:
        return cls(crawler.settings["CRAWL"])

    async def process_request(self, request: Request) -> None:
        is_robots = request.meta.get("dont_obey_robotstxt", False)
        if not is_robots and request.url not in self.scope:
            raise Refused("redirect", request.url)
        if self.allow_private:
            request.meta["proxy"] = None  # a proxy would look for the address on its own network
            return
        host = urlsplit(request.url).hostname or ""
        # Neither names that a proxy resolves nor IPv6 addresses pass through our resolver.
        if ":" in host or is_proxied(request.url):
            addresses = await maybe_deferred_to_future(threads.deferToThread(resolve, host))
            if not all(map(is_public, addresses)):
                raise Refused("private", host)


class SiteSpider(Spider):
    """One site, breadth first, within its scope and limits."""

    name = "site"

    def __init__(self, options: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = options
        self.scope = Scope(options["url"], options["prefix"])
        self.folder = Path(options["folder"])
        self.links = LinkExtractor(deny_extensions=_IGNORED, tags=("a", "area"))
        self.handled = 0  # of those asked for
        self.count = 0  # of those that became pages
        self.emitted: set[str] = set()
        self.asked = {clean_url(options["url"])}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        spider: SiteSpider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.on_headers, signals.headers_received)
        crawler.signals.connect(spider.on_opened, signals.spider_opened)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        yield self._request(self.options["url"], is_start=True)

    def on_opened(self) -> None:
        self.parent = os.getppid()
        task.LoopingCall(self._regulate).start(0.5)

    def _regulate(self) -> None:
        """Wait while pages pile up; end with the process that started this one."""
        engine = self.crawler.engine
        if os.getppid() != self.parent:
            os._exit(1)
        waiting = sum(1 for _ in self.folder.iterdir())
        if waiting > MOST_WAITING and not engine.paused:
            engine.pause()
        elif waiting < MOST_WAITING // 2 and engine.paused:
            engine.unpause()

    def on_headers(self, headers: Any, request: Request) -> None:
        """Give up a body that no loader could read before it is downloaded."""
        declared = (headers.get(b"Content-Type") or b"").decode("latin-1")
        media_type = declared.partition(";")[0].strip().lower()
        if request.meta.get("dont_obey_robotstxt") or headers.get(b"Location"):
            return
        if media_type not in MEDIA_TYPES and media_type not in _UNDECLARED:
            raise StopDownload(fail=True)

    def _request(self, url: str, *, is_start: bool = False) -> Request:
        meta = {"is_start": is_start}
        # Filtered by `asked` already; Scrapy's filter would drop redirects in a circle unsaid.
        return Request(url, self.parse_page, errback=self.on_error, meta=meta, dont_filter=True)

    def parse_page(self, response: Response) -> Iterator[Request]:
        url = clean_url(response.url)
        limit = self.options["pages"]
        self.handled += 1
        if url in self.emitted or self.count >= limit:
            return
        self.emitted.add(url)
        directives = _directives(response)
        if "nofollow" not in directives and response.meta.get("depth", 0) < self.options["depth"]:
            yield from self._follow(response)
        if "noindex" in directives:
            self._say("nothing", url, response.request, reason="noindex")
        else:
            self._emit(url, response)
        if self.count >= limit:
            raise CloseSpider("pages" if len(self.asked) > self.handled else "finished")

    def _emit(self, url: str, response: Response) -> None:
        self.count += 1
        path = self.folder / f"{self.count:06d}"
        path.write_bytes(response.body)
        self._say(
            "page",
            url,
            response.request,
            file=str(path),
            content_type=_header(response, b"Content-Type"),
            known=min(len(self.asked), self.options["pages"]),
        )

    def _follow(self, response: Response) -> Iterator[Request]:
        if not isinstance(response, TextResponse):
            return
        for link in self.links.extract_links(response):
            if link.nofollow or link.url not in self.scope:
                continue
            url = clean_url(link.url)
            if url not in self.asked:
                self.asked.add(url)
                yield self._request(url)

    def on_error(self, failure: Failure) -> None:
        request: Request = failure.request  # type: ignore[attr-defined]
        error = failure.value
        self.handled += 1
        self._say(
            "nothing",
            request.meta.get("redirect_urls", [request.url])[0],
            request,
            reason=_reason(error, request),
            status=_status(error),
            detail=_detail(error),
        )

    def closed(self, reason: str) -> None:
        say({"event": "done", "reason": reason})

    def _say(self, event: str, url: str, request: Request | None, **fields: Any) -> None:
        is_start = request is not None and request.meta["is_start"]
        say({"event": event, "url": url, "is_start": is_start, **fields})


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (StopDownload, "type"),
    (DownloadTimeoutError, "timeout"),
    (DownloadConnectionRefusedError, "refused"),
    (DownloadCancelledError, "size"),
)
_IGNORED_BECAUSE = (
    ("robots.txt", "robots"),
    ("max redirections", "loop"),
    ("DOWNLOAD_MAXSIZE", "size"),
)


def _reason(error: BaseException | None, request: Request) -> str:
    """One of the words that :data:`ingest.crawl.REASONS` explains."""
    if isinstance(error, Refused):
        return error.reason
    if isinstance(error, CannotResolveHostError):
        return "private" if urlsplit(request.url).hostname in _refused_hosts else "name"
    if (_status(error) or 200) >= 300:
        return "status"
    for kind, word in _REASONS:
        if isinstance(error, kind):
            return word
    # Scrapy says why it ignores a request in words only.
    return next((word for text, word in _IGNORED_BECAUSE if text in str(error)), "network")


def _status(error: BaseException | None) -> int | None:
    if isinstance(error, HttpError | StopDownload) and error.response is not None:
        return int(error.response.status)
    return None


def _detail(error: BaseException | None) -> str:
    if isinstance(error, Refused):
        return error.detail
    if isinstance(error, StopDownload) and error.response:
        return _header(error.response, b"Content-Type")
    return str(error)


def _header(response: Response, name: bytes) -> str:
    return (response.headers.get(name) or b"").decode("latin-1")


def _directives(response: Response) -> set[str]:
    """What the page asks of robots, in its header or its ``<meta>``."""
    said = [_header(response, b"X-Robots-Tag")]
    if isinstance(response, TextResponse):
        said += response.xpath(_ROBOTS_META).getall()
    words = set(_SEPARATORS.split(",".join(said).lower()))
    return words | {"noindex", "nofollow"} if "none" in words else words


def say(message: dict[str, Any]) -> None:
    """One line to the parent; when the parent is gone there is nothing left to do."""
    try:
        sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)


def main() -> None:
    options = json.load(sys.stdin)
    # These log every page that fails; it is said on standard output already.
    logging.getLogger("scrapy.downloadermiddlewares").setLevel(logging.CRITICAL)
    settings = options.pop("scrapy") | {
        "CRAWL": options,
        "DOWNLOADER_MIDDLEWARES": {ScopeMiddleware: 50},
    }
    if not options["allow_private"]:
        settings["TWISTED_DNS_RESOLVER"] = PublicResolver
    process = CrawlerProcess(settings)
    process.crawl(SiteSpider, options=options)
    process.start()


if __name__ == "__main__":
    main()

"""How a site wants to be asked: robots.txt and its pauses, Retry-After, and its pace."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

#: Of robots.txt, as its standard asks crawlers to read at least.
ROBOTS_BYTES = 512 * 1024
#: The longest pause in seconds that is waited for within a crawl.
LONGEST_PAUSE = 120.0
#: Repetitions of one request that was answered with "too many requests".
MOST_REPETITIONS = 3
_BUSY = (429, 503)


class RobotsDown(IgnoreRequest):
    """robots.txt can't be had, for ``fault``, so that it is not known what may be fetched."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Robots(RobotsTxtMiddleware):
    """robots.txt by its standard (RFC 9309): 4xx allows all, 5xx and silence forbid all."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._down: dict[str, Exception] = {}

    def process_request_2(self, rp: Any, request: Request) -> None:
        fault = self._down.get(urlparse_cached(request).netloc)
        if fault is not None:
            raise RobotsDown(fault)
        super().process_request_2(rp, request)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500 or response.status == 429:
            raise IgnoreRequest(f"HTTP {response.status}")
        body = response.body[:ROBOTS_BYTES] if response.status < 300 else b""
        await super()._parse_robots(response.replace(body=body), netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        self._down[netloc] = exc
        super()._robots_error(exc, netloc)


class Throttle(AutoThrottle):
    """Scrapy's pace by the site's own speed, never faster than robots.txt asks for."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._floors: dict[str, float] = {}
        crawler.signals.connect(self._on_robots, signals.robots_parsed)

    def _on_robots(self, robotparser: Any, request: Request) -> None:
        pause = _asked_pause(robotparser.rp, self.crawler.settings["USER_AGENT"])
        if not pause:
            return
        downloader = self.crawler.engine.downloader
        key = downloader.get_slot_key(request)
        self._floors[key] = pause
        downloader.per_slot_settings[key] = {"delay": pause, "jitter": 0.0, "concurrency": 1}
        slot = downloader.slots.get(key)
        if slot is not None:
            slot.delay, slot.jitter, slot.concurrency = max(slot.delay, pause), 0.0, 1

    def _response_downloaded(self, response: Response, request: Request, spider: Any) -> None:
        super()._response_downloaded(response, request, spider)
        key, slot = self._get_slot(request, spider)
        if slot is not None and key in self._floors:
            slot.delay = max(slot.delay, self._floors[key])


def _asked_pause(rules: Any, user_agent: str) -> float:
    """Seconds between two requests that robots.txt asks for, or 0."""
    pause = float(rules.crawl_delay(user_agent) or 0)
    rate = rules.request_rate(user_agent)
    return max(pause, rate.seconds / rate.requests) if rate and rate.requests else pause


class Pauses:
    """Waits as Retry-After asks, within :data:`LONGEST_PAUSE`; the whole host waits.

    A request that may not be repeated any more comes back as the answer that it got.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Pauses:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        host = urlparse_cached(request).netloc
        while (left := self._until.get(host, 0.0) - time.monotonic()) > 0:
            await maybe_deferred_to_future(_sleep(left))

    def process_response(self, request: Request, response: Response) -> Response | Request:
        if response.status not in _BUSY:
            return response
        count = request.meta.get("pauses", 0)
        said = (response.headers.get(b"Retry-After") or b"").decode("latin-1").strip()
        if response.status == 503 and not said:
            return response  # repeated at once, as other faults of a server
        pause = retry_after(said, time.time())
        pause = 2.0 ** (count + 1) if pause is None else pause
        if pause > LONGEST_PAUSE or count >= MOST_REPETITIONS:
            request.meta.update({"dont_retry": True, "pause": said or f"{pause:.0f}"})
            request.meta["must_stop"] = pause > LONGEST_PAUSE
            return response
        host = urlparse_cached(request).netloc
        self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + pause)
        repeated = request.copy()
        repeated.meta["pauses"] = count + 1
        repeated.dont_filter = True
        return repeated


def retry_after(said: str, now: float) -> float | None:
    """Seconds from ``now`` (since the epoch) that a Retry-After header asks for; None where it
    asks for none."""
    if said.isdigit():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())


def _sleep(seconds: float) -> Deferred[None]:
    from twisted.internet import reactor  # not before Scrapy has chosen it

    return deferLater(reactor, seconds)

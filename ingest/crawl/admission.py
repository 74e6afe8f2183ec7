"""What stands before every request, those of redirects, robots.txt and sitemaps included: the
scope of the crawl, the network it may reach, and the validators of what is known already."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet import threads
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from ingest.crawl.network import is_proxied, is_public, proxy_hosts, resolve
from ingest.crawl.scope import Scope
from ingest.crawl.urls import clean_url
from ingest.crawl.visit_reader import VisitReader

# The hosts whose names led to addresses outside the public network.
refused_hosts: set[str] = set()


class Refused(IgnoreRequest):
    """A request that the rules of the crawl forbid; ``reason`` as in the output."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class PublicResolver(CachingThreadedResolver):
    """Gives public addresses only, at the moment of connecting: a name that changes its address
    between a check and its use gains nothing. Proxies are exempt, and the hosts of a site that
    is allowed to be private."""

    proxies = proxy_hosts()
    scope: Scope
    allow_private: bool

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> PublicResolver:
        resolver: PublicResolver = super().from_crawler(crawler, reactor)
        options = crawler.settings["CRAWL"]
        resolver.scope = Scope.of(options)
        resolver.allow_private = options["allow_private"]
        return resolver

    def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
        return super().getHostByName(name, timeout).addCallback(self._check, name)

    def _check(self, address: str, name: str) -> str:
        if self._is_free(name) or is_public(address):
            return address
        refused_hosts.add(name)
        raise DNSLookupError(f"{name} is {address}, not a public address")

    def _is_free(self, name: str) -> bool:
        return name in self.proxies or (self.allow_private and self.scope.owns(name))


class AdmissionMiddleware:
    """Refuses what is out of scope or on a private network; makes requests conditional."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.scope = Scope.of(options)
        self.allow_private: bool = options["allow_private"]
        self.visits = VisitReader.of(options)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> AdmissionMiddleware:
        return cls(crawler.settings["CRAWL"])

    async def process_request(self, request: Request) -> None:
        if not request.meta.get("dont_obey_robotstxt"):
            self._check_scope(request)
        self._add_validators(request)
        host = urlsplit(request.url).hostname or ""
        if self.allow_private and self.scope.owns(host):
            request.meta["proxy"] = None  # a proxy would look for the address on its own network
        # Neither names that a proxy resolves nor IPv6 addresses pass through our resolver.
        elif ":" in host or is_proxied(request.url):
            addresses = await maybe_deferred_to_future(threads.deferToThread(resolve, host))
            if not all(map(is_public, addresses)):
                raise Refused("private", host)

    def _check_scope(self, request: Request) -> None:
        url = request.url
        if "sitemap" in request.meta:
            if not self.scope.is_on_site(url):
                raise Refused("redirect", url)
        elif url not in self.scope:
            raise Refused("redirect", url)
        elif not request.meta["is_start"] and not self.scope.wants(url):
            raise Refused("pattern", url)

    def _add_validators(self, request: Request) -> None:
        """For the address itself: those of one that redirected here say nothing of it."""
        request.headers.pop(b"If-None-Match", None)
        request.headers.pop(b"If-Modified-Since", None)
        visit = None if "page" not in request.meta else self.visits.visit(clean_url(request.url))
        request.meta["visit"] = visit
        if visit is not None and visit.etag:
            request.headers[b"If-None-Match"] = visit.etag
        if visit is not None and visit.modified:
            request.headers[b"If-Modified-Since"] = visit.modified

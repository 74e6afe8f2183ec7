"""The sitemaps of a crawl, taken together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy.http import Response

from ingest.crawl.faults import Fault, fault_of_status
from ingest.crawl.scope import Scope
from ingest.crawl.sitemaps import MOST_FILES, MOST_URLS, SitemapError, read_sitemap, settled
from ingest.crawl.urls import clean_url


class Listing:
    """The addresses that the site itself names. Memory: at most :data:`MOST_URLS` of them."""

    def __init__(self, scope: Scope, options: dict[str, Any]) -> None:
        self._scope = scope
        self._is_wanted = options["sitemap"] and options["depth"] > 0
        self._most_bytes = options["most_bytes"]
        self._changed: dict[str, str] = {}
        self._asked: set[str] = set()
        self._declared: set[str] = set()
        self._hosts: set[str] = set()
        self._open = 0
        self._failed = False
        self._now = datetime.now(UTC)

    def __contains__(self, url: str) -> bool:
        return url in self._changed

    @property
    def is_whole(self) -> bool:
        """Whether all sitemaps came, so that what is not in them is not listed any more."""
        return bool(self._changed) and not self._failed and not self._open

    def lastmod(self, url: str) -> str:
        """When ``url`` changed, as the site says it, or an empty string."""
        return self._changed.get(url, "")

    def settled_lastmod(self, url: str) -> str:
        """The same, empty where a change after now would not show in it."""
        return settled(self.lastmod(url), self._now)

    def found(self, page: str, declared: list[str]) -> list[str]:
        """Sitemaps to ask for on the host of ``page``, whose robots.txt declares these."""
        host = urlsplit(page).netloc
        if not self._is_wanted or host in self._hosts:
            return []
        self._hosts.add(host)
        self._declared.update(declared)
        return self._new(declared or [f"{urlsplit(page).scheme}://{host}/sitemap.xml"])

    def read(self, response: Response) -> tuple[list[str], list[str], Fault | None]:
        """Further sitemaps, pages on the site, and what is wrong with this one."""
        url = response.meta["sitemap"]
        if response.status != 200:
            return [], [], self.failed(url, fault_of_status(response))
        self._open -= 1
        try:
            sitemap = read_sitemap(response.body, self._most_bytes)
        except SitemapError as error:
            self._open += 1
            return [], [], self.failed(url, Fault("sitemap", detail=str(error)))
        pages = self._cleaned(sitemap.pages)
        room = MOST_URLS - len(self._changed)
        self._failed |= len(pages) > room
        self._changed.update(list(pages.items())[:room])
        self._declared.update(sitemap.others)
        return self._new(sitemap.others), list(pages)[:room], None

    def failed(self, url: str, fault: Fault) -> Fault | None:
        """A sitemap did not come: something to say only where the site named it."""
        self._open -= 1
        if url not in self._declared:
            return None
        self._failed = True
        detail = f"HTTP {fault.status}" if fault.status else fault.detail or fault.reason
        return Fault("sitemap", detail=detail)

    def _new(self, urls: list[str]) -> list[str]:
        new = [url for url in dict.fromkeys(urls) if url not in self._asked]
        room = MOST_FILES - len(self._asked)
        self._failed |= len(new) > room
        self._asked.update(new[:room])
        self._open += len(new[:room])
        return new[:room]

    def _cleaned(self, pages: dict[str, str]) -> dict[str, str]:
        found = {}
        for address, lastmod in pages.items():
            try:
                url = clean_url(address)
            except ValueError:  # a host or port that is none
                continue
            if self._scope.is_on_site(url):
                found[url] = lastmod
        return found

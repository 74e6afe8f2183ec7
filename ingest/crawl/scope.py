"""Which addresses belong to a crawl."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ingest.crawl.urls import DEFAULT_PORTS, LONGEST_URL
from ingest.patterns import matches

WEB = ("http://", "https://")


class Scope:
    """The hosts of the start URLs and, of these, the paths that are wanted.

    A site that moves between http and https on the default ports, or to a name with or without
    "www.", stays the same site.
    """

    def __init__(
        self,
        starts: Iterable[str],
        prefix: str = "/",
        *,
        subdomains: bool = False,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
    ) -> None:
        self._sites = {_site(start) for start in starts}
        self._prefix = prefix
        self._subdomains = subdomains
        self._include = tuple(include)
        self._exclude = tuple(exclude)
        self._known: dict[str, bool] = {}

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Scope:
        """The scope of a crawl request, given as its fields."""
        return cls(
            (options["url"], *options["more_urls"]),
            options["prefix"],
            subdomains=options["subdomains"],
            include=options["include"],
            exclude=options["exclude"],
        )

    def __contains__(self, url: str) -> bool:
        """Whether ``url`` is on the site and below the prefix."""
        return self.is_on_site(url) and _path(url).startswith(self._prefix)

    def is_on_site(self, url: str) -> bool:
        """Whether ``url`` is on one of the hosts."""
        if not url.startswith(WEB) or len(url) > LONGEST_URL:
            return False
        place = "/".join(url.split("/", 3)[:3])
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._has(place)
        return known

    def wants(self, url: str) -> bool:
        """Whether the patterns leave ``url`` in."""
        if not (self._include or self._exclude):
            return True
        path = url.split("/", 3)[3] if url.count("/") > 2 else ""
        if _matches(path, self._exclude):
            return False
        return not self._include or _matches(path, self._include)

    def names(self, url: str) -> bool:
        """Whether a pattern includes ``url``: then it was asked for by name."""
        return bool(self._include) and self.wants(url)

    def owns(self, host: str) -> bool:
        """Whether ``host`` is one of the site's."""
        return any(self._is_same(_bare(host), own) for own, _ in self._sites)

    def _has(self, place: str) -> bool:
        try:
            host, port = _site(place)
        except ValueError:  # a port that is no number
            return False
        return any(port == own[1] and self._is_same(host, own[0]) for own in self._sites)

    def _is_same(self, host: str, own: str) -> bool:
        return host == own or (self._subdomains and host.endswith(f".{own}"))


def _site(url: str) -> tuple[str, int | str]:
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return _bare(parts.hostname or ""), "default" if port in (80, 443) else port


def _bare(host: str) -> str:
    return host.lower().rstrip(".").removeprefix("www.")


def _path(url: str) -> str:
    rest = url.split("/", 3)
    return "/" + rest[3] if len(rest) > 3 else "/"


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    """``path`` without its first slash, with its query: patterns may be of either form."""
    bare = path.partition("?")[0]
    for pattern in patterns:
        if pattern.startswith("re:"):
            if _regex(pattern[3:]).search(f"/{path}"):
                return True
        elif matches(bare, (pattern,)) or (bare != path and matches(path, (pattern,))):
            return True
    return False


@lru_cache(maxsize=512)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)

"""What to crawl, and within which limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from assistant.errors import PageError
from ingest.crawl.urls import clean_url

#: The least and the most that makes sense, by field.
_LIMITS: dict[str, tuple[float, float]] = {
    "depth": (0, 1000),
    "pages": (1, 1_000_000),
    "delay": (0, 3600),
    "concurrency": (1, 16),
    "timeout": (0.1, 3600),
    "misses": (1, 1000),
    "seconds": (0, float("inf")),
}


@dataclass(frozen=True)
class CrawlRequest:
    """Pages on the hosts of the start URLs, reached by at most ``depth`` links, at most ``pages``.

    Args:
        url, more_urls: where to start; these pages are always followed.
        prefix: only paths that begin with it.
        include, exclude: patterns of the paths (with or without their query) that are wanted:
            globs as in :mod:`ingest.patterns`, or regular expressions after ``re:``. What is
            excluded is not asked for; where something is included, nothing else is.
        sitemap: pages are also found in the sitemaps that robots.txt names, or /sitemap.xml.
        subdomains: hosts below those of the start URLs belong to the site.
        allow_private: the site's own hosts may have private addresses.
        delay, timeout: the least pause between two requests and the longest wait for the whole
            answer to one, in seconds. robots.txt may ask for a longer pause.
        concurrency: requests under way at once, for each host.
        languages: pages that say that they are in another one are left out ("zh", "en-GB").
        misses: crawls that have to miss a page before it is gone.
        seconds: time for this crawl; the next one goes on from there.

    Raises:
        PageError: a URL is not one of http or https with a host, or a value makes no sense.
    """

    url: str
    more_urls: tuple[str, ...] = ()
    depth: int = 3
    pages: int = 500
    prefix: str = "/"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sitemap: bool = True
    subdomains: bool = False
    allow_private: bool = False
    delay: float = 0.2
    concurrency: int = 4
    timeout: float = 30.0
    languages: tuple[str, ...] = ()
    misses: int = 2
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("more_urls", "include", "exclude", "languages"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "url", _checked_url(self.url))
        object.__setattr__(self, "more_urls", tuple(map(_checked_url, self.more_urls)))
        if not self.prefix.startswith("/"):
            object.__setattr__(self, "prefix", f"/{self.prefix}")
        self._check_limits()
        for pattern in (*self.include, *self.exclude):
            _check_pattern(pattern)

    @property
    def starts(self) -> tuple[str, ...]:
        """The start URLs, each once."""
        return tuple(dict.fromkeys((self.url, *self.more_urls)))

    def _check_limits(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name not in _LIMITS or value is None:
                continue
            low, high = _LIMITS[each.name]
            if not low <= value <= high:
                raise PageError(
                    "{name} of a crawl is {value}: give a number from {low} to {high}.",
                    "抓取参数 {name} 的值是 {value}：应为 {low} 到 {high} 之间的数。",
                    name=each.name,
                    value=value,
                    low=low,
                    high=high,
                )


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        if usable and (parts.port or 80) > 0:
            return clean_url(url)
    except ValueError:  # a port or a host that is none
        pass
    raise PageError(
        "{url} is not a web address: give one like https://example.org/docs/.",
        "{url} 不是网页地址：请使用形如 https://example.org/docs/ 的地址。",
        url=url,
    )


def _check_pattern(pattern: str) -> None:
    if not pattern.startswith("re:"):
        return
    try:
        re.compile(pattern[3:])
    except re.error as error:
        raise PageError(
            "The pattern {pattern} is no regular expression ({reason}): mend it, or write a glob "
            "such as /docs/**.",
            "模式 {pattern} 不是正则表达式（{reason}）：请修改，或使用 /docs/** 这样的通配符。",
            pattern=pattern,
            reason=error,
        ) from error

"""The addresses of a crawl, level by level: what is near the start comes first, and how many links
away a page is does not depend on which answer came sooner."""

from __future__ import annotations

from collections import deque

from ingest.crawl.kinds import may_be_read
from ingest.crawl.scope import Scope
from ingest.crawl.traps import Traps

#: Addresses for each page of the limit: more are not remembered.
URLS_PER_PAGE = 20
LEAST_URLS = 20_000


class Frontier:
    """Which addresses were and are to be visited.

    Memory: at most ``max(LEAST_URLS, URLS_PER_PAGE * pages)`` addresses.
    """

    def __init__(self, scope: Scope, pages: int, depth: int) -> None:
        self.scope = scope
        self.traps = Traps()
        self.asked: set[str] = set()
        self.level = 0
        self.trapped: list[tuple[str, str, str]] = []  # URL, reason, detail: to be said
        self.is_cut = False
        self._depth = depth
        self._most = max(LEAST_URLS, URLS_PER_PAGE * pages)
        self._queue: deque[str] = deque()
        self._next: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._queue or self._next)

    def add(self, urls: list[str], *, is_listed: bool = False) -> None:
        """Clean URLs found on a page of this level; those that are wanted and new are visited on
        the next. What a sitemap lists is no trap."""
        if self.level >= self._depth:
            return
        for url in urls:
            if url not in self.asked and self._is_wanted(url):
                self._take(url, is_listed or self.scope.names(url))

    def pop(self) -> str | None:
        """The next address of this level, or None at its end."""
        return self._queue.popleft() if self._queue else None

    def descend(self) -> bool:
        """Go on to the next level; False where there is none."""
        self._queue, self._next = deque(self._next), []
        self.level += 1
        return bool(self._queue)

    def _is_wanted(self, url: str) -> bool:
        if not may_be_read(url) and not self.scope.names(url):
            return False
        return url in self.scope and self.scope.wants(url)

    def _take(self, url: str, is_named: bool) -> None:
        if len(self.asked) >= self._most:
            if not self.is_cut:
                self.trapped.append((url, "links", str(self._most)))
            self.is_cut = True
            return
        self.asked.add(url)
        caught = None if is_named else self.traps.catches(url)
        if caught is None:
            self._next.append(url)
        elif self.traps.is_first(caught[0], url):
            self.trapped.append((url, *caught))

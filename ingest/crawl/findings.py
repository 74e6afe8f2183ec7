"""What became of each address that was asked for; said on the output, and followed further."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from scrapy.http import Response

from ingest.crawl.faults import Fault, fault_of_status, header
from ingest.crawl.frontier import Frontier
from ingest.crawl.judge import Judge, Verdict
from ingest.crawl.listing import Listing
from ingest.crawl.output import Output
from ingest.crawl.urls import clean_url
from ingest.crawl.visit_reader import Visit, VisitReader

#: Faults that say something lasting of a known page; others may pass.
_LASTING = ("robots", "noindex", "redirect", "type", "language", "pattern", "duplicate")


class Findings:
    """Settles answers one by one.

    Args:
        ask_onward: asks for an address that a page leads to by itself, with these fields of meta.
    """

    def __init__(
        self,
        options: dict[str, Any],
        *,
        frontier: Frontier,
        listing: Listing,
        visits: VisitReader,
        output: Output,
        ask_onward: Callable[..., None],
    ) -> None:
        self._limit = options["pages"]
        self._frontier = frontier
        self._listing = listing
        self._visits = visits
        self._output = output
        self._ask_onward = ask_onward
        self._judge = Judge(options, frontier.scope)
        self.count = 0  # pages of the knowledge base, old and new
        self.lost_starts = 0
        self.busy = 0  # answers in a row that ask for fewer requests
        self.named: dict[str, str] = {}  # the names of the pages by the addresses they came from
        self.handled: set[str] = set()

    def is_known(self, url: str) -> bool:
        """Whether ``url`` need not be asked for: its links are followed as they were then."""
        visit = self._visits.visit(url)
        if visit is None:
            return False
        if not self._visits.is_done(visit):
            if not visit.is_unchanged_by(self._listing.lastmod(url), time.time()):
                return False
            self._output.same(visit, {"is_listed": True, "is_asked": False})
        self._keep(visit)
        self.follow(visit.links)
        return True

    def is_settled(self, visit: Visit) -> bool:
        """Whether a page that no link led to need not be asked for: it was seen, has another name
        by now, or is out of scope. What it lacks is said."""
        if visit.url in self.handled or visit.run == self._visits.run:
            name = self.named.get(visit.url, visit.name)
            if name != visit.name and visit.name not in self.handled:
                self._output.missing(visit.name, "moved", name)
            return True
        if visit.url in self._frontier.scope and self._frontier.scope.wants(visit.url):
            return False
        self._output.missing(visit.name, "scope")
        return True

    def follow(self, links: list[str], *, is_listed: bool = False) -> None:
        self._frontier.add(links, is_listed=is_listed)
        while self._frontier.trapped:
            url, reason, detail = self._frontier.trapped.pop()
            self._output.nothing(url, Fault(reason, detail=detail))

    def take(self, response: Response) -> None:
        """An answer of any status."""
        meta = response.meta
        url = clean_url(response.url)
        self._frontier.asked.add(url)
        is_unchanged = response.status == 304 and meta["visit"] is not None
        if not is_unchanged and not 200 <= response.status < 300:
            self.miss(meta, fault_of_status(response))
            return
        self.busy = 0
        if url != meta["asked"]:
            self.handled.add(meta["asked"])
            self._rename(meta["asked"], url)
        if url in self.handled:
            return
        self.handled.add(url)
        self._settle(response, url, meta)

    def miss(self, meta: dict[str, Any], fault: Fault) -> None:
        """An address brought no page; ``meta`` is its request's."""
        self._miss_at(meta["asked"], fault, meta)
        self.busy += fault.reason == "busy"

    def is_missing(self, url: str, fault: Fault) -> bool:
        """Say so where a known page is no page any more."""
        visit = self._visits.visit(url)
        if visit is None or not visit.is_kept:
            return False
        if fault.reason == "status" and fault.status in (404, 410):
            self._output.missing(visit.name, "status", str(fault.status))
        elif fault.reason in _LASTING:
            self._output.missing(visit.name, fault.reason, fault.detail)
        else:
            return False
        return True

    def _settle(self, response: Response, url: str, meta: dict[str, Any]) -> None:
        visit: Visit | None = meta["visit"]
        fresh = self._judge.fresh(response)
        if meta["is_last"] and self._is_unlisted(visit):
            return
        if visit is not None and (response.status == 304 or visit.body == fresh["body"]):
            self._same(visit, fresh, meta)
            return
        is_known = visit is not None and visit.is_kept
        verdict = self._judge.judge(response, url, self._listing, fresh, is_known)
        if not meta["is_last"]:
            self.follow(verdict.links)
        if verdict.onward:
            self._go_onward(verdict, meta)
        elif verdict.fault is not None:
            if not is_known or not self.is_missing(url, verdict.fault):
                self._output.nothing(
                    url, verdict.fault, is_start=meta["is_start"], visit=verdict.visit
                )
        else:
            self._emit(verdict, response, meta)

    def _emit(self, verdict: Verdict, response: Response, meta: dict[str, Any]) -> None:
        self.count += 1
        self._rename(verdict.url, verdict.name)
        self.handled.add(verdict.name)
        known = min(len(self._frontier.asked), self._limit)
        self._output.page(
            verdict.name,
            response.body,
            header(response, b"Content-Type"),
            verdict.visit,
            is_start=meta["is_start"],
            known=max(known, self.count),
        )

    def _same(self, visit: Visit, fresh: dict[str, Any], meta: dict[str, Any]) -> None:
        if self._listing.is_whole:
            fresh["is_listed"] = visit.url in self._listing
            fresh["lastmod"] = self._listing.settled_lastmod(visit.url)
        self._output.same(visit, fresh)
        self._keep(visit)
        if not meta["is_last"]:
            self.follow(visit.links)

    def _keep(self, visit: Visit) -> None:
        self.handled.update((visit.url, visit.name))
        self.named[visit.url] = visit.name
        if visit.outcome == "stored":
            self.count += 1
            self._judge.note(visit.body, visit.name)

    def _rename(self, url: str, name: str) -> None:
        """What came from ``url`` belongs to ``name``; if it had another one, that is missing."""
        self.named[url] = name
        visit = self._visits.visit(url)
        if visit is not None and visit.is_kept and visit.name != name:
            self._output.missing(visit.name, "moved", name)

    def _is_unlisted(self, visit: Visit | None) -> bool:
        """Whether a page that no link leads to has left the sitemap; then it is missing."""
        if visit is None or not visit.is_listed or not self._listing.is_whole:
            return False
        if visit.url in self._listing:
            return False
        self._output.missing(visit.name, "unlisted")
        return True

    def _go_onward(self, verdict: Verdict, meta: dict[str, Any]) -> None:
        """A page that leads on by itself is a redirect."""
        chain = [*meta.get("chain", []), verdict.url]
        if verdict.onward in chain:
            self._miss_at(chain[0], Fault("loop"), meta)
        elif verdict.onward not in self._frontier.scope:
            self._miss_at(chain[0], Fault("redirect", detail=verdict.onward), meta)
        elif verdict.onward not in self.handled:
            self._frontier.asked.add(verdict.onward)
            fields = {"is_start": meta["is_start"], "chain": chain, "asked": meta["asked"]}
            self._ask_onward(verdict.onward, **fields)

    def _miss_at(self, url: str, fault: Fault, meta: dict[str, Any]) -> None:
        self.handled.add(url)
        self.lost_starts += meta["is_start"]
        if meta["is_start"] or not self.is_missing(url, fault):
            self._output.nothing(url, fault, is_start=meta["is_start"])
        visit = self._visits.visit(url)
        if visit is not None and visit.is_kept:
            # Its links still lead to what is known.
            self.follow(visit.links)

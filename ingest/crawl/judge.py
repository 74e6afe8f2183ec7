"""What an answer is: a page to keep and under which address, or the reason why it is none."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from scrapy.http import Response

from ingest.crawl.faults import Fault, header
from ingest.crawl.listing import Listing
from ingest.crawl.markup import Markup, header_directives, read_markup, says_other
from ingest.crawl.output import packed
from ingest.crawl.scope import Scope
from ingest.crawl.urls import is_variant
from ingest.crawl.visit_reader import MOST_TURNED


@dataclass
class Verdict:
    """What became of the answer from ``url``.

    ``name``: the address to keep the page under. ``links``: to be followed. ``onward``: where the
    page leads to by itself. ``fault``: why it is no page to keep. ``visit``: to be remembered.
    """

    url: str
    name: str
    links: list[str]
    visit: dict[str, Any]
    onward: str = ""
    fault: Fault | None = None


@dataclass
class Judge:
    """Knows the pages that came in this crawl, as far as telling duplicates takes it."""

    options: dict[str, Any]
    scope: Scope
    _texts: dict[str, str] = field(default_factory=dict)  # fingerprint by name
    _bodies: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fresh(self, response: Response) -> dict[str, Any]:
        """The validators of an answer: those of 304 may leave some out."""
        found = {
            "etag": header(response, b"ETag"),
            "modified": header(response, b"Last-Modified"),
        }
        if response.status != 304:
            found["body"] = hashlib.sha256(response.body).hexdigest()[:32]
        return {key: value for key, value in found.items() if value or response.status != 304}

    def note(self, body: str, name: str) -> None:
        """The page ``name`` is there, and its bytes have this hash."""
        if body and len(self._bodies[body]) < MOST_TURNED:
            self._bodies[body].append(name)

    def judge(
        self, response: Response, url: str, listing: Listing, visit: dict[str, Any], is_known: bool
    ) -> Verdict:
        """The verdict on a page that came whole.

        Args:
            visit: what :meth:`fresh` gave.
            is_known: another text of it is in the knowledge base.
        """
        bot = self.options["bot"]
        is_start = response.meta["is_start"]
        markup = read_markup(response.body, url, header(response, b"Content-Type"), bot)
        values = [each.decode("latin-1") for each in response.headers.getlist(b"X-Robots-Tag")]
        asks = header_directives(values, bot) | (markup.directives if markup else set())
        language = self._language(response, markup)
        is_other = says_other(language, self.options["languages"])
        links: list[str] = []
        if markup and "nofollow" not in asks and (is_start or not is_other):
            links = [link for link in markup.links if self.scope.is_on_site(link)]
        verdict = Verdict(url, url, links, visit)
        if markup and markup.refresh not in ("", url):
            verdict.onward = markup.refresh
        elif "noindex" in asks:
            verdict.fault = Fault("noindex")
        elif is_other:
            verdict.fault = Fault("language", detail=language)
        elif is_start and not self.scope.wants(url):
            verdict.fault = Fault("pattern")
        else:
            self._place(verdict, markup, is_known)
        visit |= {
            "at": url,
            "links": packed(links),
            "lastmod": listing.settled_lastmod(url),
            "is_listed": url in listing,
        }
        return verdict

    def _language(self, response: Response, markup: Markup | None) -> str:
        said = markup.language if markup else ""
        header_said = header(response, b"Content-Language")
        return said or ("" if "," in header_said else header_said.strip())

    def _place(self, verdict: Verdict, markup: Markup | None, is_known: bool) -> None:
        """Under which address the page is kept, unless it came under another one."""
        twins = [name for name in self._bodies[verdict.visit["body"]] if name != verdict.url]
        if len(twins) >= (MOST_TURNED if is_known else 1):
            verdict.fault = Fault("duplicate", detail=twins[0])
            return
        twin = self._canonical_twin(verdict, markup) if markup and markup.canonical else ""
        if twin:
            verdict.fault = Fault("duplicate", detail=twin)
        else:
            self.note(verdict.visit["body"], verdict.name)

    def _canonical_twin(self, verdict: Verdict, markup: Markup) -> str:
        """Choose the name. A canonical address counts where it is a form of the page's own and no
        other text came under it, so that no page is lost by a site that gets its addresses wrong.

        Returns:
            The name under which the same text came, or an empty string.
        """
        canonical = markup.canonical
        usable = canonical in self.scope and self.scope.wants(canonical)
        if usable and canonical != verdict.url:
            if self._texts.get(canonical) == markup.fingerprint:
                return canonical
            if is_variant(verdict.url, canonical) and canonical not in self._texts:
                verdict.name = canonical
        self._texts[verdict.name] = markup.fingerprint
        return ""

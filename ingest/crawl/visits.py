"""What is remembered of a site between two crawls, in the file of :mod:`ingest.state`."""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ingest.crawl.visit_reader import TRUSTED_SECONDS
from ingest.load.document import INSIDE
from ingest.state import State

_FIELDS = ("etag", "modified", "body", "lastmod", "is_listed", "links")


def open_memory(state: State, collection: str, origin: str) -> SiteMemory:
    """The memory of the crawls of ``origin`` (a source's name, or a start URL) for a collection."""
    return SiteMemory(state, collection, origin)


class SiteMemory:
    """The visits of one site. Its methods may be called by several threads.

    For the pipeline: :meth:`begin` before the crawl; then for each page that came one of
    :meth:`stored` and :meth:`rejected`, and for each that is gone :meth:`removed`.
    """

    def __init__(self, state: State, collection: str, origin: str) -> None:
        self._state = state
        self._collection = collection
        self._pending: dict[str, dict[str, Any]] = {}
        self._claims: dict[str, str] = {}  # the first page of this crawl with a text, by its hash
        self._twins: dict[str, tuple[str, str]] = {}
        self._doubted: set[str] = set()
        self._stored: Mapping[str, str] = {}
        self._lock = threading.RLock()
        place = (collection, origin)
        state.write("INSERT OR IGNORE INTO sites (collection, origin) VALUES (?, ?)", place)
        rows = state.rows(
            "SELECT id, run, is_open, touched FROM sites WHERE collection = ? AND origin = ?", place
        )
        row: Sequence[Any] = tuple(rows[0]) if rows else (0, 0, 0, 0.0)
        self._site, self._run, self._is_open, self._touched = row

    def close(self) -> None:
        """The file stays open: it is the caller's."""

    # For the pipeline

    def begin(self, stored: Mapping[str, str]) -> None:
        """Trust only what the knowledge base has as it was then.

        Args:
            stored: content hashes by URI. Other pages are fetched whole.
        """
        self._stored = stored
        rows = self._state.rows(
            "SELECT name, outcome, detail, content_hash, misses FROM visits WHERE site = ?",
            (self._site,),
        )
        missed = {row[0] for row in rows if row[4]}
        stale = [
            (self._site, name)
            for name, outcome, detail, content_hash, _ in rows
            if (outcome == "stored" and not self._is_stored(name, content_hash))
            or (outcome == "duplicate" and (detail in missed or detail not in stored))
        ]
        self._state.write_all(
            "UPDATE visits SET etag = '', modified = '', body = '', lastmod = '', run = 0 "
            "WHERE site = ? AND name = ?",
            stale,
        )

    def stored(self, uri: str, content_hash: str) -> None:
        """The page is in the knowledge base now, with this content: its visit is final."""
        name = uri.partition(INSIDE)[0]
        digest = "" if name != uri else content_hash
        with self._lock:
            visit = self._pending.get(name) if name != uri else self._pending.pop(name, None)
            if visit is not None:
                self._write(name, "stored", "", visit, is_kept=1, misses=0)
            self._state.write(
                "UPDATE visits SET outcome = 'stored', detail = '', content_hash = ?, is_kept = 1 "
                "WHERE site = ? AND name = ?",
                (digest, self._site, name),
            )
            # Left out for a text that is no longer this one's: to be read again.
            self._state.write(
                "UPDATE visits SET etag = '', modified = '', body = '' WHERE site = ? AND "
                "outcome = 'duplicate' AND detail = ? AND content_hash != ?",
                (self._site, name, digest),
            )

    def rejected(self, uri: str) -> None:
        """The page can't be read as it is now, or :meth:`same_text` had another: it is left alone
        until it changes."""
        name = uri.partition(INSIDE)[0]
        if name != uri:
            return
        with self._lock:
            visit = self._pending.pop(name, None)
            twin, content_hash = self._twins.pop(name, ("", ""))
            if visit is not None:
                outcome = "duplicate" if twin else "rejected"
                self._write(name, outcome, twin, visit, content_hash=content_hash)

    def removed(self, uri: str) -> None:
        """The page is no longer in the knowledge base, because it is gone."""
        if INSIDE not in uri:
            self._state.write("DELETE FROM visits WHERE site = ? AND name = ?", (self._site, uri))

    def documents(self) -> list[str]:
        """The pages that this site brought in, and no other site of the collection."""
        rows = self._state.rows(
            "SELECT name FROM visits WHERE site = ? AND is_kept = 1 ORDER BY name", (self._site,)
        )
        return [name for (name,) in rows if not self.live_elsewhere(name)]

    def forget(self) -> None:
        """The site is no longer wanted."""
        self._state.write("DELETE FROM visits WHERE site = ?", (self._site,))
        self._state.write("DELETE FROM sites WHERE id = ?", (self._site,))

    def live_elsewhere(self, uri: str) -> bool:
        """Whether another site of the collection holds the page, too."""
        return bool(
            self._state.rows(
                "SELECT 1 FROM visits JOIN sites ON sites.id = site WHERE collection = ? "
                "AND site != ? AND name = ? AND is_kept = 1 AND misses = 0 LIMIT 1",
                (self._collection, self._site, uri),
            )
        )

    def same_text(self, uri: str, content_hash: str) -> str | None:
        """Another page of this site with the same text, which is in the knowledge base or about
        to be; else ``uri`` is the one, for the rest of this crawl."""
        rows = self._state.rows(
            "SELECT name FROM visits WHERE site = ? AND content_hash = ? AND name != ? "
            "AND outcome = 'stored' AND is_kept = 1 AND misses = 0",
            (self._site, content_hash, uri),
        )
        with self._lock:
            twins = [name for (name,) in rows if name not in self._doubted]
            first = self._claims.setdefault(content_hash, twins[0] if twins else uri)
            if first == uri:
                return None
            self._twins[uri] = (first, content_hash)
            return first

    # For the crawl

    def start_run(self, is_in_scope: Callable[[str], bool]) -> dict[str, Any] | None:
        """Begin a run, or go on with one that was cut lately; what the crawler's process needs to
        read of it, or None where the file can't be used."""
        now = time.time()
        is_continued = bool(self._is_open) and now - self._touched < TRUSTED_SECONDS
        if not is_continued:
            self._run += 1
        self._adopt(is_in_scope)
        self._state.write(
            "UPDATE sites SET run = ?, is_open = 1, touched = ? WHERE id = ?",
            (self._run, now, self._site),
        )
        if not self._state.is_usable:
            return None
        return {"path": str(self._state.path), "site": self._site, "run": self._run}

    def end_run(self, *, is_over: bool) -> None:
        """``is_over``: the next run begins anew; else it goes on with this one."""
        self._state.write(
            "UPDATE sites SET is_open = ?, touched = ? WHERE id = ?",
            (not is_over, time.time(), self._site),
        )

    def came(self, name: str, visit: dict[str, Any]) -> None:
        """A page came; its visit waits for :meth:`stored` or :meth:`rejected`."""
        with self._lock:
            self._pending[name] = visit

    def remember(self, name: str, reason: str, detail: str, visit: dict[str, Any]) -> None:
        """A page is left out for ``reason`` until it changes."""
        self._write(name, reason, detail, visit)

    def confirm(self, url: str, name: str, visit: dict[str, Any]) -> bool:
        """The page is as it was; ``visit`` has what is new of it.

        Returns:
            Whether the knowledge base holds it.
        """
        fields = {key: visit[key] for key in _FIELDS if key in visit}
        fields["run"] = self._run
        if visit.get("is_asked", True):
            fields["checked"] = time.time()
        changes = ", ".join(f"{key} = ?" for key in fields)
        key = (self._site, name, url)
        self._state.write(
            f"UPDATE visits SET {changes}, "  # noqa: S608 - names of columns
            "misses = CASE outcome WHEN 'stored' THEN 0 ELSE misses END "
            "WHERE site = ? AND name = ? AND url = ?",
            (*fields.values(), *key),
        )
        found = "SELECT is_kept FROM visits WHERE site = ? AND name = ? AND url = ?"
        return any(row[0] for row in self._state.rows(found, key))

    def doubt(self, name: str) -> None:
        """The page is missing in this run: it stands for no other with the same text."""
        with self._lock:
            self._doubted.add(name)

    def count_kept(self) -> int:
        """Pages of this site that the knowledge base holds."""
        rows = self._state.rows(
            "SELECT count(*) FROM visits WHERE site = ? AND is_kept = 1", (self._site,)
        )
        return int(rows[0][0]) if rows else 0

    def misses(self, name: str) -> int:
        """The runs in a row that missed the page."""
        rows = self._state.rows(
            "SELECT misses FROM visits WHERE site = ? AND name = ?", (self._site, name)
        )
        return int(rows[0][0]) if rows else 0

    def miss(self, name: str, count: int) -> int:
        """Add ``count`` misses; how many there are now."""
        self._state.write(
            "UPDATE visits SET misses = misses + ? WHERE site = ? AND name = ?",
            (count, self._site, name),
        )
        return self.misses(name)

    def has_twins(self, name: str) -> bool:
        """Whether pages were seen in this run that are left out for being the same."""
        return bool(
            self._state.rows(
                "SELECT 1 FROM visits WHERE site = ? AND outcome = 'duplicate' AND detail = ? "
                "AND run = ? LIMIT 1",
                (self._site, name, self._run),
            )
        )

    def _is_stored(self, name: str, content_hash: str) -> bool:
        if content_hash:
            return self._stored.get(name) == content_hash
        return any(uri.startswith(name + INSIDE) for uri in self._stored)

    def _adopt(self, is_in_scope: Callable[[str], bool]) -> None:
        """A first run, as after the file was lost: pages that are in the knowledge base may be
        gone from the site by now."""
        known = self._state.rows("SELECT 1 FROM visits WHERE site = ? LIMIT 1", (self._site,))
        pages = {uri.partition(INSIDE)[0]: hash_ for uri, hash_ in self._stored.items()}
        rows = [
            (self._site, uri, uri, content_hash)
            for uri, content_hash in (() if known else pages.items())
            if is_in_scope(uri) and not self.live_elsewhere(uri)
        ]
        self._state.write_all(
            "INSERT INTO visits (site, name, url, outcome, content_hash, is_kept) "
            "VALUES (?, ?, ?, 'stored', ?, 1)",
            rows,
        )

    def _write(
        self, name: str, outcome: str, detail: str, visit: dict[str, Any], **known: Any
    ) -> None:
        """The visit of a page that came in this run. Whether it is kept, and how often it was
        missed, stays as it was but where ``known`` has it."""
        row = {
            "site": self._site,
            "name": name,
            "url": visit["at"],
            "outcome": outcome,
            "detail": detail,
            "content_hash": "",
            **{key: visit[key] for key in _FIELDS},
            "links": b64decode(visit["links"]),
            "checked": time.time(),
            "run": self._run,
            **known,
        }
        changes = ", ".join(f"{key} = excluded.{key}" for key in row)
        self._state.write(
            f"INSERT INTO visits ({', '.join(row)}) "  # noqa: S608 - names of columns
            f"VALUES ({', '.join('?' * len(row))}) "
            f"ON CONFLICT (site, name) DO UPDATE SET {changes}",
            tuple(row.values()),
        )

"""What the crawler's process reads of the memory of earlier crawls; it writes nothing there."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

#: What could not be read, or is trusted by its sitemap alone, is asked for again after this.
TRUSTED_SECONDS = 7 * 24 * 3600.0
#: So many known pages that turn into one and the same are a login page, or the like.
MOST_TURNED = 3

_COLUMNS = (
    "url, name, outcome, detail, etag, modified, body, lastmod, is_listed, is_kept, links, "
    "checked, run"
)


@dataclass(frozen=True)
class Visit:
    """The last visit of an address.

    ``name``: of the page in the knowledge base. ``outcome``: "stored", or the reason why it is not.
    ``etag`` and ``modified`` are validators, ``body`` the hash of what came, ``lastmod`` what the
    sitemap said then; each empty where there is none, or it can't be trusted any more.
    """

    url: str
    name: str
    outcome: str
    detail: str
    etag: str
    modified: str
    body: str
    lastmod: str
    is_listed: bool
    is_kept: bool
    packed: bytes | None
    checked: float
    run: int

    @property
    def links(self) -> list[str]:
        return unpack_links(self.packed)

    def is_unchanged_by(self, lastmod: str, now: float) -> bool:
        """Whether the sitemap's word is enough."""
        is_young = now - self.checked < TRUSTED_SECONDS
        return bool(lastmod) and lastmod == self.lastmod and self.outcome == "stored" and is_young


class VisitReader:
    """The visits of one site. Without a memory there are none."""

    def __init__(self, path: Path | None, site: int = 0, run: int = 0) -> None:
        self.run = run
        self._site = site
        self._connection = None if path is None else _connect(path)

    @classmethod
    def of(cls, options: dict[str, Any]) -> VisitReader:
        memory = options["memory"]
        if memory is None:
            return cls(None)
        return cls(Path(memory["path"]), memory["site"], memory["run"])

    @property
    def is_there(self) -> bool:
        return self._connection is not None

    def visit(self, url: str) -> Visit | None:
        """The last visit of ``url``, or None."""
        return next(self._visits("url = ? ORDER BY checked DESC", url), None)

    def is_done(self, visit: Visit | None) -> bool:
        """Whether the page was visited in this very run, before it was cut."""
        return visit is not None and visit.run == self.run and visit.outcome == "stored"

    def kept(self) -> Iterator[Visit]:
        """The pages that are in the knowledge base."""
        return self._visits("is_kept = ?", 1)

    def _visits(self, condition: str, value: str | int) -> Iterator[Visit]:
        if self._connection is None:
            return
        query = f"SELECT {_COLUMNS} FROM visits WHERE site = ? AND {condition}"  # noqa: S608
        try:
            for row in self._connection.execute(query, (self._site, value)):
                yield _tried_again(Visit(*row))
        except sqlite3.Error as error:
            # Damaged: the crawl goes on as a first one.
            logger.warning("the memory of earlier crawls can't be read: %s", error)
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30.0)


def _tried_again(visit: Visit) -> Visit:
    """What could not be read may be readable by now."""
    if visit.outcome == "rejected" and time.time() - visit.checked > TRUSTED_SECONDS:
        return replace(visit, etag="", modified="", body="")
    return visit


def pack_links(links: list[str]) -> bytes:
    return zlib.compress(json.dumps(links, ensure_ascii=False).encode(), 6)


def unpack_links(packed: bytes | None) -> list[str]:
    return [] if packed is None else list(json.loads(zlib.decompress(packed)))

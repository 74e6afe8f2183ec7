"""What the crawler's process says: one JSON object a line on standard output; bodies as files."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from ingest.crawl.faults import Fault
from ingest.crawl.visit_reader import Visit, pack_links

#: Downloads wait while so many pages, or so many bytes of them, have not been taken yet.
MOST_WAITING = 32
MOST_WAITING_BYTES = 64 * 1024 * 1024
#: Pages between two looks at how many wait.
LOOK_AFTER = 4


class Output:
    """The way to the parent.

    Args:
        folder: where bodies are put; whoever reads them deletes them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._is_full = False
        self._unlooked = 0  # pages since the last look at what waits
        self.requests = 0

    @property
    def is_full(self) -> bool:
        """Whether downloads should wait. Looked up anew after some pages, or while it is full."""
        if self._is_full or self._unlooked >= LOOK_AFTER:
            self._unlooked = 0
            self._is_full = self._look()
        return self._is_full

    def _look(self) -> bool:
        sizes = []
        for entry in os.scandir(self._folder):
            try:
                sizes.append(entry.stat().st_size)
            except FileNotFoundError:  # taken just now
                continue
        return len(sizes) > MOST_WAITING or sum(sizes) > MOST_WAITING_BYTES

    def page(
        self, url: str, body: bytes, content_type: str, visit: dict[str, Any], **fields: Any
    ) -> None:
        """A page that is new or changed, under the address that it is to be stored by."""
        self._count += 1
        self._unlooked += 1
        path = self._folder / f"{self._count:06d}"
        path.write_bytes(body)
        self._say("page", url, file=str(path), content_type=content_type, visit=visit, **fields)

    def same(self, visit: Visit, fresh: dict[str, Any]) -> None:
        """A page that is as it was; ``fresh`` is what changed of its visit."""
        self._say(
            "same", visit.name, at=visit.url, outcome=visit.outcome, detail=visit.detail,
            visit=fresh,
        )  # fmt: skip

    def nothing(
        self, url: str, fault: Fault, *, is_start: bool = False, visit: dict[str, Any] | None = None
    ) -> None:
        """No page, and why; with its ``visit`` where that is worth to be remembered."""
        self._say(
            "nothing", url, reason=fault.reason, status=fault.status, detail=fault.detail,
            is_start=is_start, visit=visit,
        )  # fmt: skip

    def missing(self, name: str, reason: str, detail: str = "") -> None:
        """A page of the knowledge base is not at its address any more."""
        self._say("missing", name, reason=reason, detail=detail)

    def done(self, reason: str, **fields: Any) -> None:
        self._say("done", "", reason=reason, **fields)

    def _say(self, event: str, url: str, **fields: Any) -> None:
        """When the parent is gone there is nothing left to do."""
        message = {"event": event, "url": url, "requests": self.requests, **fields}
        try:
            sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(1)


def packed(links: list[str]) -> str:
    """Links as they travel in a message."""
    return base64.b64encode(pack_links(links)).decode("ascii")

"""Takes what was forgotten out of the embedded server's file as well.

The append-only file keeps every write, so text that is gone from the keys is still in it, until it
is written anew. ``rag:2:erased`` says that this is to be done, even by the next process.
"""

from __future__ import annotations

import secrets
from typing import Any

from redis.exceptions import ResponseError

from assistant.memory.store.connection import Link

MARK = "rag:2:erased"
WAIT_SECONDS = 1.0  # after something was forgotten: more may follow
POLL_SECONDS = 0.2


class Compaction:
    """Rewrites the file. :meth:`work` is a job of the background."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._doing: bytes | None = None

    def request(self) -> None:
        self._link.call(lambda client: client.set(MARK, secrets.token_hex(8)))

    def work(self) -> float | None:
        """Go on by one step; the seconds until the next, or None when all is done."""
        mark: Any = self._link.call(lambda client: client.get(MARK))
        if mark is None:
            return None
        info: Any = self._link.call(lambda client: client.info("persistence"))
        if info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]:
            return POLL_SECONDS
        if self._doing == mark and info["aof_last_bgrewrite_status"] == "ok":
            self._link.call(lambda client: client.delete(MARK))
            self._doing = None
            return POLL_SECONDS  # in case that something was forgotten in this moment
        self._doing = mark if self._started() else None
        return POLL_SECONDS

    def _started(self) -> bool:
        try:
            self._link.call(lambda client: client.bgrewriteaof())
        except ResponseError:
            return False
        return True

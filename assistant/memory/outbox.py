"""Writes that wait for Redis: bounded, in order, and in a file, so that they outlive the process.

The file (one JSON object a line, mode 0600) may be shared by several processes of one data folder:
each adds to it what it holds and takes out what was written. What is found there at the start is
taken over; two that write the same do no harm, because every write may come twice.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import MemoryUnavailable
from assistant.memory.store.faults import MemoryRefused

log = logging.getLogger(__name__)

MOST_WRITES = 2000
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Held:
    """A write that waits. ``born`` is the user's memory that it was meant for, if known: one that
    was erased meanwhile is not begun anew by it."""

    kind: str
    user: str
    conversation_id: str
    data: dict[str, Any]  # JSON-ready
    born: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


Edit = Callable[[Held], Held | None]


class Outbox:
    """The writes that wait, the oldest first.

    Args:
        write: does a write. MemoryUnavailable: it can't be done now.
        file: where they are kept beside memory; None: nowhere.
    """

    def __init__(
        self,
        write: Callable[[Held], None],
        file: Path | None,
        most_writes: int = MOST_WRITES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._write = write
        self._file = file
        self._most_writes, self._most_bytes = most_writes, most_bytes
        self._held: dict[str, Held] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._take_over()

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, write: Held) -> None:
        """Keep ``write`` until Redis takes it.

        Raises:
            MemoryUnavailable: too much is waiting already; this write is not kept.
        """
        line = write.line()
        with self._lock:
            if len(self._held) >= self._most_writes or self._bytes + len(line) > self._most_bytes:
                raise MemoryUnavailable(
                    "Redis has been away so long that {count} writes wait for it, and no more can "
                    "be held: this turn is not in long-term memory. Get Redis going again.",
                    "Redis 长时间不可用，已有 {count} 项待写入，无法再暂存："
                    "本轮对话不会进入长期记忆。请恢复 Redis。",
                    count=len(self._held),
                )
            self._held[write.id] = write
            self._bytes += len(line)
        self._append(line)

    def flush(self) -> None:
        """Do what waits, in order.

        Raises:
            MemoryUnavailable: Redis is still away; what is left goes on waiting.
        """
        if not self._held:
            return
        done: set[str] = set()
        with self._writing:
            try:
                while (write := self._first()) is not None:
                    try:
                        self._write(write)
                    except MemoryRefused as error:
                        log.error("a held write is given up: %s", error)
                    done.add(write.id)
                    self._take_out(write.id)
            finally:
                if done:
                    self._rewrite(lambda write: None if write.id in done else write)

    def edit(self, change: Edit) -> None:
        """Change what waits, here and in the file: ``change`` returns the write as it is to be, or
        None for none."""
        with self._lock:
            for write in list(self._held.values()):
                new = change(write)
                if new is None:
                    del self._held[write.id]
                else:
                    self._held[write.id] = new
            self._bytes = sum(len(write.line()) for write in self._held.values())
        self._rewrite(change)

    def _first(self) -> Held | None:
        with self._lock:
            return next(iter(self._held.values()), None)

    def _take_out(self, id: str) -> None:
        with self._lock:
            write = self._held.pop(id, None)
            self._bytes -= len(write.line()) if write else 0

    def _take_over(self) -> None:
        def read(file: Path) -> None:
            for write in _lines(file):
                self._held[write.id] = write
                self._bytes += len(write.line())

        if self._file is not None and self._file.exists():
            self._alone(read)

    def _append(self, line: bytes) -> None:
        def append(file: Path) -> None:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with open(descriptor, "ab") as opened:
                opened.write(line)

        self._alone(append)

    def _rewrite(self, change: Edit) -> None:
        def rewrite(file: Path) -> None:
            left = [new for write in _lines(file) if (new := change(write)) is not None]
            if not left:
                file.unlink(missing_ok=True)
                return
            new_file = file.with_suffix(".new")
            descriptor = os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as opened:
                opened.writelines(write.line() for write in left)
            new_file.replace(file)

        if self._file is not None and self._file.exists():
            self._alone(rewrite)

    def _alone(self, work: Callable[[Path], None]) -> None:
        """Run ``work`` while no other process uses the file. Where the file can't be written, what
        waits is in memory only."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self._file.with_suffix(".lock"), "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                work(self._file)
        except OSError as error:
            log.warning("%s can't be written (%s)", self._file, error.strerror)


def _lines(file: Path) -> Iterator[Held]:
    if not file.exists():
        return
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            yield Held(**json.loads(line))
        except (ValueError, TypeError):
            log.warning("%s: line %d can't be read; it is left out", file, number)

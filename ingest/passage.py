"""Queues that can be left: no stage waits for ever for another that has stopped."""

from __future__ import annotations

import queue
import threading
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
_LOOK = 0.1  # seconds between two looks at the stop sign


class Cancel(Protocol):
    """Says whether to stop: an event, or a time that is over."""

    def is_set(self) -> bool: ...


class Stopped(Exception):
    """The run was cancelled, or another stage failed."""


class Passage(Generic[Item]):
    """A bounded queue between stages; ``put`` and ``get`` raise :class:`Stopped` once ``halt`` is
    set. None as an item is the end."""

    def __init__(self, size: int, halt: threading.Event) -> None:
        self._queue: queue.Queue[Item | None] = queue.Queue(size)
        self._halt = halt

    def put(self, item: Item | None) -> None:
        while True:
            if self._halt.is_set():
                raise Stopped
            try:
                self._queue.put(item, timeout=_LOOK)
                return
            except queue.Full:
                continue

    def get(self) -> Item | None:
        while True:
            if self._halt.is_set():
                raise Stopped
            try:
                return self._queue.get(timeout=_LOOK)
            except queue.Empty:
                continue

    def tell(self, item: Item) -> None:
        """``put`` that also works after the halt, for a queue without bound (``size`` 0)."""
        self._queue.put_nowait(item)

    def look(self) -> Item | None:
        """The next item, or None if none comes for a moment; also after the halt."""
        try:
            return self._queue.get(timeout=_LOOK)
        except queue.Empty:
            return None

    def waiting(self) -> bool:
        """Whether an item is there at once."""
        return not self._queue.empty()

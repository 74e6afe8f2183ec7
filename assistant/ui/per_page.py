"""What is kept of each open page, by Gradio's session; the longest unchanged goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class PerPage(Generic[T]):
    """Values of at most :attr:`MOST` pages."""

    MOST = 1000

    def __init__(self) -> None:
        self._values: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, page: str) -> T | None:
        with self._lock:
            return self._values.get(page)

    def put(self, page: str, value: T) -> None:
        with self._lock:
            self._values[page] = value
            self._values.move_to_end(page)
            while len(self._values) > self.MOST:
                self._values.popitem(last=False)

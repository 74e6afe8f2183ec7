"""What of Gradio's belongs to whom: page sessions, running events and uploaded files.

Gradio knows these by their ids alone, and whoever has an id may use it. Here the first user to use
an id owns it. Kept in the process, as Gradio keeps what the ids stand for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 50_000


class Belongings:
    """Owners by kind and id; the longest unused are forgotten."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._owners: OrderedDict[tuple[str, str], frozenset[str]] = OrderedDict()

    def claim(self, kind: str, name: str, user: str) -> bool:
        """Whether ``name`` is the user's; it becomes so where it is nobody's yet."""
        with self._lock:
            owners = self._owners.setdefault((kind, name), frozenset((user,)))
            self._used(kind, name)
            return user in owners

    def give(self, kind: str, name: str, user: str) -> None:
        """``name`` is the user's, too: the same file, uploaded by two, is one."""
        with self._lock:
            self._owners[kind, name] = self._owners.get((kind, name), frozenset()) | {user}
            self._used(kind, name)

    def is_of(self, kind: str, name: str, user: str) -> bool:
        with self._lock:
            return user in self._owners.get((kind, name), ())

    def _used(self, kind: str, name: str) -> None:
        self._owners.move_to_end((kind, name))
        while len(self._owners) > self._most:
            self._owners.popitem(last=False)

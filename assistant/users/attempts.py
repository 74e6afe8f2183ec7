"""Slows down whoever guesses passwords: each failure beyond the free ones doubles the wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

#: Failures that cost nothing, and the longest wait in seconds. A name is guessed at from many
#: addresses, so it counts by itself, but waits less: its owner must still get in.
NAME_FREE, NAME_LONGEST = 5, 60.0
ADDRESS_FREE, ADDRESS_LONGEST = 10, 900.0
FORGET_SECONDS = 3600.0
MOST = 10_000  # names and addresses that are kept in mind


@dataclass
class _Count:
    failures: int = 0
    last: float = 0.0
    until: float = 0.0


class Attempts:
    """Counts failed logins in this process, by name and by address.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def take(self, name: str, address: str) -> float:
        """Take an attempt: 0, and it counts as failed until :meth:`succeeded`, so that many at
        once are no way around; or the seconds until the next may be made.
        """
        now = self._clock()
        with self._lock:
            known = [self._counts.get(key) for key in _keys(name, address)]
            wait = max([0.0, *(count.until - now for count in known if count)])
            if wait == 0:
                self._count(_keys(name, address), now)
            return wait

    def succeeded(self, name: str, address: str) -> None:
        """The name's failures are forgotten. Of the address's only this attempt: from there
        others' names may be tried."""
        with self._lock:
            self._counts.pop(("name", name), None)
            count = self._counts.get(("address", address))
            if count:
                count.failures -= 1
                count.until = 0.0 if count.failures < ADDRESS_FREE else count.until

    def _count(self, keys: tuple[tuple[str, str], ...], now: float) -> None:
        limits = ((NAME_FREE, NAME_LONGEST), (ADDRESS_FREE, ADDRESS_LONGEST))
        for key, (free, longest) in zip(keys, limits, strict=True):
            count = self._counts.pop(key, None) or _Count()
            if now - count.last > FORGET_SECONDS:
                count.failures = 0
            count.failures += 1
            count.last = now
            if count.failures >= free:
                count.until = now + min(longest, 2.0 ** min(count.failures - free, 20))
            self._counts[key] = count  # the latest stand last
        while len(self._counts) > MOST:
            self._counts.popitem(last=False)


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", name), ("address", address)

"""A circuit breaker: a server that was away several times is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from assistant.errors import ModelUnavailable

FAILURES = 3  # in a row, that open the circuit
FIRST_PAUSE = 5.0  # seconds; doubled at each further failure
LONGEST_PAUSE = 120.0


@dataclass
class Circuit:
    """Of one server. May be used from several threads.

    While it is open, one call at a time is let through after each pause, to see whether the server
    is back.
    """

    name: str
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _opens: float = 0.0  # when the next call is let through
    _last: ModelUnavailable | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES and self.clock() < self._opens

    def check(self) -> None:
        """Let a call through.

        Raises:
            ModelUnavailable: not now; says when, and what was wrong.
        """
        with self._lock:
            if self._failures < FAILURES:
                return
            wait = self._opens - self.clock()
            if wait > 0:
                last = self._last
                raise ModelUnavailable(
                    "{name} failed {times} times in a row and is left alone for {wait:.0f} more "
                    "seconds. {en}",
                    "{name} 已连续失败 {times} 次，{wait:.0f} 秒内不再请求。{zh}",
                    name=self.name,
                    times=self._failures,
                    wait=max(1.0, wait),
                    en=last.text("en") if last else "",
                    zh=last.text("zh") if last else "",
                )
            # This call is the probe: the others go on waiting until it is known how it went.
            self._opens = self.clock() + self._pause()

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._last = 0, None

    def failed(self, error: ModelUnavailable) -> None:
        with self._lock:
            self._failures += 1
            self._last = error
            self._opens = self.clock() + self._pause()

    def _pause(self) -> float:
        return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, self._failures - FAILURES)))

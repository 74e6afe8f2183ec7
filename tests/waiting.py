"""Waiting in tests for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Far more than anything takes that is waited for, on a busy machine, too: a test for which time is
#: the point gives its own.
SECONDS = 30.0
LOOK_SECONDS = 0.01


def wait_for(
    condition: Callable[[], object],
    seconds: float = SECONDS,
    *,
    what: str = "it held",
    told: Callable[[], str] = str,
) -> None:
    """Wait until ``condition`` holds; fail where it never does, with ``what`` was waited for and
    what ``told`` tells then."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain until {what} {told()}"
        time.sleep(LOOK_SECONDS)

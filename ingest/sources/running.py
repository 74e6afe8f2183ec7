"""Whether a run of a source that has no end yet is under way, or was killed."""

from __future__ import annotations

import os
from contextlib import suppress

from assistant.settings import Settings
from ingest.sources.runs import LastRun

#: Clocks of files and processes differ by less, in seconds.
_SLACK = 2.0


def is_running(settings: Settings, last: LastRun) -> bool:
    """Whether the process that began this run holds the lock of the runs still. The lock itself is
    not tried: that would turn away a run that begins at this moment."""
    if last.ended is not None:
        return False
    lock = settings.run_dir / "sync.lock"
    with suppress(OSError, ValueError):
        if last.began + _SLACK < lock.stat().st_mtime:  # a later run has taken the lock
            return False
        return _is_alive(int(lock.read_text("utf-8")))
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True

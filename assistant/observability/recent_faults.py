"""The last warnings and errors of the log, kept in memory for the status page."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from assistant.observability import request_ids

MOST = 200
LONGEST = 2000  # characters of a message
LONGEST_TRACE = 6000  # of a trace: its end tells most
PACKAGES = ("assistant", "ingest")


@dataclass(frozen=True)
class Fault:
    """A log record. ``times`` is how often it came in a row, ``at`` when it came last."""

    at: float  # seconds since the epoch
    level: str
    logger: str
    message: str
    trace: str = ""
    request_id: str = ""
    times: int = 1


class RecentFaults(logging.Handler):
    """Keeps the last :data:`MOST` records of WARNING and above, the same one in a row once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: deque[Fault] = deque(maxlen=MOST)
        self._kept_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fault = _fault(record)
        except Exception:  # noqa: BLE001 - logging's own way: a record must not break its caller
            self.handleError(record)
            return
        with self._kept_lock:
            last = self._kept[-1] if self._kept else None
            if last and (last.logger, last.message) == (fault.logger, fault.message):
                self._kept[-1] = Fault(**{**vars(fault), "times": last.times + 1})
            else:
                self._kept.append(fault)

    def newest(self, most: int = MOST) -> list[Fault]:
        """The newest first."""
        with self._kept_lock:
            return list(self._kept)[-most:][::-1]

    @contextmanager
    def attached(self) -> Iterator[RecentFaults]:
        """Listen to our packages in the block."""
        self.attach()
        try:
            yield self
        finally:
            self.detach()

    def attach(self) -> None:
        for package in PACKAGES:
            logging.getLogger(package).addHandler(self)

    def detach(self) -> None:
        for package in PACKAGES:
            logging.getLogger(package).removeHandler(self)


def _fault(record: logging.LogRecord) -> Fault:
    trace = ""
    if record.exc_info and record.exc_info[1] is not None:
        trace = "".join(traceback.format_exception(record.exc_info[1]))[-LONGEST_TRACE:]
    return Fault(
        at=record.created,
        level=record.levelname,
        logger=record.name,
        message=record.getMessage()[:LONGEST],
        trace=trace,
        request_id=str(getattr(record, "request_id", "") or request_ids.current()),
    )

"""What long-term memory does beside the turns, in one thread: one job after the other, each at its
time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from assistant.errors import AssistantError

log = logging.getLogger(__name__)

Job = Callable[[], float | None]


class Background:
    """A thread that lives as long as there are jobs.

    A job returns the seconds after which it wants to run again, or None when it is done.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: dict[str, tuple[float, Job]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def ask(self, name: str, job: Job, delay: float = 0.0) -> None:
        """Run ``job`` in ``delay`` seconds. One of the same name that waits is replaced, if that
        isn't due earlier."""
        due = time.monotonic() + delay
        with self._changed:
            if self._closing or (name in self._jobs and self._jobs[name][0] <= due):
                return
            self._jobs[name] = due, job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self, seconds: float = 5.0) -> None:
        """End the thread after the job that is under way; jobs that wait are let go."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            name, work = job
            again = self._done(work)
            if again is not None:
                self.ask(name, work, again)

    def _next(self) -> tuple[str, Job] | None:
        with self._changed:
            while self._jobs and not self._closing:
                name = min(self._jobs, key=lambda one: self._jobs[one][0])
                wait = self._jobs[name][0] - time.monotonic()
                if wait <= 0:
                    return name, self._jobs.pop(name)[1]
                self._changed.wait(wait)
            self._thread = None
            return None

    @staticmethod
    def _done(work: Job) -> float | None:
        try:
            return work()
        except AssistantError as error:
            log.info("%s", error)
        except Exception:
            log.exception("a job of long-term memory failed")
        return None

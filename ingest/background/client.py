"""The app's end of the background process: tasks out, events back."""

from __future__ import annotations

import itertools
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from assistant.errors import AssistantError, DocumentError
from assistant.settings import ROOT
from ingest.background.tasks import Task
from ingest.events import Event

_LOOK = 0.2  # seconds between two looks at ``cancel``
_PATIENCE = 10.0  # seconds for a cancelled task to end in good order
IDLE_SECONDS = 120.0


class Background:
    """Starts the process when there is work, and ends it when there was none for a while: it holds
    an embedding model in memory.

    Args:
        environment: of the process: the settings of the app, as it was started.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(os.environ if environment is None else environment)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[Any]] = {}
        self._connection: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._clock: threading.Timer | None = None

    def run(self, task: Task, cancel: threading.Event) -> Generator[Event, None, None]:
        """The events of ``task``, until it ends or is cancelled; what it stored stays.

        Raises:
            AssistantError: nothing more can be done of it.
        """
        number, answers = self._begin(task)
        asked = 0.0
        try:
            while True:
                try:
                    answer = answers.get(timeout=_LOOK)
                except queue.Empty:
                    asked = self._nudge(number, cancel, asked)
                    if asked > _PATIENCE:
                        return
                    continue
                if answer is None:
                    return
                if isinstance(answer, AssistantError):
                    raise answer
                yield answer
                asked = self._nudge(number, cancel, asked)
        finally:
            if number in self._answers:  # left in the middle
                self._send(("cancel", number))
                self._answers.pop(number, None)
            self._retire_later()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop_clock()
            process, self._process = self._process, None
            self._hang_up()
            left, self._answers = self._answers, {}
        for answers in left.values():
            answers.put(_ended())
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
            process.kill()
            process.wait()

    def _nudge(self, number: int, cancel: threading.Event, asked: float) -> float:
        """Pass a cancel on, once; how long ago that was."""
        if not cancel.is_set():
            return 0.0
        if not asked:
            self._send(("cancel", number))
        return asked + _LOOK

    def _begin(self, task: Task) -> tuple[int, queue.SimpleQueue[Any]]:
        number = next(self._numbers)
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(2):  # the process may have ended without being noticed yet
            with self._lock:
                self._stop_clock()
                self._answers[number] = answers
                connection = self._connection or self._start()
                with suppress(OSError):
                    connection.send(("do", number, task))
                    return number, answers
                self._connection = None
        raise _ended()

    def _retire_later(self) -> None:
        with self._lock:
            self._stop_clock()
            if not self._answers:
                self._clock = threading.Timer(IDLE_SECONDS, self._retire)
                self._clock.daemon = True
                self._clock.start()

    def _retire(self) -> None:
        with self._lock:
            if not self._answers:
                self._hang_up()

    def _hang_up(self) -> None:
        """The process ends when it sees this. Closing alone would not wake the listener."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        self._socket = self._connection = None

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _send(self, message: tuple[Any, ...]) -> None:
        with self._lock, suppress(OSError):
            if self._connection is not None:
                self._connection.send(message)

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest.background.process", str(theirs.fileno())],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        connection = Connection(os.dup(ours.fileno()))
        self._socket, self._connection = ours, connection
        threading.Thread(
            target=self._listen, args=(connection, self._process), name="ingest-events", daemon=True
        ).start()
        return connection

    def _listen(self, connection: Connection, process: subprocess.Popen[bytes]) -> None:
        with suppress(EOFError, OSError):
            while True:
                number, answer = connection.recv()
                answers = self._answers.get(number)
                if answers is None:
                    continue
                if answer is None or isinstance(answer, AssistantError):
                    self._answers.pop(number, None)
                answers.put(answer)
        connection.close()
        process.wait()
        with self._lock:
            if self._connection is connection:
                self._hang_up()
                left, self._answers = self._answers, {}
                for answers in left.values():
                    answers.put(_ended())


def _ended() -> DocumentError:
    return DocumentError(
        "The process that adds documents ended unexpectedly: what was added stays; try again. The "
        "log has the details.",
        "添加文档的进程意外退出：已添加的内容已保留，请重试。详情见日志。",
    )

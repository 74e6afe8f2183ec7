"""A parsing process and the thread that waits for it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection

from assistant.errors import AssistantError, DocumentError
from assistant.settings import ROOT
from ingest.load.document import Loaded
from ingest.passage import Stopped
from ingest.reading.child import MOST_MEMORY, MOST_WITH_PICTURES, Job

logger = logging.getLogger(__name__)

#: The longest wait for one document (a member of an archive counts for itself), in seconds.
SECONDS = 20.0
SECONDS_PER_MB = 2.0
#: Where text has to be recognised in pictures, the reader bounds its time by itself.
SECONDS_FOR_PICTURES = 900.0
_PICTURES = (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
_CHILD = (sys.executable, "-m", "ingest.reading.child")
_LOOK = 0.2  # seconds between two looks at ``stopped``


class NoReader(AssistantError):
    """The process that parses doesn't start: a fault of the installation, not of a document."""

    kind = "internal"

    def __init__(self, code: int | None) -> None:
        super().__init__(
            "The process that reads documents can't be started (exit code {code}): the log has the "
            "details; `make setup` installs what is missing.",
            "读取文档的进程无法启动（退出码 {code}）：详情见日志；可用 `make setup` 补装缺失的包。",
            code=code,
        )


class Reader:
    """One parsing process, started when first needed and anew after a fault. One thread's own.

    Args:
        stopped: asked while waiting; a true answer ends the process.
        recognises: text is recognised in pictures, which takes its time.
        memory: the most bytes of address space that the process may have; default: the bounds of
            the child.
    """

    def __init__(
        self, stopped: Callable[[], bool], recognises: bool = False, memory: int | None = None
    ) -> None:
        self._stopped = stopped
        self._recognises = recognises
        self._memory = memory or (MOST_WITH_PICTURES if recognises else MOST_MEMORY)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def read(self, job: Job) -> Iterator[Loaded]:
        """What ``job`` holds, each document as soon as it is parsed. A parser that hangs or
        crashes is the error of the document that it was at.

        Raises:
            Stopped: ``stopped`` said so.
            NoReader: no process can be started.
        """
        connection = self._connection or self._start()
        limit = self._seconds(job)
        last = ""
        try:
            connection.send(job)
            while (loaded := self._receive(connection, limit)) is not None:
                last = loaded.name
                yield loaded
        except TimeoutError:
            self.close()
            yield Loaded(job.name, error=_hangs(job.name, limit, last))
        except (EOFError, OSError):
            code = self.close()
            logger.warning("the reader of %s ended with code %s", job.name, code)
            yield Loaded(job.name, error=_crashed(job.name, last))
        except BaseException:  # left in the middle: what is still to come would answer the next
            self.close()
            raise

    def close(self) -> int | None:
        """End the process; its exit code."""
        process, self._process = self._process, None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if process is None:
            return None
        with suppress(ProcessLookupError, PermissionError):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait()

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*_CHILD, str(theirs.fileno()), str(self._memory)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        try:
            self._receive(self._connection, SECONDS)
        except (EOFError, OSError) as error:  # of which TimeoutError is one
            code = self.close()
            raise NoReader(code) from error
        return self._connection

    def _seconds(self, job: Job) -> float:
        size = len(job.raw.data) if job.raw is not None else _size(job)
        limit = SECONDS + SECONDS_PER_MB * size / 1e6
        recognises = self._recognises and job.name.lower().endswith(_PICTURES)
        return max(limit, SECONDS_FOR_PICTURES) if recognises else limit

    def _receive(self, connection: Connection, limit: float) -> Loaded | None:
        end = time.monotonic() + limit
        while not connection.poll(_LOOK):
            if self._stopped():
                raise Stopped
            if time.monotonic() > end:
                raise TimeoutError
        answer = connection.recv()
        assert answer is None or isinstance(answer, Loaded)  # noqa: S101 - our own process
        return answer


def reader_count() -> int:
    """Parsing processes worth having."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(8, cores or 1))


def _size(job: Job) -> int:
    try:
        return job.path.stat().st_size if job.path is not None else 0
    except OSError:
        return 0


def _hangs(name: str, limit: float, last: str) -> DocumentError:
    return DocumentError(
        "{name} can't be read: nothing came for {seconds} seconds{after}; open it in its own "
        "program and save it anew, or split it.",
        "{name} 无法读取：{seconds} 秒内没有结果{after_zh}；请用原来的程序打开并另存，或拆分。",
        name=name,
        seconds=round(limit),
        after=f" after {last}" if last else "",
        after_zh=f"（在 {last} 之后）" if last else "",
    )


def _crashed(name: str, last: str) -> DocumentError:
    return DocumentError(
        "{name} can't be read: it is broken in a way that ends its reader{after}; open it in its "
        "own program and save it anew.",
        "{name} 无法读取：文件损坏导致读取程序退出{after_zh}；请用原来的程序打开并另存。",
        name=name,
        after=f" after {last}" if last else "",
        after_zh=f"（在 {last} 之后）" if last else "",
    )

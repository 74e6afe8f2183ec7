"""The process that parses, in so many bytes of memory: ``python -m ingest.reading.child FD BYTES``.

It says None when it is ready, takes a :class:`Job` at a time from the socket ``FD`` and answers
with each ``Loaded`` as it comes, then with None. Whatever goes wrong with a document is an error
of that document.
"""

from __future__ import annotations

import logging
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from assistant.errors import DocumentError
from ingest.load import load_all
from ingest.load.document import Loaded, RawDocument
from ingest.load.opening import raw_file

logger = logging.getLogger(__name__)

#: Of address space, for one process that parses.
MOST_MEMORY = 2 * 1024**3
#: The same, where text is recognised in pictures.
MOST_WITH_PICTURES = 3 * 1024**3


@dataclass(frozen=True)
class Job:
    """A file to read and parse, or a document that came already (``raw``)."""

    path: Path | None
    raw: RawDocument | None
    max_mb: int

    @property
    def name(self) -> str:
        return self.raw.name if self.raw is not None else str(self.path)


def _too_large(name: str, memory: int) -> DocumentError:
    return DocumentError(
        "{name} needs more than {limit} MB of memory to be read: split it.",
        "{name} 读取时需要超过 {limit} MB 内存：请拆分。",
        name=name,
        limit=memory // 1024**2,
    )


def read(job: Job, memory: int) -> Iterator[Loaded]:
    """What the file holds; a file that can't be opened is one ``Loaded`` with its error."""
    try:
        if job.raw is None and job.path is not None:
            yield from load_all(raw_file(job.path, job.max_mb))
        elif job.raw is not None:
            yield from load_all(job.raw)
    except DocumentError as error:
        yield Loaded(job.name, error=error)
    except MemoryError:
        yield Loaded(job.name, error=_too_large(job.name, memory))
    except Exception as error:  # the edge of a document
        logger.exception("reading %s", job.name)
        yield Loaded(job.name, error=_failed(job.name, error))


def _failed(name: str, error: Exception) -> DocumentError:
    return DocumentError(
        "{name} can't be read: it is unlike what its reader knows ({error}); open it in its own "
        "program and save it anew. The log has the details.",
        "{name} 无法读取：其内容超出读取程序的预期（{error}）；请用原来的程序打开并另存。"
        "详情见日志。",
        name=name,
        error=type(error).__name__,
    )


def serve(jobs: Connection, memory: int) -> None:
    """Answer until the other end closes."""
    jobs.send(None)
    while True:
        job = jobs.recv()
        for loaded in read(job, memory):
            jobs.send(loaded)
        jobs.send(None)


def main() -> None:
    memory = int(sys.argv[2])
    with suppress(ValueError, OSError):  # a lower bound is set already, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with Connection(int(sys.argv[1])) as jobs, suppress(EOFError, BrokenPipeError):
        serve(jobs, memory)


if __name__ == "__main__":
    main()

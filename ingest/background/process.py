"""The background process: ``python -m ingest.background.process FD``.

It takes ``("do", number, task)`` and ``("cancel", number)`` from the socket ``FD`` and answers
``(number, event)``, then ``(number, None)`` or ``(number, error)``. It ends when the other end is
closed.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import closing, suppress
from multiprocessing.connection import Connection

from assistant.errors import AssistantError, InternalError
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import Settings
from ingest.background.tasks import Desk, Task
from ingest.priority import step_back

logger = logging.getLogger(__name__)


class _Works:
    """The tasks under way, each in a thread."""

    def __init__(self, connection: Connection, desk: Desk) -> None:
        self._connection = connection
        self._desk = desk
        self._sending = threading.Lock()
        self._cancels: dict[int, threading.Event] = {}

    def begin(self, number: int, task: Task) -> None:
        self._cancels[number] = threading.Event()
        threading.Thread(target=self._do, args=(number, task), daemon=True).start()

    def cancel(self, number: int) -> None:
        if number in self._cancels:
            self._cancels[number].set()

    def _do(self, number: int, task: Task) -> None:
        end: AssistantError | None = None
        try:
            with closing(self._desk.do(task, self._cancels[number])) as events:
                for event in events:
                    self._send(number, event)
        except AssistantError as error:
            end = error
        except Exception as error:  # the edge of a task
            logger.exception("%s failed", type(task).__name__)
            end = InternalError(error)
        del self._cancels[number]
        self._send(number, end)

    def _send(self, number: int, what: object) -> None:
        with self._sending, suppress(BrokenPipeError):  # the app has gone; `serve` ends
            self._connection.send((number, what))


def serve(connection: Connection, works: _Works) -> None:
    """Work until the app closes its end.

    Raises:
        EOFError: it did.
    """
    while True:
        verb, number, *rest = connection.recv()
        if verb == "cancel":
            works.cancel(number)
        else:
            works.begin(number, *rest)


def main() -> None:
    step_back()
    settings = Settings.load()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("ingest").setLevel(settings.log_level)
    with Connection(int(sys.argv[1])) as connection:
        works = _Works(connection, Desk(settings, open_embeddings(settings)))
        with suppress(EOFError):
            serve(connection, works)
    os._exit(0)  # threads of a cancelled task would hold it up; nothing they hold is torn


if __name__ == "__main__":
    main()

"""Streams of models that can be cancelled at any moment.

A client's blocking read can't be interrupted: a stop would wait for the next token, and the server
would go on writing for nobody. So streams run on one event loop in a thread of its own, where a
cancelled read closes its connection at once, whatever it waits for.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

CLOSE_SECONDS = 2.0
LOOK_SECONDS = 0.1  # how often a waiting consumer looks whether it was stopped

_lock = threading.Lock()
_loop: list[asyncio.AbstractEventLoop] = []


def event_loop() -> asyncio.AbstractEventLoop:
    """The loop that all models' clients of this process live on."""
    with _lock:
        if not _loop:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="model streams", daemon=True).start()
            _loop.append(loop)
        return _loop[0]


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run ``work`` on the models' loop."""
    return asyncio.run_coroutine_threadsafe(work, event_loop())


def finish(work: Coroutine[Any, Any, object]) -> None:
    """Run ``work`` on the models' loop and wait for it, a little."""
    with suppress(FutureTimeout):
        submit(work).result(CLOSE_SECONDS)


class _End:
    """The end of a stream: its error, if it failed."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def stream(
    source: Callable[[], AsyncIterator[T]], stopped: threading.Event | None = None
) -> Generator[T, None, None]:
    """What ``source`` yields on the models' loop; ends early when ``stopped`` is set.

    Closing the iterator, or setting ``stopped``, cancels the source, which closes its connection.

    Raises:
        whatever the source raises.
    """
    queue: SimpleQueue[T | _End] = SimpleQueue()

    async def pump() -> None:
        try:
            async for item in source():
                queue.put(item)
        except BaseException as error:
            queue.put(_End(error))
            raise
        queue.put(_End())

    task = submit(pump())
    try:
        while True:
            item = _next(queue, stopped)
            if item is None:
                return
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        task.cancel()


def _next(queue: SimpleQueue[T | _End], stopped: threading.Event | None) -> T | _End | None:
    """The next item; None when stopped."""
    if stopped is None:
        return queue.get()
    while not stopped.is_set():
        try:
            return queue.get(timeout=LOOK_SECONDS)
        except Empty:
            continue
    return None

"""A turn under way or ended: all its events so far, and those to come, for any number of
listeners."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import suppress

from assistant.events import Event, Step


class RunningTurn:
    """Args:
    replaces: id of the turn that it is asked in place of.
    request_id: of the request that asked it; it stands in all its log lines.
    model: name of the chat model that is to answer; empty: ``CHAT_MODEL``.
    """

    def __init__(
        self,
        user: str,
        conversation_id: str,
        question: str,
        replaces: str = "",
        request_id: str = "",
        *,
        model: str = "",
    ) -> None:
        self.user = user
        self.conversation_id = conversation_id
        self.question = question
        self.replaces = replaces
        self.request_id = request_id
        self.model = model
        self.asked = time.time()  # seconds since the epoch
        self.waited = 0.0  # seconds in the queue
        self.stopped = threading.Event()
        self._leave: Callable[[], None] | None = None
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._wakers: list[Callable[[], None]] = []
        self._begun = False
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    def stop(self) -> None:
        """End the turn at its next token; what came is kept and stored. One that still waits in
        the queue leaves it."""
        self.stopped.set()
        if self._leave is not None:
            self._leave()

    def events(self) -> Iterator[Event]:
        """Every event from the first one, waiting for those to come, until the turn ends."""
        seen = 0
        while True:
            with self._changed:
                while len(self._events) == seen and not self._ended:
                    self._changed.wait()
                fresh, ended = self._events[seen:], self._ended
            yield from fresh
            seen += len(fresh)
            if ended and not fresh:
                return

    async def aevents(self) -> AsyncIterator[Event]:
        """As :meth:`events`, without a thread: for servers with hundreds of listeners."""
        async for fresh in self.abatches():
            for event in fresh:
                yield event

    async def abatches(self, idle: float | None = None) -> AsyncGenerator[list[Event], None]:
        """The events of :meth:`aevents`, those together that came since the last look; an empty
        list whenever none came for ``idle`` seconds."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed: its listeners are gone
                loop.call_soon_threadsafe(changed.set)

        with self._changed:
            self._wakers.append(wake)
        seen = 0
        try:
            while True:
                changed.clear()
                with self._changed:
                    fresh, ended = self._events[seen:], self._ended
                seen += len(fresh)
                if fresh:
                    yield fresh
                elif ended:
                    return
                elif not await _set_within(changed, idle):
                    yield []
        finally:
            with self._changed:
                self._wakers.remove(wake)

    def publish(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self._wake()

    def waits(self, place: int, leave: Callable[[], None]) -> None:
        """It is at ``place`` of the queue; ``leave`` takes it out."""
        with self._changed:
            if self._begun or self._ended:
                return
            self._leave = leave
            self._events.append(Step("queue", round(time.time() - self.asked, 3), place))
            self._wake()
        if self.stopped.is_set():
            leave()

    def begin(self) -> None:
        """It has left the queue for a slot."""
        with self._changed:
            self._begun, self._leave = True, None
            self.waited = round(time.time() - self.asked, 3)

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()
        for wake in self._wakers:
            wake()


async def _set_within(changed: asyncio.Event, seconds: float | None) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True

"""Keeps clicks from being lost while a page's event stream closes.

Gradio closes a page's stream whenever nothing is pending, and the browser opens the next one with
the next click. Two faults lie in between (6.31), both seen on a busy machine:

1. The browser hangs up as soon as it is told to. Where the server has not quite finished, it takes
   this for a closed page and throws away the page's queue, with a click that just came. So a
   stream hears of a hang-up a little later: one that was ending has ended by then.
2. A click that reaches the server after the stream's end, and is answered before the browser has
   read of that end, waits on the old stream for ever. So that answer comes a little later.
"""

from __future__ import annotations

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HANG_UP_SECONDS = 0.5
READ_SECONDS = 0.05

STREAM, CLICK = "/queue/data", "/queue/join"
END = b'"close_stream"'


class SafeStreams:
    """ASGI middleware around Gradio's queue."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ended = 0.0  # when a stream was last told to close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.endswith(STREAM):
            await self._app(scope, _hearing_late(receive), self._noting_the_end(send))
        elif path.endswith(CLICK):
            await self._app(scope, receive, self._after_the_end(send))
        else:
            await self._app(scope, receive, send)

    def _noting_the_end(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            if END in message.get("body", b""):
                self._ended = time.monotonic()
            await send(message)

        return noting

    def _after_the_end(self, send: Send) -> Send:
        async def waiting(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(max(0.0, self._ended + READ_SECONDS - time.monotonic()))
            await send(message)

        return waiting


def _hearing_late(receive: Receive) -> Receive:
    async def receive_late() -> Message:
        message = await receive()
        if message["type"] == "http.disconnect":
            await asyncio.sleep(HANG_UP_SECONDS)
        return message

    return receive_late

"""What a page clicks while its event stream closes is not lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from assistant.ui import streams
from assistant.ui.streams import SafeStreams


def scope(path: str) -> Scope:
    return {"type": "http", "path": f"/gradio_api{path}"}


async def hung_up() -> Message:
    return {"type": "http.disconnect"}


async def run(app: Any, path: str) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope(path), hung_up, send)
    return sent


def test_a_stream_that_is_ending_ends_before_it_hears_of_the_hang_up() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        listening = asyncio.create_task(receive())  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        heard.append("early" if listening.done() else "not yet")
        heard.append((await listening)["type"])

    began = time.monotonic()
    asyncio.run(run(SafeStreams(app), "/queue/data"))
    assert heard == ["not yet", "http.disconnect"]
    assert time.monotonic() - began >= streams.HANG_UP_SECONDS


def test_other_requests_hear_of_it_at_once() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    began = time.monotonic()
    asyncio.run(run(SafeStreams(app), "/upload"))
    assert time.monotonic() - began < streams.HANG_UP_SECONDS / 2


def test_a_click_is_answered_after_the_browser_has_read_of_the_end() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"].endswith("/data"):
            await send({"type": "http.response.body", "body": b'data: {"msg":"close_stream"}'})

    async def both() -> tuple[float, float]:
        safe = SafeStreams(app)
        began = time.monotonic()
        await run(safe, "/queue/join")
        free = time.monotonic() - began
        await run(safe, "/queue/data")
        began = time.monotonic()
        await run(safe, "/queue/join")
        return free, time.monotonic() - began

    free, held = asyncio.run(both())
    assert free < streams.READ_SECONDS / 2
    assert held >= streams.READ_SECONDS * 0.9

"""One question in each of the ways, from its sending to the end of its answer."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from assistant.api.chat_request import MODEL
from benchmarks.load import endpoint
from benchmarks.load.processes import QUESTION
from benchmarks.load.wire import Failed, events, requested

FIRST = endpoint.FIRST_WORD.encode()
PAGE_API = "/gradio_api/queue"


@dataclass(frozen=True)
class Answered:
    """Seconds since the question was sent."""

    first: float
    whole: float


#: One question, asked and answered. Raises Failed or OSError.
Ask = Callable[[], Awaitable[Answered]]
#: Somebody who asks several, one after the other. Raises as Ask.
Asker = Callable[[], Awaitable[Ask]]


def endpoint_itself(url: str) -> Asker:
    """The chat model without the app."""
    return _completions(url, endpoint.MODEL)


def openai(url: str) -> Asker:
    return _completions(url, MODEL)


def _completions(url: str, model: str) -> Asker:
    message = {"role": "user", "content": QUESTION}
    body = {"model": model, "messages": [message], "stream": True}

    async def ask() -> Answered:
        began, first = time.perf_counter(), 0.0
        async with requested(f"{url}/v1/chat/completions", body) as reader:
            async for data in events(reader):
                if not first and FIRST in data:
                    first = time.perf_counter() - began
                if data == b"[DONE]":
                    break
                if data.startswith(b'{"error"'):
                    raise Failed(data.decode())
        return _answered(began, first)

    async def asker() -> Ask:
        return ask

    return asker


def page(url: str) -> Asker:
    """As a browser's page does: it loads once; each click joins the queue, its frames come by the
    session's stream, and the event that follows it shows the turn."""
    config = httpx.get(f"{url}/config", timeout=30).raise_for_status().json()
    known = _events_of(config)

    async def asker() -> Ask:
        session = secrets.token_hex(6)
        await _click(url, session, known.load, None, [])
        await _until_done(url, session, time.perf_counter())

        async def ask() -> Answered:
            began = time.perf_counter()
            await _click(url, session, known.ask, known.composer, [QUESTION, ""])
            await _until_done(url, session, began)
            await _click(url, session, known.follow, None, [])
            return _answered(began, await _until_done(url, session, began))

        return ask

    return asker


class _Known(NamedTuple):
    """Ids of Gradio's: three events and a component."""

    load: int
    ask: int
    follow: int
    composer: int


def _events_of(config: dict[str, Any]) -> _Known:
    rows = config["dependencies"]
    [composer] = [
        part["id"] for part in config["components"] if part["props"].get("elem_id") == "composer"
    ]
    [ask] = [
        row for row in rows if [composer, "submit"] in row["targets"] and composer in row["outputs"]
    ]
    [follow] = [row["id"] for row in rows if row.get("trigger_after") == ask["id"]]
    [load] = [
        row["id"]
        for row in rows
        if any(trigger == "load" for _, trigger in row["targets"])
        and row["outputs"] == ask["outputs"]
    ]
    return _Known(load, ask["id"], follow, composer)


async def _click(url: str, session: str, event: int, trigger: int | None, data: list[Any]) -> None:
    body = {
        "data": data,
        "event_data": None,
        "fn_index": event,
        "trigger_id": trigger,
        "session_hash": session,
    }
    async with requested(f"{url}{PAGE_API}/join", body) as reader:
        await reader.read()


async def _until_done(url: str, session: str, began: float) -> float:
    """When the first word of an answer was shown; 0 where none was."""
    first = 0.0
    async with requested(f"{url}{PAGE_API}/data?session_hash={session}") as reader:
        async for data in events(reader):
            if not first and FIRST in data:
                first = time.perf_counter() - began
            if b'"process_completed"' in data[:200]:
                if not json.loads(data)["success"]:
                    raise Failed(data.decode()[:300])
                return first
    raise Failed("the stream ended before the event did")


def _answered(began: float, first: float) -> Answered:
    if not first:
        raise Failed("an answer without its first word")
    return Answered(first, time.perf_counter() - began)

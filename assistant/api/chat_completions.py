"""``POST /v1/chat/completions``: a turn of the product, as OpenAI's clients ask for it.

The conversation is the caller's: what it sends in ``messages`` is the history, and nothing is
stored, unless it names a ``conversation_id``. A caller that hangs up stops the turn.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive

from assistant.api import faults
from assistant.api.chat_request import ChatRequest
from assistant.api.completion import Completion
from assistant.api.faults import BadRequest, TurnFailed
from assistant.events import Event, Step, Thinking
from assistant.running_turn import RunningTurn
from assistant.turns import Turns
from assistant.ui.visitor import Visitors
from assistant.users.identity import Role

log = logging.getLogger(__name__)

LARGEST = 4 * 2**20  # bytes of a request
#: A stream says that it is still there where nothing came for so long, so that no proxy hangs up.
#: Until then it has not begun, and a fault is told by its status.
QUIET_SECONDS = 5.0
EVENT_STREAM = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

Batches = AsyncGenerator[list[Event], None]


class ChatCompletions:
    """The handler; ``offered``: names of the chat models that may be chosen."""

    def __init__(self, turns: Turns, visitors: Visitors, offered: Collection[str]) -> None:
        self._turns = turns
        self._visitors = visitors
        self._offered = offered
        self._watching: set[asyncio.Task[None]] = set()

    async def complete(self, request: Request) -> Response:
        """Answer the last message from the documents, with citations."""
        asked = ChatRequest.model_validate_json(await read(request))
        asked.chosen(self._offered)
        asked.check()
        language = self._visitors.language(request)
        turn = self._start(asked, request, language)
        watch = asyncio.create_task(_stop_when_gone(request.receive, turn))
        self._watching.add(watch)
        watch.add_done_callback(self._watching.discard)
        completion = Completion(
            f"chatcmpl-{secrets.token_hex(12)}", asked.model, asked.conversation_id or ""
        )
        if asked.stream:
            return await self._streamed(turn, completion, asked)
        return await self._whole(turn, completion)

    def _start(self, asked: ChatRequest, request: Request, language: str) -> RunningTurn:
        identity = self._visitors.require(request, Role.READER)
        question, given = asked.conversation()
        return self._turns.start(
            identity.user,
            asked.conversation_id or f"api-{secrets.token_hex(8)}",
            question,
            language=language,
            model=asked.chosen(self._offered),
            standalone=asked.search_query,
            choices=asked.choices,
            given=None if asked.conversation_id else given,
            identity=identity,
            ahead=asked.conversation_id is not None,
        )

    async def _whole(self, turn: RunningTurn, completion: Completion) -> Response:
        async for event in turn.aevents():
            completion.apply(event)
        _raise_fault(completion)
        return JSONResponse(completion.whole(turn))

    async def _streamed(
        self, turn: RunningTurn, completion: Completion, asked: ChatRequest
    ) -> Response:
        batches = turn.abatches(QUIET_SECONDS)
        first = [_data(completion.opening())]
        async for batch in batches:
            first += _pieces(completion, batch)
            if completion.has_begun or not batch:
                break
        _raise_fault(completion)
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        return StreamingResponse(
            _stream(turn, completion, batches, "".join(first), with_usage=with_usage),
            media_type="text/event-stream",
            headers=EVENT_STREAM,
        )


async def read(request: Request) -> bytes:
    """The body.

    Raises:
        BadRequest: it is too large.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise BadRequest(
                "The request is larger than {most} MB.",
                "请求超过 {most} MB。",
                status=413,
                code="too_large",
                most=LARGEST // 2**20,
            )
    return bytes(body)


async def _stop_when_gone(receive: Receive, turn: RunningTurn) -> None:
    """The caller hung up, or has its whole answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
    if not turn.ended:
        turn.stop()


def _raise_fault(completion: Completion) -> None:
    if completion.error is not None:
        raise TurnFailed(completion.error.kind, completion.error.message)


async def _stream(
    turn: RunningTurn, completion: Completion, batches: Batches, first: str, *, with_usage: bool
) -> AsyncIterator[str]:
    yield first
    try:
        async with aclosing(batches):
            async for batch in batches:
                told = "".join(_pieces(completion, batch)) if batch else ": still at it\n\n"
                if told:
                    yield told
        if completion.error is not None:
            failed = TurnFailed(completion.error.kind, completion.error.message)
            yield _data(faults.body(failed, "en"))
            return
        yield "".join(map(_data, completion.closing(turn, with_usage=with_usage)))
        yield "data: [DONE]\n\n"
    finally:
        if not turn.ended:
            turn.stop()


def _pieces(completion: Completion, batch: list[Event]) -> list[str]:
    """What is streamed of these events."""
    pieces = []
    for event in batch:
        text = completion.apply(event)
        match event:
            case Step(stage="queue", place=place):
                pieces.append(f": place {place} in the queue\n\n")
            case Thinking(text=thought):
                pieces.append(_data(completion.chunk({"reasoning_content": thought})))
        if text:
            pieces.append(_data(completion.chunk({"content": text})))
    return pieces


def _data(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"

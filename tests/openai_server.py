"""A local server that speaks OpenAI's wire format and answers from a queue."""

from __future__ import annotations

import json
import select
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import served


@dataclass
class Reply:
    """What the next request gets: an answer in pieces, or an error, or vectors."""

    pieces: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()  # sent before the pieces, as ``thoughts_field``
    thoughts_field: str = "reasoning_content"
    finish: str = "stop"
    status: int = 200
    error: str | Mapping[str, Any] = ""  # a message, or the whole body
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    raw: str = ""  # a body as it is, such as a web page
    hold: threading.Event | None = None  # waits for it after the first piece
    hold_seconds: float = 10.0  # at most
    silent: bool = False  # sends nothing at all until the client leaves
    drop: bool = False  # closes the connection without an answer
    cut: bool = False  # breaks off in the middle of the stream
    fault: Mapping[str, Any] | None = None  # an error within the stream, after the first piece


@dataclass
class OpenAIServer:
    """Its address, the replies to come and the requests that came."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)  # of GET /models
    models_status: int = 200
    left: list[float] = field(default_factory=list)  # when clients closed their connection

    def say(self, *texts: str) -> None:
        """Queue one answer for each text, streamed by character."""
        self.replies += [Reply(tuple(text)) for text in texts]

    def clear(self) -> None:
        for things in (self.replies, self.requests, self.models, self.left):
            things.clear()
        self.models_status = 200


@contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    state = OpenAIServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if state.models_status != 200:
                self._refuse(Reply(status=state.models_status, error="no"))
                return
            self._json({"object": "list", "data": state.models})

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            data = self.rfile.read(size)
            if len(data) < size:
                self.close_connection = True  # the client left before it had asked
                return
            request = json.loads(data)
            key = self.headers.get("Authorization", "")
            state.requests.append({"path": self.path, "key": key, **request})
            reply = state.replies.pop(0)
            if reply.status != 200:
                self._refuse(reply)
            elif reply.raw:
                self._send(reply.raw.encode(), 200, "text/html", {})
            elif reply.drop:
                self.close_connection = True
            elif reply.silent:
                self._wait_for_leaving()
            elif reply.body is not None:
                self._json(reply.body)
            elif request.get("stream"):
                self._stream(reply)
            else:
                message = {"role": "assistant", "content": "".join(reply.pieces)}
                self._json(_envelope("chat.completion", message=message, finish_reason="stop"))

        def _refuse(self, reply: Reply) -> None:
            error = reply.error
            if isinstance(error, str):
                error = {"error": {"message": error, "type": "error", "code": str(reply.status)}}
            self._json(error, reply.status, reply.headers)

        def _json(
            self, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] = {}
        ) -> None:
            self._send(json.dumps(body).encode(), status, "application/json", headers)

        def _send(self, data: bytes, status: int, kind: str, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _wait_for_leaving(self) -> None:
            """Until the client closes its side, at most ten seconds."""
            if select.select([self.connection], [], [], 10)[0]:
                state.left.append(time.monotonic())
            self.close_connection = True

        def _stream(self, reply: Reply) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for thought in reply.thoughts:
                self._delta({"content": None, reply.thoughts_field: thought})
            for n, piece in enumerate(reply.pieces):
                self._delta({"content": piece})
                if reply.hold and n == 0:
                    reply.hold.wait(reply.hold_seconds)
                if reply.cut and n == 1:
                    self.close_connection = True
                    return
                if reply.fault and n == 0:
                    self._event({"error": reply.fault})
                    return
            self._event(_envelope("chat.completion.chunk", delta={}, finish_reason=reply.finish))
            usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
            self._event({**_envelope("chat.completion.chunk"), "choices": [], "usage": usage})
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _delta(self, delta: Mapping[str, Any]) -> None:
            self._event(_envelope("chat.completion.chunk", delta=delta))

        def _event(self, body: Mapping[str, Any]) -> None:
            self._chunk(f"data: {json.dumps(body)}\n\n".encode())

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                state.left.append(time.monotonic())
                self.close_connection = True  # the client stopped the stream

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with served(Handler) as url:
        state.url = f"{url}/v1"
        yield state


def _envelope(kind: str, **choice: object) -> dict[str, Any]:
    return {
        "id": "x",
        "object": kind,
        "created": 0,
        "model": "test",
        "choices": [{"index": 0, "finish_reason": None, **choice}],
    }

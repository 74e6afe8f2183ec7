"""A local server that speaks OpenAI's wire format and answers from a queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the next request gets: an answer in pieces, or an error, or vectors."""

    pieces: tuple[str, ...] = ()
    status: int = 200
    error: str = ""
    body: dict[str, Any] | None = None
    hold: threading.Event | None = None  # waits for it after the first piece
    cut: bool = False  # breaks off in the middle of the stream


@dataclass
class OpenAIServer:
    """Its address, the replies to come and the requests that came."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def say(self, *texts: str) -> None:
        """Queue one answer for each text, streamed by character."""
        self.replies += [Reply(tuple(text)) for text in texts]


@contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    state = OpenAIServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            request = json.loads(self.rfile.read(size))
            state.requests.append({"path": self.path, **request})
            reply = state.replies.pop(0)
            if reply.status != 200:
                error = {"message": reply.error, "type": "error", "code": str(reply.status)}
                self._json({"error": error}, reply.status)
            elif reply.body is not None:
                self._json(reply.body)
            elif request.get("stream"):
                self._stream(reply)
            else:
                message = {"role": "assistant", "content": "".join(reply.pieces)}
                self._json(_envelope("chat.completion", message=message, finish_reason="stop"))

        def _json(self, body: dict[str, Any], status: int = 200) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, reply: Reply) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for n, piece in enumerate(reply.pieces):
                self._event(_envelope("chat.completion.chunk", delta={"content": piece}))
                if reply.hold and n == 0:
                    reply.hold.wait(10)
                if reply.cut and n == 1:
                    self.close_connection = True
                    return
            self._event(_envelope("chat.completion.chunk", delta={}, finish_reason="stop"))
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _event(self, body: dict[str, Any]) -> None:
            self._chunk(f"data: {json.dumps(body)}\n\n".encode())

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True  # the client stopped the stream

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _envelope(kind: str, **choice: object) -> dict[str, Any]:
    return {
        "id": "x",
        "object": kind,
        "created": 0,
        "model": "test",
        "choices": [{"index": 0, "finish_reason": None, **choice}],
    }

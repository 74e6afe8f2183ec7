"""The chat side of an Ollama server: ``/api/show``, ``/api/chat`` as a stream of lines."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import served

#: The models that it has: their capabilities and the length of their context.
MODELS = {
    "qwen3:0.6b": (["completion", "tools", "thinking"], 40960),
    "llama3.2": (["completion", "tools"], 4096),
}


@dataclass
class OllamaChatServer:
    """What the next answers are, and what came."""

    url: str = ""
    thoughts: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ("ok",)
    done_reason: str = "stop"
    fault: str = ""  # an error line after the first piece
    silent: bool = False  # answers nothing until the client leaves
    requests: list[dict[str, Any]] = field(default_factory=list)
    left: list[float] = field(default_factory=list)


@contextmanager
def ollama_chat() -> Iterator[OllamaChatServer]:
    state = OllamaChatServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = MODELS.get(request["model"])
            if known is None:
                self._json({"error": f"model '{request['model']}' not found"}, 404)
            elif self.path == "/api/show":
                info = {"general.architecture": "qwen3", "qwen3.context_length": known[1]}
                self._json({"capabilities": known[0], "model_info": info, "details": {}})
            else:
                state.requests.append(request)
                self._chat(request, known[0])

        def _chat(self, request: dict[str, Any], capabilities: list[str]) -> None:
            if request.get("think") is not None and "thinking" not in capabilities:
                self._json({"error": f'"{request["model"]}" does not support thinking'}, 400)
                return
            if state.silent:
                if select.select([self.connection], [], [], 10)[0]:
                    state.left.append(time.monotonic())
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            thinks = request.get("think")
            for thought in state.thoughts if thinks else ():
                self._line({"message": {"role": "assistant", "content": "", "thinking": thought}})
            for n, piece in enumerate(state.pieces):
                self._line({"message": {"role": "assistant", "content": piece}})
                if state.fault and n == 0:
                    self._line({"error": state.fault})
                    self._chunk(b"")
                    return
            end = {"done": True, "done_reason": state.done_reason, "eval_count": 3}
            last = {"message": {"role": "assistant", "content": ""}, "prompt_eval_count": 7}
            self._line({**last, **end})
            self._chunk(b"")

        def _line(self, row: dict[str, Any]) -> None:
            common = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False}
            whole = row if "error" in row else {**common, **row}
            self._chunk(json.dumps(whole).encode() + b"\n")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _json(self, body: dict[str, Any], status: int = 200) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                state.left.append(time.monotonic())
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with served(Handler) as url:
        state.url = url
        yield state

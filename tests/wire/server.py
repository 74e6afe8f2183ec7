"""A JSON service on 127.0.0.1: what came is kept, what to answer is a function's matter."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import served

DIMENSION = 8


@dataclass
class Answer:
    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    path: str
    key: str  # of the Authorization header, empty without
    body: dict[str, Any]


@dataclass
class Wire:
    """A running service: its address, what came, and faults to come first."""

    url: str
    requests: list[Request] = field(default_factory=list)
    #: Answered before all else, one for each request.
    faults: list[Answer] = field(default_factory=list)

    def clear(self) -> None:
        self.requests.clear()
        self.faults.clear()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]


@contextmanager
def serve(answer: Callable[[Request], Answer]) -> Iterator[Wire]:
    """Run ``answer`` as a server."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each call waits 40 ms for the second

        def do_GET(self) -> None:
            self._take({})

        def do_POST(self) -> None:
            self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _take(self, body: dict[str, Any]) -> None:
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            request = Request(self.path, key, body)
            with lock:
                wire.requests.append(request)
                fault = wire.faults.pop(0) if wire.faults else None
            self._send(fault or answer(request))

        def _send(self, answer: Answer) -> None:
            body = answer.body
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with served(Handler) as url:
        wire = Wire(url)
        yield wire


def vector(text: str, dimension: int = DIMENSION) -> list[float]:
    """Numbers that only this text has; not of unit length."""
    seed = hashlib.shake_128(text.encode("utf-8", "surrogatepass")).digest(dimension)
    return [byte - 127.5 for byte in seed]


def score(question: str, text: str) -> float:
    """The share of the question's characters that ``text`` has."""
    return len(set(question) & set(text)) / max(1, len(set(question)))

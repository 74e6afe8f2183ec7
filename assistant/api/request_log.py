"""Gives each request an id, and notes how it was served."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.observability import request_ids

log = logging.getLogger(__name__)

#: What is noted at level INFO; the pages' own requests, which are many, at level DEBUG.
FOR_PROGRAMS = ("/v1/", "/api/")
PROBES = ("/healthz", "/readyz", "/metrics")

#: Told of each answer: interface ("v1", "api", "probe" or "page"), status, seconds until it began.
OnAnswer = Callable[[str, int, float], None]


class RequestLog:
    """ASGI middleware, the outermost: the id is taken from ``X-Request-ID`` where that can be one,
    stands in ``scope["state"]["request_id"]`` and every log line, and goes back in the header."""

    def __init__(self, app: ASGIApp, on_answer: OnAnswer = lambda *_: None) -> None:
        self._app = app
        self._on_answer = on_answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(request_ids.HEADER, "")
        id = request_ids.sane_or_new(given)
        scope.setdefault("state", {})["request_id"] = id
        began = time.monotonic()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[request_ids.HEADER] = id
                self._note(scope, message["status"], time.monotonic() - began)
            await send(message)

        with request_ids.using(id):
            await self._app(scope, receive, send_with_id)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path: str = scope["path"]
        interface = interface_of(path)
        self._on_answer(interface, status, seconds)
        level = logging.INFO if path.startswith(FOR_PROGRAMS) else logging.DEBUG
        identity = scope["state"].get("identity")
        log.log(
            level,
            "%s %s %d %.0f ms",
            scope["method"],
            path,
            status,
            seconds * 1000,
            extra={
                "method": scope["method"],
                "path": path,
                "status": status,
                "seconds": round(seconds, 4),
                "user": getattr(identity, "user", ""),
            },
        )


def interface_of(path: str) -> str:
    """
    >>> interface_of("/v1/models"), interface_of("/readyz"), interface_of("/knowledge")
    ('v1', 'probe', 'page')
    """
    if path in PROBES:
        return "probe"
    first = path.split("/", 2)[1]
    return first if first in ("v1", "api") else "page"

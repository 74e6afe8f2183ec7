"""Which of Gradio's own routes the pages need, and for whom: all others are closed.

Gradio brings some sixty routes: a file server for whoever knows a path, a proxy to other hosts,
calls of any handler without the queue, an editor of the app. What the pages use is listed here.
Gradio knows a page's session, its events and its uploads by id alone; here an id is good only for
the user whom it belongs to, see :mod:`~assistant.ui.belongings`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import AssistantError
from assistant.ui.belongings import Belongings
from assistant.ui.refusals import refusal
from assistant.ui.uploads import UploadLimits, watched_upload
from assistant.ui.visitor import Visitors
from assistant.users.refused import Missing, TooLarge

API = "/gradio_api"
#: Files of Gradio's own and what a page asks for at its start: the same for everyone.
PLAIN = ("/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")
PLAIN_API = ("/info", "/startup-events", "/theme.css", "/app_id", "/queue/status")
FOLDERS = ("/assets/", "/static/")
#: Characters of a click: a whole conversation and a pasted book fit.
CLICK_BYTES = 32 * 2**20
SESSION, EVENT, FILE, UPLOAD = "session", "event", "file", "upload"

Read = Callable[[Any], None]


@dataclass(frozen=True)
class _Call:
    """One request of a user."""

    scope: Scope
    receive: Receive
    send: Send
    user: str

    @property
    def query(self) -> dict[str, str]:
        return dict(Request(self.scope).query_params)


class GradioRoutes:
    """ASGI app around Gradio's.

    Args:
        pages: the paths of the pages.
    """

    def __init__(
        self, app: ASGIApp, pages: Iterable[str], visitors: Visitors, limits: UploadLimits
    ) -> None:
        self._app = app
        self._plain = {*pages, *PLAIN, *(API + path for path in PLAIN_API)}
        self._visitors = visitors
        self._limits = limits
        self._belongings = Belongings()
        self._handlers: dict[tuple[str, str], Callable[[_Call], Awaitable[None]]] = {
            ("POST", f"{API}/queue/join"): self._join,
            ("GET", f"{API}/queue/data"): self._stream,
            ("POST", f"{API}/cancel"): self._cancel,
            ("POST", f"{API}/reset"): self._cancel,
            ("POST", f"{API}/upload"): self._upload,
            ("GET", f"{API}/upload_progress"): self._progress,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            user = self._visitors.identity(request).user
            await self._route(_Call(scope, receive, send, user))
        except AssistantError as error:
            answer = refusal(error, self._visitors.language(request))
            await answer(scope, receive, send)

    async def _route(self, call: _Call) -> None:
        method, path = call.scope["method"], call.scope["path"]
        if handler := self._handlers.get((method, path)):
            await handler(call)
        elif method not in ("GET", "HEAD"):
            raise Missing
        elif path in self._plain or path.startswith(FOLDERS):
            await self._app(call.scope, call.receive, call.send)
        elif path.startswith(f"{API}/heartbeat/"):
            await self._own(call, SESSION, path.rpartition("/")[2])
        elif path.startswith(f"{API}/file="):
            await self._file(call, path.removeprefix(f"{API}/file="))
        else:
            raise Missing

    async def _join(self, call: _Call) -> None:
        """A click: of the user's own session, with the user's own files."""
        body, receive = await _whole(call.receive)
        asked = _json(body)
        self._check(SESSION, asked.get("session_hash"), call.user)
        for path in _files(asked.get("data")):
            if not self._belongings.is_of(FILE, path, call.user):
                raise Missing
        user = call.user

        def note(answer: Any) -> None:
            if isinstance(answer, dict) and isinstance(answer.get("event_id"), str):
                self._belongings.give(EVENT, answer["event_id"], user)

        await self._app(call.scope, receive, _reading(call.send, note))

    async def _cancel(self, call: _Call) -> None:
        body, receive = await _whole(call.receive)
        asked = _json(body)
        self._check(SESSION, asked.get("session_hash"), call.user)
        event = asked.get("event_id")
        if event is not None and not self._belongings.is_of(EVENT, str(event), call.user):
            raise Missing
        await self._app(call.scope, receive, call.send)

    async def _stream(self, call: _Call) -> None:
        await self._own(call, SESSION, call.query.get("session_hash"))

    async def _progress(self, call: _Call) -> None:
        await self._own(call, UPLOAD, call.query.get("upload_id"))

    async def _upload(self, call: _Call) -> None:
        if "upload_id" in call.query:
            self._check(UPLOAD, call.query["upload_id"], call.user)
        language = self._visitors.language(Request(call.scope))
        try:
            receive = watched_upload(call.scope, call.receive, self._limits, language)
        except AssistantError as error:  # the page shows an upload's fault as it comes
            fault = PlainTextResponse(error.text(language), 413)
            await fault(call.scope, call.receive, call.send)
            return
        user = call.user

        def note(answer: Any) -> None:
            for path in answer if isinstance(answer, list) else ():
                self._belongings.give(FILE, str(path), user)

        await self._app(call.scope, receive, _reading(call.send, note))

    async def _file(self, call: _Call, path: str) -> None:
        """A file that the user uploaded; no other, wherever it lies."""
        if not self._belongings.is_of(FILE, path, call.user):
            raise Missing
        await self._app(call.scope, call.receive, call.send)

    async def _own(self, call: _Call, kind: str, name: object) -> None:
        self._check(kind, name, call.user)
        await self._app(call.scope, call.receive, call.send)

    def _check(self, kind: str, name: object, user: str) -> None:
        """Raises Missing where ``name`` is another user's, or no name."""
        if not isinstance(name, str) or not 0 < len(name) <= 200:
            raise Missing
        if not self._belongings.claim(kind, name, user):
            raise Missing


async def _whole(receive: Receive) -> tuple[bytes, Receive]:
    """The body of a request, and a ``receive`` that brings it again. Raises TooLarge."""
    body = bytearray()
    async for chunk in _chunks(receive):
        body += chunk
        if len(body) > CLICK_BYTES:
            raise TooLarge
    whole, left = bytes(body), [True]

    async def again() -> Message:
        if left:
            left.clear()
            return {"type": "http.request", "body": whole, "more_body": False}
        return await receive()

    return whole, again


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _json(body: bytes) -> dict[str, Any]:
    """What ``body`` holds; raises Missing where it is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Missing from None
    if not isinstance(found, dict):
        raise Missing
    return found


def _files(value: Any) -> Iterator[str]:
    """The paths of the files in what a click brings, as Gradio reads them."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            meta = each.get("meta")
            if isinstance(meta, dict) and meta.get("_type") == "gradio.FileData":
                yield str(each.get("path"))
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _reading(send: Send, read: Read) -> Send:
    """``send`` that gives ``read`` the JSON of a whole and successful answer before it goes."""
    body = bytearray()
    good = False

    async def reading(message: Message) -> None:
        nonlocal good
        if message["type"] == "http.response.start":
            good = message["status"] == 200
        elif message["type"] == "http.response.body" and good:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                read(json.loads(bytes(body)))
        await send(message)

    return reading

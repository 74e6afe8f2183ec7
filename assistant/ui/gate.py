"""The gate around the whole app: who asks, may they come in, and did their own page ask.

Everything is behind it, Gradio's own routes included; only what a login needs and what an operator
watches is open. The identity is put into ``scope["state"]["identity"]``.
"""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import AssistantError
from assistant.ui.callers import Caller, caller_of
from assistant.ui.refusals import refusal
from assistant.ui.visitor import Visitors
from assistant.users.access import Access, Asked
from assistant.users.identity import Identity, LoginRequired
from assistant.users.refused import Elsewhere, Foreign, TooLarge
from assistant.users.ways import LOOPBACK, Way

LOGIN = "/login"
#: Open to everyone, under whatever name: they tell nothing but whether the app works.
WATCHED = ("/healthz", "/readyz")
#: Open, too; who may read them is checked there, by role or address.
METRICS = "/metrics"
#: Asked by a page of its own accord: a page that lies open keeps no session alive.
UNUSED = ("/head",)
#: What a program asks for: it is told, not led to the login.
PROGRAMS = ("/gradio_api/", "/v1/", "/api/")
SAFE = ("GET", "HEAD", "OPTIONS")
LOGIN_BYTES = 16 * 1024
#: How often a stream's reader is looked at again.
LOOK_SECONDS = 5.0

COOKIE, SECURE_COOKIE = "assistant_session", "__Host-assistant_session"


def session_token(scope: Scope) -> str:
    """The token in the request's session cookie; empty where there is none."""
    name = SECURE_COOKIE if scope["scheme"] == "https" else COOKIE
    return Request(scope).cookies.get(name, "")


class _Ended(ClientDisconnect):
    """The reader of a stream may not read on."""


class Gate:
    """ASGI middleware; to stand around all others that answer."""

    def __init__(self, app: ASGIApp, access: Access, visitors: Visitors, host: str) -> None:
        self._app = app
        self._access = access
        self._visitors = visitors
        self._hosts = {*LOOPBACK, host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:  # the app has no websockets
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope, self._access.is_trusted)
        state = scope.setdefault("state", {})
        state["address"], state["host"] = caller.address, caller.host
        asked = self._asked(scope, caller)
        try:
            self._check_address(scope, caller)
            identity = self._access.identity(asked)
            _check_origin(scope, caller, identity)
            if identity is None and not _is_open(scope["path"]):
                raise LoginRequired
            _check_size(scope)
        except AssistantError as error:
            await self._refused(scope, error)(scope, receive, send)
            return
        if identity is None:
            await self._app(scope, receive, send)
            return
        state["identity"] = identity
        try:
            await self._app(scope, receive, self._watched(send, asked, identity))
        except _Ended:
            return

    def _asked(self, scope: Scope, caller: Caller) -> Asked:
        headers = Headers(scope=scope)
        kind, _, key = headers.get("authorization", "").partition(" ")
        names = self._access.proxy_headers
        user, role = (_one(headers, name) for name in names)
        return Asked(
            peer=caller.peer,
            token=session_token(scope),
            key=key.strip() if kind.lower() == "bearer" else "",
            proxy_user=user,
            proxy_role=role,
            is_use=scope["path"] not in UNUSED,
        )

    def _check_address(self, scope: Scope, caller: Caller) -> None:
        """Where everyone is the local user, only this machine's own browser gets in: not a page
        from elsewhere that gave its name our address, and nobody through a proxy.

        Raises:
            Elsewhere: the request is not from here.
        """
        if self._access.way is not Way.LOCAL or scope["path"] in WATCHED:
            return
        name = urlsplit(f"//{caller.host}").hostname or ""
        is_here = name in self._hosts or name.endswith(".localhost")
        if not is_here or not _is_loopback(caller.address):
            raise Elsewhere(caller.host or caller.address)

    def _watched(self, send: Send, asked: Asked, identity: Identity) -> Send:
        """``send`` that ends a stream once its reader was logged out."""
        if self._access.way.is_open and identity.way == "local":
            return send
        looked = time.monotonic()

        async def watched(message: Message) -> None:
            nonlocal looked
            now = time.monotonic()
            if message["type"] == "http.response.body" and now - looked > LOOK_SECONDS:
                looked = now
                if self._access.identity(replace(asked, is_use=False)) is None:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    raise _Ended
            await send(message)

        return watched

    def _refused(self, scope: Scope, error: AssistantError) -> Response:
        request = Request(scope)
        language = self._visitors.language(request)
        as_page = _is_page(request)
        if as_page and isinstance(error, LoginRequired) and self._access.way is not Way.PROXY:
            place = scope["path"] + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{LOGIN}?next={quote(place, safe='')}", 303)
        return refusal(error, language, as_page=as_page)


def _one(headers: Headers, name: str) -> str:
    """The header ``name``; empty where it comes more than once, so that none can be slipped in
    beside the proxy's."""
    found = headers.getlist(name) if name else []
    return found[0].strip() if len(found) == 1 else ""


def _check_origin(scope: Scope, caller: Caller, identity: Identity | None) -> None:
    """Another site's page may not change anything in the name of whom it is shown to.

    Raises:
        Foreign: it tries to.
    """
    headers = Headers(scope=scope)
    if scope["method"] in SAFE or (identity and identity.way == "key"):
        return
    site = headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    origin = headers.get("origin")
    if site is None and origin is None:
        return  # not a browser
    if site is None and origin is not None:
        parts = urlsplit(origin)
        scheme = "https" if caller.is_https else "http"
        if (parts.scheme, parts.netloc) == (scheme, caller.host):
            return
    raise Foreign(origin or site or "")


def _check_size(scope: Scope) -> None:
    """Raises TooLarge where somebody who is not logged in sends more than a login."""
    if _is_login(scope["path"]) and scope["method"] not in SAFE:
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdigit() or int(length) > LOGIN_BYTES:
            raise TooLarge


def _is_open(path: str) -> bool:
    return path in WATCHED or path == METRICS or _is_login(path)


def _is_login(path: str) -> bool:
    return path == LOGIN or path.startswith(f"{LOGIN}/")


def _is_page(request: Request) -> bool:
    if request.method not in ("GET", "HEAD") or request.url.path.startswith(PROGRAMS):
        return False
    return "text/html" in request.headers.get("accept", "")


def _is_loopback(address: str) -> bool:
    return address in ("", "localhost") or address.startswith("127.") or address == "::1"

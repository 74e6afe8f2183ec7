"""Login and logout: pages that work without scripts, and the session's cookie."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from assistant.errors import AssistantError
from assistant.ui.gate import COOKIE, LOGIN, SECURE_COOKIE, session_token
from assistant.ui.looks import cookies_of
from assistant.ui.plain_page import plain_page, said
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users.access import Access, LoginDelayed
from assistant.users.identity import Identity
from assistant.users.ways import Way

LOGOUT = "/logout"
SERVICE = f"{LOGIN}/oidc/start"
Field = Annotated[str, Form()]


def place_within(asked: str) -> str:
    """``asked`` where it is a place of this app, else its first page.

    >>> place_within("/knowledge?x=1"), place_within("//evil.example"), place_within("/\\\\evil")
    ('/knowledge?x=1', '/', '/')
    """
    is_plain = asked.startswith("/") and asked.isprintable() and "\\" not in asked
    if not is_plain or asked.startswith(("//", LOGIN, LOGOUT)):
        return "/"
    parts = urlsplit(asked)
    return asked if not parts.scheme and not parts.netloc else "/"


def with_session(answer: Response, request: Request, token: str, seconds: float) -> Response:
    """``answer`` that begins a session in the visitor's browser."""
    is_https = request.url.scheme == "https"
    answer.set_cookie(
        SECURE_COOKIE if is_https else COOKIE,
        token,
        max_age=int(seconds),
        path="/",
        secure=is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


@dataclass(frozen=True)
class LoginPages:
    """The handlers of the routes."""

    access: Access
    visitors: Visitors

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(LOGIN, self.show, methods=["GET"])
        router.add_api_route(LOGOUT, self.ask, methods=["GET"])
        router.add_api_route(LOGOUT, self.leave, methods=["POST"])
        if self.access.way is Way.USERS:
            router.add_api_route(LOGIN, self.enter, methods=["POST"])
        return router

    def show(
        self, request: Request, next: Annotated[str, Query()] = "", left: str = ""
    ) -> Response:
        place = place_within(next)
        known = getattr(request.state, "identity", None)
        if known or self.access.way.is_open:
            return RedirectResponse(place, 303)
        language = self.visitors.language(request)
        words = said("good", text("login_left", language)) if left else ""
        return self._page(request, place, words)

    def enter(
        self, request: Request, name: Field = "", password: Field = "", next: Field = ""
    ) -> Response:
        """Log in. Whatever session the browser had ends: a planted one stays of no use."""
        place = place_within(next)
        try:
            token = self.access.login(name, password, request.state.address)
        except AssistantError as error:
            return self._refused(request, place, name, error)
        self.access.sessions.end(session_token(request.scope))
        answer = RedirectResponse(place, 303)
        return with_session(answer, request, token, self.access.sessions.longest)

    def ask(self, request: Request) -> Response:
        """Asks before it logs out: a link from elsewhere must not."""
        language = self.visitors.language(request)
        title = text("logout", language)
        body = (
            f'<div class="card"><h1>{text("logout_ask", language)}</h1>'
            f'<form method="post" action="{LOGOUT}"><button>{title}</button></form></div>'
            f'<p><a href="/">{text("account_back", language)}</a></p>'
        )
        return plain_page(title, body, language, cookies=cookies_of(request.headers))

    def leave(self, request: Request) -> Response:
        identity: Identity | None = getattr(request.state, "identity", None)
        token = session_token(request.scope)
        if identity and token:
            self.access.logout(identity, token)
        answer = RedirectResponse(f"{LOGIN}?left=1", 303)
        # Drafts and the like that the page kept in the browser are not the next user's.
        answer.headers["Clear-Site-Data"] = '"storage"'
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        if request.url.scheme == "https":
            answer.delete_cookie(SECURE_COOKIE, secure=True, httponly=True, samesite="lax")
        return answer

    def _refused(self, request: Request, place: str, name: str, error: AssistantError) -> Response:
        words = said("bad", error.text(self.visitors.language(request)))
        if isinstance(error, LoginDelayed):
            headers = {"Retry-After": str(error.seconds)}
            return self._page(request, place, words, name, status=429, headers=headers)
        return self._page(request, place, words, name, status=401)

    def _page(
        self, request: Request, place: str, words: str = "", name: str = "", **answer: Any
    ) -> Response:
        language = self.visitors.language(request)
        form = _form(place, name, language)
        if self.access.way is not Way.USERS:
            form = f'<a class="button" href="{SERVICE}?next={html.escape(place)}">'
            form += f"{text('login_service', language)}</a>"
        body = (
            f'<div class="card"><p class="brand"><span aria-hidden="true">知</span>'
            f"{text('app', language)}</p>{words}{form}</div>"
            f'<p class="note">{text("login_forgotten", language)}</p>'
        )
        title = f"{text('login', language)} · {text('app', language)}"
        return plain_page(title, body, language, cookies=cookies_of(request.headers), **answer)


def _form(place: str, name: str, language: str) -> str:
    return (
        f'<h1>{text("login", language)}</h1><form method="post" action="{LOGIN}">'
        f'<label for="name">{text("login_name", language)}</label>'
        f'<input id="name" name="name" value="{html.escape(name[:100])}" maxlength="100" required '
        'autocomplete="username" autocapitalize="none" spellcheck="false"'
        f"{'' if name else ' autofocus'}>"
        f'<label for="password">{text("login_password", language)}</label>'
        '<input id="password" name="password" type="password" maxlength="256" required '
        f'autocomplete="current-password"{" autofocus" if name else ""}>'
        f'<input type="hidden" name="next" value="{html.escape(place)}">'
        f"<button>{text('login', language)}</button></form>"
    )

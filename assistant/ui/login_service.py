"""Login by a service (OpenID Connect): the visitor is sent there, and comes back with a code."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from assistant.errors import AssistantError
from assistant.ui.gate import LOGIN, session_token
from assistant.ui.login import SERVICE, place_within, with_session
from assistant.ui.looks import cookies_of
from assistant.ui.plain_page import plain_page, said
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users.access import Access
from assistant.users.oidc import Begun, LoginRefused, LoginUnknown, Oidc

BACK = f"{LOGIN}/oidc"
COOKIE, SECURE_COOKIE = "assistant_login", "__Host-assistant_login"
#: How long a visitor may stay at the service.
AWAY_SECONDS = 600


@dataclass(frozen=True)
class LoginService:
    """The handlers of the routes."""

    access: Access
    visitors: Visitors
    oidc: Oidc

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(SERVICE, self.begin, methods=["GET"])
        router.add_api_route(BACK, self.finish, methods=["GET"])
        return router

    def begin(self, request: Request, next: str = "") -> Response:
        try:
            address, begun = self.oidc.begin(_back(request), place_within(next))
        except AssistantError as error:
            return self._refused(request, error)
        answer = RedirectResponse(address, 303)
        is_https = request.url.scheme == "https"
        kept = urlsafe_b64encode(json.dumps(asdict(begun)).encode("utf-8")).decode("ascii")
        answer.set_cookie(
            SECURE_COOKIE if is_https else COOKIE,
            kept,
            max_age=AWAY_SECONDS,
            path="/",
            secure=is_https,
            httponly=True,
            samesite="lax",  # the service's page sends the visitor back
        )
        return answer

    def finish(
        self, request: Request, code: str = "", state: str = "", error: str = ""
    ) -> Response:
        try:
            begun = _begun(request)
            if error:
                raise LoginRefused(error[:100])
            vouched = self.oidc.finish(code, state, begun, _back(request))
            token = self.access.admit(vouched.user, vouched.roles, request.state.address)
        except AssistantError as fault:
            self.access.audit.note(None, "login.failed", fault.kind, address=request.state.address)
            return self._refused(request, fault)
        self.access.sessions.end(session_token(request.scope))
        answer = RedirectResponse(place_within(begun.place), 303)
        answer.delete_cookie(COOKIE)
        answer.delete_cookie(SECURE_COOKIE, secure=True)
        return with_session(answer, request, token, self.access.sessions.longest)

    def _refused(self, request: Request, error: AssistantError) -> Response:
        language = self.visitors.language(request)
        title = text("login", language)
        body = (
            f"<h1>{title}</h1>{said('bad', error.text(language))}"
            f'<p><a href="{LOGIN}">{text("account_back", language)}</a></p>'
        )
        return plain_page(title, body, language, cookies=cookies_of(request.headers), status=401)


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.state.host}{BACK}"


def _begun(request: Request) -> Begun:
    """What the browser kept of the login that it began. Raises LoginUnknown."""
    name = SECURE_COOKIE if request.url.scheme == "https" else COOKIE
    kept = request.cookies.get(name, "")
    try:
        return Begun(**json.loads(urlsafe_b64decode(kept)))
    except (ValueError, TypeError) as error:
        raise LoginUnknown from error

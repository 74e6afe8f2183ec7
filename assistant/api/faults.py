"""What an error is to a program: a status, and a body in OpenAI's shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from assistant.errors import AssistantError, InternalError, TryLater

log = logging.getLogger(__name__)

INVALID, SERVER = "invalid_request_error", "server_error"
#: Kind of error -> status, type and code; all others are the server's fault.
STATUSES: dict[str, tuple[int, str, str]] = {
    "login": (401, INVALID, "invalid_api_key"),
    "access": (403, "permission_error", "insufficient_permissions"),
    "conversation": (400, INVALID, "invalid_question"),
    "conversation_busy": (409, INVALID, "conversation_busy"),
    "document": (422, INVALID, "document"),
    "page": (422, INVALID, "page"),
    "knowledge": (400, INVALID, "knowledge"),
    "locked": (503, SERVER, "locked"),
    "too_many": (429, "rate_limit_error", "rate_limit_exceeded"),
    "overloaded": (503, SERVER, "overloaded"),
    "rate_limit": (429, "rate_limit_error", "model_rate_limit"),
    "content_filter": (400, INVALID, "content_filter"),
    "context_too_long": (400, INVALID, "context_length_exceeded"),
    "not_found": (404, INVALID, "not_found"),
    "too_large": (413, INVALID, "too_large"),
    "upload": (413, INVALID, "too_large"),
    "disk_full": (507, SERVER, "disk_full"),
    "internal": (500, SERVER, "internal"),
}
#: Faults of the model's service, of Redis, of a local server: the request may be tried again.
UNAVAILABLE = 503
RETRY_SECONDS = 5  # where the error doesn't say it
CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class BadRequest(AssistantError):
    """What the program sent can't be used; ``status`` and ``code`` as OpenAI has them."""

    kind = "bad_request"

    def __init__(
        self,
        en: str,
        zh: str,
        /,
        *,
        param: str | None = None,
        status: int = 400,
        code: str | None = None,
        **fields: object,
    ) -> None:
        super().__init__(en, zh, param=param, **fields)
        self.param, self.status, self.code = param, status, code


class TurnFailed(AssistantError):
    """A turn ended with an error event of this kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__("{message}", "{message}", message=message)
        self.kind = kind


def body(error: AssistantError, language: str) -> dict[str, Any]:
    """``{"error": {"message", "type", "param", "code"}}``."""
    _, type_, code = _status(error)
    param = error.param if isinstance(error, BadRequest) else None
    told = {"message": error.text(language), "type": type_, "param": param, "code": code}
    return {"error": told}


def response(error: AssistantError, language: str) -> JSONResponse:
    status = _status(error)[0]
    headers = {}
    if status in (429, UNAVAILABLE):
        seconds = error.seconds if isinstance(error, TryLater) else RETRY_SECONDS
        headers["Retry-After"] = str(seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body(error, language), status, headers)


def _status(error: AssistantError) -> tuple[int, str, str | None]:
    if isinstance(error, BadRequest):
        return error.status, INVALID, error.code
    return STATUSES.get(error.kind, (UNAVAILABLE, SERVER, error.kind))


def invalid(error: RequestValidationError | ValidationError) -> BadRequest:
    """The first of what pydantic finds amiss."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    named = ".".join(place) or "body"
    return BadRequest(
        "{param}: {message}.",
        "{param} 无法使用：{message}。",
        param=named,
        message=first["msg"],
    )


def not_found(en: str, zh: str, **fields: Any) -> BadRequest:
    return BadRequest(en, zh, status=404, code="not_found", **fields)


def telling_faults(language_of: Callable[[Request], str]) -> type[APIRoute]:
    """A class of routes whose errors are told as :func:`response` has them, in the language that
    ``language_of`` finds."""

    class FaultTellingRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def told(request: Request) -> Response:
                try:
                    return await handle(request)
                except Exception as error:  # noqa: BLE001 - the outermost edge of a request
                    return response(_known(error, request), language_of(request))

            return told

    return FaultTellingRoute


def _known(error: Exception, request: Request) -> AssistantError:
    match error:
        case AssistantError():
            return error
        case RequestValidationError() | ValidationError():
            return invalid(error)
        case ClientDisconnect():
            return BadRequest("The caller has left.", "调用方已断开。", status=499)
        case HTTPException(status_code=status, detail=detail):
            code = CODES.get(status)
            return BadRequest("{detail}", "{detail}", status=status, code=code, detail=detail)
        case _:
            log.error("%s %s failed", request.method, request.url.path, exc_info=error)
            return InternalError(error)

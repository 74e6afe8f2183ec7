"""What a request gets that may not go on: JSON for programs, a page for people."""

from __future__ import annotations

import html

from starlette.responses import JSONResponse, Response

from assistant.errors import AssistantError
from assistant.ui.plain_page import plain_page
from assistant.ui.texts import text
from assistant.users.identity import LoginRequired

#: kind of an error -> HTTP status, type in the words of OpenAI's interface.
STATUS = {
    "login": (401, "authentication_error"),
    "access": (403, "permission_error"),
    "not_found": (404, "not_found_error"),
    "too_large": (413, "invalid_request_error"),
    "upload": (413, "invalid_request_error"),
    "disk_full": (507, "server_error"),
}


def refusal(error: AssistantError, language: str, *, as_page: bool = False) -> Response:
    """The answer that ``error`` is."""
    status, kind = STATUS.get(error.kind, (503, "server_error"))
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, LoginRequired):
        headers["WWW-Authenticate"] = "Bearer"
    if as_page:
        title = text("refused", language)
        body = f"<h1>{html.escape(title)}</h1><p>{html.escape(error.text(language))}</p>"
        return plain_page(title, body, language, status=status, headers=headers)
    content = {"error": {"message": error.text(language), "type": kind, "code": error.kind}}
    return JSONResponse(content, status, headers)

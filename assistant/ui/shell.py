"""What stands around Gradio's part of a page: its language, its title, its colours and its head,
in the page from its first byte on.

Gradio draws a page once its scripts are there and knows the browser's language only; what this
adds is visible at once, and tells Gradio which language and colours the visitor chose.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.ui.looks import TOKENS, cookies_of, root_attributes

HERE = Path(__file__).parent
GRADIO = "<gradio-app"
_ROOT = re.compile(r'<html\s+lang="en"')
_CHARSET = re.compile(r'<meta charset="utf-8" ?/?>')
#: Gradio's words for link previews: of Gradio, with a picture from elsewhere.
_PREVIEWS = re.compile(r'\s*<meta\s+(?:property="og|name="twitter):[^>]*>')
_BODY = re.compile(r"<body[^>]*>")


@dataclass(frozen=True)
class Frame:
    """What a page gets: ``language``, its ``title`` and its ``head``, all safe as HTML."""

    language: str
    title: str
    head: str


Framing = Callable[[Request], Frame]


class Shell:
    """ASGI middleware inside Gradio's app, where a page is not compressed yet.

    Args:
        framing: gives what a request's page gets.
    """

    def __init__(self, app: ASGIApp, framing: Framing) -> None:
        self._app = app
        self._framing = framing
        scripts = (HERE / "shell.js").read_text("utf-8")
        styles = TOKENS.read_text("utf-8") + (HERE / "head.css").read_text("utf-8")
        self._early = f"<style>{styles}</style><script>{scripts}</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Page(self, Request(scope), send).take)

    def complete(self, page: str, request: Request) -> str:
        """Gradio's ``page`` with all that this adds; another page as it is."""
        if GRADIO not in page:
            return page
        frame = self._framing(request)
        attributes = root_attributes(frame.language, cookies_of(request.headers))
        early = f'<meta charset="utf-8" /><title>{frame.title}</title>{self._early}'
        # What a page holds besides (its settings as JSON, with texts of ours) is not touched.
        begin, config, rest = page.partition("window.gradio_config")
        begin = _ROOT.sub(lambda _: f"<html {attributes}", begin, count=1)
        begin = _CHARSET.sub(lambda _: early, _PREVIEWS.sub("", begin), count=1)
        rest, end, body = rest.rpartition("</head>")
        body = body.replace('control_page_title="true"', 'control_page_title="false"', 1)
        body = _BODY.sub(lambda found: found[0] + frame.head, body, count=1)
        return begin + config + rest + end + body


class _Page:
    """One answer: a page is held until it is whole, all else passes."""

    def __init__(self, shell: Shell, request: Request, send: Send) -> None:
        self._shell = shell
        self._request = request
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = self._shell.complete(self._body.decode("utf-8"), self._request).encode("utf-8")
        headers = MutableHeaders(scope=start)
        headers["Content-Length"] = str(len(body))
        # The same address is another page in another language and for another user.
        headers["Cache-Control"] = "no-store"
        headers.add_vary_header("Cookie, Accept-Language")
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_page(message: Message) -> bool:
    headers = MutableHeaders(scope=message)
    return message["status"] == 200 and headers.get("content-type", "").startswith("text/html")

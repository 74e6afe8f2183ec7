"""The page of a conversation that its owner shares by a link: read-only, without scripts, for
whoever may open the app. Stopping to share, or deleting the conversation, ends the link."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markdown_it import MarkdownIt

from assistant.errors import AssistantError
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn
from assistant.transcripts import cited_sources
from assistant.ui.looks import TOKENS, cookies_of, root_attributes
from assistant.ui.markup import is_web
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

PAGE = "/shared/"
STYLE = Path(__file__).with_name("shared.css")
LONGEST_TOKEN = 1000


@dataclass(frozen=True)
class SharedConversations:
    """The handler of the route."""

    memory: LongTermMemory
    visitors: Visitors

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(PAGE + "{token}", self.page)
        return router

    def page(self, token: str, request: Request) -> Response:
        """What the link of :func:`link_of` leads to; 404 for every other one alike."""
        language = self.visitors.language(request)
        try:
            found = self._found(token)
        except AssistantError as error:
            return _page(error.text(language), "", request, language, 503)
        if found is None:
            return _page(text("shared_gone", language), "", request, language, 404)
        user, title, turns = found
        by = html.escape(text("shared_by", language, user=user))
        body = f'<p class="by">{by}</p>' + "".join(_turn(turn, language) for turn in turns)
        return _page(title, body, request, language)

    def _found(self, token: str) -> tuple[str, str, list[Turn]] | None:
        told = _told(token)
        if told is None:
            return None
        user, id, secret = told
        kept = self.memory.list.shared(user).get(id, "")
        if not kept or not hmac.compare_digest(kept.encode(), secret.encode("utf-8", "replace")):
            return None
        title, _ = self.memory.list.about(user, id)
        return user, title, self.memory.turns(user, id)


def link_of(user: str, conversation_id: str, secret: str) -> str:
    """The address that a shared conversation is read at."""
    told = json.dumps([user, conversation_id, secret]).encode()
    return PAGE + base64.urlsafe_b64encode(told).decode().rstrip("=")


def _told(token: str) -> tuple[str, str, str] | None:
    if len(token) > LONGEST_TOKEN:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        return None
    if isinstance(told, list) and len(told) == 3 and all(isinstance(one, str) for one in told):
        user, id, secret = told
        return user, id, secret
    return None


def _turn(turn: Turn, language: str) -> str:
    question = html.escape(turn.text)
    rows = "".join(_source(source) for source in cited_sources(turn))
    title = html.escape(text("export_sources", language))
    sources = f'<div class="sources"><h3>{title}</h3><ul>{rows}</ul></div>' if rows else ""
    return (
        f'<section><h2 class="question" dir="auto">{question}</h2>'
        f'<div class="answer" dir="auto">{_markdown().render(turn.answer)}</div>{sources}</section>'
    )


def _source(source: object) -> str:
    told = source if isinstance(source, dict) else {}
    title, where = (html.escape(str(told.get(name, ""))) for name in ("title", "location"))
    url = str(told.get("url", ""))
    if is_web(url):
        link = html.escape(url, quote=True)
        title = f'<a href="{link}" target="_blank" rel="noopener noreferrer nofollow">{title}</a>'
    number = html.escape(str(told.get("n", "")))
    return f"<li><b>{number}</b> {title} <small>{where}</small></li>"


@cache
def _markdown() -> MarkdownIt:
    """Raw HTML is text, pictures and links of an answer are words: they may be a stranger's."""
    plain = MarkdownIt("commonmark", {"html": False}).enable("table")
    return plain.disable(["image", "link", "autolink", "reference"])


def _page(
    title: str, body: str, request: Request, language: str, status: int = 200
) -> HTMLResponse:
    style, policy = _style()
    heading = html.escape(re.sub(r"\s+", " ", title))
    content = (
        f"<!doctype html><html {root_attributes(language, cookies_of(request.headers))}><head>"
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{heading}</title><style>{style}</style>'
        f'</head><body><main><h1 dir="auto">{heading}</h1>{body}</main></body></html>'
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return HTMLResponse(content, status, headers)


@cache
def _style() -> tuple[str, str]:
    """The style, and the policy that allows it alone."""
    style = TOKENS.read_text("utf-8") + STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return style, f"{policy}; frame-ancestors 'none'"

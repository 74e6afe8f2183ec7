"""The route that gives a user everything that is remembered of them. It is made in memory for the
one who asks: no file of it is ever on the server's disk."""

from __future__ import annotations

import html
import json
import time
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from assistant.errors import AssistantError
from assistant.ui.source_page import styled
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

EXPORT = "/memory/export"


class Exported(Protocol):
    """Long-term memory, as far as the route uses it."""

    def export(self, user: str) -> dict[str, Any]:
        """All of a user, ready for JSON; MemoryUnavailable where Redis can't be used."""


@dataclass(frozen=True)
class MemoryExport:
    """The handler of the route."""

    memory: Exported
    visitors: Visitors

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(EXPORT, self.export)
        return router

    def export(self, request: Request) -> Response:
        user, language = self.visitors.of(request)
        try:
            everything = self.memory.export(user)
        except AssistantError as error:
            return _failed(error, language)
        # A lone surrogate, which UTF-8 can't say, becomes JSON's own escape.
        body = json.dumps(everything, ensure_ascii=False, indent=1).encode(
            "utf-8", "backslashreplace"
        )
        name = time.strftime("memory-%Y-%m-%d.json")
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(body, media_type="application/json", headers=headers)


def _failed(error: AssistantError, language: str) -> Response:
    title = text("memory_not_exported", language)
    style, policy = styled()
    content = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title><style>{style}</style></head>"
        f'<body><header><a href="/memory">{text("memory_back", language)}</a></header>'
        f"<main><h1>{title}</h1><p>{html.escape(error.text(language))}</p></main></body></html>"
    )
    headers = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
    return HTMLResponse(content, 503, headers)

"""The route that gives a user one of their conversations as a file, or one answer to be copied."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from assistant.errors import AssistantError
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn
from assistant.transcripts import answer_markdown, as_json, as_markdown, file_name
from assistant.ui.chat_list import zone_of
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

EXPORT = "/conversation/{conversation_id}/export"
ConversationId = Annotated[str, Path(pattern=r"^[\w.-]{1,64}$")]


@dataclass(frozen=True)
class ConversationExport:
    """The handler of the route. Of a conversation that is not the user's it says what it says of
    one that isn't there."""

    memory: LongTermMemory
    visitors: Visitors

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(EXPORT, self.export)
        return router

    def export(
        self,
        conversation_id: ConversationId,
        request: Request,
        format: Annotated[Literal["md", "json"], Query()] = "md",
        turn: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        """``turn``: only its answer, as Markdown."""
        user, language = self.visitors.of(request)
        try:
            title, created, turns = self._read(user, conversation_id)
        except AssistantError as error:
            return _failed(error.text(language), 503)
        if turn:
            found = [answer_markdown(one, language) for one in turns if one.id == turn]
            if not found:
                return _failed(text("export_none", language), 404)
            return _file(found[0], "text/markdown", "")
        if not turns:
            return _failed(text("export_none", language), 404)
        name = f"{file_name(title)}.{format}"
        if format == "json":
            content = json.dumps(
                as_json(conversation_id, title, created, turns), ensure_ascii=False, indent=1
            )
            return _file(content, "application/json", name)
        return _file(as_markdown(title, turns, language, zone_of(request)), "text/markdown", name)

    def _read(self, user: str, conversation_id: str) -> tuple[str, float, list[Turn]]:
        title, created = self.memory.list.about(user, conversation_id)
        return title, created or time.time(), self.memory.turns(user, conversation_id)


def _file(content: str, media_type: str, name: str) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    # A lone surrogate can't be said in UTF-8.
    body = content.encode("utf-8", "replace")
    return Response(body, media_type=f"{media_type}; charset=utf-8", headers=headers)


def _failed(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status)

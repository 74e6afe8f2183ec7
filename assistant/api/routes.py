"""Joins the interfaces for programs: every route, and their description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi

from assistant.api.chat_completions import ChatCompletions
from assistant.api.chat_request import ChatRequest
from assistant.api.conversation_routes import ConversationRoutes
from assistant.api.faults import not_found, telling_faults
from assistant.api.health import Health
from assistant.api.job_routes import JobRoutes
from assistant.api.library_routes import LibraryRoutes
from assistant.api.models_list import ModelsList
from assistant.api.searching import Searching
from assistant.api.shapes import Fault
from assistant.ui.visitor import Visitors

VERSION = "1"
ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_TEXT = {"schema": {"type": "string"}}
_CHAT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ChatRequest.model_json_schema()}},
    },
    "responses": {
        "200": {
            "description": "A chat completion, or with stream=true its chunks as events",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/event-stream": _TEXT,
            },
        }
    },
}
_FILES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            }
        },
    }
}
_FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"description": "What is amiss", "model": Fault} for status in ("4XX", "5XX")
}
_KEY = {"key": {"type": "http", "scheme": "bearer", "description": "An API key (docs/users.md)"}}


@dataclass(frozen=True)
class Interfaces:
    """What the routes are made of."""

    chat: ChatCompletions
    models: ModelsList
    searching: Searching
    library: LibraryRoutes
    jobs: JobRoutes
    conversations: ConversationRoutes
    health: Health
    visitors: Visitors

    def router(self) -> APIRouter:
        """All routes; to stand before the pages'."""
        route_class = telling_faults(self.visitors.language)
        router = APIRouter(route_class=route_class, responses=_FAULTS)
        add = router.add_api_route
        add("/v1/models", self.models.all, tags=["OpenAI"])
        add("/v1/models/{name:path}", self.models.one, tags=["OpenAI"])
        add(
            "/v1/chat/completions",
            self.chat.complete,
            methods=["POST"],
            response_model=None,
            openapi_extra=_CHAT,
            tags=["OpenAI"],
        )
        self._add_search(router)
        self._add_library(router)
        self._add_jobs(router)
        self._add_conversations(router)
        self._add_health(router)
        described = list(router.routes)
        add("/api/openapi.json", lambda: _description(described), include_in_schema=False)
        for path in ("/v1/{path:path}", "/api/{path:path}"):
            add(path, _nothing, methods=ALL, include_in_schema=False)
        return router

    def _add_search(self, router: APIRouter) -> None:
        for handler, method in ((self.searching.get, "GET"), (self.searching.post, "POST")):
            router.add_api_route("/api/v1/search", handler, methods=[method], tags=["Search"])

    def _add_library(self, router: APIRouter) -> None:
        add, library = router.add_api_route, self.library
        of_one = "/api/v1/collections/{name}/sources"
        add("/api/v1/collections", library.collections, tags=["Library"])
        add(of_one, library.sources, tags=["Library"])
        add(
            f"{of_one}/urls",
            library.add_addresses,
            methods=["POST"],
            status_code=202,
            tags=["Library"],
        )
        add(
            f"{of_one}/files",
            library.add_files,
            methods=["POST"],
            status_code=202,
            openapi_extra=_FILES,
            tags=["Library"],
        )
        add("/api/v1/sources/{source_id}", library.source, tags=["Library"])
        add("/api/v1/sources/{source_id}", library.delete, methods=["DELETE"], tags=["Library"])
        add("/api/v1/sources/{source_id}/chunks", library.chunks, tags=["Library"])

    def _add_jobs(self, router: APIRouter) -> None:
        add = router.add_api_route
        add("/api/v1/jobs", self.jobs.all, tags=["Library"])
        add("/api/v1/jobs/{job_id}", self.jobs.one, tags=["Library"])
        add("/api/v1/jobs/{job_id}", self.jobs.cancel, methods=["DELETE"], tags=["Library"])

    def _add_conversations(self, router: APIRouter) -> None:
        add, own, tags = router.add_api_route, self.conversations, ["Conversations"]
        one = "/api/v1/conversations/{conversation_id}"
        add("/api/v1/conversations", own.all, tags=list(tags))
        add(one, own.one, tags=list(tags))
        add(one, own.delete, methods=["DELETE"], tags=list(tags))

    def _add_health(self, router: APIRouter) -> None:
        add, health = router.add_api_route, self.health
        add("/healthz", health.live, tags=["Running"])
        add("/readyz", health.ready, tags=["Running"])
        add("/metrics", health.figures, response_model=None, tags=["Running"])


def _description(routes: list[Any]) -> dict[str, Any]:
    description = get_openapi(title="Knowledge Assistant", version=VERSION, routes=routes)
    description.setdefault("components", {})["securitySchemes"] = _KEY
    description["security"] = [{"key": []}]
    return description


async def _nothing(path: str, request: Request) -> None:
    raise not_found(
        "There is no {method} {path}: see /api/openapi.json.",
        "没有 {method} {path}：请查看 /api/openapi.json。",
        method=request.method,
        path=request.url.path[:200],
    )

"""OpenAI's ``/embeddings`` and Jina's ``/rerank``, as vLLM and the services by name have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.wire.server import Answer, Request, Wire, score, serve, vector

MODEL = "bge-m3"


def error(status: int, message: str, **headers: str) -> Answer:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    return Answer(body, status, headers)


@contextmanager
def openai() -> Iterator[Wire]:
    """``url`` has no path: the base URL is that and ``/v1``."""
    with serve(_answer) as wire:
        yield wire


def _answer(request: Request) -> Answer:
    body = request.body
    if body["model"] != MODEL:
        return error(404, f"The model `{body['model']}` does not exist.")
    routes = {"/v1/embeddings": _embed, "/v1/rerank": _rerank}
    route = routes.get(request.path)
    return route(body) if route else error(404, "Not Found")


def _embed(body: dict[str, Any]) -> Answer:
    size = body.get("dimensions", 8)
    rows = [
        {"object": "embedding", "index": i, "embedding": vector(text, size)}
        for i, text in enumerate(body["input"])
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return Answer({"object": "list", "data": rows, "model": MODEL, "usage": usage})


def _rerank(body: dict[str, Any]) -> Answer:
    scored = [(score(body["query"], text), i) for i, text in enumerate(body["documents"])]
    best = sorted(scored, key=lambda pair: -pair[0])[: body["top_n"]]
    results = [
        {"index": i, "document": {"text": body["documents"][i]}, "relevance_score": value}
        for value, i in best
    ]
    return Answer({"id": "rerank-1", "model": MODEL, "usage": {}, "results": results})

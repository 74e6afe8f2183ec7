"""DashScope's native text embeddings and its rerank, with the errors of its documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.wire.server import Answer, Request, Wire, score, serve, vector

KEY = "sk-right"
COMPATIBLE = "/compatible-mode/v1"
EMBEDDING = "/api/v1/services/embeddings/text-embedding/text-embedding"
RERANK = "/compatible-api/v1/reranks"
FORBIDDEN = "违禁"  # the filter stops texts with it
MOST_ROWS = 10


def error(status: int, code: str, message: str, **headers: str) -> Answer:
    body = {"code": code, "message": message, "request_id": "1ce2ff22-1b3c"}
    return Answer(body, status, headers)


def throttled(**headers: str) -> Answer:
    return error(
        429,
        "Throttling.RateQuota",
        "Requests rate limit exceeded, please try again later.",
        **headers,
    )


ARREARS = error(
    400, "Arrearage", "Access denied, please make sure your account is in good standing."
)


@contextmanager
def dashscope() -> Iterator[Wire]:
    """``url`` has no path: DASHSCOPE_BASE_URL is that and :data:`COMPATIBLE`."""
    with serve(_answer) as wire:
        yield wire


def _answer(request: Request) -> Answer:
    if request.key != KEY:
        return error(401, "InvalidApiKey", "Invalid API-key provided.")
    if request.body.get("model") not in ("text-embedding-v4", "qwen3-rerank"):
        return error(404, "ModelNotFound", "Model not exist.")
    routes = {EMBEDDING: _embed, RERANK: _rerank}
    route = routes.get(request.path)
    return route(request.body) if route else error(404, "NotFound", "url error")


def _embed(body: dict[str, Any]) -> Answer:
    texts, parameters = body["input"]["texts"], body["parameters"]
    if len(texts) > MOST_ROWS:
        return error(
            400,
            "InvalidParameter",
            "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it "
            "should not be larger than 10.: input.contents",
        )
    if any(FORBIDDEN in text for text in texts):
        return error(400, "DataInspectionFailed", "Input data may contain inappropriate content.")
    if any(len(text) > 8192 for text in texts):
        return error(
            400,
            "InvalidParameter",
            "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 8192]",
        )
    size = parameters.get("dimension", 8)
    rows = [
        {"text_index": i, "embedding": vector(f"{parameters['text_type']}: {text}", size)}
        for i, text in enumerate(texts)
    ]
    return Answer(
        {
            "output": {"embeddings": rows[::-1]},
            "usage": {"total_tokens": sum(map(len, texts))},
            "request_id": "1ce2ff22-1b3c",
        }
    )


def _rerank(body: dict[str, Any]) -> Answer:
    scored = [(score(body["query"], text), i) for i, text in enumerate(body["documents"])]
    best = sorted(scored, key=lambda pair: -pair[0])[: body["top_n"]]
    results = [{"index": i, "relevance_score": value} for value, i in best]
    return Answer({"object": "list", "results": results, "model": body["model"], "id": "x"})

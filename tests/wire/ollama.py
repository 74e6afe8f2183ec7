"""Ollama's ``/api/embed``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.wire.server import Answer, Request, Wire, serve, vector

MODEL = "nomic-embed-text"
WINDOW = 200  # characters, for want of a tokenizer


@contextmanager
def ollama() -> Iterator[Wire]:
    with serve(_answer) as wire:
        yield wire


def _answer(request: Request) -> Answer:
    body = request.body
    if request.path != "/api/embed":
        return Answer("404 page not found", 404)
    if body["model"] != MODEL:
        return Answer({"error": f'model "{body["model"]}" not found, try pulling it first'}, 404)
    window = body.get("options", {}).get("num_ctx", WINDOW)
    if any(len(text) > window for text in body["input"]) and not body.get("truncate", True):
        return Answer({"error": "the input length exceeds the context length"}, 400)
    size = body.get("dimensions", 8)
    return Answer(
        {
            "model": MODEL,
            "embeddings": [vector(text[:window], size) for text in body["input"]],
            "total_duration": 14143917,
            "load_duration": 1019500,
            "prompt_eval_count": 8,
        }
    )

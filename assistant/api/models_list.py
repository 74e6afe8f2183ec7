"""``GET /v1/models``: the one model that the product is, whatever answers behind it."""

from __future__ import annotations

from typing import Any

from assistant.api.chat_request import MODEL
from assistant.api.faults import not_found

#: When it came, as OpenAI tells it; nobody goes by it.
_MODEL: dict[str, Any] = {"id": MODEL, "object": "model", "created": 0, "owned_by": "local"}


async def models() -> dict[str, Any]:
    """The models that ``/v1/chat/completions`` takes."""
    return {"object": "list", "data": [_MODEL]}


async def model(name: str) -> dict[str, Any]:
    """One model."""
    if name != MODEL:
        raise not_found(
            "The model {name} does not exist: use {known}.",
            "没有模型 {name}：请使用 {known}。",
            name=name[:100],
            known=MODEL,
        )
    return _MODEL

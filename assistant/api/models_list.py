"""``GET /v1/models``: the one that the product is, whatever answers behind it, and the models that
may be chosen to answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.api.chat_request import MODEL
from assistant.api.faults import not_found


@dataclass(frozen=True)
class ModelsList:
    """The handlers of the routes.

    ``offered``: names of the models to choose from; where there is but one, it has no name here.
    """

    offered: Sequence[str]

    async def all(self) -> dict[str, Any]:
        """The models that ``/v1/chat/completions`` takes."""
        return {"object": "list", "data": [_row(name) for name in self._names()]}

    async def one(self, name: str) -> dict[str, Any]:
        """One model."""
        if name not in self._names():
            raise not_found(
                "The model {name} does not exist: use {known}, or see /v1/models.",
                "没有模型 {name}：请使用 {known}，或查看 /v1/models。",
                name=name[:100],
                known=MODEL,
            )
        return _row(name)

    def _names(self) -> Iterator[str]:
        yield MODEL
        yield from self.offered if len(self.offered) > 1 else ()


def _row(name: str) -> dict[str, Any]:
    """When it came, as OpenAI tells it: nobody goes by it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "local"}

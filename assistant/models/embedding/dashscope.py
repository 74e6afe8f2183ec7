"""DashScope's own protocol for text embeddings.

Its OpenAI-compatible one can't say that a text is a question; the models embed questions and
documents differently. Documents are what both take a text for where nothing is said, so vectors
made by either are the same and collections filled by one are searched by the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.models.embedding.remote import QUERY, Service
from assistant.models.embedding.rows import in_order
from assistant.models.failures import as_model_error
from assistant.models.names import Target
from assistant.models.web import post_json

if TYPE_CHECKING:
    from assistant.models.embedding.model import Vectors

COMPATIBLE = "/compatible-mode/v1"  # how the base URL of the OpenAI-compatible protocol ends
PATH = "/api/v1/services/embeddings/text-embedding/text-embedding"


def is_native(target: Target) -> bool:
    """Whether the address is DashScope's; a gateway has only the OpenAI-compatible protocol."""
    return target.base_url.endswith(COMPATIBLE)


class DashScopeEmbeddings(Service):
    """``extra_body`` is added to ``parameters``."""

    def embed(self, texts: Sequence[str], kind: str) -> Vectors:
        given = self.target.options
        parameters: dict[str, Any] = {"text_type": "query" if kind == QUERY else "document"}
        if "dimensions" in given:
            parameters["dimension"] = given["dimensions"]
        parameters.update(given.get("extra_body") or {})
        body = {
            "model": self.target.model,
            "input": {"texts": list(texts)},
            "parameters": parameters,
        }
        url = self.target.base_url.removesuffix(COMPATIBLE) + PATH
        answer = post_json(self.target, url, body)
        with as_model_error(self.target):
            rows = [(row["text_index"], row["embedding"]) for row in answer["output"]["embeddings"]]
            return np.asarray(in_order(rows, len(texts)), dtype=np.float32)

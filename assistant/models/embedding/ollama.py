"""An embedding model at an Ollama server, by Ollama's own protocol: the other cuts long texts
without a word and can't set the length of the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.models.embedding.remote import Service
from assistant.models.failures import as_model_error
from assistant.models.web import post_json

if TYPE_CHECKING:
    from assistant.models.embedding.model import Vectors


class OllamaEmbeddings(Service):
    """``POST /api/embed``."""

    def embed(self, texts: Sequence[str], kind: str) -> Vectors:
        given = self.target.options
        body: dict[str, Any] = {
            "model": self.target.model,
            "input": list(texts),
            "truncate": False,
        }
        if "dimensions" in given:
            body["dimensions"] = given["dimensions"]
        if "context_window" in given:
            body["options"] = {"num_ctx": given["context_window"]}
        answer = post_json(self.target, "/api/embed", body)
        with as_model_error(self.target):
            return np.asarray(answer["embeddings"], dtype=np.float32)

"""An embedding model at a server of Text Embeddings Inference. It serves one model, so
``EMBEDDING_MODEL=tei:`` is enough: the server says which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.errors import BadAnswer
from assistant.models.embedding.facts import Facts
from assistant.models.embedding.remote import Service
from assistant.models.failures import as_model_error
from assistant.models.web import get_json, post_json

if TYPE_CHECKING:
    from assistant.models.embedding.model import Vectors


class TEIEmbeddings(Service):
    """``POST /embed``; ``GET /info`` for the model and the most texts in a call."""

    def embed(self, texts: Sequence[str], kind: str) -> Vectors:
        body = {"inputs": list(texts), "truncate": False, "normalize": True}
        answer = post_json(self.target, "/embed", body)
        with as_model_error(self.target):
            return np.asarray(answer, dtype=np.float32)

    def serves(self) -> tuple[str, int]:
        info = get_json(self.target, "/info")
        with as_model_error(self.target):
            model, batch = str(info["model_id"]), int(info["max_client_batch_size"])
        return self.target.model or model, batch

    def check(self, facts: Facts) -> None:
        model, _ = self.serves()
        if model != facts.model:
            raise BadAnswer(
                "{url} serves {now} now, no longer {before}: restart, and run `python -m ingest "
                "reindex`, or start the server with the old model.",
                "{url} 现在提供的是 {now}，不再是 {before}：请重启并运行 `python -m ingest "
                "reindex`，或让服务器重新加载原模型。",
                url=self.target.base_url,
                now=model,
                before=facts.model,
            )

"""Rerankers at services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assistant.models.failures import as_model_error
from assistant.models.names import Target
from assistant.models.reranking.reranker import Ranked, read_scores
from assistant.models.web import get_json, post_json

#: How DashScope's base URL ends; its rerankers are beside that.
COMPATIBLE = "/compatible-mode/v1"


@dataclass(frozen=True)
class JinaReranker:
    """The call that Jina, vLLM, SiliconFlow, Zhipu and DashScope share:
    ``{model, query, documents, top_n}`` -> ``{results: [{index, relevance_score}]}``.

    ``extra_body`` is added to it.
    """

    target: Target

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> Ranked:
        wanted = min(top_n, len(texts))
        if wanted < 1:
            return []
        body: dict[str, Any] = {
            "model": self.target.model,
            "query": question,
            "documents": list(texts),
            "top_n": wanted,
            **(self.target.options.get("extra_body") or {}),
        }
        answer = post_json(self.target, self.url, body)
        rows = answer.get("results") if isinstance(answer, dict) else None
        return read_scores(self.target, rows, len(texts), wanted)[:wanted]

    @property
    def url(self) -> str:
        """A gateway before DashScope has the common path only."""
        base, path = self.target.base_url, self.target.provider.rerank_path
        if path == "/rerank":
            return base + path
        if base.endswith(COMPATIBLE):
            return base.removesuffix(COMPATIBLE) + path
        return f"{base}/rerank"


@dataclass(frozen=True)
class TEIReranker:
    """``POST /rerank`` of Text Embeddings Inference: ``{query, texts}`` -> ``[{index, score}]``.

    It takes few texts in a call, so many go in several; each pair is scored by itself. What is too
    long for the model is cut: a passage judged by its beginning is better than no answer.
    """

    target: Target

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> Ranked:
        wanted = min(top_n, len(texts))
        if wanted < 1:
            return []
        found: Ranked = []
        for start in range(0, len(texts), self._most):
            part = list(texts[start : start + self._most])
            body = {"query": question, "texts": part, "truncate": True}
            rows = read_scores(
                self.target, post_json(self.target, "/rerank", body), len(part), len(part)
            )
            found += [(start + index, score) for index, score in rows]
        return sorted(found, key=lambda pair: -pair[1])[:wanted]

    @cached_property
    def _most(self) -> int:
        """Texts in a call, as the server was started."""
        info = get_json(self.target, "/info")
        with as_model_error(self.target):
            return int(info["max_client_batch_size"])

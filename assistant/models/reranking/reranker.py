"""``RERANK_MODEL`` -> a reranker behind the ``/rerank`` call that vLLM, TEI, Jina and DashScope
share: ``{model, query, documents, top_n}`` -> ``{results: [{index, relevance_score}]}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.errors import ModelRefused, ModelUnavailable, SettingsError
from assistant.models.providers import LOCAL, Endpoint, endpoint
from assistant.settings import Settings

#: The path of the call, where it isn't ``{base_url}/rerank``.
PATHS = {"dashscope": ("/compatible-mode/v1", "/compatible-api/v1/reranks")}


@dataclass(frozen=True)
class Reranker:
    """A cross-encoder at a service."""

    target: Endpoint
    timeout: float

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> list[tuple[int, float]]:
        """(index into ``texts``, score) of the ``top_n`` best, best first.

        Raises:
            ModelUnavailable, ModelRefused: the service is away, or says no.
        """
        import httpx

        body = {
            "model": self.target.model,
            "query": question,
            "documents": list(texts),
            "top_n": min(top_n, len(texts)),
        }
        headers = {"Authorization": f"Bearer {self.target.api_key}"}
        try:
            answer = httpx.post(self._url, json=body, headers=headers, timeout=self.timeout)
            answer.raise_for_status()
            rows = answer.json()["results"]
            found = [(int(row["index"]), float(row["relevance_score"])) for row in rows]
        except httpx.HTTPStatusError as error:
            raise ModelRefused(
                "The reranker at {url} answered with error {status}: {why}",
                "重排服务 {url} 返回错误 {status}：{why}",
                url=self._url,
                status=error.response.status_code,
                why=error.response.text[:300],
            ) from error
        except httpx.HTTPError as error:
            raise ModelUnavailable(
                "The reranker can't be reached at {url}: {why}",
                "无法连接重排服务 {url}：{why}",
                url=self._url,
                why=error or type(error).__name__,
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelRefused(
                "The reranker at {url} gave an answer without results.",
                "重排服务 {url} 的应答中没有结果。",
                url=self._url,
            ) from error
        return sorted(found, key=lambda pair: -pair[1])[:top_n]

    @property
    def _url(self) -> str:
        tail, path = PATHS.get(self.target.provider, ("", "/rerank"))
        return self.target.base_url.removesuffix(tail) + path


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker that ``RERANK_MODEL`` names; None for ``none``.

    Raises:
        SettingsError: no such provider, or its key is missing.
    """
    if settings.rerank_model in ("", "none"):
        return None
    if settings.rerank_model.startswith(f"{LOCAL}:"):
        raise SettingsError(
            "RERANK_MODEL is {name}: there is no embedded reranker; use a service or none.",
            "RERANK_MODEL 的值是 {name}：没有内置的重排模型；请填写某个服务或 none。",
            name=settings.rerank_model,
        )
    target = endpoint(settings, settings.rerank_model, "RERANK_MODEL")
    return Reranker(target, settings.model_timeout)

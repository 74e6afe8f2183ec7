"""An embedding model at a service that speaks OpenAI's protocol: vLLM, OpenAI, SiliconFlow, Zhipu,
Doubao, Jina, ..."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.models.embedding.remote import Service
from assistant.models.embedding.rows import in_order
from assistant.models.failures import as_model_error
from assistant.models.web import network

if TYPE_CHECKING:
    from openai import OpenAI

    from assistant.models.embedding.model import Vectors


class OpenAIEmbeddings(Service):
    """``POST {base_url}/embeddings``, by OpenAI's client: it tries again after throttling."""

    def embed(self, texts: Sequence[str], kind: str) -> Vectors:
        with as_model_error(self.target):
            answer = self._client.embeddings.create(
                model=self.target.model,
                input=list(texts),
                # Not all services know the client's own default, base64.
                encoding_format="float",
                **self._fields,
            )
            rows = [(row.index, row.embedding) for row in answer.data]
            return np.asarray(in_order(rows, len(texts)), dtype=np.float32)

    @cached_property
    def _fields(self) -> dict[str, Any]:
        names = ("dimensions", "extra_body")
        given = self.target.options
        return {name: given[name] for name in names if given.get(name)}

    @cached_property
    def _client(self) -> OpenAI:
        from openai import DefaultHttpxClient, OpenAI

        target = self.target
        return OpenAI(
            base_url=target.base_url,
            api_key=target.api_key or "none",
            timeout=target.timeout,
            max_retries=target.retries,
            http_client=DefaultHttpxClient(**network(target.base_url)),
        )

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

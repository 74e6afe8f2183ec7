"""A chat model at a service that speaks OpenAI's protocol."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assistant.errors import KeyRefused, ModelError, ModelUnavailable, QuotaExhausted
from assistant.models.chat.backend import Backend
from assistant.models.chat.reading import Reading
from assistant.models.chat.streaming import finish
from assistant.models.chat.windows import context_window, listed_models
from assistant.models.failures import refused
from assistant.models.names import Target
from assistant.models.web import network
from assistant.providers import THINKING

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.models.chat.openai_protocol import OpenAIProtocolChat


log = logging.getLogger(__name__)


class ServiceChat(Backend):
    """vLLM, DashScope, OpenAI, DeepSeek, ... : a row of the providers' table each."""

    _client: OpenAIProtocolChat | None = None

    def connect(self) -> BaseChatModel:
        if self._client is None:
            self._client = openai_client(self.target)
        return self._client

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            close_client(client)

    def call(self, thinking: bool | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        return service_call(self, thinking, asked)

    def reading(self) -> Reading:
        return self.read_by(self._window)

    @cached_property
    def _listed(self) -> list[dict[str, Any]]:
        return listed_models(self.target)

    @cached_property
    def _window(self) -> int:
        try:
            return context_window(self.target, self._listed)
        except ModelError as error:
            log.info("%s doesn't tell its context length: %s", self.name, error)
            return context_window(self.target, ())

    def check(self) -> None:
        try:
            names = [row.get("id") for row in self._listed]
        except (KeyRefused, QuotaExhausted, ModelUnavailable) as error:
            self.fault = error
            raise
        except ModelError:
            return  # it has no list of models: nothing is known
        # Only a server that holds a few models lists them all.
        if self.target.provider.name == "vllm" and names and self.target.model not in names:
            self.fault = refused(self.target, 404, f"it has: {', '.join(map(str, names))}")
            raise self.fault

    def probe(self) -> None:
        self.__dict__.pop("_listed", None)  # asked anew
        if isinstance(self.fault, ModelUnavailable):
            self.fault = None  # nobody may have asked it since it came back
        super().probe()


def service_call(
    backend: Backend, thinking: bool | None, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields of one request, for services and the embedded server alike."""
    provider = backend.target.provider
    options = {**backend.options, **asked}
    fields: dict[str, Any] = {name: options[name] for name in ("temperature", "top_p")
                              if name in options and name in backend.options}  # fmt: skip
    known = {"temperature", "top_p", "top_k", "max_tokens", "enable_thinking", "extra_body"}
    fields |= {name: value for name, value in asked.items() if name not in known}
    length = backend.length(thinking, asked)
    if length is not None:
        fields[provider.length_field] = length
    body = dict(options.get("extra_body") or {})
    if "top_k" in options:
        body["top_k"] = options["top_k"]
    if thinking is None:
        thinking = options.get("enable_thinking")
    if thinking is not None and provider.thinking and not backend.always_thinks:
        body.update(THINKING[provider.thinking](thinking))
    if body:
        fields["extra_body"] = body
    return fields


def openai_client(target: Target) -> OpenAIProtocolChat:
    """LangChain's client for ``target``. Importing it takes a second: do it in the background."""
    import httpx

    from assistant.models.chat.openai_protocol import OpenAIProtocolChat

    way = network(target.base_url)
    return OpenAIProtocolChat(
        model=target.model or "default",
        base_url=target.base_url,
        api_key=target.api_key or "none",  # type: ignore[arg-type]
        timeout=target.timeout,
        max_retries=target.retries,
        http_async_client=httpx.AsyncClient(timeout=target.timeout, **way),
        http_client=httpx.Client(timeout=target.timeout, **way),
    )


def close_client(client: OpenAIProtocolChat) -> None:
    """Close its connections; a stream that is under way breaks off."""
    if client.http_async_client is not None:
        finish(client.http_async_client.aclose())
    if client.http_client is not None:
        client.http_client.close()

"""A chat model at an Ollama server, by Ollama's own protocol.

Its OpenAI-compatible one can't set the length of the context: prompts longer than the server's
default were then cut without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelError, ModelUnavailable
from assistant.models.chat.backend import Backend
from assistant.models.chat.reading import Reading
from assistant.models.chat.streaming import finish
from assistant.models.web import network, post_json

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_ollama import ChatOllama

DEFAULT_WINDOW = 8192  # tokens; a model's most can be more than the machine's memory holds
SAMPLING = ("temperature", "top_p", "top_k")


class OllamaChat(Backend):
    """One model of one Ollama server."""

    _client: ChatOllama | None = None

    def connect(self) -> BaseChatModel:
        from langchain_ollama import ChatOllama

        if self._client is None:
            url = self.target.base_url
            self._client = ChatOllama(
                model=self.target.model,
                base_url=url,
                client_kwargs={"timeout": self.target.timeout, **network(url)},
            )
        return self._client

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and client._async_client is not None:
            finish(client._async_client._client.aclose())

    def call(self, thinking: bool | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        options = {**self.options, **asked}
        fields: dict[str, Any] = {name: options[name] for name in SAMPLING if name in options}
        fields["num_predict"] = self.length(thinking if self._thinks else False, asked)
        fields["num_ctx"] = self._window
        if thinking is None:
            thinking = options.get("enable_thinking")
        if not self._thinks:
            # The server answers 400 to the switch for a model that never thinks.
            return {"options": fields}
        return {"options": fields, "reasoning": True if thinking is None else thinking}

    def check(self) -> None:
        try:
            self._shown  # noqa: B018 - asks for it
        except ModelError as error:
            self.fault = error
            raise

    def probe(self) -> None:
        self.__dict__.pop("_shown", None)  # asked anew
        if isinstance(self.fault, ModelUnavailable):
            self.fault = None  # nobody may have asked it since it came back
        super().probe()

    def reading(self) -> Reading:
        return self.read_by(self._window)

    @cached_property
    def _shown(self) -> dict[str, Any]:
        """What the server tells of the model.

        Raises:
            ModelError: it doesn't answer, or doesn't have the model.
        """
        with self.guard():
            shown = post_json(self.target, "/api/show", {"model": self.target.model}, retries=0)
            return dict(shown)

    @property
    def _thinks(self) -> bool:
        return "thinking" in (self._shown.get("capabilities") or [])

    @cached_property
    def _window(self) -> int:
        if "context_window" in self.options:
            return int(self.options["context_window"])
        told = self._shown.get("model_info") or {}
        most = [value for name, value in told.items() if name.endswith(".context_length")]
        return min([DEFAULT_WINDOW, *(int(value) for value in most)])

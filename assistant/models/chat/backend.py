"""What a chat model is to the conversation, and the one kind that every service is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from langchain_core.messages import BaseMessage

from assistant.models.chat.reading import Reading
from assistant.models.failures import as_model_error
from assistant.models.providers import LOCAL, Endpoint
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

REMOTE_WINDOW = 8192  # tokens that every current service takes at least


class ChatModel(ABC):
    """A chat model and what the conversation needs to know of it."""

    name: str

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether :meth:`model` returns at once."""

    @abstractmethod
    def state(self, language: str) -> str:
        """What it is doing, for people: "loading", "downloading 43%", "ready", ..."""

    @abstractmethod
    def model(self) -> BaseChatModel:
        """The LangChain chat model, waiting until it is ready.

        Raises:
            ModelError, ServiceError: it can't be made ready, and what to do.
        """

    @abstractmethod
    def guard(self) -> AbstractContextManager[None]:
        """Translates what the model's client raises inside into our error tree."""

    @abstractmethod
    def reading(self) -> Reading:
        """How much it can be given in one prompt."""

    def warm(self, messages: Sequence[BaseMessage]) -> None:  # noqa: B027 - optional
        """Let the server read ``messages`` ahead, where that helps."""

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of what was started."""


@dataclass
class RemoteChat(ChatModel):
    """A model at a service that speaks OpenAI's protocol."""

    settings: Settings
    target: Endpoint

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.target.provider}:{self.target.model}"

    @property
    def ready(self) -> bool:
        return True

    def state(self, language: str) -> str:
        return "就绪" if language.startswith("zh") else "ready"

    @cached_property
    def _client(self) -> BaseChatModel:
        return openai_client(self.settings, self.target)

    def model(self) -> BaseChatModel:
        return self._client

    def guard(self) -> AbstractContextManager[None]:
        return as_model_error(self.target)

    def reading(self) -> Reading:
        return reading(self.settings, None, REMOTE_WINDOW)


def openai_client(settings: Settings, target: Endpoint) -> BaseChatModel:
    """LangChain's client for ``target``. Importing it takes a second: do it in the background."""
    import httpx
    from langchain_openai import ChatOpenAI

    # A proxy for the outside must not be asked for the embedded server.
    inside = httpx.Client(trust_env=False) if target.provider == LOCAL else None
    return ChatOpenAI(
        model=target.model,
        base_url=target.base_url,
        api_key=target.api_key,  # type: ignore[arg-type]
        temperature=settings.temperature,
        max_completion_tokens=settings.max_tokens,
        timeout=settings.model_timeout,
        max_retries=1,
        http_client=inside,
    )


def reading(settings: Settings, tokens_per_second: float | None, window: int) -> Reading:
    """The :class:`Reading` that the settings and a server's speed allow."""
    return Reading(
        tokens_per_second=tokens_per_second,
        context_window=window,
        answer_tokens=settings.max_tokens,
        first_token_seconds=settings.first_token_seconds,
        fixed_tokens=settings.context_tokens,
    )

"""A chat backend: one model at one place, and what is peculiar to how it is spoken to."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage

from assistant.errors import (
    AssistantError,
    KeyRefused,
    ModelUnavailable,
    ModelUnknown,
    QuotaExhausted,
)
from assistant.models.chat.circuit import Circuit
from assistant.models.chat.listening import unheard
from assistant.models.chat.reading import Reading
from assistant.models.failures import as_model_error
from assistant.models.names import Target
from assistant.models.options import defaults
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

#: Tokens for thoughts, beside those of the answer: services count both as one length.
THINKING_TOKENS = 4096
#: Models that think unless they are told not to, wherever they are served.
_THINKERS = re.compile(
    r"qwen3(?!.*(?:instruct|coder))|deepseek-r1|r1-distill|qwq|reasoner|thinking|glm-[45]|glm-z1"
    r"|gpt-oss|magistral|minimax-m|kimi-k2",
    re.IGNORECASE,
)


#: Providers whose server is the user's own: whether it listens costs nothing to see.
OWN_SERVERS = ("vllm", "ollama")
#: Faults that the next question will meet, too.
STANDING = (ModelUnavailable, KeyRefused, QuotaExhausted, ModelUnknown)


class Backend(ABC):
    """One kind for each way of speaking: a service, Ollama, the embedded server, this process.

    Nothing is opened before :meth:`connect`.
    """

    def __init__(self, settings: Settings, target: Target) -> None:
        self.settings = settings
        self.target = target
        self.circuit = Circuit(target.name)
        #: Whether it was seen to think although it was told not to.
        self.stubborn = False
        #: Why it could not answer the last time it was asked.
        self.fault: AssistantError | None = None
        self._away: AssistantError | None = None  # what :meth:`look` found the last time

    @property
    def name(self) -> str:
        """``provider:model``."""
        return self.target.name

    @property
    def ready(self) -> bool:
        """Whether it can be asked: :meth:`connect` returns at once, and nothing was amiss the last
        time."""
        return self.fault is None

    def state(self, language: str) -> str:
        """What it is doing, for people: "loading", "downloading 43%", "ready", ..."""
        chinese = language.startswith("zh")
        if self.fault is not None:
            return ("失败：" if chinese else "failed: ") + self.fault.text(language)
        return "就绪" if chinese else "ready"

    def check(self) -> None:  # noqa: B027 - optional
        """See that it can be asked, where that costs nothing; the state tells what was found.

        Raises:
            ModelError: it can't.
        """

    def look(self) -> None:
        """See whether a server of one's own, which was ready, still listens; others are not asked
        without need.

        Raises:
            ModelError, ServiceError: it doesn't; :meth:`state` tells it, too.
        """
        if self.target.provider.name not in OWN_SERVERS:
            return
        away = unheard(self.target)
        if away is not None:
            self.fault = self._away = away
            raise away
        if self.fault is not None and self.fault is self._away:
            self.answered()

    def probe(self) -> None:
        """See that it can be asked now, whatever was found before.

        Raises:
            ModelError: it can't.
        """
        self.check()
        if not self.ready:
            raise ModelUnavailable(
                "The chat model is not ready ({en}): try again later.",
                "聊天模型尚未就绪（{zh}）：请稍后再试。",
                en=self.state("en"),
                zh=self.state("zh"),
            )

    @abstractmethod
    def connect(self) -> BaseChatModel:
        """The LangChain client, waiting until the model is ready.

        Raises:
            ModelError, ServiceError: it can't be made ready, and what to do.
        """

    def guard(self) -> AbstractContextManager[None]:
        """Translates what the client raises inside into our error tree."""
        return as_model_error(self.target)

    @abstractmethod
    def call(self, thinking: bool | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the client is called with.

        Args:
            thinking: on, off, or as the model has it.
            asked: ``temperature``, ``max_tokens``, ... of this one call.
        """

    @abstractmethod
    def reading(self) -> Reading:
        """How much it can be given in one prompt."""

    def warm(self, messages: Sequence[BaseMessage]) -> None:  # noqa: B027 - optional
        """Let the server read ``messages`` ahead, where that helps."""

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of what was started."""

    def failed(self, error: AssistantError) -> None:
        """Remember that it could not be asked; an error of this one question is none of that."""
        if isinstance(error, ModelUnavailable) and not self.circuit.is_open:
            self.circuit.failed(error)
        if isinstance(error, STANDING):
            self.fault = error

    def answered(self) -> None:
        """Forget what was amiss."""
        self.circuit.succeeded()
        self.fault = None

    @cached_property
    def options(self) -> dict[str, Any]:
        """Temperature, length, ...: what the user set over the defaults of the kind."""
        return {**defaults(self.target.provider, self.target.model), **self.target.options}

    @property
    def always_thinks(self) -> bool:
        """Whether it thinks whatever it is told."""
        pattern = self.target.provider.always_thinks
        told = pattern and re.search(pattern, self.target.model, re.IGNORECASE)
        return self.stubborn or bool(told)

    def length(self, thinking: bool | None, asked: Mapping[str, Any]) -> int | None:
        """The most tokens of one answer and its thoughts; None: as the server has it.

        A length that the user set is kept as it is.
        """
        answer = asked.get("max_tokens", self.options.get("max_tokens"))
        if answer is None or ("max_tokens" in self.target.options and "max_tokens" not in asked):
            return None if answer is None else int(answer)
        if thinking is None:
            thinking = self.options.get("enable_thinking")
        thinks = thinking is not False and (thinking or _THINKERS.search(self.target.model))
        return int(answer) + (THINKING_TOKENS if thinks or self.always_thinks else 0)

    def read_by(self, window: int, tokens_per_second: float | None = None) -> Reading:
        """The :class:`Reading` for a context of ``window`` tokens."""
        return Reading(
            tokens_per_second=tokens_per_second,
            context_window=window,
            answer_tokens=min(self.length(None, {}) or 0, window // 2),
            first_token_seconds=self.settings.first_token_seconds,
            fixed_tokens=self.settings.context_tokens,
        )

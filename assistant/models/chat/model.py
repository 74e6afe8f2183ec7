"""What a chat model is to the conversation: a chain of backends behind one LangChain model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from langchain_core.messages import BaseMessage

from assistant.errors import AssistantError, ModelError
from assistant.models.chat.backend import Backend
from assistant.models.chat.reading import Reading

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class ChatModel:
    """The models that a setting names, in the order in which they are asked."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self.backends = tuple(backends)

    @property
    def name(self) -> str:
        """Such as ``"vllm:qwen3-8b,dashscope:qwen-plus"``."""
        return ",".join(backend.name for backend in self.backends)

    @property
    def ready(self) -> bool:
        """Whether :meth:`model` returns at once."""
        return self._current.ready

    def state(self, language: str) -> str:
        """What the model that will be asked next is doing, for people."""
        return self._current.state(language)

    def model(self) -> BaseChatModel:
        """The LangChain chat model, waiting until it is ready. What it raises is in our tree; each
        of its calls connects again where a server has gone.

        Raises:
            ModelError, ServiceError: no backend can be made ready, and what to do.
        """
        for backend in () if self.ready else self.backends:
            try:
                backend.connect()
                break
            except AssistantError:
                if backend is self.backends[-1]:
                    raise
        return self._chat

    @cached_property
    def _chat(self) -> BaseChatModel:
        from assistant.models.chat.failover import FailoverChat

        return FailoverChat(backends=list(self.backends))

    def check(self) -> None:
        """See that one of the backends can be asked, where that costs nothing.

        Raises:
            ModelError: none of them can; the first one's fault.
        """
        faults: list[ModelError] = []
        for backend in self.backends:
            try:
                backend.check()
            except ModelError as error:
                faults.append(error)
        if len(faults) == len(self.backends):
            raise faults[0]

    def look(self) -> None:
        """See at little cost whether the servers of this machine or network are still there; the
        state tells what was found.

        Raises:
            ModelError, ServiceError: the last one that isn't.
        """
        faults: list[AssistantError] = []
        for backend in self.backends:
            try:
                backend.look()
            except AssistantError as error:
                faults.append(error)
        if faults:
            raise faults[-1]

    def probe(self) -> None:
        """See that one of the backends can be asked now, whatever was found before.

        Raises:
            ModelError: none of them can; the first one's fault.
        """
        faults: list[ModelError] = []
        for backend in self.backends:
            try:
                backend.probe()
            except ModelError as error:
                faults.append(error)
            else:
                return
        raise faults[0]

    def reading(self) -> Reading:
        """How much can be given to the model that will be asked next."""
        return self._current.reading()

    def warm(self, messages: Sequence[BaseMessage]) -> None:
        """Let the server read ``messages`` ahead, where that helps."""
        self._current.warm(messages)

    def close(self) -> None:
        """Let go of what was started."""
        for backend in self.backends:
            backend.close()

    @property
    def _current(self) -> Backend:
        awake = (backend for backend in self.backends if not backend.circuit.is_open)
        return next(awake, self.backends[0])

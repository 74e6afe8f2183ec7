"""The chat model that the conversation uses: the first backend that can answer does.

On top of the clients it gives what each of them lacks: thoughts split from the answer, a stop that
closes the connection at once, a circuit around servers that are away, and a chain of fallbacks
that says which one answered.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field

from assistant.errors import (
    AssistantError,
    ContentFiltered,
    ModelStopped,
    StreamBroken,
)
from assistant.models.chat.backend import Backend
from assistant.models.chat.pieces import Splitter
from assistant.models.chat.streaming import stream as cancellable
from assistant.models.failures import nothing_came, unreachable

log = logging.getLogger(__name__)

#: Keys of an answer's ``response_metadata``: the backend that answered, and the faults of those
#: that were passed over, as ``{"model", "kind", "en", "zh"}``.
ANSWERED_BY, PASSED_OVER = "answered_by", "passed_over"


class FailoverChat(BaseChatModel):
    """LangChain's chat model over a chain of backends, asked in order.

    A backend is passed over only before anything of its answer came. Beyond LangChain's
    arguments a call may have ``temperature``, ``max_tokens``, ``thinking`` (on, off; default: as
    the model has it) and ``stopped`` (an event: when it is set the connection is closed).

    Thoughts are in ``additional_kwargs["reasoning_content"]``, never in the content.

    Raises:
        ModelError: the last backend's fault, or what no other backend would answer better.
        ModelStopped: ``stopped`` was set before anything came.
    """

    backends: list[Any] = Field(exclude=True)
    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "failover"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": ",".join(backend.name for backend in self.backends)}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        params = super()._get_ls_params(stop=stop, **kwargs)
        target = self.backends[0].target
        params["ls_provider"] = target.provider.name
        params["ls_model_name"] = kwargs.get("model", target.model)
        return params

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        passed: list[dict[str, str]] = []
        for backend in self.backends:
            attempt = _attempt(backend, messages, stop, **kwargs)
            try:
                first = next(attempt, None)
            except AssistantError as error:
                if backend is self.backends[-1] or isinstance(
                    error, ModelStopped | ContentFiltered
                ):
                    raise
                log.warning("%s is passed over: %s", backend.name, error)
                passed.append(_told(backend, error))
                continue
            if first is None:
                raise _stopped()
            first.message.response_metadata[ANSWERED_BY] = backend.name
            if passed:
                first.message.response_metadata[PASSED_OVER] = passed
            for chunk in chain([first], attempt):
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
            return

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        whole: AIMessageChunk | None = None
        information: dict[str, Any] = {}
        for chunk in self._stream(messages, stop, run_manager, **kwargs):
            message = chunk.message
            information |= chunk.generation_info or {}
            if whole is not None and message.additional_kwargs.pop("retract", False):
                thoughts = whole.additional_kwargs.get("reasoning_content", "") + whole.text
                whole = whole.model_copy(update={"content": ""})
                whole.additional_kwargs["reasoning_content"] = thoughts
            whole = message if whole is None else whole + message  # type: ignore[assignment]
        stopped: threading.Event | None = kwargs.get("stopped")
        if whole is None or (stopped is not None and stopped.is_set()):
            raise _stopped()
        answer = AIMessage(
            content=whole.content,
            additional_kwargs=whole.additional_kwargs,
            response_metadata={**whole.response_metadata, **information},
            usage_metadata=whole.usage_metadata,
            tool_calls=whole.tool_calls,
        )
        return ChatResult(generations=[ChatGeneration(message=answer, generation_info=information)])


def _attempt(
    backend: Backend,
    messages: list[BaseMessage],
    stop: list[str] | None,
    *,
    thinking: bool | None = None,
    stopped: threading.Event | None = None,
    **asked: Any,
) -> Iterator[ChatGenerationChunk]:
    """One backend's answer, split; nothing more comes after ``stopped`` was set."""
    splitter = Splitter(backend.target, stop or [])
    came = False
    try:
        backend.circuit.check()
        client = backend.connect()
        call = backend.call(thinking, asked)
        source: Callable[..., Any] = client._astream
        with (
            backend.guard(),
            closing(cancellable(lambda: source(messages, **call), stopped)) as chunks,
        ):
            for chunk in chunks:
                came = True
                yield from splitter.feed(chunk)
                backend.stubborn |= thinking is False and splitter.thought
                if splitter.ended:
                    break
        if not (stopped and stopped.is_set()):
            if not came:
                raise nothing_came(backend.target)
            yield from splitter.end()
    except StreamBroken as error:
        # Before anything came, it is as if the server had not been there.
        fault = error if came else unreachable(backend.target, error)
        backend.failed(fault)
        raise fault from error
    except AssistantError as error:
        backend.failed(error)
        raise
    if came:
        backend.answered()


def _told(backend: Backend, error: AssistantError) -> dict[str, str]:
    return {"model": backend.name, "kind": error.kind, **error.messages}


def _stopped() -> ModelStopped:
    return ModelStopped("Stopped before anything was answered.", "在给出回答之前已停止。")

"""LangChain's chat model over a model of ``transformers`` in this process.

``langchain-huggingface`` has one, too: ``ChatHuggingFace`` over ``HuggingFacePipeline``. It can't
stream asynchronously, goes on computing when nobody reads any more, hangs for a minute when the
model fails, knows stop words of one token only, has no switch for thinking, and tells neither
tokens nor why an answer ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field

from assistant.models.chat.causal_model import Finish, Item
from assistant.models.chat.stop_words import StopWords

OPTIONS = ("temperature", "max_tokens", "top_p", "top_k", "enable_thinking")


class TransformersChat(BaseChatModel):
    """One loaded model. A call may have each of :data:`OPTIONS`; what neither call nor field says
    is as the model's authors recommend.

    A reader who closes the stream ends the computing.

    Raises:
        ContextTooLong: the prompt doesn't fit.
        ModelError: the model failed.
    """

    loaded: Any = Field(exclude=True)  # a CausalModel
    model_name: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    enable_thinking: bool | None = None

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    @property
    def _llm_type(self) -> str:
        return "transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, **self._options({})}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "huggingface"
        return params

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        queue: SimpleQueue[Item] = SimpleQueue()
        cancelled = threading.Event()
        chunks = _Chunks(self.model_name, stop)
        self.loaded.generate(messages, self._options(kwargs), queue.put, cancelled)
        try:
            while not chunks.ended:
                chunk = chunks.of(queue.get())
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        finally:
            cancelled.set()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        # LangChain's own would hold a thread for each token, and not hear of a cancellation.
        queue: asyncio.Queue[Item] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()
        chunks = _Chunks(self.model_name, stop)

        def send(item: Item) -> None:
            with suppress(RuntimeError):  # the loop was closed, and with it the reader
                loop.call_soon_threadsafe(queue.put_nowait, item)

        self.loaded.generate(messages, self._options(kwargs), send, cancelled)
        try:
            while not chunks.ended:
                chunk = chunks.of(await queue.get())
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        finally:
            cancelled.set()

    def _options(self, asked: dict[str, Any]) -> dict[str, Any]:
        values = {name: asked.get(name, getattr(self, name)) for name in OPTIONS}
        return {name: value for name, value in values.items() if value is not None}


class _Chunks:
    """What a generation sends -> LangChain's chunks, up to a stop word."""

    def __init__(self, model_name: str, stop: list[str] | None) -> None:
        self.ended = False
        self._model_name = model_name
        self._stop = StopWords(stop or [])

    def of(self, item: Item) -> ChatGenerationChunk:
        if isinstance(item, Exception):
            raise item
        if isinstance(item, Finish):
            self.ended = True
            return self._last(self._stop.rest(), item.reason, item)
        text = self._stop.feed(item)
        if self._stop.ended:
            self.ended = True
            return self._last(text, "stop", None)
        return ChatGenerationChunk(message=AIMessageChunk(content=text))

    def _last(self, text: str, reason: str, finish: Finish | None) -> ChatGenerationChunk:
        message = AIMessageChunk(content=text, chunk_position="last")
        message.response_metadata = {"model_name": self._model_name}
        if finish is not None:
            message.usage_metadata = UsageMetadata(
                input_tokens=finish.input_tokens,
                output_tokens=finish.output_tokens,
                total_tokens=finish.input_tokens + finish.output_tokens,
            )
        return ChatGenerationChunk(message=message, generation_info={"finish_reason": reason})

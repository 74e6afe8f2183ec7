"""LangChain's client of OpenAI's protocol, with the thoughts that services send beside an answer.

``langchain-openai`` drops fields that OpenAI itself doesn't have; the services send thoughts as
``reasoning_content`` (DashScope, DeepSeek, Zhipu, ...) or ``reasoning`` (vLLM, OpenRouter). Both
come out as ``additional_kwargs["reasoning_content"]``.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai.chat_models.base import BaseChatOpenAI

FIELDS = ("reasoning_content", "reasoning")


class OpenAIProtocolChat(BaseChatOpenAI):
    """One model at one service. It takes ``max_tokens`` under whatever name the call gives it."""

    @property
    def _llm_type(self) -> str:
        return "openai-protocol"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The answer as it comes. Its events are read as plain JSON: the client's own way makes an
        object of each, checks it, and makes a dictionary of it again, for half of the time."""
        kwargs |= {"stream": True, "stream_options": {"include_usage": True}}
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        create = self.async_client.with_streaming_response.create
        async with create(**payload) as response:
            async for event in _events(response.iter_lines()):
                if event.get("error"):
                    raise StreamFault(event)
                chunk = self._convert_chunk_to_generation_chunk(event, AIMessageChunk, None)
                if chunk is not None:
                    yield chunk

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: Any
    ) -> ChatGenerationChunk | None:
        choices = chunk.get("choices")
        if choices and choices[0].get("delta") is None:
            return None
        found = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        if found is not None and choices and isinstance(found.message, AIMessageChunk):
            _keep_thoughts(found.message, choices[0]["delta"])
        return found

    def _create_chat_result(self, response: Any, generation_info: Any = None) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        choices = response["choices"] if isinstance(response, dict) else response.choices
        for generation, choice in zip(result.generations, choices, strict=True):
            said = choice["message"] if isinstance(choice, dict) else choice.message.model_dump()
            if isinstance(generation.message, AIMessage):
                _keep_thoughts(generation.message, said)
        return result


class StreamFault(Exception):
    """An error that the service sent within a stream; ``body`` is the event."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body.get("error")))
        self.body = body


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """The data of server-sent events, up to ``[DONE]``.

    Raises:
        ValueError: an event's data is not a JSON object.
    """
    data = ""
    async for line in lines:
        if line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            # Services send an event's JSON on one line; the empty line ends the event.
            if data == "[DONE]":
                return
            event = json.loads(data)
            data = ""
            if not isinstance(event, dict):
                raise ValueError(f"an event of the stream is not an object: {str(event)[:80]}")
            yield event


def _keep_thoughts(message: AIMessage | AIMessageChunk, said: dict[str, Any]) -> None:
    for name in FIELDS:
        if said.get(name):
            message.additional_kwargs["reasoning_content"] = said[name]
            return

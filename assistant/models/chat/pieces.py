"""A client's chunks -> chunks whose content is the answer alone, up to a stop word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from assistant.errors import BadAnswer
from assistant.models.chat.reasoning import ANSWER, RETRACT, THOUGHT, ThinkSplitter
from assistant.models.chat.stop_words import StopWords
from assistant.models.failures import broken_off, refused
from assistant.models.names import Target

FILTERED = ("content_filter", "sensitive")
BROKEN_OFF = ("network_error", "insufficient_system_resource", "error", "abort")


class Splitter:
    """Of one answer. Stop words are looked for here, not by the server: one that came within the
    thoughts would end the answer before it began."""

    def __init__(self, target: Target, stop: Sequence[str]) -> None:
        self.ended = False  # a stop word came
        self.thought = False  # thoughts came
        self._target = target
        self._stop = StopWords(stop) if stop else None
        self._thinking = ThinkSplitter()
        self._answered = False
        self._finish = ""

    def feed(self, chunk: ChatGenerationChunk) -> Iterator[ChatGenerationChunk]:
        """The chunks to give on for ``chunk``.

        Raises:
            ContentFiltered, StreamBroken: the service ended the answer for such a reason.
        """
        message = chunk.message
        assert isinstance(message, AIMessageChunk)  # noqa: S101 - chat models answer so
        text = _take_thoughts(message)
        self.thought |= "reasoning_content" in message.additional_kwargs
        pieces = list(self._thinking.feed(text)) if text else []
        if pieces == [(ANSWER, text)] and self._stop is None:
            self._answered = True
            yield chunk
        else:
            message.content = ""
            if not text or _tells_more(chunk):
                yield chunk
            for kind, piece in pieces:
                yield from self._give(kind, piece)
                if self.ended:
                    return
        self._check_finish(chunk.generation_info or {})

    def end(self) -> Iterator[ChatGenerationChunk]:
        """What was held back.

        Raises:
            BadAnswer: the tokens allowed were all spent on thinking.
        """
        if not self.ended:
            for kind, piece in self._thinking.end():
                yield from self._give(kind, piece)
            rest = self._stop.rest() if self._stop is not None else ""
            if rest:
                yield _answer(rest)
        if not self.thought or self._answered:
            return
        if self._finish == "length":
            raise BadAnswer(
                "{model} used all of its tokens for thinking: raise MAX_TOKENS in .env, or set "
                "ENABLE_THINKING=off where the model allows it.",
                "{model} 把全部词元都用在了思考上：请在 .env 中调大 MAX_TOKENS，"
                "或在模型支持时设置 ENABLE_THINKING=off。",
                model=self._target.name,
            )
        raise BadAnswer(
            "{model} gave thoughts and no answer. Where the server splits them (vLLM's "
            "--reasoning-parser), its parser may not fit the model: leave it out, or set "
            "ENABLE_THINKING=off.",
            "{model} 只给出了思考而没有回答。若由服务端拆分思考（vLLM 的 --reasoning-parser），"
            "该解析器可能与模型不符：请去掉它，或设置 ENABLE_THINKING=off。",
            model=self._target.name,
        )

    def _give(self, kind: str, piece: str) -> Iterator[ChatGenerationChunk]:
        if kind == THOUGHT:
            self.thought = True
            extra: dict[str, Any] = {"reasoning_content": piece}
            yield ChatGenerationChunk(message=AIMessageChunk(content="", additional_kwargs=extra))
        elif kind == RETRACT:
            self.thought, self._answered = True, False
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", additional_kwargs={"retract": True})
            )
        else:
            self._answered = True
            if self._stop is not None:
                piece = self._stop.feed(piece)
                self.ended = self._stop.ended
            if piece:
                yield _answer(piece)

    def _check_finish(self, information: dict[str, Any]) -> None:
        reason = information.get("finish_reason") or information.get("done_reason") or ""
        if not isinstance(reason, str) or not reason:
            return
        self._finish = reason
        if reason in FILTERED:
            raise refused(self._target, None, f"content_filter (finish_reason {reason})")
        if reason in BROKEN_OFF:
            raise broken_off(self._target, f"finish_reason {reason}")


def _answer(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def _take_thoughts(message: AIMessageChunk) -> str:
    """The text of a chunk, its thoughts moved beside it where they came as content parts."""
    if isinstance(message.content, str):
        return message.content
    for part in message.content:
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            thoughts = part.get("thinking") or part.get("reasoning") or part.get("text") or ""
            known = message.additional_kwargs.get("reasoning_content", "")
            if isinstance(thoughts, str) and thoughts:
                message.additional_kwargs["reasoning_content"] = known + thoughts
    return message.text


def _tells_more(chunk: ChatGenerationChunk) -> bool:
    """Whether a chunk carries anything beside its text."""
    message = chunk.message
    assert isinstance(message, AIMessageChunk)  # noqa: S101 - checked before
    return bool(
        chunk.generation_info
        or message.additional_kwargs
        or message.usage_metadata
        or message.tool_call_chunks
    )

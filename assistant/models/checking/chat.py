"""A chat model tried: an answer, a stream with its figures, thoughts, the context's length."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessageChunk, HumanMessage

from assistant.errors import BadAnswer
from assistant.models.chat.choice import open_chat
from assistant.models.chat.model import ChatModel
from assistant.models.checking.row import FAILED, Finding, Row, tried
from assistant.settings import Settings

#: Short, for a CPU; in English, for every model knows that.
ASK = [HumanMessage("Reply with the single word: ready")]
COUNT = [HumanMessage("Write the numbers from one to twenty as words, separated by spaces.")]
WORDY = 128  # tokens: a model that can't stop talking is stopped
ENOUGH = 64  # pieces of a stream: its speed is known then
SHOWN = 40  # characters of an answer


def chat_rows(settings: Settings, text: str, setting: str, check: str = "chat") -> Iterator[Row]:
    """The trials of the one model that ``text`` names; after a failed first one there are no more.

    Args:
        setting: where ``text`` stands, for messages.
        check: what the first row is called.
    """
    opened: list[ChatModel] = []

    def answer() -> Finding:
        opened.append(open_chat(settings, text, setting))
        return _answer(opened[0])

    first = tried(check, text, answer)
    try:
        yield first
        if first.verdict == FAILED:
            return
        chat = opened[0]
        found: list[_Stream] = []
        row = tried("stream", text, lambda: _stream(chat, found))
        yield row
        if row.verdict != FAILED:
            yield tried("thoughts", text, lambda: _thoughts(found[0]))
        yield tried("window", text, lambda: _window(chat))
    finally:
        for chat in opened:
            chat.close()


def _answer(chat: ChatModel) -> Finding:
    model = chat.model()  # may fetch and load it: that is not the answer's time
    began = time.monotonic()
    try:
        message = model.invoke(ASK, thinking=False, max_tokens=WORDY)
    except BadAnswer:  # it thinks whatever it is told: as long as it may
        message = model.invoke(ASK)
    seconds = time.monotonic() - began
    text = message.text.strip()
    if not text:
        raise _empty(chat)
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    told = f"{seconds:.1f} s: {shown!r}"
    return Finding(told, told, {"seconds": round(seconds, 3), "answer": text})


@dataclass
class _Stream:
    """What came of a stream, and when (seconds since the question)."""

    pieces: int = 0
    first: float = 0.0
    last: float = 0.0
    answer: str = ""
    thoughts: str = ""
    tokens: int = 0  # as the server counted them; 0: it didn't say

    def take(self, chunk: AIMessageChunk, now: float) -> None:
        thought = str(chunk.additional_kwargs.get("reasoning_content", ""))
        if chunk.additional_kwargs.get("retract"):  # what came as the answer were thoughts
            self.thoughts, self.answer = self.thoughts + self.answer, ""
        if chunk.usage_metadata:
            self.tokens = max(self.tokens, chunk.usage_metadata["output_tokens"])
        if thought or chunk.text:
            self.first = self.first or now
            self.last = now
            self.pieces += 1
            self.thoughts += thought
            self.answer += chunk.text

    @property
    def speed(self) -> float:
        """Tokens per second after the first; where the server doesn't count, pieces."""
        count = (self.tokens or self.pieces) - 1
        return count / (self.last - self.first) if self.last > self.first else 0.0


def _stream(chat: ChatModel, found: list[_Stream]) -> Finding:
    stream = _Stream()
    model = chat.model()
    began = time.monotonic()
    # The type of stream() is an iterator; it is a generator, and to be closed.
    with closing(cast(Any, model.stream(COUNT))) as chunks:
        for chunk in chunks:
            stream.take(chunk, time.monotonic() - began)
            if stream.pieces >= ENOUGH and stream.answer:
                break
    if not stream.answer.strip():
        raise _empty(chat)
    found.append(stream)
    return Finding(
        f"first token {stream.first:.2f} s, {stream.speed:.1f} tokens/s",
        f"首个词元 {stream.first:.2f} 秒，{stream.speed:.1f} 词元/秒",
        {
            "first_token_seconds": round(stream.first, 3),
            "tokens_per_second": round(stream.speed, 2),
            "pieces": stream.pieces,
        },
    )


def _thoughts(stream: _Stream) -> Finding:
    if "<think>" in stream.answer or "</think>" in stream.answer:
        raise BadAnswer(
            "The thoughts stand in the answer: give the server a reasoning parser, or switch "
            "thinking off with ENABLE_THINKING=off.",
            "思考内容混在回答里：请为服务配置 reasoning parser，或设置 ENABLE_THINKING=off。",
        )
    figures = {"thought_characters": len(stream.thoughts)}
    if not stream.thoughts:
        return Finding("none came", "没有思考内容", figures)
    size = len(stream.thoughts)
    return Finding(
        f"split from the answer ({size} characters)", f"已与回答分开（{size} 个字符）", figures
    )


def _window(chat: ChatModel) -> Finding:
    window = chat.backends[0].reading().context_window
    return Finding(f"{window} tokens", f"{window} 个词元", {"context_window": window})


def _empty(chat: ChatModel) -> BadAnswer:
    return BadAnswer(
        "{model} answered with nothing: look into the server's log, or try another model.",
        "{model} 返回了空的回答：请查看服务日志，或换一个模型。",
        model=chat.name,
    )

"""What ``POST /v1/chat/completions`` takes: OpenAI's request, and a few fields of our own."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from itertools import groupby, pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.api.faults import BadRequest
from assistant.memory.records import Choices, Turn, text_parts
from assistant.turn_memory import Given

MODEL = "knowledge-assistant"
MOST_MESSAGES = 2000
WISH_LENGTH = 1000  # characters of the system messages that are passed on
LONGEST = 8000  # characters of a message before the question that are read

Spoken = tuple[str, str]  # "user" or "assistant", and what was said

Id = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Lenient(BaseModel):
    """Takes what it doesn't know, and leaves it aside: programs send more than OpenAI names."""

    model_config = ConfigDict(extra="ignore")


class Part(Lenient):
    type: str
    text: str = ""


class Message(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(Lenient):
    include_usage: bool = False


class ChatRequest(Lenient):
    """The body. ``conversation_id``, ``collection``, ``rewriting``, ``search_query`` are ours."""

    model: str
    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    tool_choice: Any = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    #: Go on with this conversation of the caller's, or begin it: it is stored as the page's are,
    #: and earlier messages come from there. Without: nothing is stored.
    conversation_id: Id | None = None
    collection: Name | None = None  # "*": all that the caller may read
    rewriting: bool = True  # complete the question from the messages before it
    search_query: Annotated[str, StringConstraints(max_length=8000)] = ""  # the standalone question

    @property
    def choices(self) -> Choices | None:
        """None: those that are kept with the conversation."""
        if self.collection is None and self.rewriting:
            return None
        return Choices(rewriting=self.rewriting, collection=self.collection or "")

    def chosen(self, offered: Collection[str]) -> str:
        """Name of the chat model that is to answer; empty: ``CHAT_MODEL``.

        Args:
            offered: the names that may be chosen.

        Raises:
            BadRequest: there is no such model.
        """
        if self.model == MODEL:
            return ""
        if len(offered) < 2 or self.model not in offered:
            raise BadRequest(
                "The model {model} does not exist: use {known}, or see /v1/models.",
                "没有模型 {model}：请使用 {known}，或查看 /v1/models。",
                status=404,
                code="model_not_found",
                param="model",
                model=self.model[:100],
                known=MODEL,
            )
        return self.model

    def check(self) -> None:
        """Refuse what would mean another answer than ours.

        Raises:
            BadRequest: it is asked for several answers, a tool's call, JSON,
                probabilities, or about a picture or sound.
        """
        _refuse(self.n not in (None, 1), "n", "1")
        _refuse(self.tool_choice not in (None, "none", "auto"), "tool_choice", '"none" or "auto"')
        formats = self.response_format or {"type": "text"}
        _refuse(formats.get("type") != "text", "response_format", '{"type": "text"}')
        _refuse(bool(self.logprobs), "logprobs", "false")
        for n, message in enumerate(self.messages):
            parts = message.content if isinstance(message.content, list) else []
            wrong = next((part.type for part in parts if part.type not in TEXTS), "")
            _refuse(bool(wrong), f"messages.{n}.content", '"text" parts only')

    def conversation(self) -> tuple[str, Given]:
        """The question, and the conversation that it is asked in.

        Raises:
            BadRequest: the last message is not the user's.
        """
        spoken = _joined(self.messages)
        if not spoken or spoken[-1][0] != "user":
            raise BadRequest(
                "The last message must be the user's question.",
                "最后一条消息必须是用户的问题。",
                param="messages",
            )
        system = [m.text.strip() for m in self.messages if m.role in ("system", "developer")]
        wish = " ".join(filter(None, system))[:WISH_LENGTH]
        return spoken[-1][1], Given(tuple(_turns(spoken[:-1])), (wish,) if wish else ())


TEXTS = ("text", "input_text", "output_text", "refusal")


def _joined(messages: Sequence[Message]) -> list[Spoken]:
    """What user and assistant said, in turns: messages of one side in a row are one."""
    spoken = [m for m in messages if m.role in ("user", "assistant") and m.text.strip()]
    return [
        (role, "\n".join(message.text for message in row))
        for role, row in groupby(spoken, key=lambda message: message.role)
    ]


def _turns(spoken: Sequence[Spoken]) -> list[Turn]:
    """Questions with their answers. An answer that nobody asked for, such as a greeting at the
    beginning, is left out."""
    turns, now = [], time.time()
    for n, ((role, asked), (_, answered)) in enumerate(pairwise(spoken)):
        if role == "user":
            question = asked[:LONGEST]
            parts = text_parts(question)
            turns.append(Turn(f"given-{n}", parts, answered[:LONGEST], question, now))
    return turns


def _refuse(is_wrong: bool, param: str, expected: str) -> None:
    if is_wrong:
        raise BadRequest(
            "{param} is not supported as it was sent: expected {expected}.",
            "不支持所传的 {param}：应为 {expected}。",
            param=param,
            code="unsupported_value",
            expected=expected,
        )

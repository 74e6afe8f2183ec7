"""The shapes of memory: messages, turns, conversations. Stored as JSON, so they only grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage


@dataclass(frozen=True)
class Turn:
    """A question and its answer, with all that a reader needs to check it later.

    ``question`` is a list of content parts as chat APIs have them (today ``{"type": "text"}``
    only), so that pictures and sound can come without a new format.
    """

    id: str
    question: tuple[Mapping[str, object], ...]
    answer: str
    standalone: str
    time: float  # seconds since the epoch
    sources: tuple[Mapping[str, object], ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    refused: bool = False
    stopped: bool = False
    unsupported: tuple[str, ...] = ()  # sentences of the answer that no passage bears
    incomplete: str = ""  # why the answer ends early: "stopped", "broken" or "cut"
    model: str = ""  # that answered, as "provider:model"
    tokens: Mapping[str, int] = field(default_factory=dict)  # "prompt" and "answer"

    @property
    def text(self) -> str:
        """The question's text parts."""
        return "\n".join(str(part["text"]) for part in self.question if part["type"] == "text")

    def messages(self) -> list[BaseMessage]:
        """The turn as chat messages."""
        return [HumanMessage(self.text), AIMessage(self.answer)]

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Turn:
        """Unknown fields of a newer version are left out.

        Raises:
            TypeError, KeyError: a field is missing: the value is not a turn.
        """
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("question", "sources", "unsupported"):
            if name in known:
                known[name] = tuple(known[name])  # type: ignore[arg-type]
        return cls(**known)  # type: ignore[arg-type]


def text_parts(text: str) -> tuple[Mapping[str, object], ...]:
    """Plain text as content parts."""
    return ({"type": "text", "text": text},)


@dataclass(frozen=True)
class ConversationInfo:
    """A line of the list of conversations."""

    id: str
    title: str
    updated_at: float
    turns: int


@dataclass(frozen=True)
class Recollection:
    """An earlier turn that bears on the present question."""

    text: str
    conversation_id: str
    time: float
    score: float


def as_chat_history(turns: Sequence[Turn]) -> list[BaseMessage]:
    """All messages of ``turns``, oldest first."""
    return [message for turn in turns for message in turn.messages()]

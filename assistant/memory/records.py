"""The shapes of memory: turns, facts, choices, conversations. Stored as JSON, so they only grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

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
    incomplete: str = (
        ""  # why the answer ends early: "stopped", "broken", "cut", "repeated", "recited"
    )
    model: str = ""  # that answered, as "provider:model"
    tokens: Mapping[str, int] = field(default_factory=dict)  # "prompt" and "answer"
    parent: str = ""  # id of the turn that it follows; empty for a conversation's first
    rewriting: str = ""  # how ``standalone`` came: one of rewriting.WAYS
    memories: tuple[Mapping[str, object], ...] = ()  # that were used: id, kind, text
    rating: int = 0  # the user's: 1 good, -1 bad
    reason: str = ""  # the user's, for the rating
    kind: str = ""  # of the reply: one of events.REPLIES

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
        known = _known(cls, data)
        for name in ("question", "sources", "unsupported", "memories"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)


def branch(turns: Mapping[str, Turn], head: str) -> list[Turn]:
    """The turns that lead to ``head``, oldest first. A turn whose parent is gone begins."""
    path: list[Turn] = []
    seen: set[str] = set()
    while head in turns and head not in seen:
        seen.add(head)
        path.append(turns[head])
        head = turns[head].parent
    return path[::-1]


@dataclass(frozen=True)
class Said:
    """Where a fact comes from: a message of the user."""

    conversation_id: str
    turn_id: str
    time: float


@dataclass(frozen=True)
class Version:
    """What a fact said before."""

    text: str
    said: tuple[Said, ...]
    until: float


@dataclass(frozen=True)
class Fact:
    """Something durable that the user said of themself, or how they want to be answered.

    ``text`` is in the user's own words and language. ``said`` tells where, oldest first; it is
    empty for words that the user wrote on the memory page.
    """

    id: str
    kind: str  # "fact" or "preference"
    text: str
    said: tuple[Said, ...]
    updated: float
    pinned: bool = False
    history: tuple[Version, ...] = ()  # oldest first

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Fact:
        """Unknown fields of a newer version are left out.

        Raises:
            TypeError, KeyError: a field is missing: the value is not a fact.
        """
        known = _known(cls, data)
        known["said"] = _said(known["said"])
        known["history"] = tuple(
            Version(row["text"], _said(row["said"]), row["until"])
            for row in known.get("history", ())
        )
        return cls(**known)


def _said(rows: Sequence[Mapping[str, Any]]) -> tuple[Said, ...]:
    return tuple(Said(row["conversation_id"], row["turn_id"], row["time"]) for row in rows)


def _known(cls: Any, data: Mapping[str, object]) -> dict[str, Any]:
    return {name: data[name] for name in cls.__dataclass_fields__ if name in data}


@dataclass(frozen=True)
class Choices:
    """What the user chose for one conversation."""

    rewriting: bool = True  # complete questions from the conversation
    memory: bool = True  # use long-term memory
    without: frozenset[str] = frozenset()  # ids of memories that are switched off here
    only: frozenset[str] = frozenset()  # URIs of the documents to search; empty: all
    #: Name of the collection to search; "*": all that the user may read; empty: the default one,
    #: or the first that they may.
    collection: str = ""
    model: str = ""  # name of the chat model that answers; empty: CHAT_MODEL

    def as_json(self) -> dict[str, object]:
        return {
            "rewriting": self.rewriting,
            "memory": self.memory,
            "without": sorted(self.without),
            "only": sorted(self.only),
            "collection": self.collection,
            "model": self.model,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Choices:
        known = _known(cls, data)
        for name in ("without", "only"):
            if name in known:
                known[name] = frozenset(known[name])
        return cls(**known)


@dataclass(frozen=True)
class Begun:
    """A question whose turn began and has not been stored: it runs, or it was broken off.

    ``replaces`` is the id of the turn that it is asked in place of.
    """

    question: str
    time: float
    replaces: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Begun:
        """
        Raises:
            TypeError, ValueError: the value is not one.
        """
        known = _known(cls, data)
        return cls(**known | {"time": float(known["time"]), "question": str(known["question"])})


@dataclass(frozen=True)
class ConversationInfo:
    """A line of the list of conversations. ``turns`` is 0 where its first question was begun and
    never answered."""

    id: str
    title: str
    updated_at: float
    turns: int
    pinned: bool = False


@dataclass(frozen=True)
class Recollection:
    """A memory that bears on the present question: an earlier turn, a fact or a preference.

    ``text`` is the earlier question (standalone) or the fact; ``answer`` the beginning of an
    earlier turn's answer. ``score`` orders the results of one search; ``cosine`` to the question
    and ``keyword``, the share of the question's words that it bears (about 1 for all), tell
    whether it bears on it at all.
    """

    id: str
    kind: str  # "turn", "fact" or "preference"
    text: str
    conversation_id: str
    time: float
    score: float
    answer: str = ""
    cosine: float = 0.0
    keyword: float = 0.0


def text_parts(text: str) -> tuple[Mapping[str, object], ...]:
    """Plain text as content parts."""
    return ({"type": "text", "text": text},)


def as_chat_history(turns: Sequence[Turn]) -> list[BaseMessage]:
    """All messages of ``turns``, oldest first."""
    return [message for turn in turns for message in turn.messages()]

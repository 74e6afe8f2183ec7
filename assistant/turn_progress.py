"""What a turn gathers on its way, and the shapes of what goes in and comes out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from assistant import events
from assistant.errors import ConversationError
from assistant.library import Library
from assistant.memory.records import Fact, Recollection, Turn, text_parts
from assistant.memory.store.keys import fact_item
from assistant.models.chat.model import ChatModel
from assistant.passages import Passage, places_in_document
from assistant.rewriting.standalone import Standalone
from assistant.turn_memory import Before, place

LONGEST_QUESTION = 8000  # characters

Span = tuple[int, int]  # begin and end in a text


@dataclass
class TurnProgress:
    """The state of one turn of ``user`` in a conversation."""

    user: str
    conversation_id: str
    question: str
    language: str
    chat: ChatModel  # that answers
    began: float = field(default_factory=time.monotonic)
    waited: float = 0.0  # seconds for the model to load: they don't count against its reading
    timings: dict[str, float] = field(default_factory=dict)
    before: Before = field(default_factory=Before)
    library: Library = field(default_factory=lambda: Library(()))  # the documents it may use
    memories: list[events.Memory] = field(default_factory=list)
    wishes: tuple[str, ...] = ()  # how the user wants to be answered
    standalone: Standalone = field(default_factory=lambda: Standalone("", ""))
    turn_id: str = field(default_factory=lambda: secrets.token_hex(6))
    sources: list[events.Source] = field(default_factory=list)
    answer: str = ""
    unsupported: tuple[str, ...] = ()
    refused: bool = False
    kind: str = "answer"  # of the reply: one of events.REPLIES
    incomplete: str = (
        ""  # why the answer ends early: "stopped", "broken", "cut", "repeated", "recited"
    )
    model: str = ""  # that answered, as "provider:model"
    tokens: dict[str, int] = field(default_factory=dict)  # "prompt" and "answer"

    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def step(self, stage: str) -> events.Step:
        self.timings[stage] = round(self.elapsed(), 3)
        return events.Step(stage, self.timings[stage])


def checked_question(question: str) -> str:
    """The question without white space around it.

    Raises:
        ConversationError: it is empty or too long.
    """
    question = question.strip()
    if not question:
        raise ConversationError("The question is empty.", "问题是空的。")
    if len(question) > LONGEST_QUESTION:
        raise ConversationError(
            "The question has {length} characters; at most {most} can be asked at once. Add long "
            "texts to the knowledge base instead.",
            "问题有 {length} 个字符，一次最多 {most} 个。较长的文本请加入知识库。",
            length=len(question),
            most=LONGEST_QUESTION,
        )
    return question


def source_event(passage: Passage, marks: Sequence[Span] = ()) -> events.Source:
    """A passage as the reader sees it.

    Args:
        marks: of the quote: the words that bear the answer out, in order and apart.
    """
    hit = passage.hit
    return events.Source(
        n=passage.n,
        id=hit.id,
        title=hit.source.title,
        location=hit.location,
        quote=passage.quote,
        score=round(hit.score, 4),
        link=_link(passage, marks),
        url=hit.link,
        kept=hit.kept,
        dense_rank=hit.dense_rank,
        keyword_rank=hit.keyword_rank,
        rerank_rank=hit.rerank_rank,
        marks=tuple(marks),
    )


def _link(passage: Passage, marks: Sequence[Span]) -> str:
    """The document's page at the passage, with a query that has it mark the same words: chunk,
    begin and end in it."""
    page = f"/source/{passage.hit.source.id}"
    spans: dict[int, list[Span]] = {}
    for start, end in marks:
        for found in places_in_document(passage, start, end):
            spans.setdefault(found.position, []).append((found.begin, found.end))
    if not spans:
        return f"{page}#chunk-{passage.hit.position}"
    told = ";".join(
        f"{position}:" + ",".join(f"{begin}-{end}" for begin, end in joined_spans(spans[position]))
        for position in sorted(spans)
    )
    return f"{page}?mark={told}#chunk-{min(spans)}"


def joined_spans(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch made one.

    >>> joined_spans([(4, 6), (0, 2), (2, 3)])
    [(0, 3), (4, 6)]
    """
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def done_event(now: TurnProgress) -> events.Done:
    """The end of a good turn."""
    return events.Done(
        now.conversation_id,
        now.answer,
        now.refused,
        dict(now.timings),
        stopped=now.incomplete == "stopped",
        incomplete=now.incomplete,
        model=now.model,
        tokens=dict(now.tokens),
        turn_id=now.turn_id,
        kind=now.kind,
    )


def stored_turn(now: TurnProgress) -> Turn:
    """The turn as both memories keep it."""
    return Turn(
        id=now.turn_id,
        question=text_parts(now.question),
        answer=now.answer,
        standalone=now.standalone.text,
        time=time.time(),
        sources=tuple(source.as_json() for source in now.sources),
        timings=dict(now.timings),
        refused=now.refused,
        stopped=now.incomplete == "stopped",
        unsupported=now.unsupported,
        incomplete=now.incomplete,
        model=now.model,
        tokens=dict(now.tokens),
        parent=now.before.history.parent,
        rewriting=now.standalone.way,
        memories=tuple(memory.as_json() for memory in now.memories),
        kind=now.kind,
    )


def memory_event(memory: Recollection) -> events.Memory:
    return events.Memory(
        memory.text, memory.conversation_id, memory.time, id=memory.id, kind=memory.kind
    )


def wish_event(fact: Fact) -> events.Memory:
    return events.Memory(
        fact.text, place(fact), fact.updated, id=fact_item(fact.id), kind=fact.kind
    )

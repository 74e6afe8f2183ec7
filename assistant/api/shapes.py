"""What ``/api/v1`` gives back, as its description has it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from assistant.knowledge.records import CollectionInfo, Hit, Source
from assistant.memory.records import ConversationInfo, Turn
from assistant.ui.jobs import Job, Line
from assistant.ui.library_access import Rights


class FaultDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Fault(BaseModel):
    """An error, in OpenAI's shape."""

    error: FaultDetail


class Leg(BaseModel):
    """What one leg of the search, or the reranker, made of a chunk; null where it missed it."""

    rank: int | None
    score: float | None


class SourceShape(BaseModel):
    """A document."""

    id: int
    collection: str
    uri: str
    title: str
    kind: str
    chunks: int
    size: int
    added_at: float
    updated_at: float

    @classmethod
    def of(cls, source: Source) -> SourceShape:
        return cls(**{name: getattr(source, name) for name in cls.model_fields})


class ChunkShape(BaseModel):
    """A piece of a document."""

    id: str
    position: int
    text: str
    location: str
    page: int | None

    @classmethod
    def of(cls, hit: Hit) -> ChunkShape:
        return cls(**{name: getattr(hit, name) for name in cls.model_fields})


class HitShape(ChunkShape):
    """A piece of a document that a search found, and why."""

    score: float
    kept: str
    dense: Leg
    keyword: Leg
    rerank: Leg
    source: SourceShape
    url: str
    link: str

    @classmethod
    def of(cls, hit: Hit) -> HitShape:
        return cls(
            **ChunkShape.of(hit).model_dump(),
            score=hit.score,
            kept=hit.kept,
            dense=Leg(rank=hit.dense_rank, score=hit.dense_score),
            keyword=Leg(rank=hit.keyword_rank, score=hit.keyword_score),
            rerank=Leg(rank=hit.rerank_rank, score=hit.rerank_score),
            source=SourceShape.of(hit.source),
            url=hit.link,
            link=f"/source/{hit.source.id}#chunk-{hit.position}",
        )


class Hits(BaseModel):
    """The best first."""

    hits: list[HitShape]
    seconds: float
    notice: str | None


class CollectionShape(BaseModel):
    """A collection that the caller may read."""

    name: str
    title: str
    owner: str
    sources: int
    chunks: int
    may_write: bool

    @classmethod
    def of(cls, rights: Rights, info: CollectionInfo, counts: dict[str, int]) -> CollectionShape:
        return cls(
            name=info.name,
            title=info.title or info.name,
            owner=info.owner,
            sources=counts.get("sources", 0),
            chunks=counts.get("chunks", 0),
            may_write=rights.may_write,
        )


class CollectionList(BaseModel):
    collections: list[CollectionShape]


class SourceList(BaseModel):
    """A page of a collection's documents; ``total`` is how many match."""

    total: int
    sources: list[SourceShape]


class ChunkList(BaseModel):
    total: int
    chunks: list[ChunkShape]


class Removed(BaseModel):
    chunks: int


class LineShape(BaseModel):
    """What became of one document."""

    kind: str
    name: str
    text: str

    @classmethod
    def of(cls, line: Line, language: str) -> LineShape:
        return cls(kind=line.kind, name=line.name, text=in_language(line.text, language))


class JobShape(BaseModel):
    """Documents on their way in, or out."""

    id: int
    title: str
    collection: str
    state: Literal["waiting", "running", "done", "partly", "failed", "cancelled"]
    done: int
    total: int | None
    seconds_left: float | None
    counts: dict[str, Any]
    lines: list[LineShape]

    @classmethod
    def of(cls, job: Job, language: str) -> JobShape:
        return cls(
            id=job.id,
            title=in_language(job.title, language),
            collection=job.collection,
            state=job.state,
            done=job.done,
            total=job.total,
            seconds_left=job.seconds_left,
            counts=dict(job.counts),
            lines=[LineShape.of(line, language) for line in list(job.lines)],
        )


class JobList(BaseModel):
    jobs: list[JobShape]


class ConversationShape(BaseModel):
    """A line of the caller's list of conversations."""

    id: str
    title: str
    updated_at: float
    turns: int

    @classmethod
    def of(cls, info: ConversationInfo) -> ConversationShape:
        return cls(**{name: getattr(info, name) for name in cls.model_fields})


class ConversationList(BaseModel):
    conversations: list[ConversationShape]


class TurnShape(BaseModel):
    """A question and its answer."""

    id: str
    question: str
    answer: str
    standalone: str
    time: float
    kind: str
    refused: bool
    incomplete: str
    model: str
    sources: list[dict[str, Any]]
    timings: dict[str, float]

    @classmethod
    def of(cls, turn: Turn) -> TurnShape:
        plain = ("id", "answer", "standalone", "time", "kind", "refused", "incomplete", "model")
        return cls(
            **{name: getattr(turn, name) for name in plain},
            question=turn.text,
            sources=[dict(source) for source in turn.sources],
            timings=dict(turn.timings),
        )


class Transcript(BaseModel):
    id: str
    turns: list[TurnShape]


def in_language(both: tuple[str, str], language: str) -> str:
    return both[0 if language == "zh" else 1]

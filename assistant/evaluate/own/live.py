"""A set of own questions, with the chunks that answer them as the knowledge base has them now."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant.evaluate.dataset import (
    Dataset,
    DatasetError,
    Passage,
    Question,
    judgement,
    lines_of,
    rows_of,
)
from assistant.evaluate.metrics import AnyOf
from assistant.evaluate.own.evidence import Evidence, EvidenceError, found_source, holding
from assistant.evaluate.own.questions import collection_of
from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.records import Hit, Source
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveSet:
    """``lost``: ids of questions whose evidence isn't in the knowledge base (any more);
    ``pending``: of those that nobody has judged."""

    dataset: Dataset
    lost: Sequence[str]
    pending: Sequence[str]


def load_live(folder: Path, split: str, settings: Settings) -> LiveSet:
    """Read a set of own questions and look its evidence up.

    Raises:
        DatasetError: a file can't be read, or nothing can be measured.
        KnowledgeError: the knowledge base can't be used.
    """
    collection = collection_of(folder)
    knowledge = open_knowledge(settings, None, collection)
    try:
        chunks = _Chunks(knowledge)
        live = _live_set(folder, split, chunks)
        passages = [_passage(hit) for hit in chunks.everything()]
    finally:
        knowledge.close()
    if not (live.dataset.questions or live.dataset.unanswerable):
        raise DatasetError(
            "{path} has no question that can be measured on the collection {collection}: {lost} "
            "name what isn't there, {pending} wait to be judged.",
            "{path} 中没有可在知识库 {collection} 上评测的问题：{lost} 个所指的内容不存在，"
            "{pending} 个等待标注。",
            path=folder,
            collection=collection,
            lost=len(live.lost),
            pending=len(live.pending),
        )
    if live.lost:
        log.warning("%d questions name what isn't in the knowledge base", len(live.lost))
    return replace(live, dataset=replace(live.dataset, passages=passages, collection=collection))


def _live_set(folder: Path, split: str, chunks: _Chunks) -> LiveSet:
    judged = _judged(folder, split)
    kept: list[Question] = []
    unanswerable: list[Question] = []
    lost: list[str] = []
    pending: list[str] = []
    for row in rows_of(folder / "queries.jsonl"):
        metadata = row.get("metadata") or {}
        question = Question(row["_id"], row["text"], {}, metadata)
        relevant = _relevant(metadata, judged.get(question.id, {}), chunks)
        if not question.answerable:
            unanswerable.append(question)
        elif relevant:
            kept.append(replace(question, relevant=relevant))
        else:
            (lost if question.id in judged else pending).append(question.id)
    name = folder.resolve().name
    return LiveSet(Dataset(name, folder, (), kept, unanswerable), lost, pending)


def _judged(folder: Path, split: str) -> dict[str, dict[str, float]]:
    """Scores by question and source."""
    path = folder / "qrels" / f"{split}.tsv"
    judged: dict[str, dict[str, float]] = {}
    for number, line in lines_of(path):
        if number == 1 and line.startswith("query-id"):
            continue
        question, source, score = judgement(path, number, line)
        if score > 0:
            judged.setdefault(question, {})[source] = score
    return judged


def _relevant(
    metadata: Mapping[str, Any], judged: Mapping[str, float], chunks: _Chunks
) -> AnyOf | None:
    """The chunks that answer; those of one piece of evidence are alternatives, and so are those
    of two that share a chunk."""
    told = [Evidence.from_json(one) for one in metadata.get("evidence") or ()]
    told += [Evidence(source) for source in judged if source not in {one.source for one in told}]
    scores: dict[str, float] = {}
    groups: dict[str, str] = {}
    for place, evidence in enumerate(told):
        if evidence.source not in judged:
            continue
        ids = [hit.id for hit in chunks.holding(evidence)]
        known = next((groups[id] for id in ids if id in groups), f"evidence {place}")
        for id in ids:
            groups.setdefault(id, known)
            scores.setdefault(id, judged[evidence.source])
    return AnyOf(scores, groups) if scores else None


@dataclass
class _Chunks:
    """The collection's chunks, each source read once."""

    knowledge: KnowledgeBase
    _sources: list[Source] = field(default_factory=list)
    _read: dict[int, list[Hit]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sources = self.knowledge.sources()

    def holding(self, evidence: Evidence) -> list[Hit]:
        """The chunks with it; none where they are gone."""
        source = self._found(evidence.source)
        return holding(self._of(source.id), evidence) if source else []

    def _found(self, uri: str) -> Source | None:
        """The source; of a file that was moved, the only one of its name."""
        is_file = "://" not in uri
        for name in (uri, uri.rpartition("/")[2]) if is_file else (uri,):
            with contextlib.suppress(EvidenceError):
                return found_source(self._sources, name)
        return None

    def everything(self) -> list[Hit]:
        return [hit for source in self._sources for hit in self._of(source.id)]

    def _of(self, source_id: int) -> list[Hit]:
        if source_id not in self._read:
            self._read[source_id] = self.knowledge.chunks(source_id)
        return self._read[source_id]


def _passage(hit: Hit) -> Passage:
    """With the headings as its title, as it was embedded."""
    return Passage(hit.id, "\n".join(hit.heading_path), hit.text)

"""Passages for summaries and comparisons, and the question that is asked back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant.asking import Asking, Kind, clarifying, compared, library_names, summary_hits
from assistant.knowledge.filters import Where
from assistant.knowledge.records import Hit, NewChunk, Source
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import estimate_tokens
from assistant.rewriting.standalone import Standalone
from tests.knowledge_samples import add, open_knowledge

SUMMARY = Asking(Kind.SUMMARY)


@pytest.fixture
def knowledge(tmp_path: Path) -> KnowledgeBase:
    return open_knowledge(tmp_path)


def chunks(title: str, sections: int) -> list[NewChunk]:
    return [
        NewChunk(
            f"{title} section {n} explains topic{n}. It is about the pump. Other words follow "
            f"here for a while. The pump of {title} needs topic{n} every month.",
            (title, f"Section {n}"),
        )
        for n in range(sections)
    ]


def tokens(hits: list[Hit]) -> int:
    return sum(estimate_tokens(hit.text) for hit in hits)


def test_the_whole_of_a_short_document_is_given(knowledge: KnowledgeBase) -> None:
    add(knowledge, "/a/note.md", "One sentence. And another one.")
    (hit,) = summary_hits(knowledge, SUMMARY, 400, estimate_tokens)
    assert hit.text == "One sentence. And another one."


def test_passages_are_spread_over_the_sections(knowledge: KnowledgeBase) -> None:
    add(knowledge, "/a/pump.md", chunks=chunks("Pump", 40))
    hits = summary_hits(knowledge, SUMMARY, 400, estimate_tokens)
    positions = [hit.position for hit in hits]
    assert positions == sorted(positions)
    assert positions[0] == 0
    assert positions[-1] >= 30
    assert all(f"section {hit.position} explains" in hit.text for hit in hits)
    assert 250 < tokens(hits) <= 400


def test_sections_begin_where_headings_change(knowledge: KnowledgeBase) -> None:
    parts = [NewChunk(f"Part {n} says much.", ("Book", f"Chapter {n // 10}")) for n in range(30)]
    add(knowledge, "/a/book.md", chunks=parts)
    hits = summary_hits(knowledge, SUMMARY, 2000, estimate_tokens)
    assert [hit.position for hit in hits] == [0, 10, 20]


def test_a_document_of_3000_chunks(knowledge: KnowledgeBase) -> None:
    add(knowledge, "/a/long.md", *(f"第{n}段讲的是主题{n}。后面还有别的话。" for n in range(3000)))
    start = time.process_time()
    hits = summary_hits(knowledge, SUMMARY, 500, estimate_tokens)
    assert time.process_time() - start < 1
    assert hits[-1].position > 2000
    assert tokens(hits) <= 500


def test_the_named_documents_are_summarised(knowledge: KnowledgeBase) -> None:
    for name in ("manual-x1.md", "manual-x2.md", "menu.md"):
        add(knowledge, f"/a/{name}", chunks=chunks(name, 3))
    named = Asking(Kind.SUMMARY, ("manual-x1.md", "manual-x2.md"))
    hits = summary_hits(knowledge, named, 600, estimate_tokens)
    assert {hit.source.title for hit in hits} == {"manual-x1.md", "manual-x2.md"}
    assert set(library_names(knowledge.sources())) == {"manual-x1.md", "manual-x2.md", "menu.md"}


def test_without_a_name_the_last_answer_tells_the_document(knowledge: KnowledgeBase) -> None:
    ids = [add(knowledge, f"/a/{n}.md", chunks=chunks(f"D{n}", 3))[0].id for n in range(6)]
    hits = summary_hits(knowledge, SUMMARY, 600, estimate_tokens, recent=[ids[2]])
    assert {hit.source.id for hit in hits} == {ids[2]}
    overview = summary_hits(knowledge, SUMMARY, 600, estimate_tokens)
    assert {hit.source.id for hit in overview} == set(ids)
    gone = summary_hits(knowledge, SUMMARY, 600, estimate_tokens, recent=[999])
    assert len({hit.source.id for hit in gone}) == 6


def test_a_tiny_budget_still_gives_something(knowledge: KnowledgeBase) -> None:
    add(knowledge, "/a/long.md", "很长的一句话" * 100)
    (hit,) = summary_hits(knowledge, SUMMARY, 20, estimate_tokens)
    assert 0 < estimate_tokens(hit.text) <= 20


def test_an_empty_library_gives_nothing(knowledge: KnowledgeBase) -> None:
    assert summary_hits(knowledge, SUMMARY, 100, estimate_tokens) == []


@dataclass(frozen=True)
class Found:
    """The shape of :class:`assistant.retrieval.Found`."""

    hits: tuple[Hit, ...] = ()
    dense_best: float = 0.0
    keyword_best: float = 0.0
    candidates: tuple[Hit, ...] = ()


def hit(name: str, title: str = "", score: float = 1.0) -> Hit:
    title = title or name
    source = Source(sum(map(ord, title)), "c", f"/{title}", title, "md", 1, 1, "", 0.0, 0.0)
    return Hit(name, name, score, source, 0)


@dataclass
class Answers:
    """A retriever that answers with the hits whose name is in the question."""

    hits: list[Hit]
    asked: list[str] = field(default_factory=list)

    def search(self, asked: Standalone, where: Where | None = None) -> Found:
        self.asked.append(asked.text)
        found = tuple(one for one in self.hits if one.id[0] in asked.text)
        return Found(found, float(len(found)), 1.0, found)


def test_each_thing_is_searched_and_merged_in_turn() -> None:
    retriever = Answers([hit(name) for name in ("甲1", "甲2", "甲3", "乙1", "乙2")])
    asking = Asking(Kind.COMPARE, ("甲", "乙"))
    found = compared(retriever, asking, Standalone("", "甲和乙的保修有什么区别"))
    assert retriever.asked == ["甲和乙的保修有什么区别", "甲 保修", "乙 保修"]
    assert [one.id for one in found.hits][:4] == ["甲1", "乙1", "甲2", "乙2"]
    assert len(found.hits) == len({one.id for one in found.hits}) == 5
    assert found.dense_best == 5.0


def test_a_clarifying_question_names_the_nearest_documents() -> None:
    found = Found((hit("a", "护照"), hit("b", "签证", 0.9), hit("c", "驾照", 0.8)))
    assert clarifying(found, "zh") == "您问的是“护照”、“签证”，还是“驾照”？请说明是哪一个。"
    english = clarifying(Found((hit("a", "Passport *new*"), hit("b", "Visa", 0.9))), "en")
    assert english == 'Do you mean "Passport \\*new\\*" or "Visa"? Please say which one.'


def test_nothing_is_asked_where_one_document_is_meant() -> None:
    assert clarifying(Found(), "en") == ""
    assert clarifying(Found((hit("a", "A"), hit("b", "A", 0.9))), "en") == ""
    assert clarifying(Found((hit("a", "A"), hit("b", "B", 0.4))), "en") == ""

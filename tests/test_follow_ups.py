"""Questions that may be asked next, from the headings around what an answer cites."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.follow_ups import follow_ups, question_about
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import open_knowledge, vectors_of


def shelf(folder: Path, *headings: str, title: str = "星河手册") -> KnowledgeBase:
    knowledge = open_knowledge(folder)
    chunks = [NewChunk(f"第 {n} 段。", ("星河", heading)) for n, heading in enumerate(headings)]
    knowledge.add_embedded("/a.md", title, "md", 1, "h", chunks, vectors_of(chunks))
    return knowledge


def asked(knowledge: KnowledgeBase, cited: int, question: str, language: str = "zh") -> list[str]:
    (source,) = knowledge.sources()
    id = knowledge.chunks(source.id)[cited].id
    return list(follow_ups(knowledge, [id], question, language))


def test_the_sections_around_the_cited_one_are_asked_about(tmp_path: Path) -> None:
    with shelf(tmp_path, "概述", "规格", "1.2 电池：", "**保修**", "如何校准") as knowledge:
        assert asked(knowledge, 1, "星河多重？") == [
            "《星河手册》中关于“电池”是怎么说的？",
            "《星河手册》中关于“保修”是怎么说的？",
            "如何校准？",
        ]


@pytest.mark.parametrize("headings", [("规格",), ("规格", "规格"), ("规格", "目录", "x", "12", "")])
def test_where_there_is_nothing_to_ask_nothing_is_asked(
    tmp_path: Path, headings: tuple[str, ...]
) -> None:
    with shelf(tmp_path, *headings) as knowledge:
        assert asked(knowledge, 0, "星河多重？") == []


def test_what_was_asked_is_not_asked_again(tmp_path: Path) -> None:
    with shelf(tmp_path, "规格", "电池", "保修") as knowledge:
        assert asked(knowledge, 0, "电池能用多久？") == ["《星河手册》中关于“保修”是怎么说的？"]


def test_a_deleted_passage_is_asked_nothing_about(tmp_path: Path) -> None:
    with shelf(tmp_path, "规格", "电池") as knowledge:
        assert follow_ups(knowledge, ["gone"], "q", "zh") == ()


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Battery life", "What does “Manual” say about “Battery life”?"),
        ("How to charge it", "How do I charge it?"),
        ("Why does it get warm", "Why does it get warm?"),
        ("Why it gets warm", "What does “Manual” say about “Why it gets warm”?"),
        ("Is it waterproof?", "Is it waterproof?"),
        ("保修", "What does “Manual” say about “保修”?"),
    ],
)
def test_english_questions(heading: str, question: str) -> None:
    assert question_about(heading, "Manual", "en") == question

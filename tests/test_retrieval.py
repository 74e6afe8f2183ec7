"""Hybrid retrieval: fusion of two legs, on hits made by hand and on a real store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.knowledge.fusion import fuse
from assistant.knowledge.records import Hit, NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.retrieval import LEAST_WEIGHT, Retriever, history_weight, question_vector
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings
from tests.passages import hit

DOCUMENTS = {
    "部署手册": "服务启动失败并报错 E1042 时，请检查端口是否被占用。",
    "Release notes": "Version 3.11.7 fixes the retry loop in KnowledgeBase.add_texts.",
    "菜谱": "红烧肉需要五花肉、冰糖和酱油，小火炖一个小时。",
    "Gardening": "Tomatoes need six hours of sun and regular watering.",
    "青禾一号": "青禾一号是一种水稻品种，亩产900公斤。",
}


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retriever]:
    embeddings = open_embeddings(Settings.load({"EMBEDDING_CACHE_MB": "0"}, None))
    folder: Path = tmp_path_factory.mktemp("data")
    with KnowledgeBase(folder, embeddings, embeddings.fingerprint) as knowledge:
        for title, text in DOCUMENTS.items():
            chunk = NewChunk(text, (title,))
            vectors = embeddings.embed_passages([chunk.embedding_text])
            knowledge.add_embedded(f"/{title}", title, "md", 1, title, [chunk], vectors)
        yield Retriever(knowledge, embeddings, k=3)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("E1042 是什么错误？", "部署手册"),
        ("What changed in 3.11.7?", "Release notes"),
        ("add_texts retry", "Release notes"),
        ("红烧肉要炖多久？", "菜谱"),
        ("How much sunlight does a tomato plant want?", "Gardening"),
        ("水稻一亩能收多少？", "青禾一号"),
    ],
)
def test_the_right_document_is_first(retriever: Retriever, question: str, title: str) -> None:
    found = retriever.search(Standalone(question, question))
    assert found[0].source.title == title
    assert len(found) <= 3
    assert all(one.score >= 0.5 * found[0].score for one in found)


def test_the_conversation_finds_what_the_question_only_points_at(retriever: Retriever) -> None:
    background = ("你知道青禾一号吗？", "青禾一号是一种水稻品种。")
    asked = Standalone("它产量有多少？", "它产量有多少？", background, "model")
    assert retriever.search(asked)[0].source.title == "青禾一号"


def test_the_vector_of_a_question_leans_to_its_conversation(retriever: Retriever) -> None:
    embeddings = retriever.embeddings
    told = tuple(f"第{n}句" for n in range(9))
    text, asked = "青禾一号的产量有多少？", "它产量有多少？"
    alone = question_vector(embeddings, Standalone(asked, text, (), "model"))
    assert np.allclose(alone, embeddings.embed_questions([text])[0])
    for standalone in (Standalone(asked, each, told, "model") for each in (text, asked)):
        mixed = question_vector(embeddings, standalone)
        joined = " ".join([*told[-6:], asked])
        own, history = embeddings.embed_questions([standalone.text, joined])
        expected = own + history_weight(standalone) * history
        assert np.linalg.norm(mixed) == pytest.approx(1, abs=1e-6)
        assert mixed @ expected == pytest.approx(np.linalg.norm(expected), abs=1e-5)


def test_the_conversation_weighs_more_where_more_came_from_it() -> None:
    weights = [
        history_weight(Standalone("它产量有多少？", text, (), "model"))
        for text in ("它产量有多少？", "青禾产量有多少？", "青禾一号水稻品种的产量有多少？", "")
    ]
    assert weights[0] == weights[3] == LEAST_WEIGHT
    assert LEAST_WEIGHT < weights[1] < weights[2] < 1.4


def named(name: str, score: float) -> Hit:
    return replace(hit(name), id=name, score=score)


def test_fusion_joins_both_legs_and_tells_their_ranks() -> None:
    dense = [named("a", 0.9), named("b", 0.8), named("c", 0.7)]
    keyword = [named("c", 8.0), named("a", 6.0), named("d", 2.0)]
    fused = fuse(dense, keyword)
    assert [one.id for one in fused] == ["a", "c", "b", "d"]
    assert [(one.dense_rank, one.keyword_rank) for one in fused] == [
        (1, 2),
        (3, 1),
        (2, None),
        (None, 3),
    ]
    assert fused[0].score == pytest.approx(0.5 * 1 + 0.5 * 6 / 8)


def test_one_leg_alone_or_none() -> None:
    assert [one.id for one in fuse([], [named("k", 3.0)])] == ["k"]
    assert [one.id for one in fuse([named("d", 0.8)], [])] == ["d"]
    assert fuse([], []) == []

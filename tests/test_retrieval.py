"""Retrieval on a real store: both legs, a filter, copies, a reranker that may fail or be late."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ModelTimeout, ModelUnavailable
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.models.reranking.reranker import Ranked
from assistant.retrieval import (
    FLOOR,
    LEAST_WEIGHT,
    Found,
    Retriever,
    history_weight,
    question_vector,
)
from assistant.rewriting.standalone import Standalone
from assistant.settings import Settings
from tests.knowledge_samples import wait_until

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
    found = retriever.search(Standalone(question, question)).hits
    assert found[0].source.title == title
    assert len(found) <= 3
    assert all(one.score >= FLOOR * found[0].score for one in found)


def test_the_conversation_finds_what_the_question_only_points_at(retriever: Retriever) -> None:
    background = ("你知道青禾一号吗？", "青禾一号是一种水稻品种。")
    asked = Standalone("它产量有多少？", "它产量有多少？", background, "model")
    assert retriever.search(asked).hits[0].source.title == "青禾一号"


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


def test_a_filter_is_for_both_legs(retriever: Retriever) -> None:
    asked = Standalone("E1042 是什么错误？", "E1042 是什么错误？")
    found = retriever.search(asked, {"source": {"$prefix": "/Gard"}})
    assert {one.source.title for one in (*found.hits, *found.candidates)} == {"Gardening"}


def test_what_was_found_tells_both_legs(retriever: Retriever) -> None:
    found = retriever.search(Standalone("E1042 是什么错误？", "E1042 是什么错误？"))
    best = found.hits[0]
    assert (best.kept, best.dense_rank, best.keyword_rank) == ("both", 1, 1)
    assert found.dense_best == best.dense_score and found.keyword_best == best.keyword_score
    assert len(found.candidates) == len(DOCUMENTS) and found.notice is None
    assert {one.kept for one in found.candidates} == {"both", "dense"}
    assert all(0 <= one.score <= 1 for one in found.candidates)


def test_an_empty_knowledge_base_has_nothing(retriever: Retriever) -> None:
    assert isinstance(retriever.knowledge, KnowledgeBase)
    empty = replace(retriever, knowledge=retriever.knowledge.collection("empty"))
    assert empty.search(Standalone("红烧肉", "红烧肉")) == Found(())


def test_copies_take_no_place(retriever: Retriever, tmp_path: Path) -> None:
    embeddings = retriever.embeddings
    with KnowledgeBase(tmp_path, embeddings, embeddings.fingerprint) as knowledge:
        for n, text in enumerate([DOCUMENTS["菜谱"]] * 3 + [DOCUMENTS["部署手册"]]):
            chunk = NewChunk(text)
            vectors = embeddings.embed_passages([text])
            knowledge.add_embedded(f"/{n}", f"{n}", "md", 1, f"{n}", [chunk], vectors)
        found = Retriever(knowledge, embeddings, k=3).search(Standalone("红烧肉", "红烧肉"))
    assert [one.text for one in found.hits].count(DOCUMENTS["菜谱"]) == 1
    assert len(found.candidates) == 4


class Ranks:
    """A reranker that puts the last text first, when it is told to go on."""

    def __init__(self, *, top: float = 0.9, error: Exception | None = None) -> None:
        self.top, self.error = top, error
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[str] = []

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> Ranked:
        self.asked.append(question)
        assert self.go_on.wait(30)
        if self.error:
            raise self.error
        order = range(len(texts) - 1, -1, -1)
        return [(index, self.top - place) for place, index in enumerate(order)][:top_n]


QUESTION = Standalone("红烧肉要炖多久？", "红烧肉要炖多久？")


def test_a_reranker_orders_what_both_legs_found(retriever: Retriever) -> None:
    plain = retriever.search(QUESTION)
    found = replace(retriever, reranker=Ranks(top=2.0)).search(QUESTION)
    assert [one.id for one in found.candidates] == [one.id for one in plain.candidates]
    assert found.hits[0].id == plain.candidates[-1].id and found.notice is None
    assert [(one.rerank_rank, one.rerank_score) for one in found.hits] == [(1, 2), (2, 1), (3, 0)]
    assert {one.kept for one in found.hits} == {"rerank"}
    assert 1 > found.hits[0].score > found.hits[1].score > found.hits[2].score == 0.5


@pytest.mark.parametrize("error", [ModelUnavailable("It is away.", "它不在。"), None])
def test_a_reranker_that_fails_or_is_late_changes_nothing(
    retriever: Retriever, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    ranks = Ranks(error=error)
    slow = replace(retriever, reranker=ranks, rerank_seconds=5 if error else 0.05)
    if not error:
        ranks.go_on.clear()
    found = slow.search(QUESTION)
    assert found.hits == retriever.search(QUESTION).hits
    assert isinstance(found.notice, ModelUnavailable) and "order of the search" in caplog.text
    if error:
        assert found.notice is error
        return
    assert "0.05 s" in str(found.notice) and "RERANK_SECONDS" in found.notice.text("zh")
    # While the late call runs, no other one is begun.
    assert isinstance(slow.search(QUESTION).notice, ModelTimeout) and len(ranks.asked) == 1
    ranks.go_on.set()
    wait_until(lambda: slow.search(QUESTION).notice is None, 10)


def test_a_fault_in_the_reranker_is_not_hidden(retriever: Retriever) -> None:
    with pytest.raises(KeyError):
        replace(retriever, reranker=Ranks(error=KeyError("x"))).search(QUESTION)

"""LangChain's interface: its own conformance suite, and what that leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests.retrievers import RetrieversIntegrationTests
from langchain_tests.integration_tests.vectorstores import VectorStoreIntegrationTests

from assistant.errors import KnowledgeError
from assistant.knowledge.retriever import KnowledgeRetriever
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.vectorstore import diverse_order
from tests.knowledge_samples import add, open_knowledge


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio  # the suite's coroutines; its other tests run as they are
class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> Iterator[VectorStore]:
        with KnowledgeBase(tmp_path, self.get_embeddings(), "deterministic-6") as knowledge:
            yield knowledge


@pytest.mark.anyio
class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def filled(self, tmp_path: Path) -> Iterator[None]:
        embedding = DeterministicFakeEmbedding(size=8)
        with KnowledgeBase(tmp_path, embedding, "deterministic-8") as self.knowledge:
            self.knowledge.add_texts([f"text {n}" for n in range(9)])
            yield

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return KnowledgeRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        return {"knowledge": self.knowledge}

    @property
    def retriever_query_example(self) -> str:
        return "text 3"


class CountingEmbedding(Embeddings):
    """Remembers what it embedded."""

    fingerprint = "counting"

    def __init__(self) -> None:
        self.model = DeterministicFakeEmbedding(size=8)
        self.texts: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.texts += texts
        return self.model.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self.model.embed_query(text)


@pytest.fixture
def embedding() -> CountingEmbedding:
    return CountingEmbedding()


@pytest.fixture
def knowledge(tmp_path: Path, embedding: CountingEmbedding) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(tmp_path, embedding, embedding.fingerprint) as knowledge:
        yield knowledge


TEXTS = ["one", "two", "three", "four"]


def test_texts_added_again_are_neither_embedded_nor_doubled(
    knowledge: KnowledgeBase, embedding: CountingEmbedding
) -> None:
    first = knowledge.add_texts([*TEXTS, "one"])
    assert len(set(first)) == 5  # the same text twice in one call is meant
    assert embedding.texts == TEXTS
    assert knowledge.add_texts([*TEXTS, "one"]) == first
    assert embedding.texts == TEXTS
    assert knowledge.stats()["default"]["chunks"] == 5


def test_the_same_text_with_other_metadata_is_another_document(knowledge: KnowledgeBase) -> None:
    ids = knowledge.add_texts(["one", "one"], [{"page": 1}, {"page": 2}])
    assert len(set(ids)) == 2
    assert [found.metadata["page"] for found in knowledge.get_by_ids(ids)] == [1, 2]


def test_update_by_id_moves_between_sources(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(["one", "two"], [{"source": "a"}, {"source": "a"}], ids=["1", "2"])
    knowledge.add_texts(["one"], [{"source": "b"}], ids=["1"])
    assert {one.uri: one.chunks for one in knowledge.sources()} == {"a": 1, "b": 1}
    knowledge.add_texts(["new two", "three"], [{"source": "b"}, {"source": "a"}], ids=["2", "3"])
    assert {one.uri: one.chunks for one in knowledge.sources()} == {"a": 1, "b": 2}
    source = knowledge.source_by_uri("b")
    assert source is not None and source.kind == "text"
    assert [hit.text for hit in knowledge.chunks(source.id)] == ["one", "new two"]


def test_a_text_source_goes_with_its_last_text(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(["one", "two"], ids=["1", "2"])
    knowledge.delete(["1"])
    assert [one.chunks for one in knowledge.sources()] == [1]
    knowledge.delete(["2", "unknown"])
    assert knowledge.sources() == [] and knowledge.is_empty


def test_delete_without_ids_empties_the_collection_alone(knowledge: KnowledgeBase) -> None:
    other = knowledge.collection("other")
    knowledge.add_texts(TEXTS)
    other.add_texts(TEXTS)
    knowledge.delete()
    assert knowledge.is_empty and not other.is_empty
    assert knowledge.similarity_search("one") == []
    assert knowledge.keyword("one", 5) == []
    assert other.similarity_search("one", k=1)[0].page_content == "one"


def test_scores_are_cosines_and_relevance_lies_in_0_to_1(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(TEXTS)
    found = knowledge.similarity_search_with_score("two", k=4)
    assert found[0][0].page_content == "two"
    assert found[0][1] == pytest.approx(1, abs=1e-5)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    relevant = knowledge.similarity_search_with_relevance_scores("two", k=4, score_threshold=0.99)
    assert [document.page_content for document, _ in relevant] == ["two"]
    every = knowledge.similarity_search_with_relevance_scores("two", k=4)
    assert all(0 <= score <= 1 for _, score in every)


def test_search_by_vector(knowledge: KnowledgeBase, embedding: CountingEmbedding) -> None:
    knowledge.add_texts(TEXTS)
    found = knowledge.similarity_search_by_vector(embedding.embed_query("three"), k=1)
    assert [document.page_content for document in found] == ["three"]


def test_filters(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(
        TEXTS,
        [
            {"n": 1, "kind": "odd", "a.b": "甲"},
            {"n": 2, "kind": "even", "flag": True},
            {"n": 3.5, "kind": "odd", "a.b": "乙"},
            {"n": "4"},
        ],
    )

    def found(where: object) -> set[str]:
        documents = knowledge.similarity_search("one", k=9, filter=where)  # type: ignore[arg-type]
        assert {hit.text for hit in knowledge.keyword(" ".join(TEXTS), 9, where)} == {  # type: ignore[arg-type]
            document.page_content for document in documents
        }
        return {document.page_content for document in documents}

    assert found({"n": 1}) == {"one"}
    assert found({"n": {"$in": [1, 2, "x"]}}) == {"one", "two"}
    assert found({"n": {"$in": []}}) == set()
    assert found({"n": {"$gte": 2}}) == {"two", "three"}  # the text "4" is no number
    assert found({"n": {"$gt": 1, "$lt": 3}}) == {"two"}
    assert found({"n": {"$lte": "5"}}) == {"four"}
    assert found({"kind": "odd", "n": {"$gt": 1}}) == {"three"}
    assert found({"a.b": "乙"}) == {"three"}
    assert found({"flag": True}) == {"two"}
    assert found({"flag": None}) == {"one", "three", "four"}
    assert found({"n": {"$ne": 1}}) == {"two", "three", "four"}
    assert found({"n": {"$nin": [1, 2]}}) == {"three", "four"}
    assert found({"flag": {"$ne": None}}) == {"two"}
    assert found({"kind": {"$prefix": "o"}}) == {"one", "three"}
    assert found({"a.b": {"$prefix": "甲"}}) == {"one"}
    assert found({"$or": [{"n": 1}, {"kind": "even"}]}) == {"one", "two"}
    assert found({"$and": [{"kind": "odd"}, {"$not": {"n": 1}}]}) == {"three"}
    assert found({"$not": {"flag": True}}) == {"one", "three", "four"}
    assert found({"$or": []}) == set()
    assert found({}) == set(TEXTS)


@pytest.mark.parametrize(
    "where",
    [
        {"n": {"$near": 1}},
        {"unknown": 1},
        {"$or": [{"unknown": 1}]},
        {"$or": {"n": 1}},
        {"$not": [1]},
        {"n": {"$prefix": 1}},
        {"n": {"$nin": "abc"}},
        {"n": [1, 2]},
        {"n": {"$in": "abc"}},
        {"n": {"$gt": None}},
        {"n": float("nan")},
        {"n": 2**70},
        {'n"': 1},
        {"n": "\ud800"},
        {1: 1},
        "n = 1",
    ],
)
def test_unusable_filters_are_refused(knowledge: KnowledgeBase, where: object) -> None:
    knowledge.add_texts(TEXTS)
    with pytest.raises(KnowledgeError, match="filter"):
        knowledge.similarity_search("one", filter=where)  # type: ignore[arg-type]


def test_filters_know_the_documents_fields(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "alpha beta")
        add(knowledge, "/b.md", "alpha gamma")
        found = knowledge.keyword("alpha", 9, {"source": "/b.md", "kind": "md", "position": 0})
        assert [hit.text for hit in found] == ["alpha gamma"]


def test_mmr_prefers_the_different(knowledge: KnowledgeBase) -> None:
    near, far = [1.0, 0.1], [0.6, -0.8]
    vectors = np.array([[1, 0], near / np.linalg.norm(near), far], dtype=np.float32)
    query = np.array([1, 0], dtype=np.float32)
    assert diverse_order(query, vectors, 2, 1.0) == [0, 1]
    assert diverse_order(query, vectors, 2, 0.3) == [0, 2]
    assert diverse_order(query, vectors, 9, 0.3) == [0, 2, 1]
    knowledge.add_texts(TEXTS)
    found = knowledge.max_marginal_relevance_search("two", k=3, fetch_k=4)
    assert found[0].page_content == "two"
    assert len({document.page_content for document in found}) == 3


def test_retriever(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(TEXTS, [{"n": n} for n in range(4)])
    retriever = knowledge.as_retriever(search_kwargs={"k": 2, "filter": {"n": {"$gte": 2}}})
    assert {document.page_content for document in retriever.invoke("one")} == {"three", "four"}
    for kind in ("mmr", "similarity_score_threshold"):
        retriever = knowledge.as_retriever(
            search_type=kind, search_kwargs={"k": 1, "score_threshold": 0.5}
        )
        assert [found.page_content for found in retriever.invoke("four")] == ["four"]


def test_the_hybrid_retriever_filters(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(TEXTS, [{"n": n} for n in range(4)])
    retriever = KnowledgeRetriever(knowledge=knowledge, k=2, filter={"n": {"$gte": 2}})
    assert {found.page_content for found in retriever.invoke("three")} == {"three", "four"}
    found = retriever.invoke("three", filter={"n": 0})
    assert [document.page_content for document in found] == ["one"]


def test_save_and_load(tmp_path: Path, knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(TEXTS, [{"n": n} for n in range(4)])
    knowledge.save_local(tmp_path / "copy")
    with pytest.raises(KnowledgeError, match="exists"):
        knowledge.save_local(tmp_path / "copy")
    (tmp_path / "copy").rename(tmp_path / "moved")
    with KnowledgeBase.load_local(tmp_path / "moved", CountingEmbedding()) as loaded:
        (found,) = loaded.similarity_search("two", k=1)
        assert (found.page_content, found.metadata) == ("two", {"n": 1})
        loaded.add_texts(["five"])
    assert knowledge.stats()["default"]["chunks"] == 4


def test_relevance_of_distances(tmp_path: Path) -> None:
    embedding = CountingEmbedding()
    with KnowledgeBase.from_texts(TEXTS, embedding, data_dir=tmp_path, metric="l2") as knowledge:
        found = knowledge.similarity_search_with_relevance_scores("two", k=4)
        assert found[0][0].page_content == "two" and found[0][1] == pytest.approx(1, abs=1e-3)
        assert all(0 < score < 0.9 for _, score in found[1:])


def test_from_texts(tmp_path: Path, embedding: CountingEmbedding) -> None:
    metadatas = [{"n": n} for n in range(4)]
    with KnowledgeBase.from_texts(TEXTS, embedding, metadatas, data_dir=tmp_path) as knowledge:
        assert knowledge.fingerprint == "counting"
        assert knowledge.similarity_search("two", k=1)[0].metadata == {"n": 1}
    with pytest.raises(KnowledgeError, match="data_dir"):
        KnowledgeBase.from_texts(TEXTS, embedding)


def test_bad_calls_change_nothing(knowledge: KnowledgeBase) -> None:
    with pytest.raises(KnowledgeError, match="comes twice"):
        knowledge.add_texts(["one", "two"], ids=["1", "1"])
    with pytest.raises(KnowledgeError, match="can't be stored"):
        knowledge.add_texts(["one"], ids=["\ud800"])
    with pytest.raises(KnowledgeError, match="Metadata"):
        knowledge.add_texts(["one"], [{"when": object()}])
    with pytest.raises(KnowledgeError, match="Metadata"):
        knowledge.add_texts(["one"], [{"n": float("nan")}])
    with pytest.raises(ValueError, match="2 ids"):
        knowledge.add_texts(["one", "two"], ids=["1"])
    assert knowledge.is_empty


def test_texts_and_documents_are_kept_apart(tmp_path: Path, embedding: CountingEmbedding) -> None:
    with KnowledgeBase(tmp_path, embedding, "seeded") as knowledge:
        chunk = knowledge.add_embedded("/a.md", "A", "md", 1, "h", [], np.empty((0, 8)))
        assert chunk[0].chunks == 0
        with pytest.raises(KnowledgeError, match="was added as a file"):
            knowledge.add_texts(["one"], [{"source": "/a.md"}])
        knowledge.add_texts(["one"], [{"source": "/b.md"}])
        with pytest.raises(KnowledgeError, match="added by a program"):
            knowledge.add_embedded("/b.md", "B", "md", 1, "h", [], np.empty((0, 8)))


def test_document_metadata_says_where_a_chunk_is_from(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "alpha")
        (hit,) = knowledge.keyword("alpha", 1)
        assert knowledge.get_by_ids([hit.id]) == [
            Document(
                id=hit.id,
                page_content="alpha",
                metadata={"source": "/a.md", "title": "a.md", "kind": "md", "position": 0},
            )
        ]

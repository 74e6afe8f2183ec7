"""``retrieval`` on small sets, and the knowledge bases that it searches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import KnowledgeError
from assistant.evaluate import retrieval
from assistant.evaluate.dataset import Dataset, DatasetError, Passage, Question, load
from assistant.evaluate.library import Library, chunk_of, open_library
from assistant.evaluate.metrics import NDCG_AT
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.reranker import Ranked
from assistant.settings import Settings
from tests.openai_server import openai_server
from tests.test_evaluate import QUERIES, write

PASSAGES = (
    Passage("su", "苏轼", "苏轼，眉州眉山人，北宋文学家。", {"scope": "诗人"}),
    Passage("li", "李白", "字太白，唐代诗人，人稱詩仙。", {"scope": "诗人"}),
    Passage("ada", "Ada", "She was born in London in 1815.", {"scope": "a scope with spaces"}),
)


@pytest.fixture(scope="module")
def embeddings() -> Iterator[EmbeddingModel]:
    model = open_embeddings(Settings.load({"EMBEDDING_CACHE_MB": "0"}, None))
    yield model
    model.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"DATA_DIR": str(tmp_path / "data"), "EMBEDDING_CACHE_MB": "0"}, None)


def dataset(folder: Path, passages: tuple[Passage, ...] = PASSAGES) -> Dataset:
    questions = [Question("q", "?", {"su": 1.0}, {"scope": "诗人"})]
    return Dataset("tiny", folder, passages, questions)


def test_a_set_is_a_real_knowledge_base(
    tmp_path: Path, settings: Settings, embeddings: EmbeddingModel
) -> None:
    library = open_library(dataset(tmp_path), settings, embeddings)
    poets, other = library.knowledge("诗人"), library.knowledge("a scope with spaces")
    assert poets.name == "诗人" and other.name.startswith("scope-")
    (hit,) = poets.keyword("眉山", 5)
    assert Library.passage_id(hit) == "su"
    assert (hit.source.title, hit.heading_path, hit.text) == ("苏轼", (), PASSAGES[0].text)
    (hit,) = poets.keyword("诗仙", 5)
    assert (Library.passage_id(hit), hit.heading_path) == ("li", ("李白",))
    vector = embeddings.embed_questions(["Where was Ada born?"])[0]
    assert [Library.passage_id(hit) for hit in other.dense(vector, 5)] == ["ada"]
    assert len(library.knowledge().dense(vector, 5)) == 3  # without a scope: all
    library.close()
    with pytest.raises(KnowledgeError):
        poets.keyword("x", 1)


def test_a_library_is_made_once_and_anew_for_another_corpus(
    tmp_path: Path, settings: Settings, embeddings: EmbeddingModel
) -> None:
    first = open_library(dataset(tmp_path), settings, embeddings)
    source = first.knowledge("诗人").sources()[0]
    first.close()
    second = open_library(dataset(tmp_path), settings, embeddings)
    assert second.path == first.path
    assert second.knowledge("诗人").sources()[0] == source  # with the time when it was added
    second.close()
    other = open_library(dataset(tmp_path, PASSAGES[:2]), settings, embeddings)
    assert other.path != first.path
    other.close()
    with pytest.raises(DatasetError, match="nothing to search"):
        open_library(dataset(tmp_path, ()), settings, embeddings)


def test_what_is_indexed_is_what_was_embedded() -> None:
    for passage in (*PASSAGES, Passage("x", "", "No title.")):
        assert chunk_of(passage).embedding_text == passage.embedding_text


def rows_of(result: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(row["form"], row["leg"]): row for row in result["rows"]}


def test_every_form_and_leg(tmp_path: Path, settings: Settings) -> None:
    result = retrieval.run(load(write(tmp_path / "tiny"), "dev"), settings)
    json.dumps(result)
    rows = rows_of(result)
    assert (result["set"], result["n"]) == ("tiny", 3)
    forms = ["last", "concat_user", "concat_all", "gold", "oracle"]
    assert list(rows) == [(form, leg) for form in forms for leg in ("dense", "keyword", "hybrid")]
    assert [rows[form, "dense"]["n"] for form in forms] == [3, 3, 3, 1, 1]
    measures = {f"recall@{k}" for k in (1, 5, 10, 20)} | {f"ndcg@{NDCG_AT}", "mrr"}
    for row in rows.values():
        assert measures | {"form", "leg", "n", "p50_ms", "p95_ms"} == set(row)
        assert 0 < row["p50_ms"] <= row["p95_ms"]
    assert rows["gold", "keyword"]["recall@1"] == rows["oracle", "hybrid"]["recall@1"] == 1
    assert rows["last", "dense"]["recall@5"] == 1  # there are but four passages


class Shortest:
    """A reranker."""

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> Ranked:
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        return [(index, 1 / (1 + len(texts[index]))) for index in order][:top_n]


def test_the_products_own_form_and_a_reranker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On questions without a conversation that needs joining."""
    queries = [row | {"metadata": {}} for row in QUERIES if row["_id"] == "alone"]
    folder = write(tmp_path / "tiny", queries=queries)
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nalone\tli\t1\n")
    monkeypatch.setattr(retrieval, "open_reranker", lambda settings: Shortest())
    values = {"DATA_DIR": str(tmp_path / "data"), "EMBEDDING_CACHE_MB": "0"}
    with openai_server() as server:
        values |= {"VLLM_BASE_URL": server.url, "CHAT_MODEL": "vllm:test"}
        settings = Settings.load(values, None)
        rows = rows_of(retrieval.run(load(folder, "dev"), settings, ours=True))
    legs = ("dense", "keyword", "hybrid", "rerank")
    assert list(rows) == [(form, leg) for form in ("last", "ours") for leg in legs]
    assert rows["ours", "hybrid"]["recall@1"] == 1
    assert (rows["ours", "rerank"]["recall@1"], rows["ours", "rerank"]["mrr"]) == (0, 0.5)

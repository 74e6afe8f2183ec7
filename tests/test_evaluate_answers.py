"""The answer bank and its measures, with the real embedding model and a chat model whose replies
are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluate import answers, answers_bank
from assistant.evaluate.answers_bank import answer_bank
from assistant.evaluate.dataset import Dataset, load
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, Reply, openai_server

CORPUS = [
    {"_id": "su", "title": "苏轼", "text": "苏轼，号东坡居士，眉州眉山人，北宋文学家。"},
    {"_id": "li", "title": "李白", "text": "李白，字太白，唐代诗人，人称诗仙。"},
    {"_id": "fee", "title": "门票", "text": "本馆门票价格为30元，学生半价。周一闭馆。"},
    {"_id": "ada", "title": "Ada Lovelace", "text": "Ada Lovelace was born in London in 1815."},
]
QUERIES = [
    {"_id": "su", "text": "苏轼是哪里人？", "metadata": {"answers": ["眉州眉山"]}},
    {"_id": "fee", "text": "门票多少钱？", "metadata": {"answers": ["30元"]}},
    {
        "_id": "ada",
        "text": "Where was she born?",
        "metadata": {"gold_rewrite": "Where was Ada Lovelace born?", "answers": ["In London."]},
    },
    {"_id": "no", "text": "门票几点开售？", "metadata": {"answerable": False}},
]
QRELS = "query-id\tcorpus-id\tscore\nsu\tsu\t1\nfee\tfee\t1\nada\tada\t1\n"
REPLIES = {
    "su": "苏轼是眉州眉山人[4]。他号东坡居士。",
    "fee": "门票价格为50元[1]。",
    "ada": "Ada Lovelace was born in London【99】.",
    "no": "资料中没有提到开售时间。",
}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


class Kept:
    """The embedding model, kept open from test to test: loading it is most of their time."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddingModel]:
    model = open_embeddings(Settings.load({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}, None))
    yield model
    model.close()


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, model: EmbeddingModel) -> None:
    monkeypatch.setattr(answers_bank, "open_embeddings", lambda settings: Kept(model))


@pytest.fixture
def settings(tmp_path: Path, server: OpenAIServer) -> Settings:
    server.clear()
    given = {
        "DATA_DIR": str(tmp_path / "data"),
        "VLLM_BASE_URL": server.url,
        "CHAT_MODEL": "vllm:test",
    }
    return Settings.load(given, None)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES)):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    (folder / "qrels" / "dev.tsv").write_text(QRELS)
    return load(folder, "dev")


def say(server: OpenAIServer, dataset: Dataset) -> None:
    for question in answers.chosen(dataset, None):
        server.replies.append(Reply((REPLIES[question.id],)))


def test_answers_are_measured(dataset: Dataset, settings: Settings, server: OpenAIServer) -> None:
    say(server, dataset)
    result = answers.run(dataset, settings)
    assert (result["set"], result["n"], len(server.requests)) == ("tiny", 4, 4)
    whole = result["rows"][0]
    assert (whole["part"], whole["n"], whole["sentences"]) == ("all", 4, 4)
    assert (whole["citation_precision"], whole["citation_recall"]) == (1.0, 1.0)
    assert (whole["unsupported"], whole["silent"], whole["silent_unanswerable"]) == (
        0.25,
        pytest.approx(1 / 3, abs=1e-4),
        1.0,
    )
    assert whole["by_set"] == pytest.approx(1 / 3, abs=1e-4)
    assert 0 < whole["p50_ms"] <= whole["p95_ms"]
    assert sum(row["n"] for row in result["rows"][1:]) == 4
    text = Path(result["sample"]).read_text("utf-8")
    assert text.count("\nSentence: ") == 4
    assert "Judge: borne (by set, 1.00)" in text
    assert "Judge: not borne (by text" in text
    json.dumps(result)


def test_what_was_asked_is_not_asked_again(
    dataset: Dataset, settings: Settings, server: OpenAIServer
) -> None:
    say(server, dataset)
    questions = answers.chosen(dataset, None)
    first = list(answer_bank(dataset, settings, questions))
    again = list(answer_bank(dataset, settings, questions))
    assert len(server.requests) == 4
    assert [one.raw for one in again] == [one.raw for one in first] == list(map(_reply, questions))
    assert [one.checked for one in again] == [one.checked for one in first]
    by_id = {one.question.id: one for one in first}
    su = by_id["su"]
    assert su.asked.text == "苏轼是哪里人？"
    assert su.found.hits[0].source.uri == "su"
    (n,) = (one.n for one in su.passages if one.hit.source.uri == "su")
    assert su.checked.answer == f"苏轼是眉州眉山人[{n}]。他号东坡居士[{n}]。"
    assert by_id["ada"].asked.text == "Where was Ada Lovelace born?"
    assert by_id["fee"].checked.unsupported == ("门票价格为50元。",)
    assert all(one.seconds > 0 for one in first)


def _reply(question: answers.Question) -> str:
    return REPLIES[question.id]


def test_without_asking_there_is_what_was_said_before(
    dataset: Dataset, settings: Settings, server: OpenAIServer
) -> None:
    server.say(REPLIES["su"])
    known = [question for question in dataset.questions if question.id == "su"]
    (first,) = answer_bank(dataset, settings, known)
    everything = [*dataset.questions, *dataset.unanswerable]
    (same,) = answer_bank(dataset, settings, everything, ask=False)
    assert (same.raw, len(server.requests)) == (first.raw, 1)
    # Other passages now: those of the answer are given, with the new search.
    narrow = Settings.load(
        {
            "DATA_DIR": str(settings.data_dir),
            "VLLM_BASE_URL": server.url,
            "CHAT_MODEL": "vllm:test",
            "CONTEXT_TOKENS": "12",
        },
        None,
    )
    (kept,) = answer_bank(dataset, narrow, everything, ask=False)
    assert [(one.n, one.quote) for one in kept.passages] == [
        (one.n, one.quote) for one in first.passages
    ]
    assert (kept.raw, kept.checked, len(server.requests)) == (first.raw, first.checked, 1)


def test_the_same_questions_are_chosen_each_time(dataset: Dataset) -> None:
    assert [q.id for q in dataset.unanswerable] == ["no"]
    three = answers.chosen(dataset, 3)
    assert three == answers.chosen(dataset, 3)
    assert [q.answerable for q in three] == [True, True, False]
    assert {q.id for q in three} <= {q.id for q in answers.chosen(dataset, 4)}
    assert len(answers.chosen(dataset, None)) == 4

"""Rerankers at services, by their wire formats."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.errors import (
    BadAnswer,
    KeyMissing,
    KeyRefused,
    ModelError,
    ModelUnavailable,
    ModelUnknown,
    QuotaExhausted,
    RateLimited,
    SettingsError,
)
from assistant.models.reranking.choice import open_reranker
from assistant.models.reranking.reranker import Ranked, Reranker
from assistant.settings import Settings
from tests.wire import dashscope, openai, tei
from tests.wire.server import Answer, Wire

TEXTS = ["猫在睡觉", "电池可以使用十二小时", "电池容量", "天气晴朗"]
QUESTION = "电池可以使用多久"


@pytest.fixture(scope="module")
def shared() -> Iterator[Wire]:
    with openai.openai() as wire:
        yield wire


@pytest.fixture
def gpu(shared: Wire) -> Wire:
    shared.clear()
    return shared


def reranker(name: str, **values: str) -> Reranker:
    given = {"RERANK_MODEL": name, "MODEL_TIMEOUT": "5", **values}
    found = open_reranker(Settings.load(given, None))
    assert found is not None
    return found


def at_vllm(wire: Wire, **values: str) -> Reranker:
    return reranker(f"vllm:{openai.MODEL}", VLLM_BASE_URL=f"{wire.url}/v1", **values)


def order(ranked: Ranked) -> list[int]:
    return [index for index, _ in ranked]


def test_the_best_come_first_with_the_services_scores(gpu: Wire) -> None:
    ranked = at_vllm(gpu).rank(QUESTION, TEXTS, 2)
    assert order(ranked) == [1, 2]
    assert ranked[0][1] == 0.75
    (request,) = gpu.requests
    assert (request.path, request.body) == (
        "/v1/rerank",
        {"model": openai.MODEL, "query": QUESTION, "documents": TEXTS, "top_n": 2},
    )


def test_an_order_that_is_none_is_put_right(gpu: Wire) -> None:
    rows = [{"index": i, "relevance_score": value} for i, value in ((0, -3.5), (2, 4), (1, 0.5))]
    gpu.faults.append(Answer({"results": rows}))
    assert at_vllm(gpu).rank("q", ["a", "b", "c"], 2) == [(2, 4.0), (1, 0.5)]


def test_nothing_to_order_asks_nobody(gpu: Wire) -> None:
    assert at_vllm(gpu).rank(QUESTION, [], 5) == []
    assert at_vllm(gpu).rank(QUESTION, TEXTS, 0) == []
    assert not gpu.requests


def row(index: object, score: object) -> dict[str, object]:
    return {"index": index, "relevance_score": score}


@pytest.mark.parametrize(
    "answer",
    [
        {"rows": []},
        {"results": {}},
        {"results": [row(0, 0.5)]},
        {"results": [row(0, 0.5), row(1, 0.4), row(0, 0.3)]},
        {"results": [row(0, 0.5), row(2, 0.4)]},
        {"results": [row(0, 0.5), row(-1, 0.4)]},
        {"results": [row(0, 0.5), row(1, None)]},
        {"results": [row(0, 0.5), row(True, 0.4)]},
        {"results": [row(0, 0.5), row(1, float("nan"))]},
        {"results": ["0", "1"]},
        [],
        "<html>",
    ],
)
def test_an_answer_that_cannot_be_right_is_refused(gpu: Wire, answer: object) -> None:
    gpu.faults.append(Answer(answer))
    with pytest.raises(BadAnswer, match=r"can't be (used|read)"):
        at_vllm(gpu).rank("q", ["a", "b"], 2)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (openai.error(401, "Invalid API key"), KeyRefused),
        (openai.error(429, "slow down", **{"Retry-After": "0"}), RateLimited),
        (openai.error(402, "no money"), QuotaExhausted),
        (openai.error(503, "overloaded"), ModelUnavailable),
    ],
)
def test_faults_are_told_apart(gpu: Wire, answer: Answer, kind: type[ModelError]) -> None:
    gpu.faults += [answer] * 2
    with pytest.raises(kind) as caught:
        at_vllm(gpu, MODEL_RETRIES="1").rank("q", ["a"], 1)
    assert type(caught.value) is kind
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_service_that_is_away_or_has_no_such_model(gpu: Wire) -> None:
    away = reranker("vllm:x", VLLM_BASE_URL="http://127.0.0.1:9/v1", MODEL_RETRIES="0")
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9"):
        away.rank("q", ["a"], 1)
    with pytest.raises(ModelUnknown, match="no-such"):
        reranker("vllm:no-such", VLLM_BASE_URL=f"{gpu.url}/v1").rank("q", ["a"], 1)


def test_throttling_is_waited_out(gpu: Wire) -> None:
    gpu.faults += [openai.error(429, "slow down", **{"Retry-After": "0"})] * 2
    assert order(at_vllm(gpu).rank(QUESTION, TEXTS, 1)) == [1]


def test_dashscopes_reranker_has_a_path_of_its_own(gpu: Wire) -> None:
    with dashscope.dashscope() as wire:
        base = wire.url + dashscope.COMPATIBLE
        values = {"DASHSCOPE_BASE_URL": base, "DASHSCOPE_API_KEY": dashscope.KEY}
        ranked = reranker("dashscope:qwen3-rerank", **values).rank(QUESTION, TEXTS, 2)
        assert order(ranked) == [1, 2]
        assert wire.requests[0].path == dashscope.RERANK
        wire.faults.append(dashscope.ARREARS)
        with pytest.raises(QuotaExhausted, match="good standing"):
            reranker("dashscope:qwen3-rerank", **values).rank(QUESTION, TEXTS, 2)
        values["DASHSCOPE_API_KEY"] = "wrong"
        with pytest.raises(KeyRefused, match="DASHSCOPE_API_KEY"):
            reranker("dashscope:qwen3-rerank", **values).rank(QUESTION, TEXTS, 2)
    gateway = {"DASHSCOPE_BASE_URL": f"{gpu.url}/v1", "DASHSCOPE_API_KEY": "k"}
    reranker(f"dashscope:{openai.MODEL}", **gateway).rank(QUESTION, TEXTS, 2)
    assert gpu.requests[-1].path == "/v1/rerank"


def test_tei_is_asked_in_calls_of_the_size_that_it_takes() -> None:
    with tei.tei() as server:
        texts = [f"文 {i}" for i in range(8)] + TEXTS + ["长" * 300]
        mine = reranker("tei:", TEI_BASE_URL=server.wire.url)
        ranked = mine.rank(QUESTION, texts, 3)
        assert order(ranked)[:2] == [9, 10]
        assert len(ranked) == 3
        sent = [len(body["texts"]) for body in server.wire.bodies if body]
        assert sent == [4, 4, 4, 1]
        server.wire.faults.append(Answer([{"index": 0, "score": 0.5}]))
        with pytest.raises(BadAnswer, match="1 of 2 results"):
            mine.rank("q", ["a", "b"], 1)


def test_extra_body_goes_along(gpu: Wire, tmp_path: object) -> None:
    path = f"{tmp_path}/models.toml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'[mine]\nmodel = "vllm:{openai.MODEL}"\nextra_body = {{ instruct = "x" }}\n')
    mine = reranker("mine", MODELS_FILE=path, VLLM_BASE_URL=f"{gpu.url}/v1")
    mine.rank(QUESTION, TEXTS, 1)
    assert gpu.bodies[0]["instruct"] == "x"


def test_what_can_be_no_reranker() -> None:
    assert open_reranker(Settings.load({}, None)) is None
    assert open_reranker(Settings.load({"RERANK_MODEL": "auto"}, None)) is None
    with pytest.raises(SettingsError, match="local has no such models"):
        reranker("local:x")
    with pytest.raises(KeyMissing, match="JINA_API_KEY"):
        reranker("jina:jina-reranker-v2-base-multilingual")

"""Embedding models at services, by their wire formats: what is sent, what comes of each fault, and
that no text is ever left out without a word."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from assistant.errors import (
    BadAnswer,
    ContentFiltered,
    ContextTooLong,
    KeyMissing,
    KeyRefused,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    ModelUnknown,
    QuotaExhausted,
    RateLimited,
    SettingsError,
)
from assistant.models.embedding.batches import Batches, ranges
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel, Vectors, estimate_tokens
from assistant.models.embedding.rows import in_order
from assistant.settings import Settings
from tests.wire import dashscope, ollama, openai, tei
from tests.wire.server import Answer, Wire, vector

Open = Callable[..., EmbeddingModel]
DASHSCOPE = "dashscope:text-embedding-v4"
OLLAMA = f"ollama:{ollama.MODEL}"
VLLM = f"vllm:{openai.MODEL}"


@pytest.fixture
def open_model(tmp_path: Path) -> Iterator[Open]:
    """Opens ``EMBEDDING_MODEL`` with settings in a data folder of its own, without the cache."""
    opened: list[EmbeddingModel] = []

    def open_(name: str, **values: str) -> EmbeddingModel:
        given = {"DATA_DIR": str(tmp_path), "EMBEDDING_CACHE_MB": "0", "MODEL_TIMEOUT": "5"}
        given |= {"EMBEDDING_MODEL": name, **values}
        opened.append(open_embeddings(Settings.load(given, None)))
        return opened[-1]

    yield open_
    for model in opened:
        model.close()


@pytest.fixture(scope="module")
def shared_dashscope() -> Iterator[Wire]:
    with dashscope.dashscope() as wire:
        yield wire


@pytest.fixture
def cloud(shared_dashscope: Wire) -> Wire:
    shared_dashscope.clear()
    return shared_dashscope


@pytest.fixture
def qwen(cloud: Wire, open_model: Open) -> Open:
    """Opens DashScope's model; what was asked at the start is forgotten."""

    def open_(name: str = DASHSCOPE, **values: str) -> EmbeddingModel:
        given = {"DASHSCOPE_BASE_URL": cloud.url + dashscope.COMPATIBLE}
        model = open_model(name, **given, **({"DASHSCOPE_API_KEY": dashscope.KEY} | values))
        cloud.requests.clear()
        return model

    return open_


@pytest.fixture(scope="module")
def shared_openai() -> Iterator[Wire]:
    with openai.openai() as wire:
        yield wire


@pytest.fixture
def gpu(shared_openai: Wire) -> Wire:
    shared_openai.clear()
    return shared_openai


def unit(rows: Sequence[Sequence[float]]) -> Vectors:
    made = np.asarray(rows, dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def named(folder: Path, table: str) -> dict[str, str]:
    """MODELS_FILE with one model ``mine``."""
    path = folder / "models.toml"
    path.write_text(f"[mine]\n{table}\n", "utf-8")
    return {"MODELS_FILE": str(path)}


# DashScope


def test_dashscope_tells_questions_from_documents_ten_at_a_time(qwen: Open, cloud: Wire) -> None:
    model = qwen()
    texts = [f"text {i}" for i in range(23)]
    found = model.embed_passages(texts)
    assert np.allclose(found, unit([vector(f"document: {text}") for text in texts]))
    assert sorted(len(body["input"]["texts"]) for body in cloud.bodies) == [3, 10, 10]
    assert {request.path for request in cloud.requests} == {dashscope.EMBEDDING}
    question = model.embed_questions(["text 0"])
    assert np.allclose(question, unit([vector("query: text 0")]))


def test_dashscope_keeps_the_fingerprint_that_collections_have(qwen: Open) -> None:
    assert qwen().fingerprint == "dashscope:text-embedding-v4;8;cosine"


def test_dashscope_behind_a_gateway_is_asked_as_openai_is(open_model: Open, gpu: Wire) -> None:
    model = open_model(
        f"dashscope:{openai.MODEL}", DASHSCOPE_BASE_URL=f"{gpu.url}/v1", DASHSCOPE_API_KEY="k"
    )
    assert model.embed_passages(["a"] * 12).shape == (12, 8)
    assert {request.path for request in gpu.requests} == {"/v1/embeddings"}
    assert sorted(len(body["input"]) for body in gpu.bodies) == [1, 2, 10]


def test_the_filter_costs_one_text_its_vector_and_the_message_names_it(
    qwen: Open, cloud: Wire
) -> None:
    texts = [f"文本 {i}" for i in range(25)]
    texts[13] = "含有违禁内容的一段"
    with pytest.raises(ContentFiltered, match=r"1 of 25 texts \(number 14, first") as caught:
        qwen().embed_passages(texts)
    assert "“含有违禁内容的一段" in caught.value.text("zh")
    assert "第 14 段" in caught.value.text("zh")


def test_a_text_too_long_gets_advice_that_helps(qwen: Open) -> None:
    with pytest.raises(ContextTooLong, match=r"number 2,.*make CHUNK_TOKENS.*Range of input"):
        qwen().embed_passages(["短", "长" * 9000, "短"])


@pytest.mark.parametrize(
    ("fault", "kind", "advice"),
    [
        (dashscope.ARREARS, QuotaExhausted, "good standing"),
        (dashscope.throttled(**{"Retry-After": "0"}), RateLimited, "Throttling.RateQuota"),
        (dashscope.error(500, "InternalError", "An internal error"), ModelUnavailable, "failing"),
        (Answer("<html>login</html>"), BadAnswer, "can't be read"),
        (Answer({"output": {}}), BadAnswer, "can't be read"),
        (Answer({"output": {"embeddings": []}}), BadAnswer, "0 vectors for 1 texts"),
    ],
)
def test_each_fault_of_a_service_is_told_apart(
    qwen: Open, cloud: Wire, fault: Answer, kind: type[ModelError], advice: str
) -> None:
    model = qwen(MODEL_RETRIES="1")
    cloud.faults += [fault] * 2
    with pytest.raises(kind, match=advice) as caught:
        model.embed_questions(["问题"])
    assert type(caught.value) is kind


def test_throttling_is_waited_out(qwen: Open, cloud: Wire) -> None:
    model = qwen()
    cloud.faults += [dashscope.throttled(**{"Retry-After": "0"})] * 2
    assert model.embed_passages(["a", "b"]).shape == (2, 8)
    assert len(cloud.requests) == 3


def test_a_wrong_key_is_told_at_the_first_start_and_at_the_first_use(qwen: Open) -> None:
    with pytest.raises(KeyRefused, match="DASHSCOPE_API_KEY"):
        qwen(DASHSCOPE_API_KEY="wrong")
    qwen()
    model = qwen(DASHSCOPE_API_KEY="wrong")
    with pytest.raises(KeyRefused, match="DASHSCOPE_API_KEY"):
        model.embed_passages(["a"] * 30)


def test_no_key_is_told_before_anything_is_asked(qwen: Open, cloud: Wire) -> None:
    with pytest.raises(KeyMissing, match="DASHSCOPE_API_KEY"):
        qwen(DASHSCOPE_API_KEY="")
    assert not cloud.requests


def test_options_of_a_named_model(qwen: Open, cloud: Wire, tmp_path: Path) -> None:
    table = """
    model = "dashscope:text-embedding-v4"
    dimensions = 16
    query_prompt = "问："
    batch_size = 3
    concurrency = 2
    extra_body = { instruct = "find" }
    """
    model = qwen("mine", **named(tmp_path, table))
    assert (model.dimension, model.batch_size) == (16, 6)
    assert model.fingerprint == (
        'dashscope:text-embedding-v4;16;cosine;query_prompt=问：;extra_body={"instruct": "find"}'
    )
    model.embed_questions(["a"])
    model.embed_passages(["b"] * 7)
    sent = [body["input"]["texts"] for body in cloud.bodies]
    assert sent[0] == ["问：a"]
    assert sorted(map(len, sent[1:])) == [1, 3, 3]
    assert cloud.bodies[0]["parameters"] == {
        "text_type": "query",
        "dimension": 16,
        "instruct": "find",
    }


def test_an_option_that_is_not_taken_is_refused(open_model: Open, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="doesn't take the option dimensions"):
        open_model("mine", **named(tmp_path, 'model = "tei:"\ndimensions = 16'))


# OpenAI's protocol


def test_the_openai_protocol_as_openais_client_speaks_it(open_model: Open, gpu: Wire) -> None:
    model = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1", VLLM_API_KEY="k")
    assert model.fingerprint == "vllm:bge-m3;8;cosine"
    assert np.allclose(model.embed_passages(["甲", "乙"]), unit([vector("甲"), vector("乙")]))
    last = gpu.requests[-1]
    assert (last.key, last.body["encoding_format"]) == ("k", "float")
    assert "dimensions" not in last.body
    assert model.count_tokens("北京大学") == estimate_tokens("北京大学") == 4


def test_openais_client_waits_throttling_out(open_model: Open, gpu: Wire) -> None:
    model = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1", MODEL_RETRIES="1")
    gpu.faults.append(openai.error(429, "Too many requests", **{"retry-after-ms": "10"}))
    assert model.embed_questions(["a"]).shape == (1, 8)


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (Answer({"object": "list", "data": []}), "can't be read"),
        (
            Answer({"data": [{"index": 1, "embedding": [1.0] * 8}]}),
            r"numbered \[1\] for 1 texts",
        ),
        (Answer({"data": [{"index": 0, "embedding": [1.0] * 7}]}), "1 x 7 numbers"),
        (Answer({"data": [{"index": 0, "embedding": [0.0] * 8}]}), "zero or not numbers"),
        (Answer("<html>"), "can't be read"),
    ],
)
def test_an_answer_that_is_none_is_never_taken_for_one(
    open_model: Open, gpu: Wire, answer: Answer, advice: str
) -> None:
    model = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1", MODEL_RETRIES="0")
    gpu.faults.append(answer)
    with pytest.raises(BadAnswer, match=advice):
        model.embed_questions(["a"])


def test_a_model_that_is_not_there(open_model: Open, gpu: Wire) -> None:
    with pytest.raises(ModelUnknown, match="no-such"):
        open_model("vllm:no-such", VLLM_BASE_URL=f"{gpu.url}/v1")


def test_dimensions_that_the_model_does_not_take(
    open_model: Open, gpu: Wire, tmp_path: Path
) -> None:
    gpu.faults.append(Answer({"data": [{"index": 0, "embedding": [1.0] * 8}]}))
    table = named(tmp_path, f'model = "{VLLM}"\ndimensions = 16')
    with pytest.raises(BadAnswer, match=r"1 x 8 numbers.* 1 x 16 were expected"):
        open_model("mine", VLLM_BASE_URL=f"{gpu.url}/v1", **table)


def test_half_a_character_in_a_document_is_sent_as_a_mark(open_model: Open, gpu: Wire) -> None:
    model = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1")
    assert model.embed_passages(["a\ud83d b"]).shape == (1, 8)
    assert gpu.bodies[-1]["input"] == ["a? b"]


# Starting while the service is away


def test_the_app_starts_while_the_service_is_away(
    open_model: Open, gpu: Wire, tmp_path: Path
) -> None:
    first = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1")
    gpu.requests.clear()
    again = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1")
    assert (again.fingerprint, again.dimension) == (first.fingerprint, first.dimension)
    assert not gpu.requests
    (tmp_path / "cache" / "embedding_services.json").write_text('{"damaged', "utf-8")
    assert open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1").dimension == 8
    assert len(gpu.requests) == 1


def test_another_model_behind_the_same_name_is_noticed(open_model: Open, gpu: Wire) -> None:
    model = open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1")
    wider = {"data": [{"index": 0, "embedding": [1.0] * 9}]}
    gpu.faults += [Answer(wider)] * 2
    with pytest.raises(BadAnswer, match=r"1 x 9 numbers.*reindex"):
        model.embed_questions(["a"])
    assert open_model(VLLM, VLLM_BASE_URL=f"{gpu.url}/v1").dimension == 9


def test_a_service_that_was_never_met_must_be_there(open_model: Open) -> None:
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9"):
        open_model(VLLM, VLLM_BASE_URL="http://127.0.0.1:9/v1", MODEL_RETRIES="0")


# Ollama


def test_ollama_cuts_nothing_in_silence(open_model: Open, tmp_path: Path) -> None:
    with ollama.ollama() as wire:
        model = open_model(OLLAMA, OLLAMA_BASE_URL=f"{wire.url}/v1")
        assert np.allclose(model.embed_passages(["甲"]), unit([vector("甲")]))
        assert wire.bodies[-1] == {"model": ollama.MODEL, "input": ["甲"], "truncate": False}
        with pytest.raises(ContextTooLong, match=r"number 3,.*CHUNK_TOKENS.*context length"):
            model.embed_passages(["a", "b", "c" * 300, "d"])
        with pytest.raises(ModelUnknown, match="try pulling it first"):
            open_model("ollama:none", OLLAMA_BASE_URL=wire.url)
        table = f'model = "{OLLAMA}"\ncontext_window = 1024\ndimensions = 16'
        wide = open_model("mine", OLLAMA_BASE_URL=wire.url, **named(tmp_path, table))
        assert wide.embed_passages(["c" * 300]).shape == (1, 16)
        assert wire.bodies[-1]["options"] == {"num_ctx": 1024}
        wire.faults.append(Answer({"model": ollama.MODEL, "embeddings": [[1.0] * 8]}))
        with pytest.raises(BadAnswer, match="1 x 8 numbers for 2 texts"):
            model.embed_passages(["a", "b"])


# Text Embeddings Inference


def test_tei_says_what_it_serves_and_how_much_it_takes(open_model: Open) -> None:
    with tei.tei() as server:
        model = open_model("tei:", TEI_BASE_URL=server.wire.url)
        assert model.fingerprint == "tei:BAAI/bge-m3;8;cosine"
        assert model.embed_passages([f"t{i}" for i in range(11)]).shape == (11, 8)
        sent = [len(body["inputs"]) for body in server.wire.bodies if body]
        assert sorted(sent) == [1, 3, 4, 4]
        with pytest.raises(ContextTooLong, match=r"number 2,.*must have less than 200 tokens"):
            model.embed_passages(["a", "b" * 300])
        server.wire.faults.append(tei.OVERLOADED)
        assert model.embed_questions(["a"]).shape == (1, 8)


def test_tei_with_another_model_is_noticed_at_the_first_call(open_model: Open) -> None:
    with tei.tei() as server:
        open_model("tei:", TEI_BASE_URL=server.wire.url)
        server.model = "thenlper/gte-base"
        model = open_model("tei:", TEI_BASE_URL=server.wire.url)
        with pytest.raises(BadAnswer, match="serves thenlper/gte-base now, no longer BAAI/bge-m3"):
            model.embed_questions(["a"])
        assert "gte-base" in open_model("tei:", TEI_BASE_URL=server.wire.url).fingerprint


def test_a_server_that_takes_fewer_texts_than_it_said(open_model: Open) -> None:
    with tei.tei() as server:
        model = open_model("tei:", TEI_BASE_URL=server.wire.url)
        server.most = 2
        texts = [f"t{i}" for i in range(8)]
        for _ in range(2):
            server.wire.requests.clear()
            assert np.allclose(model.embed_passages(texts), unit([vector(t) for t in texts]))
        assert [len(body["inputs"]) for body in server.wire.bodies if body] == [2, 2, 2, 2]


# Batches


def test_what_was_not_embedded_is_named_when_the_service_goes_away() -> None:
    def call(texts: Sequence[str]) -> Vectors:
        if texts[0] == "6":
            raise ModelUnavailable("gone", "已断开")
        return np.ones((len(texts), 2), dtype=np.float32)

    batches = Batches("vllm:m", call, 3, 1)
    with pytest.raises(ModelUnavailable, match=r"6 of 12 texts \(number 7-12, first “6\.\.\.”"):
        batches.embed([str(i) for i in range(12)])


def test_a_service_that_refuses_everything_is_soon_left_alone() -> None:
    asked: list[int] = []

    def call(texts: Sequence[str]) -> Vectors:
        asked.append(len(texts))
        raise ModelRefused("400: no", "400：否")

    with pytest.raises(ModelRefused, match=r"256 of 256 texts \(number 1-256,"):
        Batches("vllm:m", call, 64, 4).embed([str(i) for i in range(256)])
    assert len(asked) < 60


def test_calls_run_side_by_side() -> None:
    together = threading.Barrier(4, timeout=5)

    def call(texts: Sequence[str]) -> Vectors:
        together.wait()
        return np.full((len(texts), 1), float(texts[0]), dtype=np.float32)

    found = Batches("vllm:m", call, 2, 4).embed([str(i) for i in range(8)])
    assert found[:, 0].tolist() == [0, 0, 2, 2, 4, 4, 6, 6]


def test_numbers_as_people_write_them() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert ranges([4]) == "4"


def test_rows_go_where_their_numbers_say() -> None:
    assert in_order([(1, "b"), (0, "a")], 2) == ["a", "b"]
    assert in_order([(None, "a"), (None, "b")], 2) == ["a", "b"]
    for rows in ([(0, "a"), (0, "b")], [(0, "a"), (2, "b")], [(0, "a")], [(0, "a"), (None, "b")]):
        with pytest.raises(ValueError, match="2 texts"):
            in_order(rows, 2)


# The choice


def test_vectors_of_two_models_never_mix(open_model: Open) -> None:
    with pytest.raises(SettingsError, match="name one model"):
        open_model(f"{VLLM},local:")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("local:gpt-9", "the embedded models are: multilingual-e5-small"),
        ("deepseek:x", "deepseek has no such models"),
        ("vllm:", "say which model"),
    ],
)
def test_a_model_that_cannot_be_opened_says_why(open_model: Open, name: str, advice: str) -> None:
    with pytest.raises(SettingsError, match=advice):
        open_model(name)


def test_the_embedded_embeddings_know_questions_from_passages(open_model: Open) -> None:
    model = open_model("local:multilingual-e5-small")
    assert model.fingerprint == "multilingual-e5-small;q4;384;cosine;query:/passage:"
    passages = model.embed_passages(["北京是中国的首都。", "Bread is baked from flour."])
    question = model.embed_questions(["中国的首都是哪里？"])[0]
    assert passages.shape == (2, model.dimension) == (2, 384)
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    scores = passages @ question
    assert scores[0] > scores[1] + 0.05
    assert 3 <= model.count_tokens("北京是中国的首都。") <= 10
    assert model.count_tokens("") <= 1
    assert model.embed_passages([]).shape == model.embed_questions([]).shape == (0, 384)


def test_estimated_tokens() -> None:
    assert estimate_tokens("北京大学") == 4
    assert estimate_tokens("retrieval") == 3
    assert estimate_tokens("") == 0


# LangChain's own tests


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Suite:
    """Both suites, with a model as the program opens it."""

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return EmbeddingModel

    @property
    def embedding_model_params(self) -> dict[str, object]:
        def embed(texts: Sequence[str]) -> Vectors:
            return np.asarray([vector(text) for text in texts], dtype=np.float32)

        return {
            "fingerprint": "f",
            "dimension": 8,
            "passages": embed,
            "queries": embed,
            "count": len,
        }


class TestUnit(_Suite, EmbeddingsUnitTests):
    pass


@pytest.mark.anyio  # the suite's coroutines; its other tests run as they are
class TestEmbedded(_Suite, EmbeddingsIntegrationTests):
    @pytest.fixture
    def model(self, open_model: Open) -> Embeddings:
        return open_model("local:", EMBEDDING_CACHE_MB="1")


@pytest.mark.anyio
class TestService(_Suite, EmbeddingsIntegrationTests):
    @pytest.fixture
    def model(self, qwen: Open) -> Embeddings:
        return qwen(EMBEDDING_CACHE_MB="1")

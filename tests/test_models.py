"""Models by one string: what each name opens, and every fault told apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from assistant.errors import ModelError, ModelRefused, ModelUnavailable, SettingsError
from assistant.models.chat.backend import ChatModel
from assistant.models.chat.choice import open_chat
from assistant.models.chat.reading import LEAST_PASSAGE_TOKENS, MOST_PASSAGE_TOKENS, Reading
from assistant.models.embedding.model import estimate_tokens, open_embeddings
from assistant.models.reranking.reranker import open_reranker
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, Reply, openai_server


@pytest.fixture(scope="module")
def shared() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def server(shared: OpenAIServer) -> OpenAIServer:
    shared.replies.clear()
    shared.requests.clear()
    return shared


def settings(server: OpenAIServer, **values: str) -> Settings:
    return Settings.load({"VLLM_BASE_URL": server.url, "MODEL_TIMEOUT": "5", **values}, None)


def chat(server: OpenAIServer) -> ChatModel:
    return open_chat(settings(server), "vllm:qwen", "CHAT_MODEL")


def test_a_chat_model_streams_through_langchain(server: OpenAIServer) -> None:
    server.say("你好，世界")
    pieces = [chunk.text for chunk in chat(server).model().stream("hi")]
    assert "".join(pieces) == "你好，世界"
    assert len([piece for piece in pieces if piece]) == 5
    (request,) = server.requests
    assert (request["model"], request["temperature"], request["stream"]) == ("qwen", 0.2, True)


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (401, ModelRefused, "check the key"),
        (404, ModelRefused, "check the model's name"),
        (400, ModelRefused, "context too long"),
        (429, ModelRefused, "try again later"),
        (503, ModelRefused, "overloaded"),
    ],
)
def test_each_refusal_says_what_to_do(
    server: OpenAIServer, status: int, kind: type[ModelError], advice: str
) -> None:
    why = {400: "context too long", 503: "overloaded"}.get(status, "no")
    server.replies = [Reply(status=status, error=why)] * 4
    model = chat(server)
    with pytest.raises(kind, match=advice) as caught, model.guard():
        model.model().invoke("hi")
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_server_that_is_away_is_said_to_be(server: OpenAIServer) -> None:
    gone = settings(server, VLLM_BASE_URL="http://127.0.0.1:9/v1")
    model = open_chat(gone, "vllm:qwen", "CHAT_MODEL")
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9"), model.guard():
        model.model().invoke("hi")


def test_a_stream_that_breaks_off_is_an_error_not_an_end(server: OpenAIServer) -> None:
    server.replies = [Reply(tuple("half an answer"), cut=True)]
    model, came = chat(server), ""
    with pytest.raises(ModelUnavailable, match="broke off"), model.guard():
        for chunk in model.model().stream("hi"):
            came += chunk.text
    assert came == "ha"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("nowhere:x", "Known: local:, openai:, vllm:"),
        ("vllm:", "say which model"),
        ("dashscope:qwen-plus", "DASHSCOPE_API_KEY"),
        ("local:gpt-9", "gpt-9"),
    ],
)
def test_a_name_that_cannot_be_opened_says_why(
    server: OpenAIServer, name: str, advice: str
) -> None:
    with pytest.raises((SettingsError, ModelError), match=advice):
        open_chat(settings(server), name, "CHAT_MODEL")


def test_remote_embeddings_are_unit_vectors_in_documented_batches(server: OpenAIServer) -> None:
    def vectors(count: int) -> Reply:
        data = [{"index": i, "object": "embedding", "embedding": [3.0, 4.0]} for i in range(count)]
        return Reply(body={"object": "list", "data": data, "model": "e", "usage": {}})

    server.replies = [vectors(1), vectors(10), vectors(2)]
    model = open_embeddings(
        Settings.load(
            {
                "EMBEDDING_MODEL": "dashscope:text-embedding-v4",
                "DASHSCOPE_BASE_URL": server.url,
                "DASHSCOPE_API_KEY": "k",
            },
            None,
        )
    )
    found = model.embed_passages(["text"] * 12)
    assert (found.shape, model.dimension) == ((12, 2), 2)
    assert np.allclose(found[0], [0.6, 0.8])
    assert [len(request["input"]) for request in server.requests] == [1, 10, 2]


def test_the_embedded_embeddings_know_questions_from_passages() -> None:
    model = open_embeddings(Settings.load({}, None))
    passages = model.embed_passages(["北京是中国的首都。", "Bread is baked from flour."])
    question = model.embed_questions(["中国的首都是哪里？"])[0]
    assert passages.shape == (2, model.dimension) == (2, 384)
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    scores = passages @ question
    assert scores[0] > scores[1] + 0.05
    assert 3 <= model.count_tokens("北京是中国的首都。") <= 10
    assert model.count_tokens("") <= 1


def test_reranker_orders_by_the_services_scores(server: OpenAIServer) -> None:
    results = [{"index": 0, "relevance_score": 0.1}, {"index": 2, "relevance_score": 0.9}]
    server.replies = [Reply(body={"results": results})]
    reranker = open_reranker(settings(server, RERANK_MODEL="vllm:bge"))
    assert reranker is not None
    assert reranker.rank("q", ["a", "b", "c"], 2) == [(2, 0.9), (0, 0.1)]
    assert server.requests[0]["path"] == "/v1/rerank"


@pytest.mark.parametrize(
    ("reply", "kind", "advice"),
    [
        (Reply(status=500, error="boom"), ModelRefused, "error 500"),
        (Reply(body={"rows": []}), ModelRefused, "without results"),
    ],
)
def test_reranker_faults(
    server: OpenAIServer, reply: Reply, kind: type[ModelError], advice: str
) -> None:
    server.replies = [reply]
    reranker = open_reranker(settings(server, RERANK_MODEL="vllm:bge"))
    assert reranker is not None
    with pytest.raises(kind, match=advice):
        reranker.rank("q", ["a"], 1)


def test_no_reranker_by_default(server: OpenAIServer) -> None:
    assert open_reranker(settings(server)) is None
    with pytest.raises(SettingsError, match="no embedded reranker"):
        open_reranker(settings(server, RERANK_MODEL="local:x"))


def test_passages_fit_what_can_be_read_in_time() -> None:
    slow = Reading(50.0, 4096, 512, 6.0)
    assert slow.passage_tokens(20, 0.0) == 250
    assert slow.passage_tokens(20, 2.0) == 150
    assert slow.passage_tokens(20, 60.0) == LEAST_PASSAGE_TOKENS
    fast = Reading(None, 8192, 512, 6.0)
    assert fast.passage_tokens(20, 3.0) == MOST_PASSAGE_TOKENS
    assert Reading(None, 1024, 512, 6.0).passage_tokens(20, 0.0) == 192
    assert Reading(50.0, 4096, 512, 6.0, fixed_tokens=900).passage_tokens(20, 9.0) == 900


def test_estimated_tokens() -> None:
    assert estimate_tokens("北京大学") == 4
    assert estimate_tokens("retrieval") == 3
    assert estimate_tokens("") == 0

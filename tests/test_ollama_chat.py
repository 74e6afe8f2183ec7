"""Ollama by its own protocol, through LangChain's client."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from assistant.errors import ModelError, ModelRefused, ModelStopped, ModelUnavailable, ModelUnknown
from assistant.models.chat.choice import open_chat
from assistant.models.chat.model import ChatModel
from assistant.models.chat.ollama import DEFAULT_WINDOW
from assistant.settings import Settings
from tests.waiting import wait_for
from tests.wire.ollama_chat import OllamaChatServer, ollama_chat


@pytest.fixture
def server() -> Iterator[OllamaChatServer]:
    with ollama_chat() as running:
        yield running
    while opened:
        opened.pop().close()


opened: list[ChatModel] = []


def chat(url: str, model: str = "qwen3:0.6b", **values: str) -> ChatModel:
    given = {"OLLAMA_BASE_URL": url, "MODEL_RETRIES": "0", "MODEL_TIMEOUT": "5", **values}
    opened.append(open_chat(Settings.load(given, None), f"ollama:{model}"))
    return opened[-1]


def test_thoughts_answer_and_usage(server: OllamaChatServer) -> None:
    server.thoughts, server.pieces = ("2", "+2"), tuple("四。")
    answer = chat(server.url).model().invoke("2+2?")
    assert (answer.text, answer.additional_kwargs["reasoning_content"]) == ("四。", "2+2")
    assert answer.usage_metadata and answer.usage_metadata["input_tokens"] == 7
    (request,) = server.requests
    assert request["think"] is True
    assert request["options"] == {
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 50,
        "num_ctx": DEFAULT_WINDOW,
        "num_predict": 1024 + 4096,
    }


def test_thinking_is_switched_off_where_it_can_be(server: OllamaChatServer) -> None:
    chat(server.url).model().bind(thinking=False, max_tokens=9).invoke("hi")
    assert server.requests[0]["think"] is False
    assert server.requests[0]["options"]["num_predict"] == 9
    chat(server.url, "llama3.2", ENABLE_THINKING="off").model().invoke("hi")
    assert "think" not in server.requests[1]


def test_the_context_is_the_models_or_the_users(server: OllamaChatServer) -> None:
    assert chat(server.url).reading().context_window == DEFAULT_WINDOW
    assert chat(server.url, "llama3.2").reading().context_window == 4096
    mine = chat(server.url, CONTEXT_WINDOW="16384")
    mine.model().invoke("hi")
    assert server.requests[0]["options"]["num_ctx"] == mine.reading().context_window == 16384


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_address_may_be_that_of_its_openai_side(server: OllamaChatServer, path: str) -> None:
    assert chat(server.url + path).model().invoke("hi").text == "ok"


def test_an_unknown_model(server: OllamaChatServer) -> None:
    with pytest.raises(ModelUnknown, match="no model nope"):
        chat(server.url, "nope").model().invoke("hi")


def test_an_error_within_the_stream(server: OllamaChatServer) -> None:
    server.pieces, server.fault = ("half", "x"), "an error was encountered while running the model"
    came = ""
    with pytest.raises(ModelRefused, match="an error was encountered"):
        for chunk in chat(server.url).model().stream("hi"):
            came += chunk.text
    assert came == "half"


def test_a_server_that_is_away() -> None:
    with pytest.raises(ModelUnavailable, match="is the server running"):
        chat("http://127.0.0.1:9").model().invoke("hi")
    while opened:
        opened.pop().close()


def test_an_answer_cut_at_its_length(server: OllamaChatServer) -> None:
    server.done_reason = "length"
    answer = chat(server.url).model().invoke("hi")
    assert answer.response_metadata["done_reason"] == "length"
    server.thoughts, server.pieces = ("hm",), ()
    with pytest.raises(ModelError, match="MAX_TOKENS"):
        chat(server.url).model().invoke("hi")


def test_a_stop_closes_the_connection(server: OllamaChatServer) -> None:
    server.silent = True
    stopped = threading.Event()
    threading.Timer(0.2, stopped.set).start()
    with pytest.raises(ModelStopped):
        chat(server.url).model().bind(stopped=stopped).invoke("hi")
    wait_for(lambda: server.left)

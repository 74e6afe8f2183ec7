"""Chat models over the real wire format: what is sent, what comes, what is cancelled, who answers
when another can't."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import AIMessageChunk, BaseMessageChunk
from langchain_core.runnables import Runnable

from assistant.errors import (
    BadAnswer,
    ContentFiltered,
    KeyRefused,
    ModelStopped,
    ModelUnavailable,
    ModelUnknown,
    StreamBroken,
)
from assistant.models.chat.backend import THINKING_TOKENS
from assistant.models.chat.choice import open_chat
from assistant.models.chat.circuit import FAILURES, FIRST_PAUSE, Circuit
from assistant.models.chat.model import ChatModel
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.waiting import wait_for

AWAY = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def shared() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


opened: list[ChatModel] = []


@pytest.fixture
def server(shared: OpenAIServer) -> Iterator[OpenAIServer]:
    shared.clear()
    yield shared
    while opened:
        opened.pop().close()


def settings(server: OpenAIServer, **values: str) -> Settings:
    given = {"MODEL_TIMEOUT": "5", "MODEL_RETRIES": "0", **values}
    for prefix in ("VLLM", "DASHSCOPE", "OPENAI", "DEEPSEEK", "ZHIPU"):
        given.setdefault(f"{prefix}_BASE_URL", server.url)
        given.setdefault(f"{prefix}_API_KEY", "k")
    return Settings.load(given, None)


def chat(server: OpenAIServer, name: str = "vllm:qwen", **values: str) -> ChatModel:
    opened.append(open_chat(settings(server, **values), name))
    return opened[-1]


def joined(model: Runnable[object, BaseMessageChunk]) -> AIMessageChunk:
    """All chunks of an answer to "hi", added up."""
    whole: BaseMessageChunk | None = None
    for chunk in model.stream("hi"):
        whole = chunk if whole is None else whole + chunk
    assert isinstance(whole, AIMessageChunk)
    return whole


def test_an_answer_streams(server: OpenAIServer) -> None:
    server.say("你好，世界")
    pieces = [chunk.text for chunk in chat(server).model().stream("hi")]
    assert [piece for piece in pieces if piece] == list("你好，世界")
    (request,) = server.requests
    assert request["path"].endswith("/chat/completions")
    assert (request["model"], request["key"], request["stream"]) == ("qwen", "Bearer k", True)


@pytest.mark.parametrize(
    ("name", "values", "sent"),
    [
        ("vllm:a", {}, {"temperature": 0.2, "max_tokens": 1024, "top_p": 0.9, "top_k": 50}),
        ("vllm:a", {"TEMPERATURE": "0.8", "TOP_K": "5"}, {"temperature": 0.8, "top_k": 5}),
        (
            "vllm:a",
            {"ENABLE_THINKING": "off"},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
        ("dashscope:qwen-plus", {"ENABLE_THINKING": "on"}, {"enable_thinking": True}),
        (
            "deepseek:deepseek-chat",
            {"ENABLE_THINKING": "on"},
            {"thinking": {"type": "enabled"}, "max_tokens": 1024 + THINKING_TOKENS},
        ),
        ("deepseek:deepseek-chat", {"MAX_TOKENS": "300"}, {"max_tokens": 300, "top_k": None}),
        (
            "deepseek:deepseek-reasoner",
            {},
            {"temperature": None, "top_p": None, "max_tokens": 1024 + THINKING_TOKENS},
        ),
        ("openai:gpt-4o", {}, {"max_completion_tokens": 1024, "max_tokens": None, "top_k": None}),
        ("openai:o3-mini", {}, {"temperature": None, "top_p": None}),
        ("zhipu:glm-4", {"EXTRA_BODY": '{"do_sample": false}'}, {"do_sample": False}),
    ],
)
def test_each_service_is_sent_what_it_takes(
    server: OpenAIServer, name: str, values: dict[str, str], sent: dict[str, object]
) -> None:
    server.say("ok")
    joined(chat(server, name, **values).model())
    (request,) = server.requests
    assert {field: request.get(field) for field in sent} == sent


def test_usage_and_the_reason_of_the_end_come_along(server: OpenAIServer) -> None:
    server.replies = [Reply(("ok",), finish="length")]
    whole = joined(chat(server).model())
    assert whole.usage_metadata and whole.usage_metadata["output_tokens"] == 3
    assert whole.response_metadata["finish_reason"] == "length"
    assert whole.response_metadata["answered_by"] == "vllm:qwen"


class TestThinking:
    """Thoughts beside the text and within it."""

    @pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
    def test_beside(self, server: OpenAIServer, field: str) -> None:
        server.replies = [Reply(("4",), thoughts=("2+2", "=4"), thoughts_field=field)]
        whole = joined(chat(server).model())
        assert (whole.text, whole.additional_kwargs["reasoning_content"]) == ("4", "2+2=4")

    def test_within(self, server: OpenAIServer) -> None:
        server.say("<think>2+2=4</think>\n\n4")
        whole = joined(chat(server).model())
        assert (whole.text, whole.additional_kwargs["reasoning_content"]) == ("4", "2+2=4")

    @pytest.mark.parametrize(
        "text", ["<think>hm\nhm</think>\nWhat?\nmore", "hm\n</think>\nWhat?\n"]
    )
    def test_invoke_gives_the_answer_alone(self, server: OpenAIServer, text: str) -> None:
        server.say(text)
        answer = chat(server).model().invoke("hi")
        assert answer.text.split("\n")[0] == "What?"
        assert answer.additional_kwargs["reasoning_content"].strip() in ("hm", "hm\nhm")

    def test_a_stop_word_within_the_thoughts_ends_nothing(self, server: OpenAIServer) -> None:
        server.say("<think>one\ntwo</think>\nWhat?\nmore")
        model = chat(server).model().bind(stop=["\n"], thinking=False, max_tokens=9)
        assert model.invoke("hi").text == "What?"
        (request,) = server.requests
        assert "stop" not in request and request["max_tokens"] == 9

    def test_a_model_that_thinks_all_the_same_gets_more_tokens(self, server: OpenAIServer) -> None:
        model = chat(server).model().bind(thinking=False, max_tokens=9)
        server.replies = [Reply((), thoughts=("hm",), finish="length"), Reply(("ok",))]
        with pytest.raises(BadAnswer, match="MAX_TOKENS"):
            model.invoke("hi")
        assert model.invoke("hi").text == "ok"
        assert server.requests[1]["max_tokens"] == 9 + THINKING_TOKENS

    def test_thoughts_are_not_sent_back(self, server: OpenAIServer) -> None:
        server.replies = [Reply(("4",), thoughts=("2+2",)), Reply(("5",))]
        model = chat(server).model()
        first = model.invoke("2+2?")
        model.invoke([("user", "2+2?"), first, ("user", "+1?")])
        assert "2+2" not in str(server.requests[1]["messages"][1])


class TestCancel:
    """A stop closes the connection, whatever is waited for."""

    def test_before_the_first_token(self, server: OpenAIServer) -> None:
        server.replies = [Reply(silent=True)]
        stopped = threading.Event()
        threading.Timer(0.2, stopped.set).start()
        began = time.monotonic()
        with pytest.raises(ModelStopped):
            joined(chat(server).model().bind(stopped=stopped))
        assert time.monotonic() - began < 2
        wait_for(lambda: bool(server.left))

    def test_within_the_answer(self, server: OpenAIServer) -> None:
        stopped, hold = threading.Event(), threading.Event()
        server.replies = [Reply(tuple("abc" * 20000), hold=hold)]
        came = ""
        for chunk in chat(server).model().bind(stopped=stopped).stream("hi"):
            came += chunk.text
            if came:
                stopped.set()
                hold.set()
        assert len(came) < 60000
        wait_for(lambda: bool(server.left))

    def test_closing_the_iterator(self, server: OpenAIServer) -> None:
        server.replies = [Reply(tuple("abc" * 20000))]
        stream = chat(server).model().stream("hi")
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        wait_for(lambda: bool(server.left))


class TestFailover:
    """``CHAT_MODEL=a,b``: the first that can answer does, and says who could not."""

    def test_the_next_one_answers_and_says_so(self, server: OpenAIServer) -> None:
        server.replies = [Reply(status=401, error="no such key"), Reply(("ok",))]
        whole = joined(chat(server, "dashscope:a,vllm:b").model())
        assert (whole.text, whole.response_metadata["answered_by"]) == ("ok", "vllm:b")
        (passed,) = whole.response_metadata["passed_over"]
        assert (passed["model"], passed["kind"]) == ("dashscope:a", "key_refused")
        assert "密钥" in passed["zh"]

    def test_the_last_ones_fault_is_raised(self, server: OpenAIServer) -> None:
        server.replies = [Reply(status=503, error="x"), Reply(status=403, error="forbidden")]
        with pytest.raises(KeyRefused):
            joined(chat(server, "vllm:a,dashscope:b").model())

    def test_an_answer_that_began_is_not_begun_again(self, server: OpenAIServer) -> None:
        server.replies = [Reply(tuple("half"), cut=True), Reply(("other",))]
        with pytest.raises(StreamBroken):
            joined(chat(server, "vllm:a,dashscope:b").model())
        assert len(server.replies) == 1

    def test_what_a_filter_stopped_is_not_taken_elsewhere(self, server: OpenAIServer) -> None:
        filtered = {"error": {"code": "data_inspection_failed", "message": "Input data may ..."}}
        server.replies = [Reply(status=400, error=filtered), Reply(("other",))]
        with pytest.raises(ContentFiltered):
            joined(chat(server, "dashscope:a,vllm:b").model())
        assert len(server.replies) == 1

    def test_a_dead_server_is_left_alone_for_a_while(self, server: OpenAIServer) -> None:
        model = chat(server, "vllm:a,dashscope:b", VLLM_BASE_URL=AWAY)
        for _ in range(FAILURES + 1):
            server.say("ok")
            whole = joined(model.model())
        assert "left alone" in whole.response_metadata["passed_over"][0]["en"]
        assert model.reading() == model.backends[1].reading()


def test_a_circuit_lets_one_probe_through_after_each_pause() -> None:
    now = 0.0
    circuit = Circuit("vllm:a", clock=lambda: now)
    away = ModelUnavailable("away", "不在")
    for _ in range(FAILURES):
        circuit.check()
        circuit.failed(away)
    with pytest.raises(ModelUnavailable, match="3 times") as caught:
        circuit.check()
    assert "不在" in caught.value.text("zh")
    now += FIRST_PAUSE + 1
    circuit.check()
    with pytest.raises(ModelUnavailable):  # another call while the probe is under way
        circuit.check()
    circuit.failed(away)
    now += FIRST_PAUSE + 1
    with pytest.raises(ModelUnavailable):  # the pause has doubled
        circuit.check()
    now += FIRST_PAUSE + 1
    circuit.check()
    circuit.succeeded()
    circuit.check()
    circuit.check()


class TestRetries:
    """The same request is sent again only where nothing was answered."""

    def test_a_throttled_request_is_sent_again(self, server: OpenAIServer) -> None:
        busy = Reply(status=429, error="rate limit", headers={"Retry-After": "0.05"})
        server.replies = [busy, Reply(("ok",))]
        assert joined(chat(server, MODEL_RETRIES="1").model()).text == "ok"

    def test_a_wrong_key_is_not(self, server: OpenAIServer) -> None:
        server.replies = [Reply(status=401, error="no"), Reply(("ok",))]
        with pytest.raises(KeyRefused):
            joined(chat(server, MODEL_RETRIES="2").model())
        assert len(server.requests) == 1


class TestContextWindow:
    """How much a prompt may hold is asked from the server, or set."""

    def test_vllm_tells_it(self, server: OpenAIServer) -> None:
        server.models[:] = [{"id": "other"}, {"id": "qwen", "max_model_len": 3000}]
        assert chat(server).reading().context_window == 3000

    def test_the_setting_wins(self, server: OpenAIServer) -> None:
        server.models[:] = [{"id": "qwen", "max_model_len": 3000}]
        assert chat(server, CONTEXT_WINDOW="2048").reading().context_window == 2048

    def test_a_service_that_does_not_tell(self, server: OpenAIServer) -> None:
        assert chat(server).reading().context_window == 8192


def test_the_model_is_not_opened_before_it_is_asked(tmp_path: Path) -> None:
    known = Settings.load({"VLLM_BASE_URL": AWAY, "MODEL_DIR": str(tmp_path)}, None)
    model = open_chat(known, "vllm:a,local:")
    assert model.ready and model.state("zh") == "就绪"
    assert not list(tmp_path.iterdir())


class TestCheck:
    """What the page's head tells before the first question."""

    def test_a_refused_key(self, server: OpenAIServer) -> None:
        server.models_status = 401
        model = chat(server)
        with pytest.raises(KeyRefused):
            model.check()
        assert model.state("zh").startswith("失败：") and "VLLM_API_KEY" in model.state("zh")
        server.say("ok")
        joined(model.model())
        assert model.state("zh") == "就绪"

    def test_a_model_that_the_server_does_not_have(self, server: OpenAIServer) -> None:
        server.models[:] = [{"id": "other"}]
        with pytest.raises(ModelUnknown, match="it has: other"):
            chat(server).check()

    def test_one_of_a_chain_is_enough(self, server: OpenAIServer) -> None:
        server.models[:] = [{"id": "b"}]
        chat(server, "vllm:a,vllm:b").check()

    def test_a_service_without_a_list_of_models(self, server: OpenAIServer) -> None:
        server.models_status = 404
        chat(server).check()

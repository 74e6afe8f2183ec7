"""``huggingface:`` models on the real libraries: chat.

``make test-all`` runs these in an environment with the extra.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from assistant.errors import (
    BadAnswer,
    ContextTooLong,
    ModelError,
    ModelFileError,
    ModelRefused,
    ModelStopped,
    ModelUnavailable,
    SettingsError,
)
from assistant.models.chat.choice import open_chat
from assistant.models.chat.huggingface import HuggingFaceChat
from assistant.models.chat.model import ChatModel
from assistant.settings import Settings
from tests import huggingface_models as models
from tests.huggingface_models import ANSWERS
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.huggingface,
    pytest.mark.anyio,  # LangChain's suites' coroutines; the other tests run as they are
    pytest.mark.timeout(900),
]

MOST = 1900  # tokens of an answer that goes on unless it is ended
SOON = 40  # tokens that may be computed until the end of the stream is noticed


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def opened(folder: Path, **values: str) -> ChatModel:
    chosen = {"TEMPERATURE": "0", "MAX_TOKENS": "60", "HF_ENDPOINT": "http://127.0.0.1:9"}
    return open_chat(Settings.load({**chosen, **values}, None), f"huggingface:{folder}")


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatModel]:
    """The memorizing model."""
    chat = opened(models.memorizing())
    chat.model()
    yield chat
    chat.close()


@pytest.fixture
def client(chat: ChatModel) -> Any:
    backend = chat.backends[0]
    assert isinstance(backend, HuggingFaceChat)
    return backend.connect()


@contextmanager
def counted(client: Any) -> Iterator[list[int]]:
    """An item for each token that is computed inside, until nothing is left to do. Answers don't
    end of themselves."""
    calls: list[int] = []
    model = client.loaded._model
    hook = model.register_forward_pre_hook(lambda *_: calls.append(1))
    end, model.generation_config.eos_token_id = model.generation_config.eos_token_id, None
    yield calls
    wait_until_free(client)
    model.generation_config.eos_token_id = end
    hook.remove()


def wait_until_free(client: Any) -> None:
    """Until the one thread that computes has nothing left to do."""
    done = threading.Event()
    client.loaded._worker.submit(done.set)
    assert done.wait(120)


def test_it_is_loaded_when_first_asked_and_says_so() -> None:
    chat = opened(models.memorizing())
    assert (chat.ready, chat.state("zh")) == (False, "加载中")
    assert chat.reading().context_window == 8192
    chat.model()
    assert (chat.ready, chat.state("en")) == (True, "ready")
    reading = chat.reading()
    assert reading.context_window == 2048  # what the model has
    assert reading.tokens_per_second is not None and reading.tokens_per_second > 1
    chat.close()
    assert not chat.ready
    with pytest.raises(ModelUnavailable, match="was closed"):
        chat.model()


def test_thoughts_and_answer_come_apart_token_by_token(chat: ChatModel) -> None:
    chunks = list(chat.model().stream("think"))
    answer = "".join(str(chunk.content) for chunk in chunks)
    thoughts = "".join(chunk.additional_kwargs.get("reasoning_content", "") for chunk in chunks)
    assert answer == ANSWERS["think"].partition("</think>")[2].strip()
    assert thoughts.strip() == "想一想。"
    assert len([chunk for chunk in chunks if chunk.content]) > 8
    assert "�" not in answer + thoughts


def test_the_end_tells_tokens_and_why(chat: ChatModel) -> None:
    whole = chat.model().invoke("plain")
    assert whole.content == ANSWERS["plain"]
    assert whole.response_metadata["finish_reason"] == "stop"
    assert isinstance(whole, AIMessage) and whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 11  # with the end token
    assert 15 < whole.usage_metadata["input_tokens"] < 60
    short = chat.model().invoke("plain", max_tokens=4)
    assert short.response_metadata["finish_reason"] == "length"
    assert ANSWERS["plain"].startswith(str(short.content))
    exact = chat.model().invoke("plain", max_tokens=11)
    assert exact.response_metadata["finish_reason"] == "stop"


def test_an_answer_of_thoughts_alone_is_an_error(chat: ChatModel) -> None:
    with pytest.raises(BadAnswer, match="used all of its tokens for thinking"):
        chat.model().invoke("think", max_tokens=4)


def test_a_stop_word_ends_the_answer_before_it(chat: ChatModel, client: Any) -> None:
    expected = "答案是 42 🐳, quite sure. "
    assert chat.model().invoke("think", stop=["END"]).content == expected
    alone = client.invoke("think", stop=["END", "nothing"])
    assert alone.content.endswith(expected)
    assert alone.response_metadata["finish_reason"] == "stop"


def test_who_closes_the_stream_ends_the_computing(chat: ChatModel, client: Any) -> None:
    for model in (client, chat.model()):
        with counted(client) as tokens:
            stream = model.stream("anything else", max_tokens=MOST)
            next(stream)
            stream.close()
        assert len(tokens) < SOON


def test_a_stop_while_the_prompt_is_read_ends_it(chat: ChatModel, client: Any) -> None:
    """The layers are held up as a long prompt would hold them."""
    inside, go_on = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        inside.set()
        go_on.wait(30)

    layers = client.loaded._model.model.layers
    hook = layers[0].register_forward_hook(hold)
    later: list[int] = []
    other = layers[1].register_forward_hook(lambda *_: later.append(1))
    stopped = threading.Event()
    threading.Thread(target=lambda: inside.wait(30) and stopped.set()).start()
    with pytest.raises(ModelStopped):
        chat.model().invoke("plain", stopped=stopped)
    wait_for(client.loaded._cancelled.is_set)
    go_on.set()
    wait_until_free(client)
    assert later == []  # not even the layer after it
    hook.remove()
    other.remove()
    assert chat.model().invoke("plain").content == ANSWERS["plain"]


def test_a_cancelled_task_ends_the_computing(client: Any) -> None:
    async def cancelled() -> None:
        async def read() -> None:
            async for _ in client._astream([HumanMessage("anything else")], max_tokens=MOST):
                came.set()

        came = asyncio.Event()
        task = asyncio.create_task(read())
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with counted(client) as tokens:
        asyncio.run(cancelled())
    assert len(tokens) < SOON


def test_questions_wait_for_each_other(chat: ChatModel) -> None:
    answers: list[str] = []

    def ask() -> None:
        answers.append(str(chat.model().invoke("plain").content))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [ANSWERS["plain"]] * 6


def test_who_gave_up_waiting_is_not_computed_for(client: Any) -> None:
    held = threading.Event()
    client.loaded._worker.submit(held.wait)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(client._astream([HumanMessage("plain")])), 0.2)

    with counted(client) as tokens:
        asyncio.run(give_up())
        held.set()
    assert tokens == []


def test_a_prompt_too_long_is_refused_with_the_numbers(chat: ChatModel) -> None:
    with pytest.raises(ContextTooLong, match=r"has 30\d\d tokens.* takes 2048"):
        chat.model().invoke("word " * 3000)
    small = opened(models.memorizing(), CONTEXT_WINDOW="1024")
    assert small.reading().context_window == 1024
    with pytest.raises(ContextTooLong, match="takes 1024"):
        small.model().invoke("word " * 1200)
    nearly = small.model().invoke("word " * 980, max_tokens=500)
    assert nearly.usage_metadata["total_tokens"] <= 1024  # type: ignore[attr-defined]
    small.close()
    with pytest.raises(SettingsError, match="made for 2048 tokens"):
        opened(models.memorizing(), CONTEXT_WINDOW="4096").model()


def test_a_failing_model_is_told_and_the_next_answer_comes(chat: ChatModel, client: Any) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    hook = client.loaded._model.register_forward_pre_hook(fail)
    with pytest.raises(ModelError, match="not enough memory"):
        chat.model().invoke("plain")
    hook.remove()
    assert chat.model().invoke("plain").content == ANSWERS["plain"]


def test_sampling_options_reach_the_model(client: Any) -> None:
    loaded = client.loaded
    greedy = loaded._generation_config({"temperature": 0, "max_tokens": 9}, 100)
    assert (greedy.do_sample, greedy.max_new_tokens) == (False, 9)
    config = loaded._generation_config({"temperature": 0.5, "top_p": 0.7, "top_k": 3}, 100)
    assert (config.do_sample, config.temperature, config.top_p, config.top_k) == (True, 0.5, 0.7, 3)
    assert config.max_new_tokens == 100
    hot = {str(client.invoke("hm", temperature=2, top_k=1000, max_tokens=8).content) for _ in "ab"}
    assert len(hot) == 2


SWITCHED = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
    "{% endif %}[{{ m.content }}]{% endfor %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
)


def with_template(folder: Path, template: str) -> Path:
    copy = models.edited(models.memorizing(), folder / "model", "config.json", {})
    (copy / "chat_template.jinja").write_text(template, "utf-8")
    return copy


def test_thinking_is_switched_by_the_template(tmp_path: Path) -> None:
    chat = opened(with_template(tmp_path, SWITCHED))
    backend: Any = chat.backends[0]
    chat.model()
    assert not backend.always_thinks
    for thinking, end in ((True, "[?]"), (None, "[?]"), (False, "[?]<think></think>")):
        call = backend.call(thinking, {})
        text = backend._loaded.template.render([HumanMessage("?")], call.get("enable_thinking"))
        assert text == end
    chat.close()
    off = opened(with_template(tmp_path / "off", SWITCHED), ENABLE_THINKING="off")
    assert off.backends[0].call(None, {})["enable_thinking"] is False


def test_a_template_without_system_messages_gets_them_in_the_question(tmp_path: Path) -> None:
    chat = opened(with_template(tmp_path, SWITCHED))
    chat.model()
    template = chat.backends[0]._loaded.template  # type: ignore[attr-defined]
    both = [SystemMessage("Be brief."), HumanMessage("Why?")]
    assert template.render(both, None) == "[Be brief.\n\nWhy?]"
    with pytest.raises(ModelRefused, match="no system"):
        template.render([HumanMessage("Why?"), SystemMessage("Be brief.")], None)
    parts = [{"type": "text", "text": "Why"}, {"type": "text", "text": "?"}]
    assert template.render([HumanMessage(content=parts)], None) == "[Why\n?]"  # type: ignore[arg-type]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    with pytest.raises(ModelRefused, match="image_url"):
        template.render([HumanMessage(content=[*parts, picture])], None)  # type: ignore[arg-type]
    chat.close()


def test_thoughts_that_the_prompt_opens_are_thoughts_from_the_first_token(tmp_path: Path) -> None:
    own = (models.memorizing() / "chat_template.jinja").read_text("utf-8")
    chat = opened(with_template(tmp_path, own + "{{ '<think>\\n' }}"))
    first = next(iter(chat.model().stream("think")))
    assert first.additional_kwargs.get("reasoning_content")
    backend = chat.backends[0]
    assert backend.always_thinks
    assert backend.call(False, {"max_tokens": 32})["max_tokens"] > 1000  # the thoughts come on top
    chat.close()


def test_what_cannot_be_loaded_says_why_and_what_to_do(tmp_path: Path) -> None:
    source = models.memorizing()
    base = models.edited(source, tmp_path / "base", "config.json", {})
    (base / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat model"):
        opened(base).model()

    new = models.edited(source, tmp_path / "new", "config.json", {"model_type": "qwen99"})
    chat = opened(new)
    with pytest.raises(ModelFileError, match="newer than the installed transformers"):
        chat.model()
    assert chat.state("en").startswith("failed: ")

    code = {"auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    own = models.edited(source, tmp_path / "own", "config.json", {**code, "model_type": "own"})
    (own / "own.py").write_text("raise SystemExit('was run')", "utf-8")
    with pytest.raises(ModelError, match="trust_remote_code"):
        opened(own).model()

    with pytest.raises(SettingsError, match="no device cuda:7"):
        named = Settings.load({"MODELS_FILE": str(_named(tmp_path, source, "cuda:7"))}, None)
        open_chat(named, "mine").model()


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    damaged = models.edited(models.memorizing(), tmp_path / "model", "config.json", {})
    weights = damaged / "model.safetensors"
    os.truncate(weights, weights.stat().st_size - 1000)
    with pytest.raises(ModelFileError, match="broken"):
        opened(damaged)


def test_a_hub_out_of_reach_is_told(tmp_path: Path) -> None:
    away = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODEL_SOURCES": "huggingface"}
    chat = open_chat(
        Settings.load({**away, "MODEL_DIR": str(tmp_path)}, None), "hf:Qwen/Qwen3-0.6B"
    )
    assert chat.state("en") == "not downloaded"
    with pytest.raises(ModelFileError, match=r"127\.0\.0\.1:9.*HF_ENDPOINT"):
        chat.model()


def test_a_model_of_the_cache_needs_no_network(tmp_path: Path) -> None:
    storage = tmp_path / "huggingface" / "models--ours--memory"
    (storage / "refs").mkdir(parents=True)
    (storage / "refs" / "main").write_text("a" * 40, "utf-8")
    (storage / "snapshots").mkdir()
    (storage / "snapshots" / ("a" * 40)).symlink_to(models.memorizing())
    away = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODEL_DIR": str(tmp_path), "TEMPERATURE": "0"}
    chat = open_chat(Settings.load(away, None), "huggingface:ours/memory")
    assert chat.state("en") == "loading"
    assert chat.model().invoke("plain").content == ANSWERS["plain"]
    chat.close()


def test_a_named_model_has_its_options(tmp_path: Path) -> None:
    file = _named(tmp_path, models.memorizing(), "cpu", dtype="bfloat16")
    chat = open_chat(Settings.load({"MODELS_FILE": str(file)}, None), "mine")
    client: Any = chat.backends[0].connect()
    assert str(client.loaded._model.dtype) == "torch.bfloat16"
    chat.close()


def _named(folder: Path, model: Path, device: str, dtype: str = "auto") -> Path:
    file = folder / "models.toml"
    lines = f'[mine]\nmodel = "huggingface:{model}"\ndevice = "{device}"\ndtype = "{dtype}"\n'
    file.write_text(lines, "utf-8")
    return file


def test_a_real_model_holds_a_conversation() -> None:
    chat = opened(models.converted() / "chat", MAX_TOKENS="24")
    said = [
        SystemMessage("Answer in a few words."),
        HumanMessage("My name is Ada. Remember it."),
        AIMessage("Hello, Ada!"),
        HumanMessage("What is my name?"),
    ]
    assert "Ada" in str(chat.model().invoke(said).content)
    assert "东京" in str(chat.model().invoke("日本的首都是哪里？只回答城市名。").content)
    chat.close()


class Ours:
    """What LangChain's suites are told."""

    has_tool_calling = False
    has_structured_output = False

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        from assistant.models.chat.transformers_chat import TransformersChat

        return TransformersChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"loaded": _loaded[0], "model_name": "memorizing"}


_loaded: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def _loaded_model(chat: ChatModel) -> Iterator[None]:
    backend: Any = chat.backends[0]
    _loaded.append(backend._loaded)
    yield
    _loaded.clear()


class TestTransformersChatUnit(Ours, ChatModelUnitTests):
    """What can be told without asking."""


class TestTransformersChatIntegration(Ours, ChatModelIntegrationTests):
    """Real answers, if of a model that knows two."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "max_tokens": 20}

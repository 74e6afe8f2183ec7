"""What a user may write for a model, and what is refused at start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.errors import KeyMissing, ModelError, SettingsError
from assistant.models.auto import pick
from assistant.models.chat.choice import BACKENDS, open_chat
from assistant.models.names import named_models, resolve, resolve_all
from assistant.models.options import CHAT, EMBEDDING, OPTIONS, RERANK, TAKES
from assistant.providers import PROVIDERS, TABLE, THINKING
from assistant.settings import ROOT, Settings
from tests.openai_server import OpenAIServer, openai_server

AWAY = "http://127.0.0.1:9/v1"


def settings(**values: str) -> Settings:
    return Settings.load(values, None)


def with_models(tmp_path: Path, text: str, **values: str) -> Settings:
    file = tmp_path / "models.toml"
    file.write_text(text, "utf-8")
    return settings(MODELS_FILE=str(file), **values)


def test_every_row_of_the_table_is_sound() -> None:
    names = [name for row in TABLE for name in (row.name, *row.also)]
    assert len(names) == len(set(names)) == len(PROVIDERS)
    for row in TABLE:
        assert row.chat or row.embedding or row.rerank
        assert not row.thinking or row.thinking in THINKING
        assert not row.chat or row.speaks in BACKENDS
        for role in (CHAT, EMBEDDING, RERANK):
            assert not getattr(row, role) or row.speaks in TAKES[role]
    assert all(taken <= set(OPTIONS) for role in TAKES.values() for taken in role.values())


@pytest.mark.parametrize("row", [row for row in TABLE if row.chat and row.variable])
def test_one_line_and_a_key_choose_a_service(row: object) -> None:
    name, variable = row.name, row.variable  # type: ignore[attr-defined]
    given = {f"{variable}_API_KEY": "k", f"{variable}_BASE_URL": "http://127.0.0.1:1/api"}
    chat = open_chat(settings(**given), f"{name}:some-model:tag")
    (backend,) = chat.backends
    assert backend.target.base_url == "http://127.0.0.1:1/api"
    assert chat.name == f"{name}:some-model:tag"
    if "_API_KEY" in "".join(row.settings):  # type: ignore[attr-defined]
        assert backend.target.api_key == "k"


@pytest.mark.parametrize(
    ("alias", "name"), [("qwen", "dashscope"), ("glm", "zhipu"), ("moonshot", "kimi")]
)
def test_services_go_by_the_names_that_people_know(alias: str, name: str) -> None:
    given = {f"{PROVIDERS[name].variable}_API_KEY": "k"}
    assert resolve(settings(**given), f"{alias}:m", CHAT).name == f"{name}:m"


@pytest.mark.parametrize(
    ("text", "role", "kind", "advice"),
    [
        ("nowhere:x", CHAT, SettingsError, "Known: local:, vllm:"),
        ("vllm:", CHAT, SettingsError, "say which model"),
        ("dashscope:qwen-plus", CHAT, KeyMissing, "DASHSCOPE_API_KEY"),
        ("kimi:kimi-latest", CHAT, KeyMissing, "MOONSHOT_API_KEY"),
        ("deepseek:x", EMBEDDING, SettingsError, "has no such models"),
        ("local:x", RERANK, SettingsError, "has no such models"),
        ("qwen-plus", CHAT, SettingsError, "provider:model"),
    ],
)
def test_a_name_that_cannot_be_used_says_why(
    text: str, role: str, kind: type[SettingsError], advice: str
) -> None:
    with pytest.raises(kind, match=advice) as caught:
        resolve(settings(), text, role)
    assert caught.value.text("zh") != caught.value.text("en")


def test_an_unknown_embedded_model_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match="gpt-9"):
        open_chat(settings(), "local:gpt-9")


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("openai:gpt-4o", "TOP_K", "40"),
        ("openai:o3-mini", "TEMPERATURE", "0.5"),
        ("openai:gpt-5-mini", "TOP_P", "0.5"),
        ("deepseek:deepseek-reasoner", "TEMPERATURE", "0.5"),
        ("ollama:qwen3", "EXTRA_BODY", '{"a": 1}'),
        ("local:", "ENABLE_THINKING", "on"),
        ("kimi:kimi-latest", "ENABLE_THINKING", "off"),
    ],
)
def test_an_option_that_the_backend_does_not_take_is_refused(
    name: str, option: str, value: str
) -> None:
    given = {"OPENAI_API_KEY": "k", "DEEPSEEK_API_KEY": "k", "MOONSHOT_API_KEY": "k"}
    assert resolve(settings(**given), name, CHAT)
    with pytest.raises(SettingsError, match=option.lower()):
        resolve(settings(**given, **{option: value}), name, CHAT)


NAMED = """
[fast]
model = "vllm:qwen3-4b"
temperature = 0.8
base_url = "http://gpu-box:6006/v1/"
api_key = "own"
timeout = 7
[fast.extra_body]
repetition_penalty = 1.1

["备用"]
model = "qwen:qwen-plus"
enable_thinking = false
"""


def test_named_models_carry_their_options(tmp_path: Path) -> None:
    known = with_models(tmp_path, NAMED, DASHSCOPE_API_KEY="k", TEMPERATURE="0.1", TOP_P="0.5")
    fast, spare, plain = resolve_all(known, "fast, 备用,vllm:b", CHAT)
    assert (fast.name, fast.alias, fast.base_url) == (
        "vllm:qwen3-4b",
        "fast",
        "http://gpu-box:6006/v1",
    )
    assert (fast.api_key, fast.timeout, fast.options["top_p"]) == ("own", 7.0, 0.5)
    assert fast.options["temperature"] == 0.8  # its own wins over the setting's
    assert fast.options["extra_body"] == {"repetition_penalty": 1.1}
    assert (spare.name, spare.options["enable_thinking"]) == ("dashscope:qwen-plus", False)
    assert (plain.options["temperature"], plain.timeout) == (0.1, 120.0)
    assert "own" not in repr(fast)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("[a", "can't be used"),
        ("[a]\nmodel = 'qwen'", "needs a line such as"),
        ("a = 1", "needs a line such as"),
        ("[a]\nmodel = 'vllm:b'\ntemprature = 1", "unknown option temprature"),
        ("[a]\nmodel = 'vllm:b'\ntemperature = 'hot'", "a number from 0 to 2"),
        ("[a]\nmodel = 'vllm:b'\nretries = true", "a whole number from 0 to 10"),
        ("[a]\nmodel = 'vllm:b'\nbase_url = 'gpu-box'", "http://"),
    ],
)
def test_a_wrong_file_of_named_models_says_where(tmp_path: Path, text: str, advice: str) -> None:
    with pytest.raises(SettingsError, match=advice) as caught:
        named_models(with_models(tmp_path, text))
    assert "models.toml" in caught.value.text("zh")


def test_a_file_of_named_models_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        named_models(settings(MODELS_FILE=str(tmp_path / "none.toml")))


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running


class TestAuto:
    """``auto``: what the user configured, else a server here, else the embedded model."""

    def test_nothing_there_is_the_embedded_model(self) -> None:
        known = settings(VLLM_BASE_URL=AWAY, OLLAMA_BASE_URL=AWAY)
        assert [pick(known, "auto", role) for role in (CHAT, EMBEDDING, RERANK)] == [
            "local:",
            "local:",
            "none",
        ]

    def test_a_key_chooses_its_service(self) -> None:
        known = settings(DEEPSEEK_API_KEY="k", VLLM_BASE_URL=AWAY, OLLAMA_BASE_URL=AWAY)
        assert pick(known, "auto", CHAT) == "deepseek:deepseek-chat"
        assert pick(known, "auto", EMBEDDING) == "local:"

    def test_a_server_that_the_user_named_comes_first(self, server: OpenAIServer) -> None:
        server.models[:] = [{"id": "bge-m3"}, {"id": "ds-qwen3-8b"}]
        known = settings(VLLM_BASE_URL=server.url, DASHSCOPE_API_KEY="k", OLLAMA_BASE_URL=AWAY)
        assert pick(known, "auto", CHAT) == "vllm:ds-qwen3-8b"
        assert pick(known, "auto", EMBEDDING) == "vllm:bge-m3"
        assert pick(known, "auto", RERANK) == "dashscope:qwen3-rerank"

    def test_what_is_named_is_not_looked_for(self) -> None:
        assert pick(settings(), "vllm:a,local:", CHAT) == "vllm:a,local:"


def test_the_documentation_tells_every_provider_and_option() -> None:
    text = (ROOT / "docs" / "models.md").read_text("utf-8")
    for row in TABLE:
        assert f"| `{row.name}:` |" in text, row.name
    for name in OPTIONS:
        assert f"| `{name}` |" in text, name
    kinds = {kind.kind for kind in every(ModelError)} - {"model", "model_file", "stopped"}
    told = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert told - set(OPTIONS) == kinds | {KeyMissing.kind}


def every(kind: type[ModelError]) -> set[type[ModelError]]:
    """A class and all below it."""
    return {kind}.union(*(every(below) for below in kind.__subclasses__()))

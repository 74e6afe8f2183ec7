"""The chat model chosen on the page, by a program and on the command line."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import openai
import pytest

from assistant.__main__ import main
from assistant.api.chat_request import MODEL
from assistant.errors import AssistantError
from assistant.memory.records import Choices
from assistant.models.chat.offered import ChatModels
from assistant.parts import open_parts
from assistant.settings import Settings
from assistant.transcripts import as_markdown
from assistant.ui.chat import Chat
from assistant.ui.chat_model import model_update
from assistant.ui.visitor import Visitors
from tests.api_desk import ApiDesk, api_desk
from tests.openai_server import OpenAIServer, openai_server

QUESTION, ANSWER = "星河7000有多重？", "星河7000重1.8千克。"
OTHER = "openai:Qwen/Qwen3-8B"


@pytest.fixture(scope="module")
def second() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


@pytest.fixture(scope="module")
def desk(second: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiDesk]:
    given = {"CHAT_MODELS": OTHER, "OPENAI_BASE_URL": second.url, "OPENAI_API_KEY": "k"}
    with api_desk(tmp_path_factory.mktemp("data"), **given) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _fresh(desk: ApiDesk, second: OpenAIServer) -> None:
    desk.model.clear()
    second.clear()


@pytest.fixture
def client(desk: ApiDesk) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{desk.url}/v1", api_key="reader-key", max_retries=0, timeout=20
    ) as opened:
        yield opened


def test_programs_see_what_is_offered(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL, "vllm:test", OTHER]
    assert client.models.retrieve(OTHER).id == OTHER
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.models.retrieve("openai:Qwen")


@pytest.mark.parametrize("stream", [False, True])
def test_a_program_names_the_model_that_answers(
    desk: ApiDesk, second: OpenAIServer, stream: bool
) -> None:
    second.say(ANSWER)
    told = desk.ask(QUESTION, model=OTHER, stream=stream)
    assert told.status_code == 200 and OTHER in told.text
    if not stream:
        assert (told.json()["model"], told.json()["turn"]["model"]) == (OTHER, OTHER)
    assert (len(desk.model.requests), len(second.requests)) == (0, 1)
    for name in (MODEL, "vllm:test"):
        desk.model.say(ANSWER)
        answered = desk.ask(QUESTION, model=name).json()
        assert (answered["model"], answered["turn"]["model"]) == (name, "vllm:test")


@pytest.mark.parametrize("name", ["gpt-4o", "", "openai:Qwen", "vllm:test,openai:x"])
def test_one_that_is_not_offered_is_openais_error(desk: ApiDesk, name: str) -> None:
    told = desk.ask(QUESTION, model=name)
    error = told.json()["error"]
    assert (told.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert desk.model.requests == []


class Page:
    """An open page of the chat, and what it shows of the choice."""

    def __init__(self, chat: Chat, session: str, language: str = "en") -> None:
        self.chat = chat
        self.request = cast(Any, SimpleNamespace(
            headers={"accept-language": language}, session_hash=session, query_params={}
        ))  # fmt: skip
        self.id = ""
        self.model: dict[str, Any] = {}

    def open(self, id: str) -> None:
        self._see(self.chat.open(id, self.request))

    def choose(self, name: str) -> None:
        update = self.chat.model.choose(name, self.id, self.request)
        if "value" in update:
            self.model = update

    def ask(self) -> str:
        """The messages at the end of the turn, as text."""

        async def follow() -> list[Any]:
            return [frame async for frame in self.chat.follow(self.request)]

        self._see(self.chat.ask(QUESTION, self.id, self.request))
        frames = asyncio.run(follow())
        self._see(frames[-1])
        return str(frames[-1].messages)

    def _see(self, frame: Any) -> None:
        if isinstance(frame.conversation_id, str):
            self.id = frame.conversation_id
        if "value" in frame.model:
            self.model = frame.model


@pytest.fixture
def chat(desk: ApiDesk) -> Iterator[Chat]:
    opened = Chat(desk.parts, Visitors("auto"))
    yield opened
    for info in desk.parts.long_term.conversations("local"):
        desk.parts.turns.forget("local", info.id)


def test_the_page_shows_and_keeps_the_choice(
    desk: ApiDesk, second: OpenAIServer, chat: Chat
) -> None:
    page = Page(chat, "s1")
    page.open("")
    assert page.model["choices"] == [("vllm:test (default)", "vllm:test"), (OTHER, OTHER)]
    assert (page.model["value"], page.model["visible"]) == ("vllm:test", True)
    chat.search.choose(False, True, [], [], "", page.request)
    page.choose(OTHER)
    second.say(ANSWER, ANSWER)
    assert OTHER in html.unescape(page.ask()), "below the answer"
    assert desk.model.requests == []
    memory = desk.parts.long_term
    assert memory.open("local", page.id).choices == Choices(rewriting=False, model=OTHER)
    other = Page(Chat(desk.parts, Visitors("auto")), "s2")  # after a restart
    other.open(page.id)
    assert other.model["value"] == OTHER
    other.ask()
    other.choose("vllm:test")
    assert memory.open("local", page.id).choices == Choices(rewriting=False)
    desk.model.say(ANSWER)
    other.ask()
    turns = memory.turns("local", page.id)
    assert [turn.model for turn in turns] == [OTHER, OTHER, "vllm:test"]
    markdown = as_markdown("x", turns, "en", None)
    assert f"### Answer · {OTHER}" in markdown and "### Answer · vllm:test" in markdown
    other.open("")
    assert other.model["value"] == "vllm:test", "a new conversation begins with the default"


def test_another_choice_leaves_this_one(desk: ApiDesk, chat: Chat) -> None:
    page = Page(chat, "s3")
    page.open("")
    page.choose(OTHER)
    chat.search.choose(False, True, [], [], "", page.request)
    desk.model.say(ANSWER)
    page.choose("vllm:test")
    page.ask()
    assert desk.parts.long_term.open("local", page.id).choices == Choices(rewriting=False)


def test_what_is_not_offered_cant_be_chosen(desk: ApiDesk, chat: Chat) -> None:
    page = Page(chat, "s4")
    page.open("")
    with pytest.warns(UserWarning, match="no model kimi:old"):
        page.choose("kimi:old")
    assert page.model["value"] == "vllm:test"
    desk.model.say(ANSWER)
    page.ask()
    assert desk.parts.long_term.open("local", page.id).choices == Choices()


def test_a_choice_that_is_gone_is_seen_told_and_can_be_changed(desk: ApiDesk, chat: Chat) -> None:
    page = Page(chat, "s5", "zh")
    page.open("")
    desk.model.say(ANSWER, ANSWER, ANSWER)
    page.ask()
    memory, gone = desk.parts.long_term, Choices(rewriting=False, model="kimi:old|vllm:x")
    memory.set_choices("local", page.id, gone)
    again = Page(Chat(desk.parts, Visitors("auto")), "s6", "zh")
    again.open(page.id)
    assert ("kimi:old → vllm:x（已不再提供）", "kimi:old|vllm:x") in again.model["choices"]
    assert again.model["value"] == "kimi:old|vllm:x"
    assert "已不再提供" in again.ask()
    again.choose("vllm:test")
    assert len(again.model["choices"]) == 2
    assert memory.open("local", page.id).choices == Choices(rewriting=False)
    assert again.ask().count("已不再提供") == 1, "of the answer before"


def test_where_there_is_but_one_nothing_is_shown() -> None:
    one = ChatModels({"vllm:test": cast(Any, None)})
    assert not model_update(one, Choices(), "en")["visible"]
    gone = model_update(one, Choices(model="kimi:old"), "en")
    assert gone["visible"] and len(gone["choices"]) == 2


def test_the_command_line_takes_any_model(
    desk: ApiDesk,
    second: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = {
        "DATA_DIR": str(desk.folder),
        "CHAT_MODEL": "vllm:test",
        "VLLM_BASE_URL": desk.model.url,
        "OPENAI_BASE_URL": second.url,
        "OPENAI_API_KEY": "k",
        "GRACE_SECONDS": "0",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    ask = ["ask", "你好！", "--json", "--no-memory", "--user", "terminal", "--model"]
    second.say("您好！")
    assert main([*ask, "openai:small"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "openai:small"
    assert desk.model.requests == []
    assert main([*ask, "nowhere:x"]) == 2
    told = capsys.readouterr().err
    assert "--model" in told and "nowhere" in told


def test_the_app_does_not_start_with_a_bad_entry(tmp_path: Any) -> None:
    given = {"DATA_DIR": str(tmp_path), "CHAT_MODEL": "vllm:test", "CHAT_MODELS": "nowhere:x"}
    with pytest.raises(AssistantError, match="CHAT_MODELS"):
        open_parts(Settings.load(given, None))

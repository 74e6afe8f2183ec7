"""The chat model chosen for a question, over two local servers: only the chosen one is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant import events
from assistant.errors import SettingsError
from assistant.limits import Limits, TurnQueue
from assistant.memory.records import Choices
from assistant.models.chat.offered import ChatModels, open_chats
from assistant.models.checking import configured
from assistant.models.checking.row import Row
from assistant.observability.metrics import Metrics
from assistant.parts import Parts
from assistant.queue_line import Ticket
from assistant.settings import Settings
from assistant.ui.guide_facts import parts_of
from assistant.ui.model_checks import Checked, LastCheck
from assistant.ui.status_rendering import models_html
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.question_parts import add_documents, parts_over
from tests.waiting import wait_for

TEXT = "星河7000是远山公司制造的便携式光谱仪，重量为1.8千克。它的电池可用12小时，保修期为三年。"
DOCUMENTS = {"/docs/x7.md": ("星河7000手册", TEXT)}
QUESTION, ANSWER = "星河7000有多重？", "星河7000重1.8千克。"
AWAY = "http://127.0.0.1:9/v1"
NAMED = """
[narrow]
model = "openai:narrow"
context_window = 1500
max_tokens = 600

[spare]
model = "zhipu:spare"
"""


@dataclass
class Two:
    """Parts with ``vllm:test`` at ``first`` as ``CHAT_MODEL``; the others are at ``second``."""

    parts: Parts
    first: OpenAIServer
    second: OpenAIServer

    def ask(
        self, question: str, model: str = "", id: str = "c", **options: Any
    ) -> list[events.Event]:
        turn = self.parts.conversation.turn
        return list(turn("local", id, question, language="zh", model=model, **options))


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[OpenAIServer, OpenAIServer]]:
    with openai_server() as first, openai_server() as second:
        yield first, second


@pytest.fixture(scope="module")
def shared(
    servers: tuple[OpenAIServer, OpenAIServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("data")
    named = folder / "models.toml"
    named.write_text(NAMED, "utf-8")
    first, second = servers
    parts = parts_over(
        first,
        folder,
        MODELS_FILE=str(named),
        CHAT_MODELS="openai:big, narrow, zhipu:gone|openai:big",
        OPENAI_BASE_URL=second.url,
        OPENAI_API_KEY="k",
        ZHIPU_BASE_URL=AWAY,
        ZHIPU_API_KEY="k",
        MODEL_RETRIES="0",
        QUESTIONS_AT_ONCE="1",
    )
    add_documents(parts, parts.knowledge, DOCUMENTS)
    yield Two(parts, first, second)
    parts.close()


@pytest.fixture
def two(shared: Two) -> Two:
    shared.first.clear()
    shared.second.clear()
    wait_for(lambda: not shared.parts.turns.is_busy)
    for info in shared.parts.long_term.conversations("local"):
        shared.parts.memory.forget("local", info.id)
    return shared


def done_of(seen: list[events.Event]) -> events.Done:
    assert isinstance(seen[-1], events.Done), seen[-1]
    return seen[-1]


def notices_of(seen: list[events.Event]) -> dict[str, str]:
    return {event.kind: event.message for event in seen if isinstance(event, events.Notice)}


def test_the_chosen_model_answers_and_no_other(two: Two) -> None:
    two.second.say(ANSWER)
    done = done_of(two.ask(QUESTION, "openai:big"))
    assert (done.answer, done.model) == ("星河7000重1.8千克[1]。", "openai:big")
    assert [request["model"] for request in two.second.requests] == ["big"]
    assert two.first.requests == []
    (turn,) = two.parts.long_term.turns("local", "c")
    assert turn.model == "openai:big"
    two.first.say(ANSWER)
    assert done_of(two.ask(QUESTION, id="d")).model == "vllm:test"
    assert len(two.second.requests) == 1


def test_it_makes_small_talk_completes_questions_and_says_what_it_knows_itself(two: Two) -> None:
    two.second.say("您好！", ANSWER, "星河7000的保修期是多久？", "保修期为三年。")
    assert done_of(two.ask("你好！", "openai:big")).kind == "smalltalk"
    two.ask(QUESTION, "openai:big")
    done = done_of(two.ask("它的保修期是多久？", "openai:big"))
    assert done.answer == "保修期为三年[1]。"
    answerer = replace(two.parts.conversation.answerer, own_knowledge=True)
    own = replace(two.parts.conversation, answerer=answerer)
    two.second.say("大约五百元。")
    seen = list(own.turn("local", "d", "法国的首都有多少人口？", model="openai:big"))
    assert done_of(seen).kind == "own"
    assert two.first.requests == []


def test_a_model_for_rewriting_rewrites_whatever_answers(two: Two) -> None:
    rewriting = replace(two.parts.conversation, rewrite_chat=two.parts.chat)
    two.second.say(ANSWER, "保修期为三年。")
    two.first.say("星河7000的保修期是多久？")
    for question in (QUESTION, "它的保修期是多久？"):
        done = done_of(list(rewriting.turn("local", "c", question, model="openai:big")))
        assert done.model == "openai:big"
    assert len(two.first.requests) == 1


def test_what_is_read_ahead_is_read_by_the_model_that_answers(two: Two) -> None:
    two.second.say(ANSWER)
    two.ask(QUESTION, "openai:big")
    conversation = two.parts.conversation
    ((chat, _),) = conversation.next_prompts("local", "c", "openai:big")
    assert chat is two.parts.chats.chosen("openai:big")
    assert {chat for chat, _ in conversation.fixed_prompts()} == {two.parts.chat}


@pytest.mark.parametrize(("language", "says"), [("zh", "已不再提供"), ("en", "no longer offered")])
def test_one_that_is_gone_is_told_and_the_default_answers(
    two: Two, language: str, says: str
) -> None:
    two.first.say(ANSWER)
    turn = two.parts.conversation.turn
    seen = list(turn("local", "c", QUESTION, language=language, model="kimi:old"))
    assert done_of(seen).model == "vllm:test"
    told = notices_of(seen)["model_gone"]
    assert says in told and "kimi:old" in told and "vllm:test" in told


def test_a_chain_to_choose_from_falls_back_as_chat_model_does(two: Two) -> None:
    two.second.say(ANSWER)
    seen = two.ask(QUESTION, "zhipu:gone|openai:big")
    assert done_of(seen).model == "openai:big"
    assert "zhipu:gone" in notices_of(seen)["model_unavailable"]


def test_it_is_given_as_much_as_it_can_read(two: Two) -> None:
    readings = [two.parts.chats.chosen(name).reading() for name in ("", "narrow")]
    assert readings[1].context_window == 1500
    answerer = two.parts.conversation.answerer
    budgets = []
    for name in ("", "narrow"):
        now = SimpleNamespace(
            chat=two.parts.chats.chosen(name),
            standalone=SimpleNamespace(text=QUESTION),
            waited=0.0,
            elapsed=lambda: 0.0,
        )
        budgets.append(answerer._budget(cast(Any, now)))
    assert budgets[0] > 2 * budgets[1]


def test_who_waits_for_one_model_holds_up_nobody_at_another(two: Two) -> None:
    """One slot each: a question that runs, one that waits for it, one elsewhere."""
    hold = threading.Event()
    two.first.replies = [Reply(tuple(ANSWER), hold=hold)]
    two.second.say(ANSWER, ANSWER)
    turns = two.parts.turns
    running = turns.start("local", "r", QUESTION)
    waiting = turns.start("local", "w", QUESTION)
    elsewhere = turns.start("local", "e", QUESTION, model="openai:big")
    assert done_of(list(elsewhere.events())).model == "openai:big"
    assert not running.ended and not waiting.ended
    assert (turns.queue.running, turns.queue.waiting) == (1, 1)
    two.first.say(ANSWER)
    hold.set()
    assert done_of(list(waiting.events())).model == "vllm:test"
    assert done_of(list(running.events())).model == "vllm:test"


def test_the_choice_is_kept_in_the_conversation(two: Two) -> None:
    chosen = Choices(rewriting=False, model="narrow")
    two.second.say(ANSWER)
    two.ask(QUESTION, "narrow", choices=chosen)
    assert two.parts.long_term.open("local", "c").choices == chosen
    older = {name: value for name, value in chosen.as_json().items() if name != "model"}
    assert Choices.from_json(older) == Choices(rewriting=False)


def test_answers_are_counted_by_model(two: Two) -> None:
    metrics = Metrics(two.parts)
    two.second.say(ANSWER)
    turn = two.parts.turns.start("local", "c", QUESTION, model="openai:big")
    metrics.observe(turn, done_of(list(turn.events())))
    metrics.observe(turn, events.Done("c", "共 1 个文档", False, kind="library"))
    told = metrics.text().decode()
    assert 'assistant_model_answers_total{model="openai:big"} 1.0' in told
    assert told.count("assistant_model_answers_total{") == 1
    assert "assistant_questions_at_once 3.0" in told, "of three places"


def settings(**given: str) -> Settings:
    return Settings.load({"OPENAI_API_KEY": "k", "CHAT_MODEL": "vllm:a", **given}, None)


def test_names_are_as_they_are_written_each_once(tmp_path: Path) -> None:
    named = tmp_path / "models.toml"
    named.write_text(NAMED, "utf-8")
    given = "vllm:a, spare ,openai:b , openai:b|vllm:c, ,openai:b"
    chats = open_chats(settings(CHAT_MODELS=given, MODELS_FILE=str(named), ZHIPU_API_KEY="k"))
    assert chats.names == ("vllm:a", "spare", "openai:b", "openai:b|vllm:c")
    assert chats.chosen("spare").name == "zhipu:spare"
    assert chats.chosen("openai:b|vllm:c").name == "openai:b,vllm:c"
    assert chats.chosen("") is chats.chosen("?") is chats.default
    assert chats.offers("") and not chats.offers("?")
    one = open_chats(settings(CHAT_MODEL="vllm:a, openai:b"))
    assert one.names == ("vllm:a|openai:b",)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("nowhere:x", "nowhere"),
        ("unnamed", "unnamed"),
        ("openai:", "openai:"),
        ("kimi:k2", "MOONSHOT_API_KEY"),
        ("openai:b|jina:x", "jina"),
        ("local:no-such-model", "no-such-model"),
    ],
)
def test_a_bad_entry_is_named_at_the_start(entry: str, says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        open_chats(settings(CHAT_MODELS=f"openai:good,{entry}"))
    for language in ("en", "zh"):
        told = raised.value.text(language)
        assert "CHAT_MODELS" in told and repr(entry) in told and says in told
    assert "无法使用" in raised.value.text("zh")


def test_offering_five_starts_none(tmp_path: Path) -> None:
    names = ["local:qwen2.5-coder-0.5b", *(f"local:{tmp_path}/{n}.gguf" for n in range(4))]
    for name in names[1:]:
        Path(name.removeprefix("local:")).write_bytes(b"GGUF")
    chats = open_chats(settings(DATA_DIR=str(tmp_path), CHAT_MODELS=",".join(names)))
    assert len(chats.names) == 6
    assert not any(chats.chosen(name).ready for name in names)
    assert not (tmp_path / "run").exists() and not (tmp_path / "logs").exists()
    chats.close()


def test_slots_are_those_of_the_place_that_answers(tmp_path: Path) -> None:
    """The embedded models share this machine; a service's address has its own."""
    given = {
        "CHAT_MODEL": "local:qwen2.5-coder-1.5b",
        "CHAT_MODELS": "local:qwen2.5-coder-0.5b,openai:a,openai:b,ollama:c,vllm:d|local:",
    }
    models = open_chats(settings(**given)).models
    limits = Limits.of(settings(**given), models)
    assert [limits.place(name).at_once for name in models] == [2, 2, 32, 32, 4, 32]
    assert limits.place("openai:a") == limits.place("openai:b") != limits.place("ollama:c")
    assert limits.place("local:qwen2.5-coder-0.5b") == limits.place("") == limits.place("gone")
    assert TurnQueue(limits).at_once == 2 + 32 + 4 + 32
    few = Limits.of(settings(**given, QUESTIONS_AT_ONCE="3"), models)
    assert [few.place(name).at_once for name in models] == [3, 3, 3, 3, 3, 3]
    many = Limits.of(settings(**given, QUESTIONS_AT_ONCE="100"), models)
    assert [many.place(name).at_once for name in models] == [100, 100, 32, 32, 4, 32]


def test_a_row_for_each_model_in_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(_: Settings, member: str, setting: str, check: str) -> Iterator[Row]:
        yield Row(check, f"{setting} {member}", "ok")

    monkeypatch.setattr(configured, "chat_rows", rows)
    monkeypatch.setattr(configured, "vector_rows", lambda _: iter(()))
    given = settings(CHAT_MODELS="openai:b|vllm:c,vllm:a", REWRITE_MODEL="vllm:d")
    assert [row.model for row in configured.configured_rows(given)] == [
        "CHAT_MODEL vllm:a", "CHAT_MODELS openai:b", "CHAT_MODELS vllm:c", "REWRITE_MODEL vllm:d",
    ]  # fmt: skip


def test_the_status_page_and_the_guide_list_them(two: Two) -> None:
    told = models_html(two.parts.settings, two.parts.chats.names, LastCheck(), "en")
    assert "openai:big, narrow, zhipu:gone → openai:big" in told
    alone = models_html(two.parts.settings, ("vllm:test",), LastCheck(), "en")
    assert "choose from" not in alone
    figures = {"first_token_seconds": 0.5, "tokens_per_second": 40}
    last = LastCheck(1.0, (Checked("stream", "narrow", "ok", figures=figures),))
    rows = [row for row in parts_of(two.parts, last, "en") if row.key == "model_chat"]
    assert [row.what for row in rows] == [
        "vllm:test", "openai:big", "narrow", "zhipu:gone → openai:big",
    ]  # fmt: skip
    assert [bool(row.speed) for row in rows] == [False, False, True, False], "of its own check"


class Asked:
    """Questions for two places, of two slots and of one."""

    def __init__(self) -> None:
        target = SimpleNamespace(provider=SimpleNamespace(speaks="embedded"), base_url="")
        near = SimpleNamespace(backends=[SimpleNamespace(target=target)])
        provider = SimpleNamespace(speaks="in-process")
        far = SimpleNamespace(
            backends=[SimpleNamespace(target=SimpleNamespace(provider=provider, base_url=""))]
        )
        given = settings(QUESTIONS_PER_USER="3", QUEUE_LENGTH="2")
        models = ChatModels({"near": cast(Any, near), "far": cast(Any, far)}).models
        self.queue = TurnQueue(Limits.of(given, models), lambda: 0.0)
        self.begun: list[str] = []
        self.told: dict[str, list[int]] = {}

    def ask(self, user: str, name: str, model: str) -> Ticket:
        places = self.told.setdefault(name, [])
        ticket = Ticket(user, lambda: self.begun.append(name), places.append, model)
        self.queue.enter(ticket)
        return ticket


def test_turns_go_round_the_users_of_each_place() -> None:
    """Who has two running here loses no turn by it there."""
    asked = Asked()
    for n in range(2):
        asked.ask("a", f"near{n}", "near")
    first = asked.ask("b", "far0", "far")
    asked.ask("c", "far2", "far")
    asked.ask("a", "far1", "far")
    assert asked.begun == ["near0", "near1", "far0"]
    assert (asked.told["far1"], asked.told["far2"]) == ([1], [1, 2])
    asked.queue.done(first)
    assert asked.begun[-1] == "far1" and asked.told["far2"] == [1, 2, 1]
    assert asked.queue.users() == {"a": (3, 0), "c": (0, 1)}
    assert (asked.queue.running, asked.queue.waiting, asked.queue.at_once) == (3, 1, 3)


def test_what_a_user_may_ask_counts_over_all_places_and_a_full_line_is_its_own() -> None:
    from assistant.errors import Overloaded, TooManyQuestions

    asked = Asked()
    for n in range(3):
        asked.ask("a", f"a{n}", "far")
    with pytest.raises(TooManyQuestions, match="3 questions"):
        asked.ask("a", "a3", "near")
    with pytest.raises(Overloaded, match="2 questions wait"):
        asked.ask("b", "b0", "far")
    asked.ask("b", "b1", "near")
    assert asked.begun == ["a0", "b1"]

"""The chat page's handlers: real turns and a real Valkey, the events come from a queue."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant import events
from assistant.knowledge.records import NewChunk
from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Begun, Choices, Turn
from assistant.models.chat.offered import ChatModels
from assistant.settings import Settings
from assistant.turns import Turns
from assistant.ui.chat import Chat
from assistant.ui.chat_frames import Frame
from assistant.ui.chat_list import Look
from assistant.ui.visitor import Visitors
from tests.knowledge_samples import open_knowledge, vectors_of
from tests.queued_conversation import QueuedConversation
from tests.waiting import wait_for

SKIP = {"__type__": "update"}


class Page:
    """An open page: what it shows, as the browser would keep it."""

    def __init__(self, chat: Chat, session: str, language: str = "zh") -> None:
        self.chat = chat
        self.request = cast(Any, SimpleNamespace(
            headers={"accept-language": language}, session_hash=session, query_params={}
        ))  # fmt: skip
        self.messages: list[dict[str, Any]] = []
        self.conversation_id = ""
        self.listed = ""
        self.busy = False
        self.composer = ""
        self.searched = ""
        self.memories: dict[str, bool] = {}

    def see(self, frame: Frame) -> None:
        if isinstance(frame.messages, list):
            self.messages = frame.messages
        elif "value" in frame.messages:
            self.messages = frame.messages["value"]
        if isinstance(frame.conversation_id, str):
            self.conversation_id = frame.conversation_id
        if isinstance(frame.conversations, str):
            self.listed = frame.conversations
        self.busy = frame.composer.get("stop_btn", self.busy)
        self.composer = frame.composer.get("value", self.composer)
        self.searched = frame.searched.get("value", self.searched)
        if "choices" in frame.memories:
            ticked = frame.memories["value"]
            self.memories = {id: id in ticked for _, id in frame.memories["choices"]}

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Titles and ids of the conversations in the list."""
        rows = re.findall(r'<li class="talk[^"]*" data-id="([^"]+)">(.*?)</li>', self.listed)
        titles = [re.search(r'class="title" dir="auto">(.*?)</span>', row) for _, row in rows]
        return [(title[1], id) for (id, _), title in zip(rows, titles, strict=True) if title]

    @property
    def chosen(self) -> str | None:
        found = re.search(r'<li class="talk current" data-id="([^"]+)">', self.listed)
        return found and found[1]

    @property
    def text(self) -> str:
        return "\n".join(message["content"] for message in self.messages)

    def open(self, conversation_id: str) -> None:
        self.see(self.chat.open(conversation_id, self.request))

    def ask(self, question: str) -> None:
        self.composer = question
        self.see(self.chat.ask(question, self.conversation_id, self.request))

    def follow(self) -> threading.Thread:
        """As the browser does after each beginning: watch in the background."""

        async def watch() -> None:
            async for frame in self.chat.follow(self.request):
                self.see(frame)

        thread = threading.Thread(target=lambda: asyncio.run(watch()), daemon=True)
        thread.start()
        return thread

    def retry(self, turn_id: str = "") -> None:
        event = cast(Any, SimpleNamespace(do="retry", id=turn_id))
        self.see(self.chat.retry(event, self.conversation_id, self.request))

    def mark(self, do: str, id: str, value: str = "") -> None:
        event = cast(Any, SimpleNamespace(do=do, id=id, value=value))
        self.see(self.chat.mark(event, self.conversation_id, self.request))

    def act(self, do: str, id: str = "", value: str = "") -> None:
        event = cast(Any, SimpleNamespace(do=do, id=id, value=value))
        self.see(self.chat.act(event, self.conversation_id, self.request))

    def buttons(self, name: str) -> list[str]:
        """Values of the buttons of this name below the answers."""
        return re.findall(rf'name="{name}" value="([^"]*)"', self.text)

    def wait(self, condition: Callable[[Page], object]) -> None:
        wait_for(lambda: condition(self), told=lambda: self.text)


class Desk:
    def __init__(self, folder: Path, memory: LongTermMemory) -> None:
        self.memory = memory
        self.conversation = QueuedConversation(memory)
        self.knowledge = open_knowledge(folder)
        self.turns = Turns(cast(Any, self.conversation))
        parts = SimpleNamespace(
            turns=self.turns,
            conversation=self.conversation,
            long_term=memory,
            knowledge=self.knowledge,
            chats=ChatModels({"vllm:a": cast(Any, None), "b|c": cast(Any, None)}),
        )
        self.chat = Chat(cast(Any, parts), Visitors("auto"))

    def say(self, *seen: events.Event) -> None:
        for event in seen:
            self.conversation.queue.put(event)

    def answer(self, page: Page, question: str, answer: str) -> None:
        """A whole turn."""
        page.ask(question)
        self.say(events.Token(answer), events.Done("", answer, False))
        page.follow().join(10)


def frames_of(chat: Chat, page: Page) -> list[Frame]:
    async def all_frames() -> list[Frame]:
        return [frame async for frame in chat.follow(page.request)]

    return asyncio.run(all_frames())


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongTermMemory]:
    data = {"DATA_DIR": str(tmp_path_factory.mktemp("data")), "GRACE_SECONDS": "0"}
    address = RedisAddress(Settings.load(data, None))
    opened = LongTermMemory(address.url)
    yield opened
    opened.close()
    address.close()


@pytest.fixture
def desk(tmp_path: Path, memory: LongTermMemory) -> Iterator[Desk]:
    for info in memory.conversations("local"):
        memory.forget("local", info.id)
    made = Desk(tmp_path, memory)
    yield made
    made.knowledge.close()


@pytest.fixture
def page(desk: Desk) -> Page:
    opened = Page(desk.chat, "s1")
    opened.open("")
    return opened


def test_a_turn_streams_and_ends(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    assert page.busy
    assert page.composer == ""
    assert page.conversation_id
    assert page.choices == [("极光多重？", page.conversation_id)]
    watching = page.follow()
    desk.say(events.Step("retrieve", 0.1))
    page.wait(lambda page: "检索知识库" in page.text)
    desk.say(events.Token("两"))
    page.wait(lambda page: page.messages[-1]["content"] == "两")
    desk.say(events.Done("", "两千克。", False))
    watching.join(10)
    assert "两千克。" in page.text
    assert not page.busy
    assert desk.conversation.asked == [(page.conversation_id, "极光多重？", "", "")]


@pytest.mark.parametrize("question", ["", "  \n "])
def test_an_empty_question_does_nothing(desk: Desk, page: Page, question: str) -> None:
    frame = desk.chat.ask(question, "", page.request)
    assert all(change == SKIP for change in frame)
    assert desk.conversation.asked == []
    (shown,) = frames_of(desk.chat, page)
    assert list(shown) == [SKIP] * len(Frame._fields)


def test_a_follow_up_stays_in_the_conversation(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    first = page.conversation_id
    desk.answer(page, "它多长？", "一米。")
    assert page.conversation_id == first
    assert page.text.index("两千克。") < page.text.index("它多长？") < page.text.index("一米。")


def test_a_fault_is_shown_as_one_and_can_be_tried_again(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    desk.say(events.Error("model", "模型没有响应。"))
    page.follow().join(10)
    assert '<div class="error" role="alert">' in page.text
    assert not page.busy
    assert page.chosen == page.conversation_id, "it stays in the list though it isn't stored"
    page.retry()
    assert "模型没有响应。" not in page.text
    desk.say(events.Done("", "两千克。", False))
    page.follow().join(10)
    assert "两千克。" in page.text
    assert [replaces for _, _, replaces, _ in desk.conversation.asked] == ["", ""]


def test_retry_replaces_the_last_answer(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    desk.answer(page, "它多长？", "一米。")
    page.retry()
    assert "一米。" not in page.text
    desk.say(events.Done("", "两米。", False))
    page.follow().join(10)
    assert "两千克。" in page.text
    assert page.text.count("它多长？") == 1
    page.open(page.conversation_id)
    assert "两米。" in page.text
    assert "一米。" not in page.text


def edit_event(page: Page, question: str, to: str) -> Any:
    asked = [(m["role"], m["content"]) for m in page.messages]
    return SimpleNamespace(index=asked.index(("user", question)), value=to)


def test_an_edited_question_takes_up_the_conversation_where_it_was(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    desk.answer(page, "它多长？", "一米。")
    event = edit_event(page, "极光多重？", "星尘多重？")
    page.see(desk.chat.edit(event, page.conversation_id, page.request))
    assert "它多长？" not in page.text and "极光" not in page.text
    desk.say(events.Done("", "三千克。", False))
    page.follow().join(10)
    page.open(page.conversation_id)
    assert "三千克。" in page.text
    assert "极光" not in page.text and "它多长？" not in page.text


def test_what_is_edited_is_what_was_typed(desk: Desk, page: Page) -> None:
    desk.answer(page, "若 a < b & `x<y`？", "好。")
    event = SimpleNamespace(index=0, value=page.messages[0]["content"] + "呢")
    page.see(desk.chat.edit(cast(Any, event), page.conversation_id, page.request))
    desk.say(events.Done("", "好。", False))
    page.follow().join(10)
    assert desk.conversation.asked[-1][1] == "若 a < b & `x<y`？呢"


def test_a_running_turn_is_not_edited(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    event = edit_event(page, "极光多重？", "星尘多重？")
    page.see(desk.chat.edit(event, page.conversation_id, page.request))
    assert "极光多重？" in page.text and page.busy
    desk.say(events.Done("", "两千克。", False))
    page.follow().join(10)


def test_what_was_searched_can_be_changed_and_searched_again(desk: Desk, page: Page) -> None:
    page.ask("它多长？")
    rewrite = events.Rewrite("它多长？", "极光多长？", True, "model")
    desk.say(rewrite, events.Done("", "一米。", False))
    page.follow().join(10)
    assert page.searched == "极光多长？"
    page.see(desk.chat.search_again("星尘多长？", page.conversation_id, page.request))
    desk.say(events.Done("", "两米。", False))
    page.follow().join(10)
    assert page.text.count("它多长？") == 1
    assert desk.conversation.asked[-1][3] == "星尘多长？"


@pytest.mark.parametrize("searched", ["", "  "])
def test_nothing_is_not_searched_again(desk: Desk, page: Page, searched: str) -> None:
    with pytest.warns(UserWarning, match="请先写下要检索的问题"):
        frame = desk.chat.search_again(searched, "", page.request)
    assert all(change == SKIP for change in frame)


def test_choices_are_kept_in_the_conversation(desk: Desk, page: Page) -> None:
    page.ask("我的显卡呢？")
    used = events.Memory("我用 H20", "c", 0.0, id="f/1", kind="fact")
    desk.say(used, events.Done("", "好。", False))
    page.follow().join(10)
    assert page.memories == {"f/1": True}
    desk.chat.search.choose(False, True, [], ["/a.md"], page.conversation_id, page.request)
    kept = Choices(rewriting=False, without=frozenset({"f/1"}), only=frozenset({"/a.md"}))
    assert desk.memory.open("local", page.conversation_id).choices == kept
    desk.answer(page, "那它呢？", "好。")
    assert desk.conversation.choices[-1] == kept
    other = Page(desk.chat, "s2")
    other.open(page.conversation_id)
    desk.answer(other, "还有呢？", "好。")
    assert desk.conversation.choices[-1] == kept
    other.open("")
    desk.answer(other, "新的呢？", "好。")
    assert desk.conversation.choices[-1] == Choices()


def test_choices_made_before_the_first_question_hold_for_it(desk: Desk, page: Page) -> None:
    desk.chat.search.choose(False, False, [], [], "", page.request)
    desk.answer(page, "极光多重？", "两千克。")
    assert desk.conversation.choices == [Choices(rewriting=False, memory=False)]


@pytest.mark.parametrize(("do", "rating"), [("good", 1), ("bad", -1)])
def test_a_rating_is_kept_with_its_turn_and_can_be_withdrawn(
    desk: Desk, page: Page, do: str, rating: int
) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    (turn_id,) = page.buttons("copy")
    page.mark(do, turn_id)
    assert the_turn(desk, page).rating == rating
    assert f'class="icon {do} on"' in page.text
    assert ("哪里不好" in page.text) == (do == "bad")
    page.mark(do, turn_id)
    assert the_turn(desk, page).rating == 0
    assert "哪里不好" not in page.text


def test_a_bad_rating_may_have_a_reason(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    (turn_id,) = page.buttons("copy")
    page.mark("bad", turn_id)
    assert f"{turn_id} wrong" in page.buttons("reason")
    page.mark("reason", f"{turn_id} wrong")
    assert (the_turn(desk, page).rating, the_turn(desk, page).reason) == (-1, "wrong")
    assert "哪里不好" not in page.text
    page.mark("own_reason", turn_id, "  重量\n不对 \u202e" + "x" * 400)
    assert the_turn(desk, page).reason == ("重量 不对 " + "x" * 400)[:300]
    for do, id in (("reason", f"{turn_id} nonsense"), ("reason", "nosuch wrong"), ("bad", "x")):
        page.mark(do, id)
    assert the_turn(desk, page).reason.startswith("重量")


def the_turn(desk: Desk, page: Page) -> Turn:
    (turn,) = desk.memory.turns("local", page.conversation_id)
    return turn


def test_retry_of_nothing_does_nothing(desk: Desk, page: Page) -> None:
    page.retry()
    assert page.messages == [] and desk.conversation.asked == []


def test_stop_ends_the_turn_early(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    watching = page.follow()
    desk.say(events.Token("两"))
    page.wait(lambda page: "两" in page.messages[-1]["content"])
    assert not desk.chat.stop(page.request)["stop_btn"]
    desk.say(events.Done("", "两", False))
    watching.join(10)
    assert 'class="stopped"' in page.text


def test_a_reloaded_page_attaches_to_the_running_turn(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    page.ask("它多长？")
    first = page.follow()
    desk.say(events.Token("一"))
    page.wait(lambda page: page.messages[-1]["content"] == "一")
    again = Page(desk.chat, "s2")
    again.request.query_params["c"] = page.conversation_id
    again.see(desk.chat.open_from_url(again.request))
    assert again.busy
    assert "它多长？" in again.text
    watching = again.follow()
    again.wait(lambda page: page.messages[-1]["content"] == "一")
    desk.say(events.Done("", "一米。", False))
    for thread in (watching, first):
        thread.join(10)
    assert "两千克。" in again.text
    assert again.messages[-2]["content"] == "一米。"
    assert not again.busy


def test_a_turn_that_is_stored_while_it_ends_is_shown_once(
    desk: Desk, page: Page, memory: LongTermMemory
) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    page.ask("它多长？")
    id = desk.conversation._store("local", page.conversation_id, "它多长？", "一米。", "")
    again = Page(desk.chat, "s2")
    again.open(page.conversation_id)
    assert [message["content"] for message in again.messages].count("它多长？") == 1
    assert again.busy
    desk.say(events.Error("model", "结束"))
    page.follow().join(10)
    assert id in memory.all_turns("local", page.conversation_id)


def test_a_question_asked_while_the_page_loads_is_kept(desk: Desk) -> None:
    page = Page(desk.chat, "s1")
    page.ask("极光多重？")
    page.see(desk.chat.open_from_url(page.request))
    assert page.busy
    assert "极光多重？" in page.text
    desk.say(events.Done("", "两千克。", False))
    page.follow().join(10)
    assert "两千克。" in page.text


def test_a_turn_goes_on_when_its_page_is_closed(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    desk.say(events.Token("两"))
    asyncio.run(first_frame(desk.chat, page))
    desk.say(events.Done("", "两千克。", False))
    Page.wait(page, lambda page: desk.turns.current("local", page.conversation_id) is None)
    page.open(page.conversation_id)
    assert "两千克。" in page.text


async def first_frame(chat: Chat, page: Page) -> None:
    stream = chat.follow(page.request)
    await anext(stream)
    await cast(Any, stream).aclose()


def test_a_page_that_went_elsewhere_is_left_alone(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    first = page.conversation_id
    watching = page.follow()
    desk.say(events.Token("两"))
    page.wait(lambda page: page.messages[-1]["content"] == "两")
    page.see(desk.chat.new(page.request))
    assert page.messages == []
    assert not page.busy
    assert (page.chosen, page.choices) == (None, [("极光多重？", first)])
    desk.say(events.Step("answer", 1.0))
    watching.join(10)
    assert not watching.is_alive()
    assert page.messages == [], "a frame that came late is put right"
    desk.say(events.Done("", "两千克。", False))
    Page.wait(page, lambda page: desk.turns.current("local", first) is None)
    page.open(first)
    assert "两千克。" in page.text


def test_a_conversation_answers_one_question_at_a_time(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    other = Page(desk.chat, "s2")
    other.open(page.conversation_id)
    with pytest.warns(UserWarning, match="还在回答"):
        other.ask("它多长？")
    assert len(desk.conversation.asked) == 1
    desk.say(events.Done("", "两千克。", False))
    other.follow().join(10)
    assert "两千克。" in other.text


def test_conversations_are_listed_newest_first_and_opened(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    first = page.conversation_id
    page.see(desk.chat.new(page.request))
    assert page.conversation_id == ""
    desk.answer(page, "青禾是什么？", "水稻。")
    assert [title for title, _ in page.choices] == ["青禾是什么？", "极光多重？"]
    assert page.chosen == page.conversation_id
    page.open(first)
    assert "两千克。" in page.text
    assert "水稻" not in page.text


def test_a_page_outlives_a_restart_of_the_app(desk: Desk, page: Page, tmp_path: Path) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    restarted = Desk(tmp_path / "again", desk.memory)
    page.chat = restarted.chat
    restarted.answer(page, "它多长？", "一米。")
    assert "两千克。" in page.text
    assert "一米。" in page.text
    restarted.knowledge.close()


@pytest.mark.parametrize("name", ["nosuch", "../../x", "a b", "x" * 65, "a\n", "rag:1:{wang}:t:1"])
def test_an_unknown_conversation_is_a_new_one(desk: Desk, page: Page, name: str) -> None:
    page.open(name)
    assert (page.conversation_id, page.messages, page.chosen) == ("", [], None)


def test_a_deletion_can_be_taken_back(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    id = page.conversation_id
    page.act("delete", id)
    assert (page.conversation_id, page.messages, page.choices) == ("", [], [])
    assert f'<div class="undo" role="status" data-id="{id}"' in page.listed
    again = Page(desk.chat, "s2")
    again.open("")
    assert 'class="undo"' in again.listed, "after a reload, too"
    page.act("undo", id)
    assert page.conversation_id == id and "两千克。" in page.text
    assert page.chosen == id and "undo" not in page.listed


def test_a_deletion_is_final_at_the_end_of_the_app(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    id = page.conversation_id
    page.act("delete", id)
    desk.chat.close()
    assert desk.memory.conversations("local") == []
    assert desk.memory.all_turns("local", id) == {}
    with pytest.warns(UserWarning, match="已经彻底删除"):
        page.act("undo", id)


def test_asking_in_a_deleted_conversation_lets_it_live(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    other = Page(desk.chat, "s2")
    other.open(page.conversation_id)
    page.act("delete", page.conversation_id)
    desk.answer(other, "它多长？", "一米。")
    desk.chat.close()
    assert "两千克。" in other.text
    assert [info.title for info in desk.memory.conversations("local")] == ["极光多重？"]


def test_a_conversation_that_answers_is_not_deleted(desk: Desk, page: Page) -> None:
    page.ask("极光多重？")
    with pytest.warns(UserWarning, match="还在回答"):
        page.act("delete", page.conversation_id)
    desk.say(events.Done("", "两千克。", False))
    page.follow().join(10)
    assert [info.title for info in desk.memory.conversations("local")] == ["极光多重？"]


def test_a_conversation_is_renamed_and_pinned(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    id = page.conversation_id
    page.see(desk.chat.new(page.request))
    desk.answer(page, "青禾是什么？", "水稻。")
    page.act("rename", id, "  重量\n<b>\u202e ")
    assert ("重量 &lt;b&gt;", id) in page.choices
    page.act("rename", id, "  ")
    page.act("pin", id)
    assert page.choices[0] == ("重量 &lt;b&gt;", id) and "置顶</h3>" in page.listed
    page.act("unpin", id)
    assert page.choices[1] == ("重量 &lt;b&gt;", id)
    for do in ("rename", "pin", "delete"):
        with pytest.warns(UserWarning, match="没有这个对话"):
            page.act(do, "nosuch", "x")
    page.act("nonsense", id)


def test_conversations_are_searched_by_what_was_said(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两<b>千克。")
    page.see(desk.chat.new(page.request))
    desk.answer(page, "青禾是什么？", "水稻。")
    page.listed = desk.chat.find("千克", page.conversation_id, page.request)
    assert [title for title, _ in page.choices] == ["极光多重？"]
    assert "两&lt;b&gt;<mark>千克</mark>" in page.listed
    page.open(page.conversation_id)
    assert [title for title, _ in page.choices] == ["极光多重？"], "the search stays"
    page.listed = desk.chat.find("<nothing>", page.conversation_id, page.request)
    assert page.choices == [] and "没有找到“&lt;nothing&gt;”" in page.listed
    page.listed = desk.chat.find(" ", page.conversation_id, page.request)
    assert len(page.choices) == 2


def test_only_what_changed_is_drawn_again(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    id = page.conversation_id
    again = desk.chat.act(
        cast(Any, SimpleNamespace(do="refresh", id="", value="")), id, page.request
    )
    assert [name for name, one in zip(Frame._fields, again, strict=True) if one != SKIP] == [
        "conversations"
    ]
    redrawn = desk.chat._frames.draw(desk.chat._screen(id, page.request), page.request)
    assert isinstance(redrawn.messages, list)
    assert redrawn.rewriting == redrawn.only == redrawn.searched == SKIP
    desk.chat.search.choose(False, True, [], [], id, page.request)
    other = desk.chat.new(page.request)
    assert other.rewriting["value"] is True, "another conversation is drawn as a whole"
    opened = desk.chat.open(id, page.request)
    assert opened.rewriting["value"] is False


@pytest.mark.parametrize("allowed", [False, True])
def test_a_conversation_is_shared_only_where_that_is_allowed(
    desk: Desk, page: Page, allowed: bool
) -> None:
    desk.chat.talks._can_share = allowed
    desk.answer(page, "极光多重？", "两千克。")
    id = page.conversation_id
    assert ('data-do="share"' in page.listed) == allowed
    page.act("share", id)
    assert ("/shared/" in page.listed) == allowed
    assert bool(desk.memory.list.shared("local")) == allowed
    page.act("unshare", id)
    assert "/shared/" not in page.listed and desk.memory.list.shared("local") == {}


def test_the_list_grows_on_demand(desk: Desk, page: Page, monkeypatch: Any) -> None:
    monkeypatch.setattr("assistant.ui.chat_list.SHOWN", 1)
    for question in ("甲是什么？", "乙是什么？"):
        page.see(desk.chat.new(page.request))
        desk.answer(page, question, "好。")
    desk.chat.talks._looks.put("s1", Look(shown=1))
    page.act("refresh")
    assert [title for title, _ in page.choices] == ["乙是什么？"]
    page.act("more")
    assert len(page.choices) == 2 and 'data-do="more"' not in page.listed


def test_versions_of_a_turn_can_be_looked_at(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    desk.answer(page, "它多长？", "一米。")
    first, _ = page.buttons("copy")
    page.see(
        desk.chat.edit(
            edit_event(page, "极光多重？", "星尘多重？"), page.conversation_id, page.request
        )
    )
    desk.say(events.Done("", "三千克。", False))
    page.follow().join(10)
    assert ">2/2</span>" in page.text
    assert page.buttons("version") == [first]
    page.mark("version", first)
    assert ">1/2</span>" in page.text
    assert "两千克。" in page.text and "一米。" in page.text and "星尘" not in page.text
    desk.answer(page, "还有呢？", "没有了。")
    page.open(page.conversation_id)
    assert page.text.index("一米。") < page.text.index("没有了。"), "one goes on from there"
    page.mark("version", "nosuch")
    assert "没有了。" in page.text


def test_what_was_broken_off_is_shown_and_can_be_asked_again(
    desk: Desk, page: Page, tmp_path: Path
) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    page.ask("它多长？")
    id = page.conversation_id
    restarted = Desk(tmp_path / "again", desk.memory)
    late = Page(restarted.chat, "s2")
    late.open(id)
    assert "两千克。" in late.text and "它多长？" in late.text
    assert "这个问题没有得到回答" in late.text and not late.busy
    late.retry()
    restarted.say(events.Done("", "一米。", False))
    late.follow().join(10)
    assert "一米。" in late.text and "没有得到回答" not in late.text
    late.open(id)
    assert late.text.count("它多长？") == 1
    restarted.knowledge.close()
    desk.say(events.Error("model", "x"))
    page.follow().join(10)


def test_a_first_question_that_was_broken_off_is_in_the_list(desk: Desk, page: Page) -> None:
    desk.memory.list.begin("local", "c1", Begun("极光多重？", time.time()))
    page.open("c1")
    assert page.choices == [("极光多重？", "c1")] and "回答中断" in page.listed
    assert "没有得到回答" in page.text
    page.act("delete", "c1")
    desk.chat.close()
    page.open("c1")
    assert page.messages == [] and page.choices == []


def test_an_edit_that_was_broken_off_replaces_what_it_was_to(desk: Desk, page: Page) -> None:
    desk.answer(page, "极光多重？", "两千克。")
    (first,) = page.buttons("copy")
    desk.memory.list.begin(
        "local", page.conversation_id, Begun("星尘多重？", time.time() + 1, replaces=first)
    )
    page.open(page.conversation_id)
    assert "极光" not in page.text and "星尘多重？" in page.text
    page.retry()
    desk.say(events.Done("", "三千克。", False))
    page.follow().join(10)
    assert desk.conversation.asked[-1][2] == first


def test_questions_to_ask_next_come_from_the_document(desk: Desk, page: Page) -> None:
    chunks = [NewChunk("两千克。", ("规格",)), NewChunk("三年。", ("保修",))]
    desk.knowledge.add_embedded("/a.md", "手册", "md", 1, "h", chunks, vectors_of(chunks))
    (source,) = desk.knowledge.sources()
    id = desk.knowledge.chunks(source.id)[0].id
    page.ask("极光多重？")
    cited = events.Source(1, id, "手册", "规格", "两千克。", 0.5, "/source/1#chunk-0")
    desk.say(cited, events.Revise("两千克[1]。", (1,)), events.Done("", "两千克[1]。", False))
    page.follow().join(10)
    assert [option["value"] for option in page.messages[-1]["options"]] == [
        "《手册》中关于“保修”是怎么说的？"
    ]
    event = cast(Any, SimpleNamespace(value="《手册》中关于“保修”是怎么说的？"))
    page.see(desk.chat.ask_next(event, page.conversation_id, page.request))
    assert desk.conversation.asked[-1][1] == event.value
    assert "options" not in page.messages[-1]
    desk.say(events.Done("", "三年。", True))
    page.follow().join(10)
    assert "options" not in page.messages[-1], "nothing after a refusal"


def test_choosing_while_it_answers_leaves_the_stream(desk: Desk) -> None:
    page = Page(desk.chat, "s1")
    page.ask("极光多重？")
    watching = page.follow()
    desk.say(events.Token("两千"))
    page.wait(lambda page: "两千" in page.text)
    id, request = page.conversation_id, page.request
    desk.chat.search.choose(False, True, [], [], id, request)
    desk.chat.model.choose("b|c", id, request)
    desk.say(events.Token("克。"))
    page.wait(lambda page: "两千克。" in page.text)
    desk.say(events.Done("", "两千克。", False))
    watching.join(10)
    assert not page.busy and "两千克。" in page.text
    desk.answer(page, "多长？", "一米。")
    assert not desk.conversation.choices[-1].rewriting and desk.conversation.models[-1] == "b|c"


def test_the_welcome_says_when_the_knowledge_base_is_empty(desk: Desk) -> None:
    page = Page(desk.chat, "s1", "en")
    empty = desk.chat.open("", page.request).messages
    assert "still empty" in empty["placeholder"]
    assert empty["examples"] == []
    arriving = [True]
    desk.conversation.arrivals.ask(lambda name: arriving[0])
    other = Page(desk.chat, "s2", "en")
    assert desk.chat.open("", other.request).messages["examples"], "a question waits for them"
    arriving[0] = False
    chunks = [NewChunk("text")]
    desk.knowledge.add_embedded("/a.md", "a", "md", 1, "h", chunks, vectors_of(chunks))
    filled = desk.chat.open("", page.request).messages
    assert "still empty" not in filled["placeholder"]
    assert filled["examples"][0] == {"text": "How do I add documents?"}


def test_without_redis_the_page_works_and_says_why(tmp_path: Path) -> None:
    desk = Desk(tmp_path, LongTermMemory(lambda: f"unix://{tmp_path}/none.sock"))
    page = Page(desk.chat, "s1")
    page.open("")
    assert page.choices == []
    page.ask("极光多重？")
    desk.say(events.Notice("memory", "长期记忆暂不可用。"), events.Error("model", "不通。"))
    page.follow().join(10)
    assert "长期记忆暂不可用。" in page.text
    with pytest.warns(UserWarning, match="长期记忆暂不可用"):
        page.open("abc")
    desk.knowledge.close()


def test_a_question_that_is_too_long_is_not_begun(desk: Desk, page: Page) -> None:
    """It stays in the composer; in place of another it leaves that one as it was."""
    with pytest.warns(UserWarning, match="问题有 8001 个字符"):
        page.ask("长" * 8001)
    assert page.composer == "长" * 8001
    assert not page.busy and not page.messages and not page.conversation_id
    desk.answer(page, "极光多重？", "两千克。")
    asked = page.messages[0]["content"]
    event = cast(Any, SimpleNamespace(index=0, value="长" * 8001))
    page.messages = []
    with pytest.warns(UserWarning, match="问题有 8001 个字符"):
        page.see(page.chat.edit(event, page.conversation_id, page.request))
    assert page.messages[0]["content"] == asked

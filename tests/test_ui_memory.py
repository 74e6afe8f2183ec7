"""The memory page: its handlers over a real Redis, and all of it in a real browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from assistant import events
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Fact, Said, Turn, Version, text_parts
from assistant.memory.withdrawal import FactChanges
from assistant.turns import RunningTurn, Turns
from assistant.ui.memory import FACTS, TALKS, MemoryPage, Shown, View
from assistant.ui.memory_clicks import Done, MemoryClicks
from assistant.ui.memory_export import MemoryExport
from assistant.ui.memory_overview import Keeping, overview_html
from assistant.ui.memory_words import LONGEST, cleaned, is_same, marked, matches, version
from assistant.ui.visitor import Visitors, WebRequest
from tests.queued_conversation import QueuedConversation
from tests.redis_servers import RedisServer
from tests.test_ui_rendering import EVIL, Tags

H20 = Fact("h20", "fact", "我们的服务器是一块 96 GB 的 H20。", (Said("c1", "t1", 300.0),), 300.0)
CAT = Fact("cat", "fact", "我家有两只猫。", (Said("c2", "t2", 200.0),), 200.0)
CODE = Fact("code", "preference", "Answer with code.", (Said("c2", "t2", 100.0),), 100.0, True)
TAGS = {
    *("div", "section", "header", "h2", "h3", "p", "span", "b", "i", "small", "mark", "a", "dl"),
    *("dt", "dd", "ul", "li", "details", "summary", "button", "template", "textarea"),
}
SKIPPED = {"__type__": "update"}
#: What the test's vectors are made of: texts with the same word mean the same.
MEANINGS = (("猫", "宠物"), ("H20", "显卡"), ("code", "代码"))


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    rows = [[1.0 * any(word in text for word in words) for words in MEANINGS] for text in texts]
    vectors = np.array([[*row, 0.1] for row in rows], dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


class Users(Visitors):
    """Tells users apart, as a login would."""

    def of(self, request: WebRequest) -> tuple[str, str]:
        return request.headers["user"], self.language(request)


def request(user: str = "wang", language: str = "zh") -> Any:
    return SimpleNamespace(headers={"user": user, "accept-language": language}, session_hash="s")


@dataclass
class Desk:
    """The page of several users over one memory."""

    memory: LongTermMemory
    server: RedisServer

    def __post_init__(self) -> None:
        users = Users("auto")
        self.page = MemoryPage(self.memory, embed, users, Keeping(True, 0, 20000, 500))
        self.conversation = QueuedConversation(self.memory)
        self.turns = Turns(cast(Any, self.conversation))
        self.clicks = MemoryClicks(self.memory, self.turns, users)
        app = FastAPI()
        app.include_router(MemoryExport(self.memory, users).router())
        self.web = TestClient(app)

    def remember(self, *facts: Fact, user: str = "wang") -> None:
        self.memory.update_facts(user, lambda _: FactChanges(facts))

    def talk(self, id: str, *questions: str, at: float = 1.0, user: str = "wang") -> None:
        for n, question in enumerate(questions):
            turn = Turn(f"{id}-{n}", text_parts(question), "好。", question, at + n)
            self.memory.add(user, id, turn, embed([question])[0], text=question)

    def fail(self, turn: RunningTurn) -> None:
        """The end of a turn of which nothing is stored."""
        self.conversation.queue.put(events.Error("model", "No."))
        assert list(turn.events())

    def see(self, query: str = "", kind: str = "all", **more: Any) -> Shown:
        seen, view = more.pop("seen", None), more.pop("view", View())
        return self.page.refresh(view, query, kind, seen, request(**more))

    def words(self, query: str = "", kind: str = "all", **more: Any) -> list[str]:
        """The memories that the page lists, in order."""
        return re.findall(
            r'class="words" dir="auto">(.*?)</p>', plain(self.see(query, kind, **more).facts)
        )

    def titles(self, query: str = "", **more: Any) -> list[str]:
        shown = self.see(query, **more).talks
        return re.findall(r'class="title"[^>]*>(.*?)</a>', shown)

    def click(self, do: str, id: str = "", value: str = "", **more: Any) -> Done:
        """``saw`` is what the page showed of the memory: what it says, unless it is told."""
        known = {fact.id: fact.text for fact in self.memory.facts(more.get("user", "wang"))}
        saw = more.pop("saw", known.get(id, ""))
        view = more.pop("view", View())
        event = SimpleNamespace(do=do, id=id, value=value, version=version(saw))
        return self.clicks.act(view, cast(Any, event), request(**more))

    def facts(self, user: str = "wang") -> dict[str, Fact]:
        return {fact.id: fact for fact in self.memory.facts(user)}


def plain(content: str) -> str:
    return re.sub("</?mark>", "", content)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path_factory.mktemp("r"), "--appendonly", "yes")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def desk(server: RedisServer) -> Iterator[Desk]:
    if server.process is None:
        server.start()
    with server.client() as client:
        client.flushall()
    memory = LongTermMemory(lambda: server.url, embed=embed)
    yield Desk(memory, server)
    memory.close()


def test_memories_are_listed_with_where_they_come_from(desk: Desk) -> None:
    before = Version("我们有两块 A100。", (Said("c0", "t0", 50.0),), 300.0)
    twice = replace(H20, said=(*H20.said, Said("c/ 3", "t3", 301.0)), history=(before,))
    own = Fact("own", "fact", "项目叫星河。", (), 150.0)
    desk.remember(twice, CAT, CODE, own)
    assert desk.words() == [CODE.text, H20.text, CAT.text, own.text]
    shown = desk.see().facts
    assert "已置顶" in shown and shown.count("以前的说法（1）") == 1
    assert "我们有两块 A100。" in shown
    assert 'href="/?c=c%2F%203"' in shown and 'href="/?c=c1"' in shown
    assert f"您于 {time.strftime('%Y-%m-%d %H:%M', time.localtime(150))} 在本页写下" in shown
    assert "4 条" in shown
    assert "About you" in desk.see(language="en").facts


def test_memories_are_found_by_word_by_kind_and_by_meaning(desk: Desk) -> None:
    desk.remember(H20, CAT, CODE)
    desk.talk("c1", "怎么养猫？")
    desk.talk("c2", "怎么部署？", at=9.0)
    assert desk.words("ｈ20 服务器") == [H20.text]
    assert "<mark>H20</mark>" in desk.see("h20").facts
    assert desk.words("", "preference") == [CODE.text]
    assert desk.words("H20", "preference") == []
    assert desk.titles("部署") == ["怎么部署？"]
    assert desk.words("宠物") == []
    assert "按回车" in desk.see("宠物").facts
    view = desk.page.find(View(), " 宠物 ", request())
    assert desk.words("宠物", view=view) == [CAT.text]
    shown = desk.see("宠物", view=view)
    assert "意思相近" in shown.facts
    assert "问过：怎么养猫？" in shown.talks
    assert desk.titles("宠物", view=view) == ["怎么养猫？"]
    assert desk.words("宠", view=view) == [], "another question was not asked yet"
    assert desk.page.find(view, "", request()) == View()


def test_a_memory_is_edited_pinned_and_deleted(desk: Desk) -> None:
    desk.remember(H20, CAT)
    desk.click("save", "cat", " 我家有三只猫。\u202e\0 ")
    assert desk.facts()["cat"].text == "我家有三只猫。"
    assert desk.words()[0] == "我家有三只猫。"
    assert "我家有两只猫。" in desk.see().facts
    desk.click("pin", "h20")
    assert desk.words()[0] == H20.text
    desk.click("unpin", "h20")
    assert desk.words()[1] == H20.text
    desk.click("delete", "h20")
    assert list(desk.facts()) == ["cat"]
    desk.click("format", "cat")
    assert desk.click("save", "cat", "我家有三只猫。") == desk.click("refresh")


def test_a_click_that_comes_too_late_changes_nothing_and_says_so(desk: Desk) -> None:
    desk.remember(H20, CAT, CODE)
    desk.click("save", "cat", "猫送人了。")
    with pytest.warns(UserWarning, match="猫送人了"):
        done = desk.click("save", "cat", "我家有三只猫。", saw=CAT.text)
    assert done.draft == SKIPPED
    with pytest.warns(UserWarning, match="在别处改过"):
        desk.click("delete", "cat", saw=CAT.text)
    assert desk.facts()["cat"].text == "猫送人了。"
    desk.click("save", "cat", "我家有三只猫。")
    assert desk.facts()["cat"].text == "我家有三只猫。", "saved again, it was meant"
    desk.click("delete", "h20")
    desk.click("delete", "h20")
    with pytest.warns(UserWarning, match="在别处删除"):
        desk.click("pin", "h20")
    for do in ("save", "orphan"):
        with pytest.warns(UserWarning, match="写一条记忆"):
            done = desk.click(do, "h20", "我们有两块 H20。", saw=H20.text)
        assert done.draft == "我们有两块 H20。"
        assert done.form["visible"] is True
    assert desk.click("orphan", "code", "typed").draft == SKIPPED
    assert list(desk.facts()) == ["code", "cat"]


def test_a_memory_of_ones_own(desk: Desk) -> None:
    desk.remember(H20)
    draft, form = desk.clicks.add("  请先说结论。\r\n再解释\u200b ", "preference", request())
    assert (draft, form["visible"]) == ("", False)
    (own,) = [fact for fact in desk.facts().values() if fact.id != "h20"]
    assert (own.text, own.kind, own.said) == ("请先说结论。\n再解释", "preference", ())
    assert own.updated == pytest.approx(time.time(), abs=60)
    assert desk.clicks.add("请先说结论。 再解释", "fact", request())[0] == ""
    assert len(desk.facts()) == 2
    for typed, said in ((" \u202e", "先写下"), ("长" * (LONGEST + 1), "1001 字")):
        with pytest.warns(UserWarning, match=said):
            assert desk.clicks.add(typed, "fact", request()) == (SKIPPED, SKIPPED)
        with pytest.warns(UserWarning, match=said):
            desk.click("save", "h20", typed)
    desk.clicks.add("x", "secret", request())
    assert len(desk.facts()) == 2


def test_a_conversation_is_forgotten_with_what_was_said_only_there(desk: Desk) -> None:
    before = Version("我有一只猫。", (Said("c1", "t0", 50.0),), 60.0)
    desk.remember(H20, replace(CAT, history=(before,)), CODE)
    desk.talk("c1", "怎么部署？", "那第二个呢？")
    desk.talk("c2", "怎么养猫？", at=5.0)
    assert desk.titles() == ["怎么养猫？", "怎么部署？"]
    shown = desk.see().talks
    assert "（2 轮）会全部删除，连同只在这里说过的 1 条记忆。无法恢复" in shown
    assert "（1 轮）会全部删除，连同只在这里说过的 1 条记忆；另有 1 条记忆会退回" in shown
    answering = desk.turns.start("wang", "c2", "那狗呢？")
    with pytest.warns(UserWarning, match="还在回答"):
        desk.click("forget", "c2")
    desk.fail(answering)
    desk.click("forget", "c2")
    assert desk.titles() == ["怎么部署？"]
    assert {fact.text for fact in desk.facts().values()} == {H20.text, "我有一只猫。"}
    assert "养猫".encode() not in desk.server.everything()


def test_everything_is_forgotten_only_where_the_word_was_typed(desk: Desk) -> None:
    desk.remember(H20, CAT)
    desk.remember(CODE, user="li")
    desk.talk("c1", "怎么部署？")
    section, lost, field, button = desk.clicks.ask_to_forget_all(request())
    assert section["visible"] is True
    assert "1 个对话和 2 条记忆" in lost
    assert "全部忘记" in field["label"]
    assert button["interactive"] is False
    assert desk.clicks.check("全部忘")["interactive"] is False
    assert desk.clicks.check(" Forget  Everything ")["interactive"] is True
    assert desk.clicks.forget_all("全部", request()) == SKIPPED
    answering = desk.turns.start("wang", "not stored yet", "你好？")
    with pytest.warns(UserWarning, match="还在回答"):
        assert desk.clicks.forget_all("全部忘记", request()) == SKIPPED
    desk.fail(answering)
    assert len(desk.facts()) == 2
    assert desk.clicks.forget_all("全部忘记", request())["visible"] is False
    assert (desk.facts(), desk.titles()) == ({}, [])
    assert "还没有记住什么" in desk.see().facts
    assert "还没有保存的对话" in desk.see().talks
    assert b"wang" not in desk.server.everything()
    assert list(desk.facts("li")) == ["code"]


def test_nobody_reaches_what_is_another_s(desk: Desk) -> None:
    desk.remember(H20)
    desk.talk("c1", "怎么部署？")
    assert desk.words(user="li") == desk.titles(user="li") == []
    view = desk.page.find(View(), "显卡", request("li"))
    assert view.near == ()
    desk.click("delete", "h20", user="li", saw=H20.text)
    desk.click("forget", "c1", user="li")
    for do in ("pin", "save"):
        with pytest.warns(UserWarning, match="在别处删除"):
            desk.click(do, "h20", "mine", user="li", saw=H20.text)
    desk.click("pause", user="li")
    desk.clicks.forget_all("全部忘记", request("li"))
    assert desk.facts() == {"h20": H20}
    assert desk.titles() == ["怎么部署？"]
    assert desk.memory.paused("wang") is False
    other = desk.web.get("/memory/export", headers={"user": "li"}).json()
    assert other["facts"] == other["conversations"] == []


def test_remembering_is_paused(desk: Desk) -> None:
    assert 'aria-checked="true"' in desk.see().overview
    desk.click("pause")
    assert desk.memory.paused("wang") is True
    shown = desk.see().overview
    assert 'aria-checked="false"' in shown
    assert "已暂停：" in shown
    desk.click("resume")
    assert desk.memory.paused("wang") is False


def test_a_page_says_that_redis_is_away_and_keeps_what_it_shows(desk: Desk) -> None:
    desk.remember(H20)
    desk.talk("c1", "怎么部署？")
    shown = desk.see()
    desk.server.kill()
    away = desk.see(seen=shown.seen)
    assert "REDIS_URL" in away.overview and "断开之前读到的" in away.overview
    assert "switch" not in away.overview
    assert (away.facts, away.talks) == (SKIPPED, SKIPPED)
    assert desk.see(seen=away.seen).overview == SKIPPED
    fresh = desk.see()
    assert "现在读不到记忆" in fresh.facts and "现在读不到记忆" in fresh.talks
    event = SimpleNamespace(id="h20", value="两块", version=version(H20.text))
    for do in ("save", "pin", "delete", "pause", "orphan"):
        event.do = do
        with pytest.warns(UserWarning, match="长期记忆暂不可用"):
            assert desk.clicks.act(View(), cast(Any, event), request()) == Done(*[SKIPPED] * 3)
    for late in (desk.clicks.ask_to_forget_all, lambda it: desk.clicks.forget_all("全部忘记", it)):
        with pytest.warns(UserWarning, match="长期记忆暂不可用"):
            late(request())
    assert desk.clicks.add("我在上海。", "fact", request())[0] == ""
    assert "有 1 条写入在等待" in desk.see().overview
    assert desk.web.get("/memory/export", headers={"user": "wang"}).status_code == 503
    desk.server.start()
    back = desk.see(seen=away.seen)
    assert "banner" not in back.overview
    assert {fact.text for fact in desk.facts().values()} == {H20.text, "我在上海。"}


def test_only_what_changed_is_drawn(desk: Desk) -> None:
    desk.remember(H20)
    desk.talk("c1", "怎么部署？")
    shown = desk.see()
    again = desk.see(seen=shown.seen)
    assert again == Shown(SKIPPED, SKIPPED, SKIPPED, shown.seen)
    desk.click("pin", "h20")
    pinned = desk.see(seen=shown.seen)
    assert (pinned.overview, pinned.talks) == (SKIPPED, SKIPPED)
    assert "已置顶" in pinned.facts


def test_long_lists_are_shown_piece_by_piece(desk: Desk) -> None:
    facts = [replace(CAT, id=f"f{n}", text=f"第 {n} 件事") for n in range(FACTS + 7)]
    desk.remember(*facts)
    for n in range(TALKS + 1):
        desk.talk(f"c{n}", f"第 {n} 个问题")
    assert len(desk.words()) == FACTS
    assert "还有 7 条" in desk.see().facts
    assert len(desk.titles()) == TALKS
    view = desk.click("more_talks", view=desk.click("more_facts").view).view
    assert len(desk.words(view=view)) == FACTS + 7
    assert len(desk.titles(view=view)) == TALKS + 1
    assert 'data-do="more' not in desk.see(view=view).facts + desk.see(view=view).talks
    assert desk.words(f"第 {FACTS + 3} 件") == [f"第 {FACTS + 3} 件事"]


def test_everything_is_exported_to_its_user_alone(desk: Desk) -> None:
    desk.remember(replace(H20, text="半个字\ud83d"))
    desk.talk("c1", "怎么部署？")
    answer = desk.web.get("/memory/export", headers={"user": "wang"})
    assert answer.headers["content-type"] == "application/json"
    assert re.match(r'attachment; filename="memory-\d{4}-\d\d-\d\d\.json"',
                    answer.headers["content-disposition"])  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    everything = json.loads(answer.content)
    assert everything["facts"][0]["text"] == "半个字\ud83d"
    assert everything["conversations"][0]["turns"][0]["standalone"] == "怎么部署？"


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_in_a_memory_is_live(desk: Desk, evil: str) -> None:
    desk.remember(Fact(evil, "fact", evil, (Said(evil, evil, 1e300),), 1.0,
                       history=(Version(evil, (), float("nan")),)))  # fmt: skip
    desk.talk(evil, evil)
    view = View(asked=evil.strip(), near=(evil,), turns={evil: evil})
    for shown in (desk.see(), desk.see(evil, view=view)):
        for content in shown[:3]:
            tags = Tags()
            tags.feed(content)
            for tag, attributes in tags.found:
                assert tag in TAGS, content
                assert not [name for name in attributes if name.startswith("on")], content
                assert re.match(r"/\?c=[\w.%~-]+$", attributes.get("href") or "/?c=x"), content
    assert desk.facts()[evil].text == evil


@pytest.mark.parametrize(
    ("words", "query", "found"),
    [
        ("我用的是一块 H20", "ｈ20 一块", True),
        ("我用的是一块 H20", "h200", False),
        ("Straße", "STRASSE", True),
        ("", "x", False),
        ("任何", "  ", True),
    ],
)
def test_what_a_search_finds(words: str, query: str, found: bool) -> None:
    assert matches(words, query) is found


def test_the_words_of_a_memory() -> None:
    assert marked("a<b>A(", "a <b>") == "<mark>a</mark><mark>&lt;b&gt;</mark><mark>A</mark>("
    assert (
        cleaned("a\x1b[2J\u2066b\u200d \t c\r\n\n d\ud800\ue000\U000e0041") == "a[2Jb\u200d c\n\nd"
    )
    assert is_same("Ｆorget\neverything", "forget everything")
    assert not is_same("", "x")


def test_the_head_says_where_and_how_long() -> None:
    own = overview_html(Keeping(False, 90, 500, 20), True, (), "en")
    assert "REDIS_URL" in own and "90 days" in own and "500 turns" in own
    assert 'role="switch"' not in overview_html(Keeping(True, 0, 1, 1), None, (), "zh")

"""The chat page in a real browser: the list of conversations, what one can do with an answer, and
the keyboard. Conversations are stored as another process would."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Begun, Turn, text_parts
from assistant.settings import Settings
from assistant.ui.texts import text
from tests.browser import App, open_browser, running_app, screenshot, visit
from tests.openai_server import OpenAIServer, openai_server

SECONDS = 20_000.0
DAY = 86400.0


@dataclass
class Desk:
    """A running app, and its memory."""

    app: App
    memory: LongTermMemory
    model: OpenAIServer

    def store(self, id: str, *turns: Turn, ago: float = 0.0) -> None:
        for place, turn in enumerate(turns):
            when = time.time() - ago + place * 0.01
            made = Turn(**{**vars(turn), "time": when})
            self.memory.add("local", id, made, np.ones(384, dtype=np.float32), text=turn.text)

    def page(self, page: Page, id: str = "") -> Page:
        page.set_default_timeout(SECONDS)
        page.goto(f"{self.app.url}/?c={id}" if id else self.app.url)
        first = "#chat [data-testid=user]" if id else "#chat .placeholder-content"
        expect(page.locator(first).first).to_be_visible(timeout=SECONDS)
        page.wait_for_selector("#talks .talks", state="attached")
        return page


def turn(id: str, question: str, answer: str, parent: str = "") -> Turn:
    quote = "极光的重量是两千克。充满电需要90分钟。"
    source = {
        "n": 1, "id": "x", "title": "极光手册", "location": "规格", "quote": quote, "score": 1.0,
        "link": "/source/1?mark=0:0-10#chunk-0", "marks": [[0, 10]],
    }  # fmt: skip
    timings = {"retrieve": 0.1, "answer": 0.3, "first_token": 0.9, "total": 2.0}
    return Turn(
        id, text_parts(question), answer, question, 0.0, sources=(source,), timings=timings,
        parent=parent, kind="answer", tokens={"prompt": 300, "answer": 12}, model="vllm:test",
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with openai_server() as model:
        settings = {
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "CHAT_MODEL": "vllm:test",
            "VLLM_BASE_URL": model.url,
            "GRACE_SECONDS": "5",
        }
        address = RedisAddress(Settings.load(settings, None))
        memory = LongTermMemory(address.url)
        with running_app(**settings) as app:
            assert app.url
            yield Desk(app, memory, model)
        memory.close()
        address.close()


@pytest.fixture(autouse=True)
def empty(desk: Desk) -> None:
    desk.memory.forget_all("local")


def menu(page: Page, title: str, do: str) -> None:
    row = page.locator("#talks .talk", has_text=title)
    row.hover()
    row.locator("summary").click()
    row.locator(f"[data-do={do}]").click()


def test_conversations_are_found_renamed_pinned_and_deleted(browser: Browser, desk: Desk) -> None:
    desk.store("a", turn("t1", "极光多重？", "两千克[1]。"), ago=40 * DAY)
    desk.store("b", turn("t2", "青禾是什么？", "一种水稻。"), ago=DAY)
    desk.store("c", turn("t3", "红壶怎么洗？", "用清水。"))
    with visit(browser) as visitor:
        page = desk.page(visitor.page)
        heads, titles = page.locator("#talks h3"), page.locator("#talks .talk .title")
        expect(heads).to_have_text(["今天", "昨天", re.compile(r"\d+ 年 \d+ 月")])
        menu(page, "极光", "pin")
        expect(heads).to_have_text(["置顶", "今天", "昨天"])
        menu(page, "青禾", "rename")
        page.keyboard.type("水稻的问题")
        page.keyboard.press("Enter")
        expect(titles).to_have_text(["极光多重？", "红壶怎么洗？", "水稻的问题"])
        page.fill("#find-talk input, #find-talk textarea", "清水")
        expect(page.locator("#talks mark")).to_have_text("清水")
        expect(titles).to_have_text("红壶怎么洗？")
        page.locator("#talks .talk > a").click()
        expect(page.locator("#chat")).to_contain_text("用清水。")
        expect(page).to_have_url(re.compile("c=c$"))
        page.fill("#find-talk input, #find-talk textarea", "")
        other = desk.page(visitor.context.new_page(), "b")
        menu(page, "红壶", "delete")
        other.get_by_role("button", name="撤销").click()  # there are ten seconds to do so
        expect(page.locator("#talks .talk")).to_have_count(3)
        expect(page.locator("#chat .placeholder-content")).to_be_visible()
        menu(page, "红壶", "delete")
        page.reload()
        expect(page.locator("#talks .undo")).to_contain_text("红壶怎么洗？")
        screenshot(page, "chat-list")
        page.locator("#talks .undo button").click()
        expect(page.locator("#chat")).to_contain_text("用清水。")


def test_an_answer_tells_its_sources_and_is_rated(browser: Browser, desk: Desk) -> None:
    desk.store("a", turn("t1", "极光多重？", "两千克[1]。"))
    with visit(browser) as visitor:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = desk.page(visitor.page, "a")
        card, link = page.locator("#cite-card"), page.locator("#chat a[href^='/source/']").first
        link.hover()
        expect(card).to_be_visible()
        expect(card.locator("mark")).to_have_text("极光的重量是两千克。")
        screenshot(page, "chat-card")
        page.mouse.move(5, 400)
        expect(card).to_be_hidden()
        link.focus()
        expect(card).to_contain_text("规格")
        expect(link).to_have_attribute("aria-describedby", "cite-card")
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        expect(page.locator("#chat .times")).to_have_text(re.compile("首字 0.9 秒 · 共 2.0 秒"))
        page.get_by_role("button", name="复制回答").click()
        expect(page.locator("#chat .icon.copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith("两千克[1]。")
        page.get_by_role("button", name="没帮助").click()
        page.get_by_role("button", name="内容有误").click()
        expect(page.locator("#chat .why")).to_have_count(0)
        (stored,) = desk.memory.turns("local", "a")
        assert (stored.rating, stored.reason) == (-1, "wrong")


def test_versions_and_what_was_broken_off(browser: Browser, desk: Desk) -> None:
    desk.store("a", turn("t1", "极光多重？", "两千克。"), turn("t2", "极光多重？", "三千克。"))
    desk.memory.list.begin("local", "b", Begun("你好", time.time()))
    with visit(browser, locale="en-US") as visitor:
        page = desk.page(visitor.page, "a")
        count = page.locator("#chat .versions .count")
        expect(count).to_have_text("2/2")
        page.get_by_role("button", name="Earlier version").click()
        expect(count).to_have_text("1/2")
        expect(page.locator("#chat .bot-row")).to_contain_text("两千克。")
        page.locator("#talks .talk", has_text="你好").locator("> a").click()
        expect(page.locator("#chat .stopped")).to_contain_text("This question was not answered")
        desk.model.say("你好，有什么可以帮您？")
        page.get_by_role("button", name="Ask again").click()
        expect(page.locator("#chat .turn-foot .times")).to_be_visible(timeout=SECONDS)
        expect(page.locator("#chat")).to_contain_text("有什么可以帮您")
        expect(page.locator("#chat .user-row")).to_have_count(1)
        expect(page.locator("#talks i.broken")).to_have_count(0)


def test_the_keyboard_and_drafts(browser: Browser, desk: Desk) -> None:
    desk.store("a", turn("t1", "极光多重？", "两千克。"))
    desk.store("b", turn("t2", "青禾是什么？", "一种水稻。"))
    with visit(browser, locale="en-US") as visitor:
        page = desk.page(visitor.page, "a")
        box = page.locator("#composer textarea")
        box.fill("half a question")
        page.keyboard.press("Control+k")
        expect(page.locator("#find-talk input, #find-talk textarea")).to_be_focused()
        links = page.locator("#talks .talk > a")
        links.first.focus()
        page.keyboard.press("ArrowDown")
        expect(links.nth(1)).to_be_focused()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.locator("#chat")).to_contain_text("一种水稻。")
        expect(box).to_have_value("")
        page.keyboard.press("Shift+Escape")
        expect(box).to_be_focused()
        page.keyboard.press("Control+/")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        page.keyboard.press("Escape")
        desk.page(page, "a")
        expect(box).to_have_value("half a question")
        page.keyboard.press("Control+Shift+O")
        expect(page.locator("#chat .placeholder-content")).to_be_visible()
        expect(box).to_have_value("")


def test_drafts_of_another_user_of_this_browser_are_gone(browser: Browser, desk: Desk) -> None:
    with visit(browser, locale="en-US") as visitor:
        page = desk.page(visitor.page)
        box = page.locator("#composer textarea")
        box.fill("mine")
        page.reload()
        expect(box).to_have_value("mine")
        page.evaluate("localStorage.setItem('drafts-of', 'another')")
        page.reload()
        page.wait_for_function("localStorage.getItem('drafts-of') !== 'another'")
        expect(box).to_have_value("")
        assert (
            page.evaluate("Object.keys(localStorage).some((key) => /^draft:/.test(key))") is False
        )


def test_on_a_phone_the_list_is_a_drawer(browser: Browser, desk: Desk) -> None:
    desk.store("a", turn("t1", "How heavy is it?", "Two kilograms[1]. " + "x" * 300))
    with visit(browser, locale="en-US", width=360, dark=True) as visitor:
        page = desk.page(visitor.page)
        expect(page.locator("#side")).to_be_hidden()
        page.click("#show-side")
        expect(page.locator("#find-talk")).to_be_visible()
        screenshot(page, "chat-drawer")
        page.keyboard.press("Escape")
        expect(page.locator("#side")).to_be_hidden()
        page.click("#show-side")
        page.locator("#talks .talk > a").click()
        expect(page.locator("#side")).to_be_hidden()
        expect(page.locator("#chat")).to_contain_text("Two kilograms")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator("#chat a[href^='/source/']").first.focus()
        card = page.locator("#cite-card").bounding_box()
        assert card and card["x"] >= 0 and card["x"] + card["width"] <= 360
        screenshot(page, "chat-phone")


def test_a_question_that_did_not_arrive_is_still_there(browser: Browser, desk: Desk) -> None:
    desk.store("a", turn("t1", "极光多重？", "两千克。"))
    with visit(browser) as visitor:
        page = desk.page(visitor.page, "a")
        box, banner = page.locator("#composer textarea"), page.locator("#notices .banner")
        visitor.context.set_offline(True)
        expect(banner).to_have_text(text("app_away", "zh"))
        box.fill("它多长？")
        box.press("Enter")
        said = page.locator(".toast-body", has_text=text("app_away", "zh"))
        expect(said.locator(".toast-title")).to_have_text("知识库助手")
        with page.expect_event("load"):  # Gradio loads a page anew once its server is back
            visitor.context.set_offline(False)
        expect(box).to_have_value("它多长？")
        expect(banner).to_have_count(0)
        desk.model.say("极光｜极光多长？", "三米。")
        box.press("Enter")
        expect(page.locator("#chat .user-row")).to_have_count(2)
        expect(box).to_have_value("")
        page.reload()
        expect(page.locator("#chat .user-row")).to_have_count(2)
        expect(box).to_have_value("")

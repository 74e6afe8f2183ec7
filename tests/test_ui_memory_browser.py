"""The memory page in a real browser, over a real Redis."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Fact, Said, Turn, Version, text_parts
from assistant.memory.withdrawal import FactChanges
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from tests.browser import App, open_browser, running_app, screenshot, visit
from tests.openai_server import openai_server
from tests.redis_servers import RedisServer
from tests.test_ui_rendering import EVIL

USER = "local"
NOW = time.time()
SECONDS = 20_000.0
LONG = "http://192.168.1.1/" + "a" * 200


@dataclass
class House:
    """The app, its Redis, and a second window on the same memory."""

    app: App
    server: RedisServer
    embeddings: EmbeddingModel
    memory: LongTermMemory
    folder: Path

    def words(self) -> list[str]:
        return [fact.text for fact in self.memory.facts(USER)]

    def remember(self, *facts: Fact) -> None:
        self.memory.update_facts(USER, lambda _: FactChanges(facts))

    def talk(self, id: str, question: str, days: float) -> None:
        turn = Turn(f"{id}-t", text_parts(question), "答案在这里。", question, NOW - days * 86400)
        vector = self.embeddings.embed_private([question])[0]
        self.memory.add(USER, id, turn, vector, text=question)

    def fill(self) -> None:
        """What the tests begin with."""
        if self.server.process is None:
            self.server.start()
        self.memory.forget_all(USER)
        self.remember(
            fact("h20", "我们的服务器是一块 96 GB 的 H20。", "c1", 1),
            fact("cat", "我家有两只猫。", "c2", 2),
            fact("code", "Answer with code.", "c2", 3, kind="preference"),
        )
        self.talk("c1", "怎么部署 vLLM？", 1)
        self.talk("c2", "花生过敏能吃什么坚果？", 2)


def fact(id: str, words: str, conversation: str, days: float, kind: str = "fact") -> Fact:
    when = NOW - days * 86400
    return Fact(id, kind, words, (Said(conversation, f"{conversation}-t", when),), when)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("data")
    server = RedisServer(tmp_path_factory.mktemp("r"), "--appendonly", "yes")
    server.start()
    embeddings = open_embeddings(Settings.load({"DATA_DIR": str(folder)}, None))
    memory = LongTermMemory(
        lambda: server.url, embed=embeddings.embed_questions, model=embeddings.fingerprint
    )
    with openai_server() as model, running_app(
        DATA_DIR=folder,
        REDIS_URL=server.url,
        CHAT_MODEL="vllm:test",
        VLLM_BASE_URL=model.url,
        GRADIO_TEMP_DIR=folder / "gradio",
    ) as app:  # fmt: skip
        yield House(app, server, embeddings, memory, folder)
        memory.close()
        embeddings.close()
        assert app.stop()[0] == 0
        assert "Traceback" not in app.said, app.said
    server.kill()


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:
    house.fill()
    with visit(browser) as visitor:
        open_page(visitor.page, house)
        yield visitor.page


def open_page(page: Page, house: House) -> None:
    page.goto(f"{house.app.url}/memory")
    expect(page.locator(".fact, #memories .empty").first).to_be_visible(timeout=SECONDS)


def row(page: Page, id: str) -> Locator:
    return page.locator(f"[data-id='{id}']")


def save(page: Page, id: str) -> None:
    row(page, id).locator("[data-do=save]").click()


def shows(page: Page, *words: str) -> None:
    """The page lists these memories, in this order."""
    expect(page.locator(".fact .words")).to_have_text(list(words), timeout=SECONDS)


def said(page: Page, words: str) -> None:
    expect(page.locator(".toast-body", has_text=words).first).to_be_visible(timeout=SECONDS)


def test_memories_are_edited_pinned_written_and_deleted(page: Page, house: House) -> None:
    h20, cat, code = house.words()
    shows(page, h20, cat, code)
    row(page, "cat").locator(".words").click()
    editor = row(page, "cat").locator("textarea")
    expect(editor).to_be_focused()
    expect(editor).to_have_value(cat)
    editor.fill("我家有三只猫。")
    editor.press("Control+Enter")
    shows(page, "我家有三只猫。", h20, code)
    expect(row(page, "cat").locator(".edit")).to_be_focused()
    row(page, "cat").locator(".before summary").click()
    expect(row(page, "cat").locator(".before li")).to_contain_text(cat)

    row(page, "code").locator(".pin").focus()
    page.keyboard.press("Enter")
    shows(page, code, "我家有三只猫。", h20)
    expect(row(page, "code").locator(".pin")).to_be_focused()
    expect(row(page, "cat").locator(".before li")).to_be_visible()

    page.click("#memory-write")
    page.fill("#memory-draft textarea", "请先说结论。")
    page.locator("#memory-new-kind").get_by_text("回答方式").click()
    page.click("#memory-save")
    shows(page, code, "请先说结论。", "我家有三只猫。", h20)
    expect(page.locator("#memory-draft")).to_be_hidden()
    page.locator("#memory-kinds").get_by_text("回答方式").click()
    shows(page, code, "请先说结论。")
    page.locator("#memory-kinds").get_by_text("全部").click()

    row(page, "cat").locator(".menu summary").click()
    page.keyboard.press("Escape")
    expect(row(page, "cat").locator("[data-do=delete]")).to_be_hidden()
    row(page, "cat").locator(".menu summary").press("Enter")
    screenshot(page, "memory")
    row(page, "cat").locator("[data-do=delete]").click()
    shows(page, code, "请先说结论。", h20)
    assert house.words() == [code, "请先说结论。", h20]


def test_memories_are_searched_as_one_types_and_by_meaning(page: Page, house: House) -> None:
    h20, cat, code = house.words()
    page.fill("#memory-search input", "ｈ20")
    shows(page, h20)
    expect(page.locator(".fact mark")).to_have_count(0)
    page.fill("#memory-search input", "h20")
    expect(page.locator(".fact mark")).to_have_text("H20")
    page.fill("#memory-search input", "宠物")
    expect(page.locator("#memories .empty")).to_contain_text("按回车")
    page.press("#memory-search input", "Enter")
    expect(page.locator(".fact .words").first).to_have_text(cat, timeout=SECONDS)
    expect(page.locator(".fact .near").first).to_have_text("意思相近")
    page.fill("#memory-search input", "坚果")
    expect(page.locator(".talk .title")).to_have_text("花生过敏能吃什么坚果？")
    page.fill("#memory-search input", "")
    shows(page, h20, cat, code)


def test_what_is_typed_survives_another_window(page: Page, house: House) -> None:
    row(page, "cat").locator(".edit").click()
    editor = row(page, "cat").locator("textarea")
    editor.fill("我家有三只猫。")
    house.memory.edit_fact(USER, "cat", "猫送人了。")
    expect(row(page, "cat").locator(".words")).to_have_text("猫送人了。", timeout=SECONDS)
    expect(editor).to_have_value("我家有三只猫。")
    save(page, "cat")
    said(page, "在别处改成了“猫送人了。”")
    assert "猫送人了。" in house.words()
    save(page, "cat")
    expect(editor).to_have_count(0)
    assert "我家有三只猫。" in house.words()

    row(page, "h20").locator(".edit").click()
    row(page, "h20").locator("textarea").fill("我们有两块 H20。")
    house.memory.delete_fact(USER, "h20")
    said(page, "在别处删除")
    expect(page.locator("#memory-draft textarea")).to_have_value("我们有两块 H20。")
    page.click("#memory-save")
    expect(page.locator(".fact .words").get_by_text("我们有两块 H20。")).to_be_visible()
    expect(row(page, "h20")).to_have_count(0)
    assert "我们有两块 H20。" in house.words()


def test_a_conversation_is_opened_and_forgotten(page: Page, house: House) -> None:
    row(page, "h20").locator(".hint a").click()
    expect(page.locator("#chat")).to_contain_text("答案在这里。", timeout=SECONDS)
    assert page.url.endswith("/?c=c1")
    open_page(page, house)
    talk = page.locator(".talk[data-id=c2]")
    expect(talk).to_contain_text("1 轮")
    talk.locator("summary").click()
    expect(talk.locator(".panel")).to_contain_text(
        "（1 轮）会全部删除，连同只在这里说过的 2 条记忆"
    )
    talk.locator("[data-do=forget]").click()
    expect(page.locator(".talk .title")).to_have_text(["怎么部署 vLLM？"])
    shows(page, "我们的服务器是一块 96 GB 的 H20。")
    assert "坚果".encode() not in house.server.everything()


def test_everything_is_exported_then_forgotten(page: Page, house: House) -> None:
    with page.expect_download() as begun:
        page.click("#memory-export")
    assert re.fullmatch(r"memory-[\d-]+\.json", begun.value.suggested_filename)
    exported = json.loads(Path(begun.value.path()).read_text("utf-8"))
    assert [one["text"] for one in exported["facts"]] == house.words()
    assert len(exported["conversations"]) == 2
    for file in house.folder.rglob("*"):
        if file.is_file():
            assert "96 GB 的 H20".encode() not in file.read_bytes(), file

    page.click("#memory-forget-all")
    expect(page.locator("#memory-confirm")).to_contain_text("2 个对话和 3 条记忆")
    expect(page.locator("#memory-really")).to_be_disabled()
    page.fill("#memory-word input", "全部")
    page.fill("#memory-word input", "全部忘记")
    page.click("#memory-really")
    expect(page.locator("#memories .empty")).to_contain_text("还没有记住什么")
    expect(page.locator("#memory-confirm")).to_be_hidden()
    screenshot(page, "memory-empty")
    assert house.words() == []
    for trace in ("H20", "坚果", "猫"):
        assert trace.encode() not in house.server.everything()


def test_pausing_and_a_redis_that_goes_away(page: Page, house: House) -> None:
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    assert house.memory.paused(USER)
    page.reload()
    expect(page.locator("#memory-overview .banner")).to_contain_text("已暂停", timeout=SECONDS)
    page.get_by_role("switch").click()
    expect(page.locator("#memory-overview .banner")).to_have_count(0)

    row(page, "cat").locator(".edit").click()
    row(page, "cat").locator("textarea").fill("我家有三只猫。")
    house.server.kill()
    save(page, "cat")
    said(page, "长期记忆暂不可用")
    expect(page.locator("#memory-overview .banner")).to_contain_text("断开之前", timeout=SECONDS)
    screenshot(page, "memory-away")
    expect(row(page, "cat").locator("textarea")).to_have_value("我家有三只猫。")
    house.server.start()
    expect(page.locator("#memory-overview .banner")).to_have_count(0, timeout=SECONDS)
    save(page, "cat")
    expect(row(page, "cat").locator(".words")).to_have_text("我家有三只猫。")
    assert "我家有三只猫。" in house.words()


def test_nothing_in_a_memory_is_live_and_all_fits_a_phone(browser: Browser, house: House) -> None:
    """What slips past our own escaping would run here: the browser is the judge."""
    house.fill()
    evil = "\n".join(EVIL).replace("alert(1)", "window.pwned=1")
    house.remember(
        Fact("evil", "fact", evil, (), NOW, True, (Version(evil, (), NOW),)),
        fact("long", LONG, "c1", 1),
    )
    house.talk("evil", evil, 0)
    with visit(browser, locale="en-US", width=360, dark=True) as visitor:
        page = visitor.page
        open_page(page, house)
        expect(page.locator("header.top nav")).to_contain_text("Memory")
        row(page, "evil").locator(".before summary").first.click()
        row(page, "long").locator(".edit").click()
        row(page, "cat").locator(".menu summary").click()
        page.click("#memory-write")
        expect(page.locator("#memory-draft textarea")).to_be_focused()
        page.click("#memory-forget-all")
        expect(page.locator("#memory-word")).to_be_visible()
        screenshot(page, "phone-memory")
        assert page.evaluate("window.pwned") is None
        for selector in (
            "img",
            "script",
            "style",
            "svg[onload]",
            "[onerror]",
            "[href^=javascript]",
        ):
            assert page.locator(f".item {selector}").count() == 0
        assert row(page, "evil").locator(".words").first.inner_text().split() == evil.split()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{wide} px wide"
        for shown in page.locator(".item, #memory-page button, .chip").all():
            box = shown.bounding_box()
            assert box is None or box["x"] + box["width"] <= 360, shown.inner_text()

"""The list of conversations, drafts and the keyboard, in every look."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from assistant.conversation import new_conversation_id
from assistant.memory.records import Turn, text_parts
from tests.looks import Look, check, every_look, show_side, toast
from tests.pages import House, memory_in, show
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]
pytest_plugins = ["tests.page_fixtures"]
DAY = 86400.0
REDRAWN = 150  # milliseconds


def store(house: House, id: str, question: str, answer: str, ago: float) -> None:
    when = time.time() - ago
    turn = Turn(f"{id}-t", text_parts(question), answer, question, when, kind="answer")
    with memory_in(house.folder / "data") as memory:
        memory.add("local", id, turn, np.ones(384, dtype=np.float32), text=question)


def menu_item(page: Page, look: Look, title: str, item: str) -> Locator:
    """What stands in the menu of a conversation. The list folds its menus whenever the server draws
    it anew, so a menu that was opened a moment before that is opened again."""
    show_side(page, look)
    row = page.locator("#talks .talk").filter(has_text=title)
    expect(row).to_have_count(1)
    found = row.locator(item)

    def is_open() -> bool:
        if not found.is_visible():
            row.locator("summary").click()
        page.wait_for_timeout(REDRAWN)
        return found.is_visible()

    wait_for(is_open, what=f"{item} of {title} was shown")
    return found


@every_look
def test_conversations_are_searched_named_pinned_shared_exported_deleted(
    page: Page, house: House, look: Look
) -> None:
    id, title = new_conversation_id(), f"极光{look.number}号多重？"
    store(house, id, title, f"答案是{look.number}77克。", 3 * DAY)
    store(house, f"{id}-b", f"青禾{look.number}", "一种水稻。", 3 * DAY)
    show(page, house.url, "/")
    show_side(page, look)
    page.fill("#find-talk input, #find-talk textarea", f"{look.number}77克")
    expect(page.locator("#talks mark")).to_have_text(f"{look.number}77克")
    expect(page.locator("#talks .talk .title")).to_have_text(title)
    check(page, look, "talks-found")
    page.fill("#find-talk input, #find-talk textarea", "没有这样的对话")
    expect(page.locator("#talks")).to_contain_text(
        look.text("talks_none_found", words="没有这样的对话")
    )
    page.fill("#find-talk input, #find-talk textarea", "")
    menu_item(page, look, title, "[data-do=rename]")
    check(page, look, "talk-menu")
    for kind, beginning in (("md", "# "), ("json", "{")):
        link = menu_item(page, look, title, f"a[href$='format={kind}']")
        with page.expect_download() as begun:
            link.click()
        assert begun.value.path().read_text("utf-8").startswith(beginning)
    menu_item(page, look, title, "[data-do=rename]").click()
    page.keyboard.type(f"改名{look.number}")
    page.keyboard.press("Enter")
    menu_item(page, look, f"改名{look.number}", "[data-do=pin]").click()
    heads = page.locator("#talks h3")
    expect(heads.first).to_have_text(look.text("talks_pinned"))
    shared(page, house, look)
    menu_item(page, look, f"改名{look.number}", "[data-do=delete]").click()
    expect(page.locator("#talks .undo")).to_contain_text(f"改名{look.number}")
    check(page, look, "talk-deleted")
    page.locator("#talks .undo button").click()
    menu_item(page, look, f"青禾{look.number}", "[data-do=delete]").click()
    expect(page.locator("#talks .talk").filter(has_text=f"青禾{look.number}")).to_have_count(0)


def shared(page: Page, house: House, look: Look) -> None:
    """By a link that anybody reads and nobody writes, until it ends."""
    title = f"改名{look.number}"
    menu_item(page, look, title, "[data-do=share]").click()
    toast(page, look.text("talk_shared"))
    link = menu_item(page, look, title, "a[href^='/shared/']")
    with page.context.expect_page() as opened:
        link.click()
    reader = opened.value
    expect(reader.locator("h1")).to_have_text(title)
    expect(reader.locator("body")).to_contain_text(f"{look.number}77克")
    assert reader.locator("button, input, textarea, form, script").count() == 0
    check(reader, look, "shared")
    menu_item(page, look, title, "[data-do=unshare]").click()
    toast(page, look.text("talk_unshared"))
    reader.reload()
    expect(reader.locator("body")).to_contain_text(look.text("shared_gone"))
    reader.close()


@every_look
def test_drafts_and_the_keyboard(page: Page, house: House, look: Look) -> None:
    a, b = new_conversation_id(), new_conversation_id()
    store(house, a, f"红壶{look.number}怎么洗？", "用清水。", DAY)
    store(house, b, f"蓝壶{look.number}怎么洗？", "用茶。", DAY)
    page.goto(f"{house.url}/?c={a}")
    expect(page.locator("#chat")).to_contain_text("用清水。")
    box = page.locator("#composer textarea")
    box.fill("写了一半")
    page.keyboard.press("Control+k")
    search = page.locator("#find-talk input, #find-talk textarea")
    expect(search).to_be_focused()
    page.keyboard.type(f"蓝壶{look.number}")
    link = page.locator("#talks .talk > a")
    expect(link).to_have_count(1)
    link.focus()
    page.keyboard.press("F2")
    expect(page.locator("#talks .new-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#chat")).to_contain_text("用茶。")
    expect(page).to_have_url(re.compile(f"c={b}$"))
    expect(box).to_have_value("")
    page.keyboard.press("Control+/")
    keys = page.get_by_role("dialog", name=look.text("keys"))
    expect(keys).to_be_visible()
    check(page, look, "keys")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("Control+Shift+O")
    expect(page.locator("#chat .placeholder-content")).to_be_visible()
    page.keyboard.press("Shift+Escape")
    expect(box).to_be_focused()
    page.goto(f"{house.url}/?c={a}")
    expect(box).to_have_value("写了一半")

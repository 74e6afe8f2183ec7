"""Every page and every flow in both languages, on a phone and a wide screen, light and dark: run by
``make test-pages``. No request leaves the machine (``visit`` asserts it), and axe-core finds
nothing serious or critical."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import open_browser
from tests.looks import WAIT, Look, check, every_look
from tests.openai_server import Reply
from tests.pages import (
    ANSWER_SECONDS,
    PAGES,
    House,
    ask,
    grave_findings,
    house_in,
    show,
    visitor_of,
)

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_in(Path(tmp_path_factory.mktemp("matrix")), browser) as opened:
        yield opened


@pytest.fixture
def page(look: Look, browser: Browser, house: House) -> Iterator[Page]:
    house.model.replies.clear()
    with visitor_of(browser, look.language, look.width, dark=look.dark) as visitor:
        yield visitor.page


@every_look
def test_every_page(page: Page, house: House, look: Look) -> None:
    for path in PAGES:
        show(page, house.url, path)
        check(page, look, path.strip("/") or "chat")
        if look.language == "en":
            said = page.locator("body").inner_text()
            kept = "中文|知|使用指南|星河7000\\S*"  # names: of the language, the logo, documents
            assert not re.search(r"[\u4e00-\u9fff]", re.sub(kept, "", said)), said
    page.click(".tools summary")
    check(page, look, "choices")


@every_look
def test_an_answer_and_its_source(page: Page, house: House, look: Look) -> None:
    show(page, house.url, "/")
    ask(page, house.model, "星河7000有多重？")
    page.locator("details.sources summary").last.click()
    check(page, look, "answer")
    link = page.locator("#chat a[href^='/source/']").first.get_attribute("href")
    page.goto(f"{house.url}{link}")
    expect(page.locator("h1")).to_have_text("星河7000使用手册")
    check(page, look, "source")


@every_look
def test_the_flow_of_a_conversation(page: Page, house: House, look: Look) -> None:
    """Ask, follow up, rate, stop, try again, edit."""
    model = house.model
    show(page, house.url, "/")
    ask(page, model, "星河7000有多重？")
    model.replies.append(Reply(("星河7000｜星河7000有多长？",)))
    ask(page, model, "它有多长？", turns=2)
    page.get_by_role("button", name=look.text("act_good")).last.click()
    expect(page.locator("#chat button.good.on")).to_have_count(1, timeout=WAIT)
    check(page, look, "conversation")
    show(page, house.url, "/")  # a new one, in which nothing is to be completed
    hold = threading.Event()
    model.replies[:] = [Reply(("一点", "很多很多"), hold=hold)]
    page.fill("#composer textarea", "星河7000的保修期是多久？")
    page.press("#composer textarea", "Enter")
    expect(page.locator("#chat .bot-row").last).to_contain_text("一点", timeout=WAIT)
    page.click("#composer .stop-button")
    expect(page.locator("#composer .stop-button")).to_be_hidden(timeout=WAIT)
    hold.set()
    expect(page.locator(".stopped")).to_be_visible(timeout=WAIT)
    model.replies[:] = [Reply(("保修期是三年[1]。",))]
    page.get_by_role("button", name=look.text("act_retry")).last.click()
    expect(page.locator("#chat .bot-row").last).to_contain_text("三年", timeout=WAIT)
    expect(page.locator(".stopped")).to_have_count(0, timeout=WAIT)


@every_look
def test_the_flow_of_the_library(page: Page, house: House, look: Look, tmp_path: Path) -> None:
    """Upload, find in the table, delete."""
    name = f"云岭{look.number}"
    file = tmp_path / f"{name}.md"
    file.write_text(f"# {name}\n\n{name}是一种茶，水温{look.width}度。\n", "utf-8")
    show(page, house.url, "/knowledge")
    page.set_input_files("#upload input[type=file]", file)
    cell = page.locator("#sources tbody").get_by_text(name, exact=True)
    expect(cell).to_be_visible(timeout=ANSWER_SECONDS * 1000)
    check(page, look, "uploaded")
    page.locator("#sources tbody tr").filter(has_text=name).locator("input[type=checkbox]").check()
    page.click("#sources button[data-do=ask]")
    expect(page.locator("#confirm-sources")).to_contain_text(name, timeout=WAIT)
    check(page, look, "deleting")
    page.click("#delete-sources")
    expect(cell).to_have_count(0, timeout=WAIT)


@every_look
def test_the_flow_of_a_memory(page: Page, house: House, look: Look) -> None:
    """Write one, change it, pin it, find it, pause, take everything out, delete it."""
    words = f"我用的是第{look.number}号光谱仪。"
    show(page, house.url, "/memory")
    page.click("#memory-write")
    page.fill("#memory-draft textarea", words)
    page.click("#memory-save")
    item = page.locator("#memories .item").filter(has_text=words)
    expect(item).to_be_visible(timeout=WAIT)
    item.locator(".edit").click()
    page.locator("#memories .editor textarea").fill(f"改过：{words}")
    page.locator("#memories .editor textarea").press("Control+Enter")
    changed = page.locator("#memories .item").filter(has_text=f"改过：{words}")
    expect(changed).to_be_visible(timeout=WAIT)
    changed.locator(".pin").click()
    expect(changed.locator(".pinned")).to_have_text(look.text("memory_pinned"), timeout=WAIT)
    page.fill("#memory-search input", f"第{look.number}号")
    expect(changed.locator(".words mark")).to_have_text(f"第{look.number}号", timeout=WAIT)
    check(page, look, "remembered")
    page.get_by_role("switch").click()
    banner = page.locator("#memory-overview .banner")
    expect(banner).to_have_text(look.text("remembering_paused_more"), timeout=WAIT)
    check(page, look, "memory-paused")
    page.get_by_role("switch").click()
    expect(banner).to_have_count(0, timeout=WAIT)
    with page.expect_download() as begun:
        page.click("#memory-export")
    assert words in begun.value.path().read_text("utf-8")
    page.click("#memory-forget-all")
    expect(page.locator("#memory-really")).to_be_disabled(timeout=WAIT)
    check(page, look, "memory-forget")
    changed.locator(".menu summary").click()
    changed.locator(".panel .bad").click()
    expect(changed).to_have_count(0, timeout=WAIT)


@every_look
def test_language_and_colours_switch(page: Page, house: House, look: Look) -> None:
    """On every page, to the other ones and back."""
    other = "en" if look.language == "zh" else "zh"
    for path in PAGES:
        show(page, house.url, path)
        page.click(".tools summary")
        page.click(f".panel [data-language={other}]")
        page.wait_for_selector(PAGES[path], timeout=WAIT)
        assert (page.locator("html").get_attribute("lang") or "").startswith(other)
        page.click(".tools summary")
        page.click(f"[data-theme-choice={'light' if look.dark else 'dark'}]")
        expect(page.locator("body")).to_have_class("" if look.dark else "dark", timeout=WAIT)
        assert grave_findings(page) == []
        page.context.clear_cookies(name=re.compile("language|theme"))


@every_look
def test_a_check_of_the_models(page: Page, house: House, look: Look) -> None:
    show(page, house.url, "/status")
    house.model.say("ready", "one two three four five six seven eight nine ten")
    page.click("#check-now")
    rows = page.locator("#status-overview .checks tr")
    expect(rows.filter(has_text=look.text("check_rerank"))).to_be_visible(
        timeout=ANSWER_SECONDS * 1000
    )
    expect(page.locator("#check-now")).to_have_text(look.text("check_models"), timeout=WAIT)
    check(page, look, "checked")
    page.locator("#figures-range").get_by_text(look.text("figures_week")).click()
    plots = page.locator("#status-usage figure")
    expect(plots).to_have_count(4, timeout=WAIT)
    page.locator("#status-usage .figures-table summary").click()
    expect(page.locator("#status-usage tbody tr")).not_to_have_count(0)
    check(page, look, "figures")


@every_look
def test_who_is_new_is_led_to_the_guide(browser: Browser, house: House, look: Look) -> None:
    with visitor_of(browser, look.language, look.width, dark=look.dark, guided=False) as visitor:
        page = visitor.page
        show(page, house.url, "/")
        check(page, look, "hello")
        page.get_by_role("link", name=look.text("hello_open")).click()
        page.wait_for_selector(PAGES["/guide"], timeout=WAIT)
        show(page, house.url, "/")
        expect(page.locator("#notices .hello")).to_have_count(0)

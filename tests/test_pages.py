"""Every page once: it can be used, fits a phone, asks nothing of other hosts, and axe-core finds
nothing serious in it. All languages, widths and colours: test_pages_matrix.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import open_browser, screenshot
from tests.pages import PAGES, House, ask, grave_findings, house_in, show, visitor_of, wide


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_in(Path(tmp_path_factory.mktemp("pages")), browser) as opened:
        yield opened


def test_each_page_on_a_dark_phone(browser: Browser, house: House) -> None:
    with visitor_of(browser, "en", 360, dark=True, guided=False) as visitor:
        page = visitor.page
        for path in PAGES:
            show(page, house.url, path)
            expect(page.locator("html")).to_have_attribute("lang", "en")
            expect(page.locator("body")).to_have_class("dark")
            assert wide(page) <= 360, path
            assert grave_findings(page) == [], path
            screenshot(page, f"pages-phone-{path.strip('/') or 'chat'}")


def test_a_chat_with_an_answer_and_its_source(browser: Browser, house: House) -> None:
    with visitor_of(browser, "zh", 1440, dark=False) as visitor:
        page = visitor.page
        show(page, house.url, "/")
        ask(page, house.model, "星河7000有多重？")
        page.locator("details.sources summary").last.click()
        assert grave_findings(page) == []
        link = page.locator("#chat a[href^='/source/']").first.get_attribute("href")
        screenshot(page, "pages-answer")
        page.goto(f"{house.url}{link}")
        expect(page.locator("h1")).to_have_text("星河7000使用手册")
        assert grave_findings(page) == []


def test_language_and_colours_are_chosen_and_kept(browser: Browser, house: House) -> None:
    with visitor_of(browser, "zh", 1440, dark=False) as visitor:
        page = visitor.page
        show(page, house.url, "/memory")
        expect(page).to_have_title("记忆 · 知识库助手")
        page.click(".tools > button[data-language=en]")
        expect(page).to_have_title("Memory · Knowledge Assistant")
        expect(page.locator("#memory-write")).to_have_text("Write a memory")
        assert page.evaluate("navigator.language") == "en"
        page.click(".tools summary")
        page.click("[data-theme-choice=dark]")
        expect(page.locator("body")).to_have_class("dark")
        show(page, house.url, "/status")
        expect(page.locator("body")).to_have_class("dark")
        expect(page.locator("#status-overview")).to_contain_text("All is well")
        page.click(".tools summary")
        page.click("[data-theme-choice=auto]")
        expect(page.locator("body")).not_to_have_class("dark")
        page.emulate_media(color_scheme="dark")
        expect(page.locator("body")).to_have_class("dark")

"""The panel beside the chat in a real browser: a citation opens in it, and all ways lead back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, Route, expect

from assistant.ui.texts import text
from tests.browser import open_browser, screenshot
from tests.pages import LOCALES, WIDTHS, grave_findings, wide
from tests.source_desk import ANSWER, SourceDesk, source_desk

CITATIONS = "#chat .message-content a[href^='/source/']:not(.title)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceDesk]:
    with source_desk(Path(tmp_path_factory.mktemp("panel"))) as opened:
        yield opened


def panel(page: Page) -> Locator:
    return page.locator(".source-panel")


def shown(page: Page) -> FrameLocator:
    """What is in it, once it is there."""
    expect(panel(page)).to_have_attribute("data-state", "ready")
    return page.frame_locator(".source-panel iframe")


def button(page: Page, key: str, language: str) -> Locator:
    return panel(page).get_by_role("button", name=text(key, language))


def test_a_citation_opens_beside_the_chat_and_leads_back(
    browser: Browser, desk: SourceDesk
) -> None:
    desk.store("long", "\n\n".join([ANSWER] * 12))
    with desk.conversation(browser, "en", 1440, id="long") as (_, page):
        link = page.locator(CITATIONS).nth(20)
        link.click()
        expect(shown(page).locator("figure img")).to_be_visible()
        box, chat = panel(page).bounding_box(), page.locator("#main").bounding_box()
        assert box and chat
        assert abs(box["width"] - 576) < 3 and chat["x"] + chat["width"] <= box["x"] + 1
        expect(panel(page).locator("h2")).to_be_focused()
        expect(panel(page).locator("h2")).to_have_text("Aurora 7000 manual")
        expect(panel(page).locator(".of")).to_have_text("1 of 4")
        expect(shown(page).locator("rect")).to_be_in_viewport()
        button(page, "panel_next", "en").click()
        expect(shown(page).locator("mark")).to_have_text("充满电需要90分钟")
        expect(page.locator("#chat a.opened")).to_have_text("[2]")
        button(page, "panel_next", "en").click()
        expect(shown(page).locator("pre mark")).to_have_text("aurora --battery")
        button(page, "panel_previous", "en").click()
        expect(panel(page).locator(".of")).to_have_text("2 of 4")
        screenshot(page, "panel")
        page.fill("#composer textarea", "the chat can be used")
        panel(page).locator("h2").focus()
        page.keyboard.press("Escape")
        expect(panel(page)).to_be_hidden()
        expect(page.locator(CITATIONS).nth(1)).to_be_focused()
        expect(page.locator("#cite-card")).to_be_hidden()
        expect(page.locator("#composer textarea")).to_have_value("the chat can be used")
        assert "view=panel" not in page.url
        link.scroll_into_view_if_needed()
        before = link.bounding_box()
        link.click()
        shown(page)
        after = link.bounding_box()
        assert before and after
        assert abs(before["y"] - after["y"]) < 5, "the chat keeps its place"


def test_every_way_in_and_out(browser: Browser, desk: SourceDesk) -> None:
    with desk.conversation(browser, "zh", 1440) as (visitor, page):
        first = page.locator(CITATIONS).first
        first.focus()
        page.keyboard.press("Enter")
        shown(page)
        page.go_back()  # the browser's own button
        expect(panel(page)).to_be_hidden()
        expect(first).to_be_focused()
        assert page.url.endswith("?c=a")
        page.locator("details.sources summary").click()
        page.locator(".sources a.title").nth(2).click()
        expect(panel(page).locator(".of")).to_have_text("第 3 处，共 4 处")
        shown(page).locator("body").press("Escape")  # the focus is within the document
        expect(panel(page)).to_be_hidden()
        expect(page.locator(".sources a.title").nth(2)).to_be_focused()
        first.click()
        shown(page)
        button(page, "panel_close", "zh").click()
        expect(panel(page)).to_be_hidden()
        page.go_forward()
        expect(panel(page)).to_be_hidden()
        with visitor.context.expect_page() as opened:
            first.click(modifiers=["ControlOrMeta"])
        assert re.search(r"/source/\d+\?mark=", opened.value.url)
        opened.value.close()
        first.click()
        tab = str(panel(page).locator(".tab").get_attribute("href"))
        assert tab.endswith(str(first.get_attribute("href")))
        expect(panel(page)).to_be_visible()


def test_on_a_phone_it_is_a_sheet(browser: Browser, desk: SourceDesk) -> None:
    with desk.conversation(browser, "zh", 360, dark=True) as (_, page):
        first = page.locator(CITATIONS).first
        first.click()
        expect(shown(page).locator("figure img")).to_be_visible()
        assert panel(page).bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 900}
        expect(page.get_by_role("dialog", name=text("panel", "zh"))).to_be_visible()
        assert page.evaluate("document.querySelector('#chat-page').inert")
        frame = page.frames[-1]
        assert frame.evaluate("document.documentElement.scrollWidth") <= 360
        assert grave_findings(page) == [] and grave_findings(frame) == []
        screenshot(page, "panel-phone")
        page.go_back()
        expect(panel(page)).to_be_hidden()
        expect(first).to_be_focused()
        assert not page.evaluate("document.querySelector('#chat-page').inert")


@pytest.mark.browser_matrix
def test_what_can_not_be_opened_is_said(browser: Browser, desk: SourceDesk) -> None:
    with desk.conversation(browser, "en", 1440) as (_, page):
        first = page.locator(CITATIONS).first
        held: list[Route] = []
        page.route("**/source/*", lambda route: held.append(route))  # noqa: PLW0108
        first.click()
        expect(panel(page).get_by_text("Opening…")).to_be_visible()
        for route in held:
            route.fulfill(status=302, headers={"location": "/login?next=/"})
        page.unroute("**/source/*")
        page.route("**/head", lambda route: route.fulfill(status=401, json={}))
        page.route("**/login*", lambda route: route.abort())
        button(page, "panel_next", "en").click()
        page.route("**/source/*", lambda route: route.abort())
        button(page, "panel_previous", "en").click()
        expect(panel(page).get_by_text("Your login has ended")).to_be_visible()
        login = panel(page).get_by_role("link", name=text("login_again", "en"))
        assert login.get_attribute("href") == "/login?next=%2F%3Fc%3Da"
        page.unroute("**/head")
        button(page, "panel_next", "en").click()
        expect(panel(page).get_by_text("could not be opened")).to_be_visible()
        page.unroute("**/source/*")
        panel(page).get_by_role("button", name="Try again").click()
        expect(shown(page).locator("mark").first).to_be_visible()
        page.route(
            "**/source/*",
            lambda route: route.continue_(
                url=re.sub(r"/source/\d+", "/source/999", route.request.url)
            ),
        )
        button(page, "panel_next", "en").click()
        expect(shown(page).get_by_text("There is no such source")).to_be_visible()


@pytest.mark.browser_matrix
@pytest.mark.timeout(300)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LOCALES)
def test_in_every_look(
    browser: Browser, desk: SourceDesk, language: str, width: int, dark: bool
) -> None:
    with desk.conversation(browser, language, width, dark=dark) as (_, page):
        page.locator(CITATIONS).first.click()
        for n in range(1, 5):
            expect(shown(page).locator("#here")).to_be_in_viewport()
            frame = page.frames[-1]
            expect(page.locator("#cite-card")).to_be_hidden()
            assert (frame.evaluate("document.documentElement.dataset.theme") == "dark") == dark
            assert str(frame.evaluate("document.documentElement.lang")).startswith(language)
            assert frame.evaluate("document.documentElement.scrollWidth") <= width
            assert wide(page) <= width
            assert grave_findings(page) == [] and grave_findings(frame) == [], n
            screenshot(page, f"panel-{n}-{language}-{width}-{'dark' if dark else 'light'}")
            if n < 4:
                button(page, "panel_next", language).click()
        button(page, "panel_close", language).click()
        expect(panel(page)).to_be_hidden()

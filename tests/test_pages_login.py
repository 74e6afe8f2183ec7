"""Logging in and out in a real browser, in each language, width and colour; part of
``make test-pages``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.ui.texts import text
from assistant.users.accounts import Account, Accounts
from assistant.users.identity import Role
from assistant.users.passwords import hashed
from tests.browser import App, open_browser, running_app, screenshot
from tests.openai_server import openai_server
from tests.pages import PAGES, SECONDS, WIDTHS, grave_findings, show, visitor_of, wide

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(600)]
PASSWORD = "correct horse battery"
LOOKS = list(itertools.product(("zh", "en"), WIDTHS, (False, True)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    data = Path(tmp_path_factory.mktemp("login")) / "data"
    data.mkdir()
    accounts = Accounts(data)
    accounts.add(Account("wang", Role.READER, hashed(PASSWORD)))
    accounts.add(Account("admin", Role.ADMIN, hashed(PASSWORD)))
    with openai_server() as model:
        settings = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "GRACE_SECONDS": "5"}
        with running_app(DATA_DIR=data, AUTH="users", **settings) as running:
            yield running


def log_in(page: Page, url: str, name: str, path: str) -> None:
    page.goto(f"{url}{path}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector(PAGES[path], timeout=SECONDS * 1000)


@pytest.mark.parametrize(("language", "width", "dark"), LOOKS)
def test_in_and_out(browser: Browser, app: App, language: str, width: int, dark: bool) -> None:
    with visitor_of(browser, language, width, dark=dark) as visitor:
        page = visitor.page
        page.goto(f"{app.url}/status")
        expect(page).to_have_url(f"{app.url}/login?next=%2Fstatus")
        assert wide(page) <= width
        assert grave_findings(page) == []
        screenshot(page, f"login-{language}-{width}-{'dark' if dark else 'light'}")
        page.fill("#name", "wang")
        page.fill("#password", "wrong")
        page.press("#password", "Enter")
        expect(page.locator("[role=alert]")).to_be_visible()
        assert grave_findings(page) == []
        log_in(page, app.url, "wang", "/status")
        expect(page.locator("#check-now")).to_be_hidden()
        expect(page.locator("#status-page")).to_contain_text(text("status_more_admin", language))
        page.click(".tools summary")
        expect(page.locator(".tools .who")).to_contain_text("wang")
        assert grave_findings(page) == []
        assert wide(page) <= width
        page.get_by_role("button", name=text("log_out", language)).click()
        page.goto(f"{app.url}/")
        expect(page.locator("#password")).to_be_visible()


def test_an_administrator_sees_more_than_a_reader(browser: Browser, app: App) -> None:
    with visitor_of(browser, "en", 1440, dark=False) as visitor:
        log_in(visitor.page, app.url, "admin", "/status")
        expect(visitor.page.locator("#check-now")).to_be_visible(timeout=SECONDS * 1000)
        expect(visitor.page.locator("#status-cards")).to_contain_text("valkey")
        show(visitor.page, app.url, "/guide")
        expect(visitor.page.locator("#guide")).to_contain_text("CHAT_MODEL=")


def test_a_page_says_that_the_login_has_ended(browser: Browser, app: App) -> None:
    with visitor_of(browser, "zh", 1440, dark=False) as visitor:
        page = visitor.page
        log_in(page, app.url, "wang", "/guide")
        visitor.context.clear_cookies()
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        banner = page.locator("#notices .banner")
        expect(banner).to_contain_text(text("login_ended", "zh"), timeout=SECONDS * 1000)
        banner.locator("a").click()
        expect(page.locator("#password")).to_be_visible()

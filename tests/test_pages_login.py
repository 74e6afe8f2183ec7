"""Logging in and out in a real browser, in each language, width and colour; part of
``make test-pages``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.conversation import new_conversation_id
from assistant.memory.records import Turn, text_parts
from assistant.ui.chat_shared import link_of
from assistant.ui.texts import text
from assistant.users.accounts import Account, Accounts
from assistant.users.identity import Role
from assistant.users.passwords import hashed
from tests.browser import App, open_browser, running_app
from tests.looks import LOOKS, WAIT, Look, both_languages, check, every_look
from tests.openai_server import openai_server
from tests.pages import PAGES, SECONDS, grave_findings, memory_in, show, visitor_of

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(600)]
PASSWORD = "correct horse battery"
MOST_TRIES = 12  # until one has to wait


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def app(data: Path) -> Iterator[App]:
    accounts = Accounts(data)
    for look in LOOKS:
        accounts.add(Account(f"li{look.number}", Role.READER, hashed(PASSWORD)))
    accounts.add(Account("wang", Role.READER, hashed(PASSWORD)))
    accounts.add(Account("admin", Role.ADMIN, hashed(PASSWORD)))
    with openai_server() as model:
        settings = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "GRACE_SECONDS": "5"}
        with running_app(DATA_DIR=data, AUTH="users", SHARE="on", **settings) as running:
            yield running


def log_in(page: Page, url: str, name: str, path: str) -> None:
    page.goto(f"{url}{path}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector(PAGES[path], timeout=SECONDS * 1000)


@every_look
def test_in_and_out(browser: Browser, app: App, look: Look) -> None:
    with visitor_of(browser, look.language, look.width, dark=look.dark) as visitor:
        page = visitor.page
        page.goto(f"{app.url}/status")
        expect(page).to_have_url(f"{app.url}/login?next=%2Fstatus")
        check(page, look, "login")
        page.fill("#name", "wang")
        page.fill("#password", "wrong")
        page.press("#password", "Enter")
        expect(page.locator("[role=alert]")).to_be_visible()
        assert grave_findings(page) == []
        log_in(page, app.url, "wang", "/status")
        expect(page.locator("#check-now")).to_be_hidden()
        expect(page.locator("#status-page")).to_contain_text(look.text("status_more_admin"))
        page.click(".tools summary")
        expect(page.locator(".tools .who")).to_contain_text("wang")
        check(page, look, "logged-in")
        page.get_by_role("button", name=look.text("log_out")).click()
        page.goto(f"{app.url}/")
        expect(page.locator("#password")).to_be_visible()


@every_look
def test_ones_own_account(browser: Browser, app: App, look: Look) -> None:
    """Another password, a key for programs and its end; too many wrong passwords."""
    name, other = f"li{look.number}", "another battery staple"
    with visitor_of(browser, look.language, look.width, dark=look.dark) as visitor:
        page = visitor.page
        log_in(page, app.url, name, "/guide")
        page.goto(f"{app.url}/account")
        page.fill("#label", "备份")
        page.get_by_role("button", name=look.text("account_key_add")).click()
        key = page.locator("[role=alert] code").inner_text()
        assert key.startswith("kb-")
        check(page, look, "account")
        answer = httpx.get(f"{app.url}/v1/models", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200
        page.get_by_role("button", name=look.text("account_key_end")).click()
        expect(page.locator("body")).not_to_contain_text("备份")
        for field, words in (("#old", PASSWORD), ("#new", other), ("#again", "not the same")):
            page.fill(field, words)
        page.press("#again", "Enter")
        expect(page.locator("body")).to_contain_text(look.text("account_differ"))
        for field, words in (("#old", PASSWORD), ("#new", other), ("#again", other)):
            page.fill(field, words)
        page.press("#again", "Enter")
        expect(page.locator("body")).to_contain_text(look.text("account_changed"))
        visitor.context.clear_cookies()
        delayed = {"zh": "尝试次数过多", "en": "Too many attempts"}[look.language]
        page.goto(f"{app.url}/login")
        for _ in range(MOST_TRIES):
            page.fill("#name", name)
            page.fill("#password", "wrong")
            page.press("#password", "Enter")
            expect(page.locator("[role=alert]")).to_be_visible()
            if delayed in page.locator("[role=alert]").inner_text():
                break
        expect(page.locator("[role=alert]")).to_contain_text(delayed)
        check(page, look, "login-delayed")


@both_languages
def test_what_is_anothers_is_not_there(browser: Browser, app: App, data: Path, look: Look) -> None:
    """A conversation, its export, a link that was not shared: as if there were none."""
    mine, secret = new_conversation_id(), f"机密{look.number}"
    turn = Turn("t", text_parts(f"{secret}？"), f"{secret}。", secret, time.time(), kind="answer")
    assert app.url
    with memory_in(data) as memory:
        memory.add("admin", mine, turn, np.ones(384, dtype=np.float32), text=secret)
    with visitor_of(browser, look.language, look.width, dark=look.dark) as visitor:
        page = visitor.page
        log_in(page, app.url, "wang", "/guide")
        page.goto(f"{app.url}/?c={mine}")
        expect(page.locator("#chat .placeholder-content")).to_be_visible(timeout=WAIT)
        expect(page.locator("#conversation-id textarea, #conversation-id input")).to_have_value("")
        assert secret not in page.content()
        gone = {
            f"/conversation/{mine}/export?format=json": "export_none",
            f"{link_of('admin', mine, 'guess')}": "",
            "/source/99999": "source_gone",
        }
        for path, key in gone.items():
            answer = page.goto(f"{app.url}{path}")
            assert answer is not None and answer.status == 404, path
            assert secret not in page.content()
            if key:
                expect(page.locator("body")).to_contain_text(look.text(key))
            check_words(page, look)


def check_words(page: Page, look: Look) -> None:
    """What is refused is said in the reader's language."""
    said = page.locator("body").inner_text()
    assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (look.language == "zh"), said


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

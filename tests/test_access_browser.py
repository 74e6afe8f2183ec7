"""A session that ends in the middle of an answer, in a real browser: it is said, and nothing is
lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Page, expect

from assistant.users.accounts import Account, Accounts
from assistant.users.identity import Role
from tests.browser import open_browser, running_app
from tests.looks import Look, both_languages, check
from tests.openai_server import Reply, openai_server
from tests.pages import SECONDS, visitor_of

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(600)]
GOOD = "four words make one"


def log_in(page: Page) -> None:
    page.fill("#name", "li")
    page.fill("#password", GOOD)
    page.press("#password", "Enter")


@both_languages
def test_a_session_that_ends_in_mid_answer_loses_nothing(tmp_path: Path, look: Look) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    Accounts(tmp_path).add(Account("li", Role.EDITOR, hasher.hash(GOOD)))
    with openai_server() as model:
        given = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "AUTH": "users"}
        with (
            running_app(DATA_DIR=tmp_path, **given) as app,
            open_browser() as browser,
            visitor_of(browser, look.language, look.width, dark=look.dark) as visitor,
        ):
            page, hold = visitor.page, threading.Event()
            page.set_default_timeout(SECONDS * 1000)
            page.goto(f"{app.url}/account")
            log_in(page)
            expect(page.locator("#old")).to_be_visible()
            check(page, look, "own-account")
            model.replies.append(Reply(("第一段，", "第二段。"), hold=hold, hold_seconds=60))
            page.goto(app.url)
            page.fill("#composer textarea", "你好，你能做什么？")
            page.press("#composer textarea", "Enter")
            expect(page.locator("#chat .user-row")).to_have_count(1)
            for session in (tmp_path / "sessions").iterdir():
                session.unlink()
            page.fill("#composer textarea", "还没发出的问题")
            page.press("#composer textarea", "Enter")
            banner = page.locator("#notices .banner")
            expect(banner).to_contain_text(look.text("login_ended"))
            assert page.input_value("#composer textarea") == "还没发出的问题"
            hold.set()
            banner.locator("a").click()
            log_in(page)
            expect(page.locator("#chat .user-row")).to_have_count(1)
            expect(page.locator("#chat .bot-row")).not_to_have_count(0)

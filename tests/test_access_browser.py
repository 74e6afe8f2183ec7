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
from tests.browser import open_browser, running_app, visit
from tests.openai_server import Reply, openai_server
from tests.pages import SECONDS, grave_findings, wide

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(600)]
GOOD = "four words make one"


def log_in(page: Page) -> None:
    page.fill("#name", "li")
    page.fill("#password", GOOD)
    page.press("#password", "Enter")


def test_a_session_that_ends_in_mid_answer_loses_nothing(tmp_path: Path) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    Accounts(tmp_path).add(Account("li", Role.EDITOR, hasher.hash(GOOD)))
    with openai_server() as model:
        given = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "AUTH": "users"}
        with (
            running_app(DATA_DIR=tmp_path, **given) as app,
            open_browser() as browser,
            visit(browser, width=360) as visitor,
        ):
            page, hold = visitor.page, threading.Event()
            page.set_default_timeout(SECONDS * 1000)
            page.goto(f"{app.url}/account")
            log_in(page)
            expect(page.locator("#old")).to_be_visible()
            assert grave_findings(page) == []
            assert wide(page) <= 360
            model.replies.append(Reply(("第一段，", "第二段。"), hold=hold))
            page.goto(app.url)
            page.fill("#composer textarea", "你好，你能做什么？")
            page.press("#composer textarea", "Enter")
            expect(page.locator("#chat .user-row")).to_have_count(1)
            for session in (tmp_path / "sessions").iterdir():
                session.unlink()
            page.fill("#composer textarea", "还没发出的问题")
            page.press("#composer textarea", "Enter")
            banner = page.locator("#notices .banner")
            expect(banner).to_contain_text("登录已过期")
            assert page.input_value("#composer textarea") == "还没发出的问题"
            hold.set()
            banner.locator("a").click()
            log_in(page)
            expect(page.locator("#chat .user-row")).to_have_count(1)
            expect(page.locator("#chat .bot-row")).not_to_have_count(0)

"""The choice of a model in a real browser: in both languages, on a phone and a wide screen, light
and dark; run by ``make test-pages``."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.ui.texts import text
from tests.browser import open_browser, screenshot
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.pages import (
    ANSWER,
    SECONDS,
    WIDTHS,
    House,
    ask,
    grave_findings,
    house_in,
    show,
    visitor_of,
    wide,
)

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]
WAIT = SECONDS * 1000
QUESTION = "星河7000有多重？"
OTHER = "openai:Qwen/Qwen3-8B"
LOOKS = list(itertools.product(("zh", "en"), WIDTHS, (False, True)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def second() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


@pytest.fixture(scope="module")
def house(
    browser: Browser, second: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    given = {"CHAT_MODELS": OTHER, "OPENAI_BASE_URL": second.url, "OPENAI_API_KEY": "k"}
    folder = Path(tmp_path_factory.mktemp("choice"))
    with house_in(folder, browser, **given) as opened:
        yield opened


def choose(page: Page, name: str) -> None:
    page.click("#chat-model input")
    page.get_by_role("option", name=name).click()
    expect(page.locator(".toast-body").last).to_be_visible(timeout=WAIT)


@pytest.mark.parametrize(("language", "width", "dark"), LOOKS)
def test_a_model_is_chosen_answers_and_stays_chosen(
    browser: Browser, house: House, second: OpenAIServer, language: str, width: int, dark: bool
) -> None:
    with visitor_of(browser, language, width, dark=dark) as visitor:
        page = visitor.page
        show(page, house.url, "/")
        chosen = page.locator("#chat-model input")
        default = text("model_default", language, name="vllm:test")
        expect(chosen).to_have_value(default)
        choose(page, OTHER)
        asked = len(house.model.requests)
        ask(page, second, QUESTION)
        expect(page.locator("#chat .times").last).to_contain_text(OTHER)
        assert len(house.model.requests) == asked
        assert wide(page) <= width
        assert grave_findings(page) == []
        screenshot(page, f"model-{language}-{width}-{'dark' if dark else 'light'}")
        page.reload()
        expect(chosen).to_have_value(OTHER, timeout=WAIT)


def test_choosing_while_it_answers_loses_nothing(
    browser: Browser, house: House, second: OpenAIServer
) -> None:
    """It holds for the next question; the answer goes on."""
    hold = threading.Event()
    with visitor_of(browser, "en", 1440, dark=False) as visitor:
        page = visitor.page
        show(page, house.url, "/")
        house.model.replies[:] = [Reply(tuple(ANSWER), hold=hold)]
        page.fill("#composer textarea", QUESTION)
        page.press("#composer textarea", "Enter")
        expect(page.locator("#chat .bot-row").last).to_contain_text(ANSWER[0], timeout=WAIT)
        choose(page, OTHER)
        hold.set()
        expect(page.locator("#chat .times").last).to_contain_text("vllm:test", timeout=WAIT)
        expect(page.locator("#composer .submit-button")).to_be_visible(timeout=WAIT)
        second.say("您好！")
        page.fill("#composer textarea", "你好！")
        page.press("#composer textarea", "Enter")
        expect(page.locator("#chat .times").last).to_contain_text(OTHER, timeout=WAIT)

"""A turn goes on, in every look: when its page is reloaded, another tab opens it, it waits in the
queue; and a restart of the app in mid-answer is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import running_app
from tests.looks import LOOKS, WAIT, Look, check, every_look
from tests.openai_server import Reply, openai_server
from tests.pages import ANSWER_SECONDS, ANSWERED, House, house_in, show, visitor_of
from tests.redis_servers import free_port

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]
pytest_plugins = ["tests.page_fixtures"]


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """It answers one question at a time."""
    folder = Path(tmp_path_factory.mktemp("lasting"))
    with house_in(folder, browser, QUESTIONS_AT_ONCE="1") as opened:
        yield opened


def ask(page: Page, question: str) -> None:
    page.fill("#composer textarea", question)
    page.press("#composer textarea", "Enter")


@every_look
def test_reload_second_tab_and_queue(page: Page, house: House, look: Look) -> None:
    answer, hold = page.locator("#chat .bot-row").last, threading.Event()
    show(page, house.url, "/")
    house.model.replies[:] = [
        Reply(("星河7000", "重1.8千克[1]。"), hold=hold, hold_seconds=ANSWER_SECONDS)
    ]
    ask(page, "星河7000有多重？")
    expect(answer).to_contain_text("星河7000")
    page.reload()
    expect(answer).to_contain_text("星河7000")
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.locator("#chat .bot-row").last).to_contain_text("星河7000", timeout=WAIT)
    expect(tab.locator("#composer .stop-button")).to_be_visible(timeout=WAIT)
    waits = page.context.new_page()
    show(waits, house.url, "/")
    ask(waits, "星河7000有多长？")
    place = look.text("step_queue", place=1)
    expect(waits.locator("#chat .bot-row").last).to_contain_text(place, timeout=WAIT)
    check(waits, look, "queue")
    house.model.replies[:] = [Reply(("32厘米[1]。",))]
    hold.set()
    for each in (page, tab, waits):
        each.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
        assert each.locator("#chat .error").all_inner_texts() == []
    expect(tab.locator("#chat .bot-row")).to_contain_text("重1.8千克")
    expect(waits.locator("#chat .bot-row")).to_contain_text("32厘米")
    tab.close()
    waits.close()


def test_a_restart_in_mid_answer_is_told_and_the_question_asked_again(
    browser: Browser, tmp_path: Path
) -> None:
    """The pages find the app again by themselves."""
    hold = threading.Event()
    with openai_server() as model, ExitStack() as visits:
        given = {
            **{"DATA_DIR": tmp_path, "CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url},
            **{"PORT": free_port(), "GRACE_SECONDS": "60"},
        }
        pages: list[tuple[Look, Page]] = []
        with running_app(**given) as app:
            for look in LOOKS:
                visit = visitor_of(browser, look.language, look.width, dark=look.dark)
                page = visits.enter_context(visit).page
                pages.append((look, page))
                show(page, app.url, "/")
                model.replies.append(Reply(("你好", "。"), hold=hold, hold_seconds=ANSWER_SECONDS))
                ask(page, "你好" if look.language == "zh" else "Hello")
                expect(page.locator("#chat .bot-row").last).to_contain_text("你好", timeout=WAIT)
            app.kill()
            for look, page in pages:
                banner = page.locator("#notices .banner")
                expect(banner).to_have_text(look.text("app_away"), timeout=WAIT)
        hold.set()
        with running_app(**given) as app:
            assert app.url
            for look, page in pages:
                told = page.locator("#chat .stopped")
                expect(told).to_contain_text(
                    look.text("interrupted"), timeout=ANSWER_SECONDS * 1000
                )
                check(page, look, "interrupted")
                model.replies[:] = [Reply(("又好了。",))]
                page.get_by_role("button", name=look.text("act_again")).click()
                expect(page.locator("#chat .bot-row").last).to_contain_text("又好了", timeout=WAIT)
                expect(page.locator("#chat .user-row")).to_have_count(1)

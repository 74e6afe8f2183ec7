"""The page in a real browser: the whole journey on the embedded models, and each part of the page
on a chat model whose answers the test gives."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn, text_parts
from assistant.settings import Settings
from tests.browser import App, Visitor, open_browser, running_app, screenshot, visit
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.site import serve

MANUAL = """# 星河7000使用手册

## 概述

星河7000是远山公司制造的便携式光谱仪，用于野外的矿石分析。

## 规格

星河7000的重量是1.8千克，机身长32厘米。

## 电池

星河7000的电池可以连续使用12小时，充满电需要90分钟。

## 保修

星河7000的保修期是三年，每年需要校准一次。
"""
ANSWER_SECONDS = 240  # an embedded model on a busy machine
PAGE_SECONDS = 20

TURNS = "#chat .times"  # stands below every turn that ended well
ENDED = """(turns) => document.querySelectorAll("#chat .times").length === turns
  || document.querySelector("#chat .error")"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def ask(page: Page, question: str) -> None:
    page.fill("#composer textarea", question)
    page.press("#composer textarea", "Enter")


def answered(page: Page, turns: int, seconds: float = PAGE_SECONDS) -> None:
    """Wait until that many turns have ended well."""
    page.wait_for_function(ENDED, arg=turns, timeout=seconds * 1000)
    assert page.locator("#chat .error").all_inner_texts() == []


def open_chat(page: Page, url: str) -> None:
    page.goto(url)
    expect(
        page.locator("#chat .placeholder-content, #chat [data-testid=user]").first
    ).to_be_visible(timeout=PAGE_SECONDS * 1000)


def upload(page: Page, url: str, file: Path, title: str) -> None:
    page.goto(f"{url}/knowledge")
    page.set_input_files("#upload input[type=file]", file)
    expect(page.locator("#sources tbody").get_by_role("link", name=title)).to_be_visible(
        timeout=ANSWER_SECONDS * 1000
    )


@pytest.mark.timeout(1200)
def test_the_whole_journey(browser: Browser, tmp_path: Path) -> None:
    """Upload, ask, follow up with a pronoun, open the source, restart, find it all again."""
    manual = tmp_path / "星河7000使用手册.md"
    manual.write_text(MANUAL, "utf-8")
    settings = {"DATA_DIR": tmp_path / "data", "GRACE_SECONDS": "30"}
    with running_app(**settings) as app, visit(browser) as visitor:
        page = visitor.page
        upload(page, app.url, manual, "星河7000使用手册")
        open_chat(page, app.url)
        expect(page.locator(".states")).to_have_text("就绪", timeout=ANSWER_SECONDS * 1000)
        ask(page, "星河7000是什么仪器？")
        answered(page, 1, ANSWER_SECONDS)
        ask(page, "它有多重？")
        answered(page, 2, ANSWER_SECONDS)
        expect(page.locator(".rewritten")).to_contain_text("星河7000")
        check_cited(page, 1, "1.8")
        screenshot(page, "chat")
        check_cited(page, 0, "光谱仪")
        check_source(visitor)
        shown, address = page.inner_text("#chat"), page.url
        code, seconds = app.stop()
        assert code == 0
        assert seconds < 5
    with running_app(**settings) as app, visit(browser) as visitor:
        page = visitor.page
        open_chat(page, app.url)
        page.get_by_text("星河7000是什么仪器？").click()
        answered(page, 2)
        check_cited(page, 0, "光谱仪")
        check_cited(page, 1, "1.8")
        for line in shown.splitlines():
            if re.search(r"[\u4e00-\u9fff]", line) and "秒" not in line:
                assert line in page.inner_text("#chat")
        open_chat(page, f"{app.url}/{address.rpartition('/')[2]}")
        answered(page, 2)


def check_cited(page: Page, turn: int, fact: str) -> None:
    """The turn's answer holds the fact and cites the uploaded document."""
    group = page.locator("#chat .bot-row").nth(turn)
    answer = group.locator(".message-content").filter(
        has=page.locator("a[href^='/source/']:not(.title)")
    )
    expect(answer.first).to_contain_text(fact)
    group.locator("details.sources summary").click()
    cited = group.locator("details.sources li.cited")
    expect(cited.first.locator("a.title")).to_have_text("星河7000使用手册")
    assert any(fact in quote for quote in cited.locator("blockquote").all_inner_texts())


def check_source(visitor: Visitor) -> None:
    """The citation of the second answer opens its passage."""
    citation = visitor.page.locator("#chat .bot-row").nth(1).locator("a[href^='/source/']").first
    with visitor.context.expect_page() as opened:
        citation.click(modifiers=["ControlOrMeta"])
    source = opened.value
    expect(source.locator("h1")).to_have_text("星河7000使用手册")
    passage = source.locator("section:target")
    expect(passage).to_be_in_viewport()
    expect(passage).to_contain_text("1.8千克")
    screenshot(source, "source")
    source.close()


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


@pytest.fixture(scope="module")
def settings(model: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "CHAT_MODEL": "vllm:test",
        "VLLM_BASE_URL": model.url,
        "GRACE_SECONDS": "30",
    }


@pytest.fixture(scope="module")
def app(
    settings: dict[str, str], browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """The app with one document, shared by the tests below."""
    manual = tmp_path_factory.mktemp("files") / "手册.md"
    manual.write_text(MANUAL, "utf-8")
    with running_app(**settings) as running:
        with visit(browser) as visitor:
            upload(visitor.page, running.url, manual, "星河7000使用手册")
        yield running
        assert running.stop()[0] == 0


@pytest.fixture
def visitor(browser: Browser, app: App, model: OpenAIServer) -> Iterator[Visitor]:
    model.replies.clear()
    with visit(browser) as opened:
        open_chat(opened.page, app.url)
        yield opened


def test_an_answer_streams_and_survives_a_reload(visitor: Visitor, model: OpenAIServer) -> None:
    page, hold = visitor.page, threading.Event()
    model.replies.append(Reply(("星河7000", "的重量是1.8千克。"), hold=hold))
    ask(page, "星河7000有多重？")
    expect(page.locator("#chat .bot-row").last).to_contain_text("星河7000")
    expect(page.locator("#composer .stop-button")).to_be_visible()
    page.reload()
    expect(page.locator("#chat .bot-row").last).to_contain_text("星河7000")
    expect(page.locator(TURNS)).to_have_count(0)
    hold.set()
    answered(page, 1)
    expect(page.locator("#chat .bot-row")).to_contain_text("的重量是1.8千克")
    expect(page.locator("#composer .submit-button")).to_be_visible()


def test_stop_and_retry(visitor: Visitor, model: OpenAIServer) -> None:
    page, hold = visitor.page, threading.Event()
    model.replies.append(Reply(("一点", "很多很多"), hold=hold))
    ask(page, "星河7000多长？")
    expect(page.locator("#chat .bot-row")).to_contain_text("一点")
    page.click("#composer .stop-button")
    expect(page.locator("#composer .stop-button")).to_be_hidden()
    hold.set()
    expect(page.locator(".stopped")).to_be_visible(timeout=PAGE_SECONDS * 1000)
    model.say("星河7000长32厘米。")
    page.get_by_role("button", name="重新回答").click()
    expect(page.locator("#chat .bot-row")).to_contain_text("32厘米", timeout=PAGE_SECONDS * 1000)
    answered(page, 1)
    expect(page.locator(".stopped")).to_have_count(0)
    expect(page.locator("#chat .user-row")).to_have_count(1)


def test_a_fault_is_no_answer(visitor: Visitor, model: OpenAIServer) -> None:
    page = visitor.page
    model.replies += [Reply(status=401, error="bad key")] * 2
    ask(page, "星河7000有多重？")
    expect(page.locator(".error[role=alert]")).to_be_visible(timeout=PAGE_SECONDS * 1000)
    expect(page.locator(TURNS)).to_have_count(0)


def test_leaving_a_conversation_while_it_answers(visitor: Visitor, model: OpenAIServer) -> None:
    page, hold = visitor.page, threading.Event()
    model.replies.append(Reply(("第一段", "，第二段。"), hold=hold))
    ask(page, "星河7000卖多少钱？")
    expect(page.locator("#chat .bot-row")).to_contain_text("第一段")
    page.click("#new")
    expect(page.locator("#chat .user-row")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("c="))
    hold.set()
    page.locator("#talks").get_by_text("星河7000卖多少钱？").click()
    answered(page, 1)
    expect(page.locator("#chat .bot-row")).to_contain_text("第二段")
    expect(page).to_have_url(re.compile("c="))


def test_nothing_in_a_stored_turn_is_live(
    browser: Browser, app: App, settings: dict[str, str]
) -> None:
    """What slips past our own escaping would run here: the browser is the judge."""
    from tests.test_ui_rendering import EVIL

    evil = "\n\n".join(EVIL).replace("alert(1)", "window.pwned=1")
    source = {
        "n": 1,
        "id": "x",
        "title": evil,
        "location": evil,
        "quote": evil,
        "score": 1.0,
        "link": "/source/1#chunk-0",
        "url": "https://evil.example/" + evil,
    }
    turn = Turn("t", text_parts(evil), f"好[1]。\n\n{evil}", evil, time.time(), (source,))
    store_turn(settings, "evil", turn)
    with visit(browser) as visitor:
        page = visitor.page
        open_chat(page, f"{app.url}/?c=evil")
        page.click("details.sources summary")
        page.wait_for_timeout(500)
        assert page.evaluate("window.pwned") is None
        for selector in (
            "img",
            "script",
            "style",
            "svg[onload]",
            "[onerror]",
            "[href^=javascript]",
        ):
            assert page.locator(f"#chat .message-content {selector}").count() == 0
        for link in page.locator("#chat .message-content a").all():
            target = link.get_attribute("href") or ""
            assert re.match(r"https?://|/source/\d", target), target


def store_turn(settings: dict[str, str], conversation_id: str, turn: Turn) -> None:
    """Into the running app's Valkey, as another process would."""
    address = RedisAddress(Settings.load(settings, None))
    memory = LongTermMemory(address.url)
    memory.add("local", conversation_id, turn, np.ones(384, dtype=np.float32), text=turn.text)
    memory.close()
    address.close()


def test_a_site_is_crawled_and_a_source_deleted(browser: Browser, app: App) -> None:
    pages = {
        "/": '<title>云岭手册</title><h1>云岭手册</h1><p>云岭是一种茶。</p><a href="/b">b</a>',
        "/b": "<title>云岭冲泡</title><h1>云岭冲泡</h1><p>水温90度。</p>",
    }
    with serve(pages) as site, visit(browser) as visitor:
        page = visitor.page
        page.goto(f"{app.url}/knowledge")
        page.fill("#url textarea, #url input", site.url())
        page.get_by_label("整个网站").check()
        page.click("#options button")
        page.check("#private input")
        page.click("#add-site")
        expect(page.locator(".job").first).to_contain_text("已添加", timeout=PAGE_SECONDS * 1000)
        expect(page.locator(".entry .state")).to_have_text("完成", timeout=PAGE_SECONDS * 1000)
        cell = page.locator("#sources tbody").get_by_text("云岭冲泡")
        expect(cell).to_be_visible(timeout=PAGE_SECONDS * 1000)
        page.fill("#find textarea, #find input", "云岭")
        expect(page.locator("#sources tbody tr")).to_have_count(2)
        page.get_by_label("查看《云岭冲泡》的片段").click()
        expect(page.locator("#chunks pre")).to_have_text("水温90度。")
        page.get_by_label("选择《云岭冲泡》").check()
        expect(page.locator("#sources .bulk")).to_contain_text("已选 1 个")
        page.click("#options button")
        screenshot(page, "knowledge")
        page.click("#sources button[data-do=ask]")
        expect(page.locator("#confirm-sources")).to_contain_text("云岭冲泡")
        page.click("#delete-sources")
        expect(cell).to_have_count(0, timeout=PAGE_SECONDS * 1000)
        expect(page.locator("#sources tbody").get_by_text("云岭手册")).to_be_visible()
        page.locator(".entry .menu summary").first.click()
        page.select_option(".entry select", "hourly")
        page.click(".entry button[data-do=schedule]")
        expect(page.locator(".entry .about")).to_contain_text("每小时")


def test_the_page_speaks_english_on_a_phone_in_the_dark(browser: Browser, app: App) -> None:
    with visit(browser, locale="en-US", width=390, dark=True) as visitor:
        page = visitor.page
        open_chat(page, app.url)
        expect(page.locator("#new")).to_be_hidden()
        page.click("#show-side")
        expect(page.locator("#new")).to_have_text("New conversation")
        expect(page.locator(".states")).to_have_text("Ready")
        page.click("#new")
        expect(page.locator("#new")).to_be_hidden()
        for path in ("/", "/knowledge"):
            page.goto(f"{app.url}{path}")
            expect(page.locator("header.top nav")).to_contain_text("Knowledge")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{path} is {wide} px wide"
            screenshot(page, f"phone{path.replace('/', '-').rstrip('-')}")


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file={data}/knowledge.db",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=app.py",
        "/gradio_api/file=.env.example",
        "/file={data}/knowledge.db",
        "/gradio_api/file=../../../../etc/passwd",
        "/docs",
        "/openapi.json",
    ],
)
def test_no_route_gives_files_away(app: App, settings: dict[str, str], path: str) -> None:
    answer = httpx.get(app.url + path.format(data=settings["DATA_DIR"]))
    assert answer.status_code in (403, 404), answer.text[:200]
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_sigterm_ends_the_app_though_pages_are_open(
    browser: Browser, model: OpenAIServer, tmp_path: Path
) -> None:
    settings = {
        "DATA_DIR": tmp_path / "data",
        "CHAT_MODEL": "vllm:test",
        "VLLM_BASE_URL": model.url,
        "GRACE_SECONDS": "0",
        "SHUTDOWN_SECONDS": "0.5",
    }
    hold = threading.Event()
    model.replies[:] = [Reply(("很", "慢。"), hold=hold)]
    with running_app(**settings) as app, visit(browser) as visitor:
        open_chat(visitor.page, app.url)
        expect(visitor.page.locator(".states")).to_have_text("就绪", timeout=PAGE_SECONDS * 1000)
        visitor.page.goto(f"{app.url}/knowledge")
        expect(visitor.page.locator("#sources tbody")).to_contain_text(
            "使用指南", timeout=ANSWER_SECONDS * 1000
        )
        open_chat(visitor.page, app.url)
        ask(visitor.page, "怎么启动？")
        expect(visitor.page.locator("#chat .bot-row")).to_contain_text("很")
        code, seconds = app.stop(signal.SIGTERM)
        hold.set()
        assert code == 0, app.said
        assert seconds < 5
        assert "Traceback" not in app.said

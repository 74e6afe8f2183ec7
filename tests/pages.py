"""The pages of the app as their tests visit them: by path, in both languages, on a phone and a wide
screen, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, Frame, Page, expect

from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory
from assistant.settings import Settings
from tests.browser import App, Visitor, running_app, visit
from tests.openai_server import OpenAIServer, Reply, openai_server

SECONDS = 30.0
ANSWER_SECONDS = 120.0
#: Path -> what is there once the page can be used.
PAGES = {
    "/": "#composer textarea",
    "/knowledge": "#upload",
    "/memory": "#memory-search input",
    "/status": "#status-overview .verdict",
    "/admin": "#admin-prompt-text textarea",
    "/guide": "#guide .steps",
}
LOCALES = {"zh": "zh-CN", "en": "en-US"}
WIDTHS = (360, 1440)
ANSWERED = """(turns) => document.querySelectorAll("#chat .times").length >= turns
  || document.querySelector("#chat .error")"""

MANUAL = """# 星河7000使用手册

## 概述

星河7000是远山公司制造的便携式光谱仪，用于野外的矿石分析。

## 规格

星河7000的重量是1.8千克，机身长32厘米。

## 保修

星河7000的保修期是三年，每年需要校准一次。
"""
ANSWER = "星河7000的重量是1.8千克，机身长32厘米[1]。"


@dataclass
class House:
    """The app with one document, and the model that answers in it."""

    app: App
    model: OpenAIServer
    folder: Path

    @property
    def url(self) -> str:
        return self.app.url


@contextmanager
def house_in(folder: Path, browser: Browser, **settings: object) -> Iterator[House]:
    """Start the app in ``folder``, and give it the manual."""
    manual = folder / "星河7000使用手册.md"
    manual.write_text(MANUAL, "utf-8")
    with openai_server() as model:
        given = {
            "DATA_DIR": folder / "data",
            "CHAT_MODEL": "vllm:test",
            "VLLM_BASE_URL": model.url,
            "GRACE_SECONDS": "30",
            **settings,
        }
        with running_app(**given) as app:
            with visit(browser) as visitor:
                upload(visitor.page, app.url, manual)
            yield House(app, model, folder)
            assert app.stop()[0] == 0


def upload(page: Page, url: str, file: Path) -> None:
    show(page, url, "/knowledge")
    page.set_input_files("#upload input[type=file]", file)
    expect(page.get_by_text("星河7000使用手册").last).to_be_visible(timeout=ANSWER_SECONDS * 1000)
    expect(page.locator("#sources")).to_contain_text("星河7000", timeout=ANSWER_SECONDS * 1000)


@contextmanager
def visitor_of(
    browser: Browser, language: str, width: int, *, dark: bool, guided: bool = True
) -> Iterator[Visitor]:
    """A new visitor; ``guided``: who has seen the guide."""
    with visit(browser, locale=LOCALES[language], width=width, dark=dark) as visitor:
        if guided:
            visitor.context.add_cookies(
                [{"name": "guide", "value": "seen", "domain": "127.0.0.1", "path": "/"}]
            )
        yield visitor


def show(page: Page, url: str, path: str) -> None:
    """Open a page and wait until it can be used."""
    page.goto(f"{url}{path}")
    page.wait_for_selector(PAGES[path], timeout=SECONDS * 1000)


def ask(
    page: Page, model: OpenAIServer, question: str, answer: str = ANSWER, turns: int = 1
) -> None:
    """Ask and wait for the whole answer."""
    model.replies.append(Reply(tuple(answer)))
    page.fill("#composer textarea", question)
    page.press("#composer textarea", "Enter")
    page.wait_for_function(ANSWERED, arg=turns, timeout=ANSWER_SECONDS * 1000)
    assert page.locator("#chat .error").all_inner_texts() == []


@contextmanager
def memory_in(data: Path) -> Iterator[LongTermMemory]:
    """The memory of the app that runs in ``data``, as another process has it."""
    address = RedisAddress(Settings.load({"DATA_DIR": str(data)}, None))
    memory = LongTermMemory(address.url)
    try:
        yield memory
    finally:
        memory.close()
        address.close()


def wide(page: Page) -> int:
    """How wide the page is, with what would have to be scrolled to."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
MEND_MILLISECONDS = 300  # until the page's script has mended what Gradio drew
GRAVE = ("serious", "critical")


def grave_findings(page: Page | Frame) -> list[str]:
    """What axe-core finds that is serious or critical, a line each."""
    page.wait_for_timeout(MEND_MILLISECONDS)
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['impact']} {rule['id']}: {node['target']} {node['html'][:200]} "
        f"{json.dumps([one['message'] for one in node['any'] + node['all']], ensure_ascii=False)}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]

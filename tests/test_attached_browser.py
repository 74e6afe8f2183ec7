"""Files attached to a conversation, in a real browser: chosen, dropped and pasted; read, asked
about, there after a reload, removed; and in no other conversation. In all looks:
``make test-pages``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import open_browser, running_app, screenshot
from tests.looks import LOOKS, Look
from tests.openai_server import OpenAIServer, openai_server
from tests.pages import (
    ANSWER_SECONDS,
    SECONDS,
    ask,
    grave_findings,
    show,
    visitor_of,
    wide,
)

WAIT = SECONDS * 1000
READ = ANSWER_SECONDS * 1000
REPORT = "# 蓝鲸项目报告\n\n## 结论\n\n蓝鲸项目的预算是四百二十万元，由陈思负责。\n"
ASKED, ANSWERED = "蓝鲸项目的预算是多少？", "蓝鲸项目的预算是四百二十万元[1]。"
FILE, READY = "#attached .file", "#attached .file.ready"
#: Hands files over as a browser does where they are dropped or pasted: target, event, files.
HAND = """([target, kind, files]) => {
  const data = new DataTransfer();
  for (const [name, content] of files) data.items.add(new File([content], name));
  const given = kind === 'paste'
    ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector(target).dispatchEvent(given);
}"""


SCREEN, PHONE = Look("zh", 1440, False), Look("en", 360, True)


def looks(*always: Look) -> pytest.MarkDecorator:
    """In each of the looks; in all but ``always`` only where that is asked for."""
    matrix = pytest.mark.browser_matrix
    cases = [pytest.param(one, marks=() if one in always else matrix) for one in LOOKS]
    return pytest.mark.parametrize("look", cases, ids=str)


@dataclass
class Place:
    url: str
    model: OpenAIServer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("data")
    (folder / "sample-added").touch()
    with openai_server() as model:
        given = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "GRACE_SECONDS": "5"}
        with running_app(DATA_DIR=folder, **given) as app:
            yield Place(app.url, model)
            assert app.stop()[0] == 0


@pytest.fixture
def page(look: Look, browser: Browser, place: Place) -> Iterator[Page]:
    place.model.replies.clear()
    with visitor_of(browser, look.language, look.width, dark=look.dark) as visitor:
        visitor.page.set_default_timeout(WAIT)
        show(visitor.page, place.url, "/")
        visitor.page.wait_for_selector("#chat-tools .words", state="attached")
        yield visitor.page


def check(page: Page, look: Look, name: str) -> None:
    assert wide(page) <= look.width
    assert grave_findings(page) == []
    screenshot(page, f"attached-{name}-{look}")


@looks(SCREEN)
def test_a_file_from_the_clip_to_its_removal(
    page: Page, place: Place, look: Look, tmp_path: Path
) -> None:
    report, broken = tmp_path / "报告.md", tmp_path / "坏.pdf"
    report.write_text(REPORT, "utf-8")
    broken.write_bytes(b"no pdf")
    page.fill("#composer textarea", "draft")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=look.text("attached_add")).click()
    chooser.value.set_files([report, broken])
    expect(page.locator(READY)).to_contain_text(look.text("attached_ready_one"), timeout=READ)
    expect(page.locator("#attached .file.failed")).to_contain_text("PDF", timeout=READ)
    expect(page.locator("#attach")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#composer textarea")).to_have_value("draft")
    assert "c=" in page.url
    check(page, look, "read")
    page.get_by_role("button", name=look.text("attached_remove", name="坏.pdf")).click()
    expect(page.locator(FILE)).to_have_count(1)

    page.reload()
    expect(page.locator(READY)).to_be_visible()
    expect(page.locator("#composer textarea")).to_have_value("draft")
    ask(page, place.model, ASKED, ANSWERED)
    link = page.locator("#chat .message-content a[href^='/source/']").first
    answer = page.request.get(f"{place.url}{link.get_attribute('href')}")
    assert answer.ok and "由陈思负责" in answer.text()
    check(page, look, "answered")

    conversation = page.url
    page.keyboard.press("Control+Shift+O")
    expect(page.locator(FILE)).to_have_count(0)
    ask(page, place.model, ASKED, ANSWERED)
    assert page.locator("#chat a[href^='/source/']").count() == 0

    page.goto(conversation)
    expect(page.locator(READY)).to_be_visible()
    page.get_by_role("button", name=look.text("attached_remove", name="报告.md")).click()
    expect(page.locator(FILE)).to_have_count(0)


@looks(PHONE)
def test_files_are_dropped_and_pasted(page: Page, look: Look) -> None:
    page.evaluate(HAND, ["#chat", "drop", [["丢.md", REPORT], ["丢.md", REPORT]]])
    expect(page.locator(FILE).first).to_contain_text("丢.md", timeout=READ)
    page.evaluate(HAND, ["#composer textarea", "paste", [["贴.md", "# 贴\n\n粘贴的文件。\n"]]])
    expect(page.locator(READY)).to_have_count(2, timeout=READ)
    expect(page.locator(FILE).last).to_contain_text("贴.md")
    page.evaluate(HAND, ["#chat", "drop", [["又.md", REPORT]]])
    told = look.text("attached_again", name="又.md", other="丢.md")
    expect(page.locator(".toast-body").filter(has_text=told)).to_be_visible()
    expect(page.locator(FILE)).to_have_count(2)

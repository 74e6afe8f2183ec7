"""The knowledge page in a real browser: files in, found, read, tried, deleted; collections. The way
that most go is in test_browser.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.conversation import new_conversation_id
from tests.browser import open_browser, screenshot
from tests.pages import SECONDS, House, grave_findings, house_in, show, visitor_of, wide

pytestmark = pytest.mark.browser_matrix
SLOW = SECONDS * 3000  # milliseconds: documents are embedded with the lowest priority
#: What is said, by language.
SAID = {
    "zh": {
        "failed": "renamed.pdf 与其名称不符",
        "again": "同一个文件选了多次",
        "selected": "已选 2 个",
        "kept": "采用",
        "healthy": "一切正常",
        "chunks": "片段 11–12，共 12",
        "owner": "仅所有者可读",
    },
    "en": {
        "failed": "renamed.pdf is not what its name says",
        "again": "chosen more than once",
        "selected": "Selected: 2",
        "kept": "kept",
        "healthy": "All is well",
        "chunks": "chunks 11–12 of 12",
        "owner": "read by its owner only",
    },
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_in(tmp_path_factory.mktemp("library"), browser, MAX_FILE_MB=1) as opened:
        yield opened


def files_in(folder: Path) -> list[str]:
    """Good ones, a bad one, the same one twice, and names that could turn a page around."""
    texts = {
        "renamed.pdf": "no pdf at all",
        "🍵云岭.txt": "云岭是一种茶，水温90度。",
        "\u202eقهوة.md": "# قهوة\n\nنص عربي قصير عن القهوة.\n",
        "a/same.md": "# Same\n\nThe same file.\n",
        "b/same.md": "# Same\n\nThe same file.\n",
    }
    paths = []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        paths.append(str(path))
    return paths


def flow(page: Page, house: House, folder: Path, language: str, width: int) -> None:
    said = SAID[language]
    show(page, house.url, "/knowledge")
    page.set_input_files("#upload input[type=file]", files_in(folder))
    job = page.locator(".job").first
    expect(job).to_contain_text(said["failed"], timeout=SLOW)
    expect(job).to_contain_text(said["again"])
    rows = page.locator("#sources tbody tr")
    for title in ("🍵云岭", "قهوة", "Same"):
        expect(rows.filter(has_text=title)).to_have_count(1, timeout=SLOW)
    expect(rows.filter(has_text="12")).not_to_have_count(0, timeout=SLOW)  # the sample
    page.fill("#find textarea, #find input", "same")
    expect(rows).to_have_count(1)
    page.fill("#find textarea, #find input", "guide")
    expect(rows).to_have_count(2)
    rows.first.locator("button[data-do=chunks]").click()
    expect(page.locator("#chunks article")).to_have_count(10)
    page.locator("#chunks button[data-do=page]").last.click()
    expect(page.locator("#chunks header h3")).to_contain_text(said["chunks"])
    page.click("#try-section > button")
    page.fill("#try-question textarea, #try-question input", "星河7000有多重？")
    page.click("#try-search")
    expect(page.locator("#tried .mark.kept").first).to_have_text(said["kept"])
    page.click("#health-section > button")
    page.click("#check-health")
    expect(page.locator("#findings")).to_contain_text(said["healthy"])
    expect(page.locator("#disk dd")).not_to_have_count(0)
    assert wide(page) <= width
    assert grave_findings(page) == []
    screenshot(page, f"library-{language}-{width}")
    page.fill("#find textarea, #find input", "")
    for title in ("قهوة", "Same"):
        rows.filter(has_text=title).locator("input").check()
    expect(page.locator("#sources .bulk")).to_contain_text(said["selected"])
    page.click("#sources button[data-do=ask]")
    expect(page.locator("#confirm-sources li")).to_have_text(["قهوة", "Same"], use_inner_text=True)
    assert grave_findings(page) == []
    page.click("#delete-sources")
    for title in ("قهوة", "Same"):
        expect(rows.filter(has_text=title)).to_have_count(0, timeout=SLOW)
    expect(page.locator("#sources .bulk")).to_be_hidden()


def collections(page: Page, house: House, language: str, width: int) -> None:
    said, title = SAID[language], f"法务 {language} {width} {new_conversation_id()[:4]}"
    show(page, house.url, "/knowledge")
    page.click("#new-collection")
    page.fill("#collection-title textarea, #collection-title input", title)
    assert grave_findings(page) == []
    page.click("#save-collection")
    expect(page.locator("#shelf-facts")).to_contain_text(said["owner"])
    expect(page).to_have_url(re.compile("collection="))
    page.reload()
    expect(page.locator("#collection input")).to_have_value(title)
    expect(page.locator("#sources tr")).to_have_count(0)
    show(page, house.url, "/")
    page.click("#search-panel > button")
    page.click("#search-collection input")
    page.get_by_role("option", name=title).click()
    expect(page.locator("#search-collection input")).to_have_value(title)
    page.locator("#search-only input").click()
    page.fill("#composer textarea", "星河7000有多重？")
    page.press("#composer textarea", "Enter")
    expect(page.locator("#chat .times").or_(page.locator("#chat .refused"))).not_to_have_count(
        0, timeout=SLOW
    )
    expect(page.locator("details.sources")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_library(
    browser: Browser, house: House, tmp_path: Path, language: str, width: int, dark: bool
) -> None:
    with visitor_of(browser, language, width, dark=dark) as visitor:
        flow(visitor.page, house, tmp_path, language, width)
        collections(visitor.page, house, language, width)


def test_a_file_that_is_too_large_is_named(browser: Browser, house: House, tmp_path: Path) -> None:
    large = tmp_path / "巨大.txt"
    large.write_text("大" * 600_000, "utf-8")
    with visitor_of(browser, "zh", 1440, dark=False) as visitor:
        page = visitor.page
        show(page, house.url, "/knowledge")
        page.set_input_files("#upload input[type=file]", [str(large), *files_in(tmp_path)[-1:]])
        expect(page.locator(".toast-wrap")).to_contain_text("未上传：巨大.txt")
        expect(page.locator(".job").first).to_contain_text("same.md", timeout=SLOW)

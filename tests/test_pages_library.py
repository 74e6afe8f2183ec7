"""Folders, sites with their log and schedule, kinds, order, reading again and the preview, in every
look. Files, chunks, a search and the health: test_ui_library_browser.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.looks import WAIT, Look, check, every_look
from tests.pages import ANSWER_SECONDS, House, show
from tests.site import serve

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]
pytest_plugins = ["tests.page_fixtures"]
SLOW = ANSWER_SECONDS * 1000


@every_look
def test_a_folder_comes_in_and_is_read_again(
    page: Page, house: House, look: Look, tmp_path: Path
) -> None:
    folder, mark = tmp_path / "资料", f"云岭{look.number}"
    (folder / "深").mkdir(parents=True)
    (folder / f"{mark}.md").write_text(f"# {mark}\n\n{mark}是一种茶。\n", "utf-8")
    (folder / "深" / f"{mark}价目.csv").write_text(f"名称,价格\n{mark},90\n", "utf-8")
    show(page, house.url, "/knowledge")
    with page.expect_file_chooser() as opened:
        page.click("#upload-folder")
    opened.value.set_files(folder)
    job = page.locator(".job").first
    expect(job.locator(".state")).to_have_text(look.text("job_done"), timeout=SLOW)
    expect(job.locator("li")).to_have_count(2)
    page.fill("#find textarea, #find input", mark)
    rows = page.locator("#sources tbody tr")
    expect(rows).to_have_count(2)
    page.locator("#sources button[data-value=kind]").click()
    expect(page.locator("#sources th[aria-sort]")).to_have_count(1)
    page.click("#kinds input")
    page.get_by_role("option", name="CSV").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("价目")
    rows.locator("input[type=checkbox]").check()
    page.click("#sources button[data-do=resync]")
    expect(job).to_contain_text(look.text("job_resync", n=1), timeout=SLOW)
    expect(job.locator(".state")).to_have_text(look.text("job_done"), timeout=SLOW)
    check(page, look, "folder")
    page.click("#preview-section > button")
    page.set_input_files("#preview-file input[type=file]", folder / f"{mark}.md")
    expect(page.locator("#preview .chunk pre")).to_contain_text(f"{mark}是一种茶。")
    check(page, look, "preview")


@every_look
def test_a_site_is_followed(page: Page, house: House, look: Look) -> None:
    """Crawled with its log, scheduled, paused, run again, taken out with its documents."""
    mark = f"雨花{look.number}"
    pages = {
        "/": f'<title>{mark}手册</title><h1>{mark}手册</h1><p>一种茶。</p><a href="/b">b</a>',
        "/b": f"<title>{mark}冲泡</title><h1>{mark}冲泡</h1><p>水温90度。</p>",
    }
    with serve(pages) as site:
        show(page, house.url, "/knowledge")
        page.get_by_label(look.text("choose_site"), exact=True).check()
        page.fill("#url textarea, #url input", site.url())
        page.click("#options button")
        page.check("#private input")
        page.click("#add-site")
        entry = page.locator(".entry").filter(has_text=site.url())
        state = entry.locator("h3 .state").first
        expect(state).to_have_text(look.text("job_done"), timeout=SLOW)
        page.locator(".job").first.locator("summary").click()
        expect(page.locator(".job .log").first).to_contain_text(f"{mark}冲泡")
        check(page, look, "crawled")
        entry.locator(".menu summary").first.click()
        entry.locator("select").select_option("daily 03:00")
        entry.locator("button[data-do=schedule]").click()
        expect(entry.locator(".about")).to_contain_text("03:00")
        entry.locator("button[data-do=pause]").click()
        expect(entry).to_contain_text(look.text("paused"))
        entry.locator("button[data-do=resume]").click()
        expect(entry.locator("button[data-do=pause]")).to_be_visible()
        site.pages["/b"] = pages["/b"].replace("90", "80")
        entry.locator("button[data-do=run]").click()
        page.fill("#find textarea, #find input", f"{mark}冲泡")
        rows = page.locator("#sources tbody tr")
        expect(rows).to_have_count(1)
        expect(state).to_have_text(look.text("job_done"), timeout=SLOW)
        rows.locator("button[data-do=chunks]").click()
        expect(page.locator("#chunks pre")).to_have_text("水温80度。", timeout=WAIT)
        check(page, look, "followed")
        entry.locator(".menu summary").last.click()
        entry.locator("button[data-do=remove_all]").click()
        expect(entry).to_have_count(0)
        expect(page.locator("#sources tbody tr")).to_have_count(0, timeout=SLOW)

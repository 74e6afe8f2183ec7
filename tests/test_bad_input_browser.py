"""What is wrong with what a page is given: it is said in the reader's language, and nothing is
lost."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.looks import WAIT, Look, both_languages, check, edit_question, toast
from tests.openai_server import Reply
from tests.pages import ANSWER_SECONDS, ANSWERED, House, show

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]
pytest_plugins = ["tests.page_fixtures"]
SLOW = ANSWER_SECONDS * 1000
MOST = 8000  # characters of a question
UPLOAD = re.compile(r"/upload\?")
BUSY = {"zh": "这个对话还在回答上一个问题", "en": "This conversation is still answering"}
PASTE = """(words) => {
  const box = document.querySelector("#composer textarea");
  box.focus();
  box.value = words;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def ask(page: Page, question: str) -> None:
    page.fill("#composer textarea", question)
    page.press("#composer textarea", "Enter")


def rewritten(question: str) -> Reply:
    """What the model makes of a question that refers to the conversation."""
    return Reply((f"星河7000｜{question}",))


def upload(page: Page, *files: Path) -> None:
    page.set_input_files("#upload input[type=file]", [str(file) for file in files])


@both_languages
def test_a_huge_paste_is_refused_and_stays(page: Page, house: House, look: Look) -> None:
    show(page, house.url, "/")
    huge = "长" * 2**20
    page.evaluate(PASTE, huge)
    page.press("#composer textarea", "Enter")
    toast(page, str(len(huge)))
    assert page.input_value("#composer textarea") == huge
    expect(page.locator("#chat .user-row")).to_have_count(0)
    page.reload()
    expect(page.locator("#composer textarea")).to_have_value(huge)
    house.model.say("好。")
    ask(page, "你好")
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    edit_question(page, look, "长" * (MOST + 1))
    toast(page, str(MOST + 1))
    expect(page.locator("#chat .user-row")).to_have_text("你好")


@both_languages
def test_two_clicks_ask_once(page: Page, house: House, look: Look) -> None:
    show(page, house.url, "/")
    house.model.replies[:] = [Reply(("1.8千克[1]。",)), Reply(("再答一次[1]。",))]
    page.fill("#composer textarea", "星河7000有多重？")
    page.dblclick("#composer .submit-button")
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    expect(page.locator("#chat .user-row")).to_have_count(1)
    page.get_by_role("button", name=look.text("act_retry")).dblclick()
    expect(page.locator("#chat .versions .count")).to_have_text("2/2")
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    assert house.model.replies == []
    page.reload()
    expect(page.locator("#chat .versions .count")).to_have_text("2/2")


@both_languages
def test_the_back_button_in_mid_answer(page: Page, house: House, look: Look) -> None:
    hold, answer = threading.Event(), page.locator("#chat .bot-row")
    show(page, house.url, "/")
    house.model.replies[:] = [Reply(("1.8", "千克[1]。"), hold=hold, hold_seconds=ANSWER_SECONDS)]
    ask(page, "星河7000有多重？")
    expect(answer).to_contain_text("1.8")
    page.fill("#composer textarea", "下一个问题")
    page.click("header.top nav a[href='/knowledge']")
    page.wait_for_selector("#upload")
    page.go_back()
    expect(answer).to_contain_text("1.8")
    expect(page.locator("#composer textarea")).to_have_value("下一个问题")
    hold.set()
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    expect(answer).to_contain_text("1.8千克")
    page.go_forward()
    page.wait_for_selector("#upload")


@both_languages
def test_two_tabs_ask_in_one_conversation(page: Page, house: House, look: Look) -> None:
    """The second waits for the first, its question stays, and neither turn replaces the other."""
    hold = threading.Event()
    show(page, house.url, "/")
    house.model.replies[:] = [Reply(("1.8千克[1]。",))]
    ask(page, "星河7000有多重？")
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.locator("#chat .user-row")).to_have_count(1, timeout=WAIT)
    held = Reply(("32", "厘米[1]。"), hold=hold, hold_seconds=ANSWER_SECONDS)
    house.model.replies[:] = [rewritten("星河7000有多长？"), held]
    ask(page, "它有多长？")
    expect(page.locator("#chat .bot-row").last).to_contain_text("32")
    ask(tab, "它保修多久？")
    toast(tab, BUSY[look.language])
    expect(tab.locator("#composer textarea")).to_have_value("它保修多久？")
    hold.set()
    page.wait_for_function(ANSWERED, arg=2, timeout=WAIT)
    house.model.replies[:] = [rewritten("星河7000保修多久？"), Reply(("三年[1]。",))]
    tab.press("#composer textarea", "Enter")
    expect(tab.locator("#chat .bot-row").last).to_contain_text("三年", timeout=WAIT)
    expect(tab.locator("#composer .stop-button")).to_be_hidden(timeout=WAIT)
    for each in (page, tab):
        each.reload()
        asked = ["星河7000有多重？", "它有多长？", "它保修多久？"]
        expect(each.locator("#chat .user-row")).to_have_text(asked, timeout=WAIT)
    tab.close()


@both_languages
def test_the_network_goes_in_mid_answer(page: Page, house: House, look: Look) -> None:
    """It is said at once; the answer goes on, and what was typed is still there afterwards."""
    hold, answer = threading.Event(), page.locator("#chat .bot-row")
    show(page, house.url, "/")
    house.model.replies[:] = [Reply(("1.8", "千克[1]。"), hold=hold, hold_seconds=ANSWER_SECONDS)]
    ask(page, "星河7000有多重？")
    expect(answer).to_contain_text("1.8")
    page.context.set_offline(True)
    banner = page.locator("#notices .banner")
    expect(banner).to_have_text(look.text("app_away"))
    ask(page, "还没送到的问题")
    toast(page, look.text("app_away"))
    check(page, look, "offline")
    hold.set()
    with page.expect_event("load"):  # Gradio loads a page anew once its server is back
        page.context.set_offline(False)
    expect(banner).to_have_count(0)
    expect(page.locator("#composer textarea")).to_have_value("还没送到的问题")
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    expect(answer).to_contain_text("1.8千克")
    house.model.replies[:] = [rewritten("星河7000有多长？"), Reply(("送到了[1]。",))]
    page.fill("#composer textarea", "它有多长？")
    page.press("#composer textarea", "Enter")
    page.wait_for_function(ANSWERED, arg=2, timeout=WAIT)
    page.reload()
    expect(page.locator("#chat .user-row")).to_have_count(2)
    expect(page.locator("#composer textarea")).to_have_value("")


@both_languages
def test_the_network_goes_in_mid_upload(
    page: Page, house: House, look: Look, tmp_path: Path
) -> None:
    """It is said, also after the page came back by itself; files that are chosen again come in."""
    name = f"断网{look.number}"
    lost, small = tmp_path / f"{name}.txt", tmp_path / f"{name}好.md"
    lost.write_text(f"{name}。", "utf-8")
    small.write_text(f"# {name}好\n\n这一次传完了。\n", "utf-8")
    show(page, house.url, "/knowledge")
    sent: list[Route] = []
    page.route(UPLOAD, lambda route: sent.append(route))  # noqa: PLW0108 - no method of a list
    upload(page, lost)
    expect(page.locator("#upload input[type=file]")).to_have_count(0)
    page.context.set_offline(True)
    sent[0].abort("internetdisconnected")
    banner = page.locator("#notices .banner")
    expect(banner).to_have_text(look.text("app_away"))
    toast(page, look.text("app_away"))
    page.unroute(UPLOAD)
    page.context.set_offline(False)
    expect(banner).to_have_text(look.text("upload_broken"), timeout=WAIT)
    check(page, look, "upload-broken")
    page.reload()
    expect(banner).to_have_count(0)
    upload(page, small)
    cell = page.locator("#sources tbody").get_by_text(f"{name}好", exact=True)
    expect(cell).to_be_visible(timeout=SLOW)
    page.fill("#find textarea, #find input", name)
    expect(page.locator("#sources tbody tr")).to_have_count(1)


@both_languages
def test_an_upload_that_fails_is_said(page: Page, house: House, look: Look, tmp_path: Path) -> None:
    file = tmp_path / f"没送到{look.number}.md"
    file.write_text(f"# 没送到{look.number}\n\n一段。\n", "utf-8")
    show(page, house.url, "/knowledge")
    page.route(UPLOAD, lambda route: route.abort())
    upload(page, file)
    toast(page, look.text("app_failed"))
    page.unroute(UPLOAD)
    upload(page, file)
    cell = page.locator("#sources tbody").get_by_text(file.stem, exact=True)
    expect(cell).to_be_visible(timeout=SLOW)


@both_languages
def test_five_hundred_files_at_once(page: Page, house: House, look: Look, tmp_path: Path) -> None:
    """Each comes in; of names that are no matter of course, too."""
    mark = f"五百{look.number}"
    odd = ("🍵", "\u202eقهوة", "a b&c<d>", "e" * 150)
    names = [f"{mark}-{n}{odd[n] if n < len(odd) else ''}.txt" for n in range(500)]
    for n, name in enumerate(names):
        (tmp_path / name).write_text(f"{mark}第{n}份。", "utf-8")
    show(page, house.url, "/knowledge")
    upload(page, *(tmp_path / name for name in names))
    job = page.locator(".job").first
    expect(job).to_contain_text("500", timeout=SLOW)
    check(page, look, "five-hundred")
    expect(job.locator(".state")).to_have_text(look.text("job_done"), timeout=3 * SLOW)
    page.fill("#find textarea, #find input", mark)
    expect(page.locator("#sources .pager")).to_contain_text("500", timeout=WAIT)
    check(page, look, "five-hundred-in")

"""What one can do in a conversation, in every look: an answer with its steps, thoughts and marks;
rating, copying, what was searched for, editing, versions, what to ask next."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.looks import WAIT, Look, check, edit_question, every_look, toast
from tests.openai_server import Reply
from tests.pages import ANSWER_SECONDS, ANSWERED, House, ask, show
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser_matrix, pytest.mark.timeout(900)]
pytest_plugins = ["tests.page_fixtures"]

GUIDE = {"zh": "在知识库页面上传[1]。", "en": "Upload them on the Knowledge page[1]."}
RICH = """星河7000的重量是1.8千克[1]。

| 项目 | 值 |
|---|---|
| 重量 | 1.8千克 |

```python
def weigh(count: int) -> str:  # each of them
    return f"{count * 1.8} kg"
```

$$m = 1.8$$
"""


def answered(page: Page) -> None:
    page.wait_for_function(ANSWERED, arg=1, timeout=WAIT)
    assert page.locator("#chat .error").all_inner_texts() == []


@every_look
def test_an_answer_as_it_comes_and_what_is_done_with_it(
    page: Page, house: House, look: Look
) -> None:
    """Steps, folded thoughts, rendering, card, copying, rating with a reason, follow-ups."""
    show(page, house.url, "/")
    house.model.replies.append(Reply(tuple(RICH), thoughts=("先看规格。",)))
    page.fill("#composer textarea", "星河7000有多重？")
    page.press("#composer textarea", "Enter")
    answered(page)
    answer = page.locator("#chat .bot-row").last
    thoughts = answer.get_by_text("先看规格。")
    expect(thoughts).to_be_hidden()
    answer.get_by_text(look.text("thinking")).click()
    expect(thoughts).to_be_visible()
    answer.locator(".thought-group .title").first.click()
    expect(answer.locator(".steps time").first).to_contain_text(
        look.text("seconds", seconds="")[-1]
    )
    expect(answer.locator(".steps")).to_contain_text(look.text("did_retrieve"))
    expect(answer.locator("table td").last).to_contain_text("1.8千克")
    expect(answer.locator("pre code span").first).to_be_visible()  # highlighted
    expect(answer.locator(".katex").first).to_be_visible()
    expect(answer.locator(".times")).to_contain_text("vllm:test")
    check(page, look, "answer-rich")
    link, card = answer.locator("a[href^='/source/']").first, page.locator("#cite-card")
    link.focus()
    expect(card.locator("blockquote")).to_contain_text("1.8千克")
    box = card.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= look.width
    check(page, look, "answer-card")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.get_by_role("button", name=look.text("act_copy")).click()
    expect(answer.locator(".icon.copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith(
        "星河7000的重量是1.8千克[1]。"
    )
    page.get_by_role("button", name=look.text("act_bad")).click()
    check(page, look, "answer-why")
    page.get_by_role("button", name=look.text("why_missing")).click()
    toast(page, look.text("rated"))
    expect(answer.locator(".why")).to_have_count(0)
    expect(answer.locator("button.bad.on")).to_have_count(1)
    wait_for((house.folder / "data" / "sample-added").exists, ANSWER_SECONDS)
    show(page, house.url, "/")
    ask(page, house.model, look.text("example_1"), GUIDE[look.language])
    option = page.locator("#chat .option").first
    asked = option.inner_text()
    house.model.say("…[1]")
    option.click()
    expect(page.locator("#chat .user-row").last).to_have_text(asked)
    page.wait_for_function(ANSWERED, arg=2, timeout=WAIT)


@every_look
def test_a_question_is_searched_anew_and_edited(page: Page, house: House, look: Look) -> None:
    """Each makes a version of the answer, and each version stays."""
    show(page, house.url, "/")
    ask(page, house.model, "星河7000有多重？", "一公斤[1]。")
    count = page.locator("#chat .versions .count")
    page.click("#search-panel > button")
    page.fill("#searched textarea", "星河7000的重量")
    check(page, look, "search-panel")
    house.model.say("两公斤[1]。")
    page.click("#search-again")
    expect(count).to_have_text("2/2")
    expect(page.locator("#chat .rewritten")).to_contain_text(look.text("rewritten_edited"))
    answered(page)
    house.model.say("32厘米[1]。")
    edit_question(page, look, "星河7000有多长？")
    expect(count).to_have_text("3/3")
    answered(page)
    expect(page.locator("#chat .user-row")).to_have_text("星河7000有多长？")
    page.get_by_role("button", name=look.text("act_earlier")).click()
    expect(count).to_have_text("2/3")
    expect(page.locator("#chat .bot-row")).to_contain_text("两公斤")
    expect(page.locator("#chat .user-row")).to_contain_text("星河7000有多重？")
    check(page, look, "versions")
    page.reload()
    expect(count).to_have_text("2/3")
    page.get_by_role("button", name=look.text("act_later")).click()
    expect(page.locator("#chat .bot-row")).to_contain_text("32厘米")

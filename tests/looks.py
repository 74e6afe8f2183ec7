"""The looks that every page and flow is tried in: both languages, a phone and a wide screen, light
and dark; and what has to hold in each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from assistant.ui.texts import text
from tests.browser import screenshot
from tests.pages import SECONDS, WIDTHS, grave_findings, wide

#: Gradio's own words.
EDIT, SEND = {"zh": "编辑", "en": "Edit"}, {"zh": "发送", "en": "Submit"}
WAIT = SECONDS * 1000  # milliseconds


@dataclass(frozen=True)
class Look:
    """One cell of the matrix."""

    language: str
    width: int
    dark: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{'dark' if self.dark else 'light'}"

    @property
    def number(self) -> int:
        return LOOKS.index(self)

    def text(self, key: str, **fields: object) -> str:
        return text(key, self.language, **fields)


LOOKS = [Look(*each) for each in itertools.product(("zh", "en"), WIDTHS, (False, True))]
every_look = pytest.mark.parametrize("look", LOOKS, ids=str)
#: Where the words matter and the colours don't.
both_languages = pytest.mark.parametrize("look", [LOOKS[0], LOOKS[-1]], ids=str)


def check(page: Page, look: Look, name: str) -> None:
    """It fits, it is in the language and the colours, and a screen reader can use it."""
    assert wide(page) <= look.width, name
    shown = page.locator("html").get_attribute("lang") or ""
    assert shown.startswith(look.language), name
    if page.locator("gradio-app").count():
        assert ("dark" in (page.locator("body").get_attribute("class") or "")) == look.dark
    found = grave_findings(page)
    assert found == [], f"{name}: {found}"
    screenshot(page, f"{name}-{look}")


def toast(page: Page, words: str) -> None:
    """A message in the corner says so, under the app's own name."""
    shown = page.locator(".toast-body").filter(has_text=words).first
    expect(shown).to_be_visible(timeout=WAIT)
    expect(shown.locator(".toast-title")).not_to_contain_text("Warning")
    expect(shown.locator(".toast-title")).not_to_contain_text("Error")


def show_side(page: Page, look: Look) -> None:
    """The list of conversations, which is a drawer on a phone."""
    if look.width < 600 and not page.locator("#side").is_visible():
        page.click("#show-side")


def edit_question(page: Page, look: Look, words: str) -> None:
    """Change the first question of the conversation."""
    page.locator("#chat .user-row").first.hover()
    page.locator("#chat").get_by_role("button", name=EDIT[look.language]).first.click()
    page.fill("#chat .edit-textarea", words)
    page.locator("#chat").get_by_role("button", name=SEND[look.language]).click()

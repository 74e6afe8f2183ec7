"""The house and the visitor of the tests that try every look: one browser and one app a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import open_browser
from tests.looks import WAIT, Look
from tests.pages import House, house_in, visitor_of


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_in(Path(tmp_path_factory.mktemp("house")), browser, SHARE="on") as opened:
        yield opened


@pytest.fixture
def page(look: Look, browser: Browser, house: House) -> Iterator[Page]:
    """A new visitor's, who has seen the guide."""
    house.model.replies.clear()
    with visitor_of(browser, look.language, look.width, dark=look.dark) as visitor:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visitor.page.set_default_timeout(WAIT)
        yield visitor.page

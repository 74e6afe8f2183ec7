"""The admin page in a real browser: a user, a prompt that an upgrade has overtaken, the audit log.
Each flow in the other language, and all widths and colours: ``make test-pages``."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Locator, Page, expect

from assistant.prompt_edits import PromptEdits
from assistant.ui.texts import text
from assistant.users.accounts import Account, Accounts
from assistant.users.identity import Role
from tests.browser import App, Visitor, open_browser, running_app, screenshot
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.pages import ANSWER_SECONDS, ask, grave_findings, upload, visitor_of, wide

GOOD = "four words make one"
WAIT = 30_000.0
MARK = "先说结论再说依据"
MANUAL = "# 星河7000手册\n\n星河7000的重量是1.8千克，机身长32厘米。\n"


@dataclass
class Site:
    """The running app with an administrator."""

    app: App
    model: OpenAIServer
    folder: Path

    @property
    def edits(self) -> PromptEdits:
        return PromptEdits(self.folder / "prompts")

    def start(self, name: str) -> None:
        """Accounts and prompts as a test begins with them."""
        (self.folder / "users.json").unlink(missing_ok=True)
        quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        accounts = Accounts(self.folder)
        accounts.add(Account("root", Role.ADMIN, quick.hash(GOOD)))
        accounts.add(Account(name, Role.READER, quick.hash(GOOD)))
        for file in (self.folder / "prompts").glob("*.json"):
            file.unlink()

    def age(self, language: str) -> None:
        """As if the edit had been made of what an earlier version shipped."""
        [file] = (self.folder / "prompts").glob(f"answer.{language}.json")
        row = json.loads(file.read_text("utf-8"))
        row["now"]["shipped"] = row["now"]["shipped"].replace("[1]", "[9]")
        file.write_text(json.dumps(row), "utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(tmp_path_factory.mktemp("admin")) / "data"
    folder.mkdir()
    (folder / "sample-added").touch()
    with openai_server() as model:
        Site(None, model, folder).start("li")  # type: ignore[arg-type]
        given = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "GRACE_SECONDS": "5"}
        with running_app(DATA_DIR=folder, AUTH="users", **given) as app:
            yield Site(app, model, folder)
            assert app.stop()[0] == 0


def log_in(page: Page, url: str, name: str, password: str, path: str = "/admin") -> None:
    page.goto(f"{url}{path}")
    page.fill("#name", name)
    page.fill("#password", password)
    page.press("#password", "Enter")


def button(page: Page, name: str) -> Locator:
    return page.locator(f"#admin-table button[data-value={name}]")


@pytest.fixture
def admin(site: Site, browser: Browser, language: str) -> Iterator[Visitor]:
    site.start("li")
    with visitor_of(browser, language, 1440, dark=False) as visitor:
        log_in(visitor.page, site.app.url, "root", GOOD)
        expect(button(visitor.page, "root")).to_be_visible(timeout=WAIT)
        yield visitor


def in_both(first: str, other: str) -> pytest.MarkDecorator:
    rare = pytest.param(other, marks=pytest.mark.browser_matrix)
    return pytest.mark.parametrize("language", [first, rare])


@in_both("zh", "en")
def test_a_user_is_added_comes_in_and_goes(
    admin: Visitor, site: Site, browser: Browser, language: str
) -> None:
    page, name = admin.page, f"zhao-{language}"
    page.click("#admin-new")
    page.fill("#admin-new-name input", name)
    page.locator("#admin-new-role").get_by_text(text("role_admin", language)).click()
    page.click("#admin-new-save")
    password = page.locator("#admin-said code")
    expect(password).to_be_visible(timeout=WAIT)
    expect(page.locator("#admin-table")).to_contain_text(name)
    with visitor_of(browser, language, 360, dark=True) as visitor:
        other = visitor.page
        log_in(other, site.app.url, name, password.inner_text())
        button(other, name).click(timeout=WAIT)
        expect(other.locator("#admin-user h3")).to_be_focused(timeout=WAIT)
        assert wide(other) <= 360
        assert grave_findings(other) == []

        button(page, name).click()
        expect(page.locator("#admin-user h3")).to_contain_text(name, timeout=WAIT)
        page.locator("#admin-role").get_by_text(text("role_reader", language)).click()
        page.click("#admin-save-role")
        expect(page.locator("#admin-table tr", has_text=name)).to_contain_text(
            text("role_reader", language), timeout=WAIT
        )
        other.goto(f"{site.app.url}/admin")
        expect(other.locator("#admin-refused")).to_contain_text(
            text("admin_refused", language), timeout=WAIT
        )
        expect(other.locator("#admin-table")).to_have_count(0)
        assert other.locator(".top nav a[href='/admin']").count() == 0

        page.click("#admin-toggle")
        row = page.locator("#admin-table tr", has_text=name)
        expect(row).to_contain_text(text("admin_disabled", language), timeout=WAIT)
        other.goto(f"{site.app.url}/admin")
        expect(other.locator("#password")).to_be_visible(timeout=WAIT)
    page.click("#admin-remove")
    expect(page.locator("#admin-confirm")).to_contain_text(name, timeout=WAIT)
    assert grave_findings(page) == []
    screenshot(page, f"admin-users-{language}")
    page.click("#admin-really")
    expect(button(page, name)).to_have_count(0, timeout=WAIT)
    expect(page.locator("#admin-user")).to_be_hidden()
    entries = page.locator("#admin-entries tbody tr")
    expect(entries.first).to_contain_text(text("audit_users_remove", language), timeout=WAIT)
    page.fill("#admin-audit-find input", name)
    page.locator("#admin-audit-kind").get_by_text(text("admin_audit_users", language)).click()
    expect(entries).to_have_count(4, timeout=WAIT)


@pytest.mark.browser_matrix
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_prompt_is_edited_used_and_overtaken(
    admin: Visitor, site: Site, tmp_path: Path, language: str
) -> None:
    page = admin.page
    field = page.locator("#admin-prompt-text textarea")
    page.locator("#admin-language").get_by_text("中文").click()
    expect(page.locator("#admin-prompt-about h3")).to_contain_text("中文", timeout=WAIT)
    shipped = field.input_value()
    field.fill(shipped.replace("{context}", ""))
    page.click("#admin-save")
    expect(page.locator(".toast-body")).to_contain_text("{context}", timeout=WAIT)
    assert "{context}" not in field.input_value(), "what was typed stays"
    field.fill(shipped.replace("---\n", f"---\n<b>{MARK}</b>。", 1))
    site.model.replies.append(Reply(("你好！有什么可以帮你？",)))
    page.fill("#admin-try-question input", "你好")
    page.click("#admin-try")
    tried = page.locator("#admin-try-answer")
    expect(tried).to_contain_text("有什么可以帮你", timeout=WAIT)
    expect(tried).to_contain_text(text("admin_try_other", language), timeout=WAIT)
    assert not site.edits.state("answer", "zh").is_edited
    page.click("#admin-save")
    about = page.locator("#admin-prompt-about")
    expect(about).to_contain_text(text("admin_is_edited", language), timeout=WAIT)
    about.locator("summary").click()
    expect(about.locator("ins")).to_contain_text(f"<b>{MARK}</b>。")

    manual = tmp_path / "星河7000使用手册.md"
    manual.write_text(MANUAL, "utf-8")
    asking = admin.context.new_page()
    upload(asking, site.app.url, manual)
    asking.goto(f"{site.app.url}/")
    asking.wait_for_selector("#composer textarea", timeout=WAIT)
    ask(asking, site.model, "星河7000有多重？")
    sent = [json.dumps(each, ensure_ascii=False) for each in site.model.requests]
    assert any(MARK in each for each in sent), "without a restart"

    site.age("zh")
    page.reload()
    page.locator("#admin-prompt-overview button").click(timeout=WAIT)
    expect(about.locator(".matter del")).to_contain_text("9", timeout=WAIT)
    assert grave_findings(page) == []
    screenshot(page, f"admin-prompts-{language}")
    about.get_by_role("button", name=text("admin_keep", language)).click()
    expect(about.locator(".matter")).to_have_count(0, timeout=WAIT)
    assert MARK in site.edits.state("answer", "zh").text
    page.click("#admin-reset")
    expect(field).to_have_value(shipped, timeout=WAIT)
    page.locator("#admin-earlier > * summary").first.click()
    page.locator("#admin-earlier button").first.click()
    expect(field).to_have_value(re.compile(MARK), timeout=WAIT)
    assert MARK not in site.edits.state("answer", "zh").text


LOOKS = list(itertools.product(("zh", "en"), (360, 1440), (False, True)))


@pytest.mark.browser_matrix
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("language", "width", "dark"), LOOKS)
def test_every_look(browser: Browser, site: Site, language: str, width: int, dark: bool) -> None:
    site.start("li")
    with visitor_of(browser, language, width, dark=dark) as visitor:
        page = visitor.page
        log_in(page, site.app.url, "root", GOOD)
        button(page, "li").click(timeout=WAIT)
        expect(page.locator("#admin-user h3")).to_be_focused(timeout=ANSWER_SECONDS * 1000)
        page.click("#admin-set-password")
        expect(page.locator("#admin-user-said code")).to_be_visible(timeout=WAIT)
        page.click("#admin-remove")
        expect(page.locator("#admin-really")).to_be_visible(timeout=WAIT)
        field = page.locator("#admin-prompt-text textarea")
        field.fill(field.input_value().replace("---\n", "---\nX. ", 1))
        page.click("#admin-save")
        page.locator("#admin-prompt-about summary").click(timeout=WAIT)
        expect(page.locator("#admin-prompt-about ins")).to_be_visible(timeout=WAIT)
        assert wide(page) <= width
        assert grave_findings(page) == []
        screenshot(page, f"admin-{language}-{width}-{'dark' if dark else 'light'}")

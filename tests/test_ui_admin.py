"""The admin page's handlers: for whom, what they change, and what they show of hostile words."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from argon2 import PasswordHasher

from assistant import events
from assistant.errors import AssistantError, MemoryUnavailable
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import CollectionInfo
from assistant.prompt_edits import PromptEdits
from assistant.prompts import PROMPT_DIR
from assistant.settings import Settings
from assistant.turn_memory import Given
from assistant.ui.admin_audit import ACTIONS, SHOWN, AuditPart
from assistant.ui.admin_owners import OwnersPart
from assistant.ui.admin_page import AdminPage
from assistant.ui.admin_prompts import PromptsPart, View
from assistant.ui.admin_trial import TrialPart
from assistant.ui.admin_users import UsersPart
from assistant.ui.differences import difference_html
from assistant.ui.head import Looker, header_html, page_at
from assistant.ui.visitor import Visitors
from assistant.users import passwords
from assistant.users.access import Access
from assistant.users.accounts import Account, Accounts
from assistant.users.administration import Administration
from assistant.users.audit import Audit
from assistant.users.audit_reading import newest
from assistant.users.identity import LOCAL, Identity, Role
from assistant.users.keys import add_key
from tests.test_ui_rendering import Tags

EVIL = "<img src=x onerror=alert(1)>\"'"
GOOD = "four words make one"
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ROOT = Identity("root", Role.ADMIN, "session")
OTHERS = (
    Identity("wang", Role.READER, "session"),
    Identity("li", Role.EDITOR, "session"),
    Identity("root", Role.ADMIN, "key"),
)
MINE = (
    "--- system ---\n只用资料回答，语气正式。\n--- user ---\n资料：\n{context}\n\n问题：{question}"
)


def request_of(identity: Identity, language: str = "en") -> Any:
    state = SimpleNamespace(identity=identity)
    return SimpleNamespace(headers={"accept-language": language}, state=state, session_hash="s")


BY_ROOT = request_of(ROOT)


def names(content: str) -> set[str]:
    """The tags that a browser would make of it."""
    tags = Tags()
    tags.feed(content)
    return {name for name, _ in tags.found}


def clicked(do: str, value: str = "") -> Any:
    return SimpleNamespace(do=do, value=value)


@dataclass
class Shelves:
    """The collections of a library."""

    infos: list[CollectionInfo] = field(
        default_factory=lambda: [
            CollectionInfo("default", "", "local", ("*",), 0.0),
            CollectionInfo("law", "法律", "li", (), 0.0),
            CollectionInfo("old", EVIL, "gone", (), 0.0),
        ]
    )

    def all(self) -> list[CollectionInfo]:
        return self.infos

    def find(self, name: str) -> CollectionInfo | None:
        return next((info for info in self.infos if info.name == name), None)

    def change(self, name: str, *, owner: str) -> None:
        self.infos = [
            replace(info, owner=owner) if info.name == name else info for info in self.infos
        ]


@dataclass
class Memory:
    """Long-term memory, as far as the page asks of it."""

    fault: AssistantError | None = None
    forgotten: list[str] = field(default_factory=list)

    def conversations(self, user: str, limit: int = 200) -> list[str]:
        return self._told(["c1", "c2"])

    def facts(self, user: str) -> list[str]:
        return self._told(["f1"])

    def forget_all(self, user: str) -> None:
        self._told([])
        self.forgotten.append(user)

    def _told(self, found: list[str]) -> list[str]:
        if self.fault:
            raise self.fault
        return found


@dataclass
class Turns:
    """Answers with the events that it is given."""

    told: list[events.Event] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    stopped: int = 0

    def start(self, user: str, conversation_id: str, question: str, **more: Any) -> Turns:
        self.asked.append({"user": user, "question": question, **more})
        return self

    def events(self) -> Iterator[events.Event]:
        yield from self.told

    def stop(self) -> None:
        self.stopped += 1


class Desk:
    """The page of one app with users."""

    def __init__(self, folder: Path, **given: str) -> None:
        values = {"DATA_DIR": str(folder / "data"), "AUTH": "users"} | given
        self.settings = settings = Settings.load(values, None)
        self.folder, self.shipped = settings.data_dir, folder / "shipped"
        self.access = Access(settings, Audit(settings.log_dir))
        visitors = Visitors("auto", is_open=False)
        audit = self.access.audit
        self.shelves, self.memory = Shelves(), Memory()
        self.edits = PromptEdits(settings.data_dir / "prompts", self.shipped)
        self.reread: list[bool] = []
        collections = cast(Collections, self.shelves)
        memory = cast(Any, self.memory)
        self.users = UsersPart(
            Administration(self.access), collections, memory, memory, settings, visitors, audit
        )
        self.owners = OwnersPart(collections, self.access.accounts, visitors, audit)
        self.prompts = PromptsPart(self.edits, visitors, audit, lambda: self.reread.append(True))
        self.audit = AuditPart(settings.log_dir, visitors)
        self.turns = Turns()
        self.trial = TrialPart(cast(Any, self.turns), self.edits, visitors)
        self.page = AdminPage(
            visitors, self.users, self.owners, self.prompts, self.trial, self.audit
        )

    def done(self) -> list[tuple[str, str]]:
        return [(each.action, each.target) for each in newest(self.settings.log_dir)][::-1]

    def kept(self) -> list[tuple[str, bytes]]:
        """All that the page can change."""
        files = sorted(path for path in self.folder.rglob("*") if path.suffix == ".json")
        found = [(path.name, path.read_bytes()) for path in files]
        return [*found, ("shelves", repr(self.shelves.infos).encode())]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", lambda: HASHER)


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    for name in ("Info", "Warning"):
        monkeypatch.setattr(gr, name, lambda words, **_: said.append(words))
    return said


@pytest.fixture
def desk(tmp_path: Path, toasts: list[str]) -> Iterator[Desk]:
    shutil.copytree(PROMPT_DIR, tmp_path / "shipped")
    (tmp_path / "data").mkdir()
    accounts = Accounts(tmp_path / "data")
    for name, role in (("root", Role.ADMIN), ("li", Role.EDITOR), ("wang", Role.READER)):
        accounts.add(Account(name, role, HASHER.hash(GOOD)))
    yield Desk(tmp_path)


def view_of(desk: Desk, name: str = "answer", language: str = "zh", **drafts: str) -> View:
    found = desk.edits.state(name, language)
    return View(name, language, found.stamp, {k.replace("_", "."): v for k, v in drafts.items()})


HANDLERS: dict[str, Callable[[Desk, Any], Any]] = {
    "users.show": lambda desk, by: desk.users.show(by),
    "users.begin": lambda desk, by: desk.users.begin(by),
    "users.add": lambda desk, by: desk.users.add("zhao", "admin", GOOD, by),
    "users.open": lambda desk, by: desk.users.act("", clicked("user", "li"), by),
    "users.key": lambda desk, by: desk.users.act("li", clicked("key", "1"), by),
    "users.role": lambda desk, by: desk.users.change_role("li", "admin", by),
    "users.toggle": lambda desk, by: desk.users.toggle("li", by),
    "users.sessions": lambda desk, by: desk.users.end_sessions("li", by),
    "users.password": lambda desk, by: desk.users.set_password("li", "", by),
    "users.ask": lambda desk, by: desk.users.ask_removal("li", by),
    "users.remove": lambda desk, by: desk.users.remove("li", True, by),
    "owners.show": lambda desk, by: desk.owners.show(by),
    "owners.give": lambda desk, by: desk.owners.hand_over("law", "wang", by),
    "prompts.show": lambda desk, by: desk.prompts.show(View(), by),
    "prompts.choose": lambda desk, by: desk.prompts.choose("own", "en", "", view_of(desk), by),
    "prompts.save": lambda desk, by: desk.prompts.save(MINE, view_of(desk), by),
    "prompts.reset": lambda desk, by: desk.prompts.reset(view_of(desk), by),
    "prompts.keep": lambda desk, by: desk.prompts.act("", view_of(desk), clicked("keep"), by),
    "prompts.take": lambda desk, by: desk.prompts.act("", view_of(desk), clicked("take"), by),
    "prompts.load": lambda desk, by: desk.prompts.act("", view_of(desk), clicked("load", "0"), by),
    "prompts.open": lambda desk, by: desk.prompts.act(
        "", view_of(desk), clicked("open", "own.en"), by
    ),
    "prompts.try": lambda desk, by: list(desk.trial.ask("你好吗？", MINE, view_of(desk), by)),
    "audit.show": lambda desk, by: desk.audit.show("", "", SHOWN, by),
}


@pytest.mark.parametrize("who", OTHERS, ids=["reader", "editor", "key"])
@pytest.mark.parametrize("handler", HANDLERS)
def test_each_handler_is_for_administrators_alone(
    desk: Desk, toasts: list[str], handler: str, who: Identity
) -> None:
    seen = desk.edits.state("answer", "zh").stamp
    desk.edits.save("answer", "zh", MINE, by="root", seen=seen)
    before = desk.kept()
    told = repr(HANDLERS[handler](desk, request_of(who)))
    assert desk.kept() == before
    assert desk.done() == []
    assert desk.turns.asked == []
    assert len(toasts) == 1
    assert not any(word in told for word in ("wang", "法律", "正式", "zhao", "root"))
    assert not re.search(r"'visible': True", told)


@pytest.mark.parametrize("handler", HANDLERS)
def test_each_handler_answers_an_administrator(desk: Desk, handler: str) -> None:
    HANDLERS[handler](desk, BY_ROOT)


def test_only_administrators_are_led_to_the_page(desk: Desk) -> None:
    for who in (*OTHERS[:2], ROOT, LOCAL):
        is_admin = who.role is Role.ADMIN
        assert ('href="/admin"' in header_html("chat", [], Looker("en", who))) == is_admin
        refused, parts = desk.page.open(request_of(who))
        assert parts["visible"] == is_admin
        assert refused["visible"] != is_admin
    assert page_at("/admin/") == "admin"
    refused, _ = desk.page.open(request_of(OTHERS[2]))
    assert "for administrators" in refused["value"]


def test_a_password_is_made_and_shown_once(desk: Desk, toasts: list[str]) -> None:
    form, field, said = desk.users.add("Zhao", "reader", "", BY_ROOT)
    made = re.findall(r"<code[^>]*>(.*?)</code>", said)[0]
    assert (form["visible"], field, toasts) == (False, "", [])
    assert desk.access.login("zhao", made, "10.0.0.1")
    opened = desk.users.act("", clicked("user", "zhao"), BY_ROOT)
    assert made not in repr(opened)
    changed = desk.users.set_password("zhao", "", BY_ROOT)
    again = re.findall(r"<code[^>]*>(.*?)</code>", changed.said)[0]
    assert again != made
    assert desk.access.login("zhao", again, "10.0.0.1")
    typed = desk.users.set_password("zhao", "typed by the admin", BY_ROOT)
    assert "typed by" not in repr(typed)
    assert typed.password == ""
    log = (desk.settings.log_dir / "audit.jsonl").read_text("utf-8")
    assert not any(secret in log for secret in (made, again, "typed by"))


def test_a_refused_user_leaves_what_was_typed(desk: Desk, toasts: list[str]) -> None:
    skipped = gr.skip()
    assert desk.users.add("zhao", "reader", "short", BY_ROOT) == (skipped, skipped, skipped)
    assert desk.users.set_password("li", "short", BY_ROOT).password == skipped
    assert desk.users.change_role("root", "reader", BY_ROOT).box == skipped
    assert len(toasts) == 3
    assert "last administrator" in toasts[2]
    assert desk.users.act("", clicked("user", "nobody"), BY_ROOT).box["visible"] is False


def test_what_goes_with_a_user_is_said_before(desk: Desk) -> None:
    box, said, forget = desk.users.ask_removal("li", BY_ROOT)
    assert (box["visible"], forget) == (True, False)
    assert "conversations (2)" in said
    assert "法律" in said
    _, said, _ = desk.users.ask_removal("li", request_of(ROOT, "zh"))
    assert "对话（2）" in said
    desk.memory.fault = MemoryUnavailable("away", "不可用")
    assert "not counted" in desk.users.ask_removal("li", BY_ROOT)[1]


def test_a_user_goes_with_or_without_what_they_said(desk: Desk, toasts: list[str]) -> None:
    assert desk.users.remove("wang", False, BY_ROOT).of == ""
    assert desk.memory.forgotten == []
    desk.memory.fault = MemoryUnavailable("away", "不可用")
    desk.users.remove("li", True, BY_ROOT)
    assert desk.access.accounts.named("li").disabled, "kept out, and can be deleted later"
    assert "not deleted" in toasts[-2]
    desk.memory.fault = None
    desk.users.remove("li", True, BY_ROOT)
    assert desk.memory.forgotten == ["li"]
    assert set(desk.access.accounts.all()) == {"root"}
    assert [action for action, _ in desk.done()] == [
        "users.remove", "users.disable", "users.disable", "users.forget", "users.remove",
    ]  # fmt: skip


def test_keys_are_revoked_one_by_one(desk: Desk) -> None:
    plain = add_key(desk.access.accounts, "li", EVIL)
    opened = desk.users.act("", clicked("user", "li"), BY_ROOT)
    key_id = desk.access.accounts.named("li").keys[0].id
    assert key_id in opened.heading
    assert plain not in opened.heading
    assert names(opened.heading) <= {"h3", "ul", "li", "span", "b", "button"}
    left = desk.users.act("li", clicked("key", key_id), BY_ROOT)
    assert "No API keys" in left.heading


def test_a_user_is_disabled_and_enabled_with_one_button(desk: Desk) -> None:
    assert desk.users.toggle("li", BY_ROOT).toggle["value"] == "Enable"
    assert desk.access.accounts.named("li").disabled
    assert "disabled" in desk.users.show(BY_ROOT).users
    assert desk.users.toggle("li", BY_ROOT).toggle["value"] == "Disable"
    assert not desk.access.accounts.named("li").disabled


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"AUTH": "auto"}, "AUTH=users"),
        ({"AUTH": "off"}, "AUTH=off"),
        (
            {"AUTH": "proxy", "AUTH_PROXY_HEADER": "X-User", "AUTH_PROXY_FROM": "127.0.0.1"},
            "x-user",
        ),
        (
            {
                "AUTH": "oidc", "OIDC_ISSUER": "https://sso.example.org",
                "OIDC_CLIENT_ID": "kb", "OIDC_CLIENT_SECRET": "secret",
            },
            "https://sso.example.org",
        ),
    ],
    ids=["local", "off", "proxy", "oidc"],
)  # fmt: skip
def test_it_says_where_users_and_roles_come_from(
    desk: Desk, tmp_path: Path, auth: dict[str, str], words: str
) -> None:
    other = Desk(tmp_path, **auth)
    shown = other.users.show(BY_ROOT)
    assert words in shown.way
    is_open = auth["AUTH"] in ("auto", "off")
    assert ("assistant.users add" in shown.way) == is_open
    assert shown.add["visible"] != is_open
    assert ("data-do" in shown.users) != is_open
    if not is_open:  # no password is kept here
        assert other.users.begin(BY_ROOT)[2]["visible"] is False
        assert "<code" not in repr(other.users.add("zhao", "editor", "", BY_ROOT))
        assert other.access.accounts.named("zhao").password is None
        assert "service may" in other.users.ask_removal("zhao", BY_ROOT)[1]


def test_a_collection_is_handed_over(desk: Desk, toasts: list[str]) -> None:
    shelves, owners = desk.owners.show(BY_ROOT)
    assert [name for _, name in shelves["choices"]] == ["default", "law", "old"]
    assert "gone, not in the users' file" in shelves["choices"][2][0]
    assert [name for _, name in owners["choices"]] == ["local", "li", "root", "wang"]
    desk.owners.hand_over("old", " Wang ", BY_ROOT)
    assert desk.shelves.infos[2].owner == "wang"
    assert desk.done() == [("collection.owner", "old")]
    for name, owner in (("none", "li"), ("law", "<b>"), (None, "li"), ("law", "")):
        desk.owners.hand_over(name, owner, BY_ROOT)
    assert desk.shelves.infos[1].owner == "li"
    assert len(toasts) == 5
    assert "<img" not in "".join(toasts)


def test_a_prompt_is_edited_and_comes_back(desk: Desk, toasts: list[str]) -> None:
    shown = desk.prompts.show(View(), request_of(ROOT, "zh"))
    assert (shown.name, shown.language) == ("answer", "zh")
    saved = desk.prompts.save(MINE, shown.view, BY_ROOT)
    assert desk.edits.prompts().get("answer", "zh").texts[0] == "只用资料回答，语气正式。"
    assert "edited" in saved.overview
    assert "<ins>" in saved.about
    desk.prompts.save(MINE, saved.view, BY_ROOT)  # nothing new: nothing noted
    other = desk.prompts.save(MINE.replace("正式", "亲切"), saved.view, BY_ROOT)
    loaded = desk.prompts.act(other.text, other.view, clicked("load", "0"), BY_ROOT)
    assert loaded.text == MINE
    assert "not saved yet" in loaded.about
    assert "亲切" in desk.edits.state("answer", "zh").text, "not before it is saved"
    reset = desk.prompts.reset(loaded.view, BY_ROOT)
    assert reset.text == desk.edits.state("answer", "zh").shipped
    assert "Earlier versions (2)" in reset.earlier
    assert desk.done() == [(f"prompts.{what}", "answer.zh") for what in ("save", "save", "reset")]
    assert len(desk.reread) == 3, "and the chat model reads it ahead"


def test_what_is_typed_stays_while_another_prompt_is_looked_at(desk: Desk) -> None:
    shown = desk.prompts.show(View(), request_of(ROOT, "zh"))
    left = desk.prompts.choose("own", "en", "half a th", shown.view, BY_ROOT)
    assert (left.name, left.language) == ("own", "en")
    back = desk.prompts.choose("answer", "zh", left.text, left.view, BY_ROOT)
    assert back.text == "half a th"
    assert "not saved yet" in back.about
    same = desk.prompts.save("half a th", back.view, BY_ROOT)
    assert same.text == gr.skip(), "refused, and still there"
    assert desk.prompts.choose("x", "y", "", back.view, BY_ROOT).name == "answer"


def test_a_prompt_that_another_changed_is_not_overwritten(desk: Desk, toasts: list[str]) -> None:
    shown = desk.prompts.show(View(), request_of(ROOT, "zh"))
    desk.prompts.save(MINE, shown.view, BY_ROOT)
    late = desk.prompts.save(MINE.replace("正式", "亲切"), shown.view, BY_ROOT)
    assert late.text == gr.skip()
    assert "changed elsewhere" in toasts[-1]
    assert desk.edits.state("answer", "zh").text == MINE


def test_an_upgrade_is_shown_with_its_differences(desk: Desk, tmp_path: Path) -> None:
    shown = desk.prompts.show(View(), request_of(ROOT, "zh"))
    desk.prompts.save(MINE, shown.view, BY_ROOT)
    path = desk.shipped / "answer.zh.txt"
    path.write_text(path.read_text("utf-8").replace("。", f"。{EVIL}", 1), "utf-8")
    after = Desk(tmp_path)
    found = after.prompts.show(View(language="zh"), BY_ROOT)
    assert found.text == MINE
    assert "shipped one has changed" in found.overview
    assert names(found.about) <= {
        "h3", "span", "p", "div", "ins", "del", "details", "summary", "button",
    }  # fmt: skip
    assert "<ins>" in found.about
    kept = after.prompts.act(found.text, found.view, clicked("keep"), BY_ROOT)
    assert "has changed" not in kept.overview
    assert after.done()[-1] == ("prompts.keep", "answer.zh")
    taken = after.prompts.act(kept.text, kept.view, clicked("take"), BY_ROOT)
    assert EVIL in taken.text


def test_a_broken_edit_is_told_and_can_be_saved_anew(desk: Desk) -> None:
    (desk.folder / "prompts").mkdir()
    (desk.folder / "prompts" / "answer.zh.json").write_text("{")
    shown = desk.prompts.show(View(language="zh"), BY_ROOT)
    assert "edit can&#x27;t be used" in shown.overview or "can't be used" in shown.overview
    assert "shipped prompt is in use" in shown.about
    saved = desk.prompts.save(MINE, shown.view, BY_ROOT)
    assert "in use, because" not in saved.about


def done(kind: str, incomplete: str = "") -> events.Done:
    return events.Done("c", "", False, {}, incomplete=incomplete, kind=kind)


def test_a_prompt_is_tried_and_not_kept(desk: Desk, toasts: list[str]) -> None:
    desk.turns.told = [events.Token("一"), events.Token(EVIL), done("answer")]
    drawn = list(desk.trial.ask("星河有多重？", MINE, view_of(desk), BY_ROOT))
    assert "Answering" in drawn[0]
    assert f"一{html.escape(EVIL)}" in drawn[-1]
    assert names(drawn[-1]) == {"div", "p"}
    [asked] = desk.turns.asked
    assert asked["prompts"].get("answer", "zh").texts[0] == "只用资料回答，语气正式。"
    assert asked["prompts"].get("answer", "en") == desk.edits.prompt(("answer", "en"))
    assert (asked["user"], asked["given"], asked["ahead"]) == ("root", Given(), False)
    assert not desk.edits.state("answer", "zh").is_edited
    assert (desk.done(), toasts, desk.turns.stopped) == ([], [], 1)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([events.Token("x"), done("smalltalk")], "without the prompt that you edit"),
        ([events.Token("x"), done("answer", "recited")], 'class="hint"'),
        ([events.Error("model", "<b>No.")], "&lt;b&gt;No."),
        ([events.Token("x"), events.Revise("y", ()), done("refusal")], ">y</p></div>"),
    ],
    ids=["other", "recited", "fault", "refused"],
)
def test_how_a_trial_ends(desk: Desk, told: list[events.Event], shown: str) -> None:
    desk.turns.told = told
    assert shown in list(desk.trial.ask("星河有多重？", MINE, view_of(desk), BY_ROOT))[-1]


@pytest.mark.parametrize(
    ("question", "text", "why"),
    [
        ("", MINE, "Enter a question"),
        ("How heavy is it?", MINE, "language of this one"),
        ("有多重？", "no prompt", "must end with"),
    ],
)
def test_what_cannot_be_tried_is_told(
    desk: Desk, toasts: list[str], question: str, text: str, why: str
) -> None:
    assert list(desk.trial.ask(question, text, view_of(desk), BY_ROOT)) == []
    assert why in toasts[0]
    assert desk.turns.asked == []


def test_the_log_is_shown_in_the_readers_language(desk: Desk) -> None:
    audit = desk.access.audit
    audit.note(None, "login.failed", EVIL, address="10.0.0.1")
    audit.note(ROOT, "library.pause", "docs", collection="default")
    for n in range(SHOWN):
        audit.note(ROOT, "users.add", f"user{n}", role="reader")
    listed, more = desk.audit.show("", "", SHOWN, BY_ROOT)
    assert more["visible"] is True
    assert listed.index(f"user{SHOWN - 1}") < listed.index("user1<")
    everything, more = desk.audit.show("", "", desk.audit.more(SHOWN), request_of(ROOT, "zh"))
    assert more["visible"] is False
    assert "登录失败" in everything
    assert "添加用户" in everything
    assert "角色: 读者" in everything
    assert "library.pause" in everything, "what has no words is there as it is"
    allowed = {"table", "thead", "tbody", "tr", "th", "td", "b", "bdi", "span"}
    assert names(everything) <= allowed
    assert "user1<" not in desk.audit.show("login", "", SHOWN, BY_ROOT)[0]
    assert "user7<" in desk.audit.show("users", "USER7", SHOWN, BY_ROOT)[0]
    assert "no such entries" in desk.audit.show("", "nothing like it", SHOWN, BY_ROOT)[0]
    assert desk.audit.show("x", "", -1, BY_ROOT)[0].count("<tr>") == SHOWN + 1


def test_what_is_noted_has_words() -> None:
    """Every action that the program notes by a constant."""
    from assistant.settings import ROOT as HOUSE

    noted = set()
    for path in (HOUSE / "assistant").rglob("*.py"):
        code = path.read_text("utf-8")
        noted |= set(re.findall(r'note\(\s*[\w.]+,\s*"([a-z.]+)"', code))
        noted |= set(re.findall(r'_note\(\s*[\w.]+,\s*"([a-z.]+)"', code))
    assert len(noted) > 15
    assert noted - set(ACTIONS) == set()


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a b", "a b", ""),
        ("看资料 回答", "看文档 回答", "<p>看<del>资料</del><ins>文档</ins> 回答</p>"),
        ("a <b> c", "a <i> c", "<p>a &lt;<del>b</del><ins>i</ins>&gt; c</p>"),
        ("1\n2\n3\n4\nx", "1\n2\n3\n4\ny", "<p>…</p><p>4</p><p><del>x</del><ins>y</ins></p>"),
        ("x", "x\nnew", "<p>x</p><p><ins>new</ins></p>"),
    ],
)
def test_differences(before: str, after: str, shown: str) -> None:
    found = difference_html(before, after)
    assert found == (f'<div class="difference" tabindex="0">{shown}</div>' if shown else "")


def test_long_texts_are_compared_soon() -> None:
    one, other = "字" * 4000, "词" * 4000
    assert difference_html(one, other).count("<del>") == 1

"""What administrators do with users on the page, and reading the audit log, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from assistant.settings import Settings
from assistant.users import audit_reading, passwords
from assistant.users.access import Access, Asked
from assistant.users.accounts import Account, Accounts, UsersError
from assistant.users.administration import Administration, LastAdmin
from assistant.users.audit import Audit
from assistant.users.audit_reading import last_logins, newest
from assistant.users.identity import LOCAL, AccessDenied, Identity, Role
from assistant.users.keys import add_key
from assistant.users.passwords import PasswordRefused, check_new, made_password

GOOD, OTHER = "four words make one", "another four words here"
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
NOBODYS = HASHER.hash("nobody")
ROOT = Identity("root", Role.ADMIN, "session")
OIDC = {
    "AUTH": "oidc",
    "OIDC_ISSUER": "https://sso.example.org",
    "OIDC_CLIENT_ID": "kb",
    "OIDC_CLIENT_SECRET": "secret-of-the-app",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", lambda: HASHER)
    monkeypatch.setattr(passwords, "_nobodys", lambda: NOBODYS)


def opened(folder: Path, **given: str) -> tuple[Access, Administration]:
    values = {"DATA_DIR": str(folder), "AUTH": "users"} | given
    settings = Settings.load(values, None)
    access = Access(settings, Audit(settings.log_dir))
    return access, Administration(access)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    accounts = Accounts(tmp_path)
    for name, role in (("root", Role.ADMIN), ("li", Role.EDITOR), ("wang", Role.READER)):
        accounts.add(Account(name, role, HASHER.hash(GOOD)))
    return tmp_path


@pytest.fixture
def access(folder: Path) -> Access:
    return opened(folder)[0]


@pytest.fixture
def administration(access: Access) -> Administration:
    return Administration(access)


def audited(folder: Path) -> list[tuple[str, str, str]]:
    return [(each.user, each.action, each.target) for each in newest(folder / "logs")][::-1]


def test_users_are_listed_with_what_is_known(
    access: Access, administration: Administration
) -> None:
    token = access.login("li", GOOD, "10.0.0.1")
    access.login("li", GOOD, "10.0.0.2")
    add_key(access.accounts, "wang", "cron")
    li, root, wang = administration.users(ROOT)
    assert (li.name, li.role, li.sessions, li.disabled) == ("li", Role.EDITOR, 2, False)
    assert li.last_login.startswith("20")
    assert (root.last_login, root.sessions, root.keys) == ("", 0, ())
    assert [key.label for key in wang.keys] == ["cron"]
    access.sessions.end(token)
    assert administration.user(ROOT, "li").sessions == 1
    with pytest.raises(UsersError, match="any more"):
        administration.user(ROOT, "nobody")


def test_a_user_is_added_changed_and_removed(
    folder: Path, access: Access, administration: Administration
) -> None:
    name = administration.add(ROOT, " Zhao@Example.org ", Role.READER, GOOD)
    token = access.login(name, GOOD, "10.0.0.1")
    asked = Asked(token=token)
    assert access.identity(asked) == Identity(name, Role.READER, "session")
    administration.set_role(ROOT, name, Role.EDITOR)
    found = access.identity(asked)
    assert found is not None
    assert found.role is Role.EDITOR, "at once"
    administration.end_sessions(ROOT, name)
    assert access.identity(asked) is None
    asked = Asked(token=access.login(name, GOOD, "10.0.0.1"))
    administration.set_password(ROOT, name, OTHER)
    assert access.identity(asked) is None
    asked = Asked(token=access.login(name, OTHER, "10.0.0.1"))
    key = Asked(key=add_key(access.accounts, name, "cron"))
    administration.disable(ROOT, name)
    assert access.identity(asked) is access.identity(key) is None
    administration.enable(ROOT, name)
    assert access.identity(asked) is None, "what ended has ended"
    assert access.identity(key) is not None
    administration.revoke_key(ROOT, name, administration.user(ROOT, name).keys[0].id)
    assert access.identity(key) is None
    asked = Asked(token=access.login(name, OTHER, "10.0.0.1"))
    administration.remove(ROOT, name)
    assert access.identity(asked) is None
    done = [action for user, action, _ in audited(folder) if user == "root"]
    assert done == [
        "users.add", "users.role", "users.sessions", "users.password", "users.disable",
        "users.enable", "users.key.revoke", "users.remove",
    ]  # fmt: skip
    written = (folder / "logs" / "audit.jsonl").read_text("utf-8")
    assert GOOD not in written
    assert OTHER not in written


CHANGES: dict[str, Callable[[Administration, Identity], object]] = {
    "users": lambda one, by: one.users(by),
    "user": lambda one, by: one.user(by, "li"),
    "add": lambda one, by: one.add(by, "zhao", Role.ADMIN, GOOD),
    "role": lambda one, by: one.set_role(by, "li", Role.ADMIN),
    "disable": lambda one, by: one.disable(by, "li"),
    "enable": lambda one, by: one.enable(by, "li"),
    "password": lambda one, by: one.set_password(by, "li", GOOD),
    "sessions": lambda one, by: one.end_sessions(by, "li"),
    "key": lambda one, by: one.revoke_key(by, "li", "1"),
    "removable": lambda one, by: one.check_removable(by, "li"),
    "remove": lambda one, by: one.remove(by, "li"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize(
    "who",
    [
        Identity("wang", Role.READER, "session"),
        Identity("li", Role.EDITOR, "session"),
        Identity("root", Role.ADMIN, "key"),
    ],
    ids=["reader", "editor", "key"],
)
def test_only_an_administrator_at_a_browser_may(
    folder: Path, administration: Administration, what: str, who: Identity
) -> None:
    before = (folder / "users.json").read_bytes()
    with pytest.raises(AccessDenied):
        CHANGES[what](administration, who)
    assert (folder / "users.json").read_bytes() == before
    assert audited(folder) == []


@pytest.mark.parametrize("auth", ["auto", "off"])
@pytest.mark.parametrize("what", [each for each in CHANGES if each not in {"users", "user"}])
def test_where_nobody_logs_in_nobody_is_added(folder: Path, auth: str, what: str) -> None:
    """Else whoever reaches an open page could leave a user behind for later."""
    _, administration = opened(folder, AUTH=auth)
    before = (folder / "users.json").read_bytes()
    with pytest.raises(AccessDenied, match="command line"):
        CHANGES[what](administration, LOCAL)
    assert (folder / "users.json").read_bytes() == before
    assert [user.name for user in administration.users(LOCAL)] == ["li", "root", "wang"]


LOSING: dict[str, Callable[[Administration], object]] = {
    "demote": lambda one: one.set_role(ROOT, "root", Role.EDITOR),
    "disable": lambda one: one.disable(ROOT, "root"),
    "remove": lambda one: one.remove(ROOT, "root"),
    "ask": lambda one: one.check_removable(ROOT, "root"),
}


@pytest.mark.parametrize("how", LOSING)
def test_the_last_administrator_stays(
    access: Access, administration: Administration, how: str
) -> None:
    administration.add(ROOT, "boss", Role.ADMIN, None)  # who can't log in here
    administration.add(ROOT, "gone", Role.ADMIN, GOOD)
    administration.disable(ROOT, "gone")
    with pytest.raises(LastAdmin) as refused:
        LOSING[how](administration)
    assert "管理员" in refused.value.text("zh")
    assert access.accounts.named("root").role is Role.ADMIN
    assert not access.accounts.named("root").disabled
    administration.enable(ROOT, "gone")
    LOSING[how](administration)


def test_who_administers_by_a_login_service_needs_nobody_in_the_file(folder: Path) -> None:
    access, administration = opened(folder, **OIDC)
    sso = Identity("chef", Role.ADMIN, "oidc")
    token = access.admit("chef", "admin", "10.0.0.1")
    access.admit("li", "", "10.0.0.1")
    chef, li, *_ = administration.users(sso)
    assert (chef.name, chef.is_kept, chef.role, chef.sessions) == ("chef", False, Role.ADMIN, 1)
    assert (li.is_kept, li.sessions) == (True, 1)
    administration.remove(sso, "root")
    administration.end_sessions(sso, "chef")
    assert access.identity(Asked(token=token)) is None
    assert [user.name for user in administration.users(sso)] == ["li", "wang"]
    by_file = Identity("li", Role.ADMIN, "oidc")
    access.accounts.change("li", lambda account: Account("li", Role.ADMIN, stamp=account.stamp))
    with pytest.raises(LastAdmin):
        administration.remove(by_file, "li")


@pytest.mark.parametrize(
    ("name", "password", "error"),
    [
        ("", GOOD, UsersError),
        ("li", GOOD, UsersError),
        ("LI ", GOOD, UsersError),
        ("<b>", GOOD, UsersError),
        ("zhao", "short", PasswordRefused),
        ("zhao", "aaaaaaaaaaaa", PasswordRefused),
    ],
)
def test_what_is_no_user_is_not_added(
    folder: Path,
    administration: Administration,
    name: str,
    password: str,
    error: type[Exception],
) -> None:
    before = (folder / "users.json").read_bytes()
    with pytest.raises(error):
        administration.add(ROOT, name, Role.READER, password)
    assert (folder / "users.json").read_bytes() == before


def test_a_made_password_is_a_good_one() -> None:
    made = {made_password() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        check_new(each, "li")


def line(**given: object) -> str:
    row = {"time": "2026-01-02T03:04:05.000+00:00", "user": "li", "action": "login", "target": ""}
    return json.dumps(row | given, ensure_ascii=False)


def test_the_log_is_read_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [line(target=f"a{n}") for n in range(3)]
    new = [line(target=f"b{n}", action="users.add", details={"role": "读者"}) for n in range(3)]
    (tmp_path / "audit.1.jsonl").write_text("\n".join(old) + "\n", "utf-8")
    broken = ["{", "null", "[]", '{"time": 1}', line(details=[1]), '{"time": "cut']
    (tmp_path / "audit.jsonl").write_text("\n".join([*new, *broken]), "utf-8")
    targets = [entry.target for entry in newest(tmp_path)]
    assert targets == ["b2", "b1", "b0", "a2", "a1", "a0"]
    assert [entry.target for entry in newest(tmp_path, "users")] == ["b2", "b1", "b0"]
    assert [entry.target for entry in newest(tmp_path, "", "B1")] == ["b1"]
    assert len(list(newest(tmp_path, "users", "读者"))) == 3
    assert last_logins(tmp_path) == {"li": "2026-01-02T03:04:05.000+00:00"}
    monkeypatch.setattr(audit_reading, "LOOKED_BYTES", len("\n".join(broken)) + 200)
    assert [entry.target for entry in newest(tmp_path)] == ["b2"], "in whole lines"
    assert list(newest(tmp_path / "none")) == []

"""Accounts, passwords, keys, sessions, attempts and the audit log, without a server."""

from __future__ import annotations

import io
import json
import multiprocessing
import stat
import statistics
import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.users import passwords
from assistant.users.__main__ import main
from assistant.users.access import Access, Asked, LoginDelayed, LoginFailed, set_password
from assistant.users.accounts import Account, Accounts, UsersError, user_name
from assistant.users.attempts import NAME_FREE, NAME_LONGEST, Attempts
from assistant.users.audit import Audit
from assistant.users.identity import LOCAL, AccessDenied, Identity, Role, require
from assistant.users.keys import MOST, add_key, owner_of, revoke_key
from assistant.users.passwords import PasswordRefused, check_new, hashed, is_right
from assistant.users.sessions import Sessions
from assistant.users.ways import Way, chosen_way

GOOD = "four words make one"
NOBODYS = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("nobody")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost little, for the tests that are not about their cost."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    monkeypatch.setattr(passwords, "_nobodys", lambda: NOBODYS)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    found = Accounts(tmp_path)
    found.add(Account("li", Role.EDITOR, hashed(GOOD)))
    return found


def settings(folder: Path, **given: object) -> Settings:
    values = {"DATA_DIR": folder} | given
    return Settings.load({name: str(value) for name, value in values.items()}, None)


def access(folder: Path, **given: object) -> Access:
    return Access(settings(folder, **given), Audit(folder / "logs"))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_may_what_the_lower_ones_may(role: Role, needed: Role) -> None:
    identity = Identity("li", role)
    if role >= needed:
        require(identity, needed)
    else:
        with pytest.raises(AccessDenied) as caught:
            require(identity, needed)
        assert needed.word in str(caught.value) and "li" in str(caught.value)
        assert "管理员" in caught.value.text("zh")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Li", "li"), (" LI@Example.org ", "li@example.org"), ("李伟", "李伟"), ("ＬＩ", "li")],
)
def test_a_name_has_one_form(typed: str, kept: str) -> None:
    assert user_name(typed) == kept


@pytest.mark.parametrize("typed", ["", " ", "a b", "../x", "a/b", "-x", "x" * 65, "a\u202eb"])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(UsersError):
        user_name(typed)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 300,
        "1234567890",
        "aaaaaaaaaaaa",
        "li-wei-li-wei",
        "Password123",
        "12" * 6,
    ],
)
def test_an_easy_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        check_new(password, "li-wei")


@pytest.mark.parametrize("password", [GOOD, "正确的马电池订书钉呀", "q8#Lm2!vT0x", " pass phrase "])
def test_a_good_password_is_taken_and_recognised(password: str) -> None:
    check_new(password, "li")
    kept = hashed(password)
    assert kept.startswith("$argon2id$") and password not in kept
    assert is_right(password, kept)
    assert not is_right(password + "x", kept)
    assert not is_right(password, None)
    assert not is_right(password, "not a hash")


def test_the_same_letters_typed_in_another_way_are_the_same_password() -> None:
    assert is_right("cafe\u0301 au lait", hashed("caf\u00e9 au lait"))


def test_accounts_are_kept_for_the_owners_eyes_alone(accounts: Accounts, tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert GOOD not in file.read_text("utf-8")
    again = Accounts(tmp_path)
    assert again.named("li").role is Role.EDITOR
    with pytest.raises(UsersError, match="already"):
        again.add(Account("li", Role.READER))
    with pytest.raises(UsersError, match="no user wang"):
        again.remove("wang")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".users-")] == []


def test_a_running_app_sees_what_the_command_line_changes(tmp_path: Path) -> None:
    running, command = Accounts(tmp_path), Accounts(tmp_path)
    assert running.get("li") is None
    command.add(Account("li", Role.READER))
    assert running.named("li").role is Role.READER
    command.remove("li")
    assert running.get("li") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"users": {"li": {"role": "king"}}}', "\xff"])
def test_a_damaged_file_lets_nobody_in_and_is_not_overwritten(tmp_path: Path, text: str) -> None:
    file = tmp_path / "users.json"
    file.write_text(text, "latin-1")
    with pytest.raises(UsersError, match=r"users\.json"):
        Accounts(tmp_path).all()
    with pytest.raises(UsersError):
        Accounts(tmp_path).add(Account("li", Role.READER))
    assert file.read_text("latin-1") == text


def add_some(folder: str, first: int) -> None:
    for number in range(first, first + 10):
        Accounts(Path(folder)).add(Account(f"user{number}", Role.READER))


def test_two_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=add_some, args=(str(tmp_path), n)) for n in (0, 10, 20)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    assert len(Accounts(tmp_path).all()) == 30


def test_a_key_is_shown_once_and_ends(accounts: Accounts, tmp_path: Path) -> None:
    plain = add_key(accounts, "li", "nightly job")
    [key] = accounts.named("li").keys
    assert plain not in (tmp_path / "users.json").read_text("utf-8")
    owner = owner_of(accounts, plain)
    assert owner and owner.name == "li"
    assert accounts.named("li").keys[0].used
    for wrong in (plain[:-1], plain + "x", plain.upper(), "kb-", f"kb-{key.id}-", "", "sk-1"):
        assert owner_of(accounts, wrong) is None
    with pytest.raises(UsersError, match="no key"):
        revoke_key(accounts, "li", "other")
    revoke_key(accounts, "li", key.id)
    assert owner_of(accounts, plain) is None


def test_a_user_has_so_many_keys_and_no_more(accounts: Accounts) -> None:
    for _ in range(MOST):
        add_key(accounts, "li", "")
    with pytest.raises(UsersError, match="end one"):
        add_key(accounts, "li", "")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    return Sessions(tmp_path / "sessions", idle=3600, longest=86400, clock=clock)


def test_a_session_survives_a_restart_and_holds_no_token(sessions: Sessions, clock: Clock) -> None:
    token = sessions.start("li", "stamp")
    again = Sessions(sessions._folder, idle=3600, longest=86400, clock=clock)
    found = again.find(token)
    assert found and (found.user, found.stamp) == ("li", "stamp")
    [file] = sessions._folder.iterdir()
    assert token not in file.name + file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(sessions._folder.stat().st_mode) == 0o700


def test_a_session_ends_when_it_lies_idle_and_at_its_longest(
    sessions: Sessions, clock: Clock
) -> None:
    used, idle, open_page = (sessions.start("li", "") for _ in range(3))
    for _ in range(23):
        clock.now += 3500
        assert sessions.find(used)
        sessions.find(open_page, is_use=False)
    assert sessions.find(idle) is None
    assert sessions.find(open_page) is None, "what a page asks of itself is no use"
    clock.now += 6000
    assert sessions.find(used) is None, "a day is the longest"
    assert list(sessions._folder.iterdir()) == []


def test_ended_sessions_are_cleared_at_the_next_login(sessions: Sessions, clock: Clock) -> None:
    sessions.start("li", "")
    clock.now += 7200
    sessions.start("wang", "")
    assert len(list(sessions._folder.iterdir())) == 1


def test_all_sessions_of_a_user_end_but_the_one_at_hand(sessions: Sessions) -> None:
    tokens = [sessions.start("li", "") for _ in range(3)]
    other = sessions.start("wang", "")
    assert sessions.end_all("li", but=tokens[0]) == 2
    assert sessions.find(tokens[0]) and sessions.find(other)
    assert not sessions.find(tokens[1])
    sessions.end(other)
    assert not sessions.find(other)


@pytest.mark.parametrize("token", ["", "x", "../../users", "a" * 10_000, "\ud800"])
def test_a_made_up_token_finds_nothing(sessions: Sessions, token: str) -> None:
    sessions.start("li", "")
    assert sessions.find(token) is None


def test_waits_grow_with_failures_and_are_forgotten(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(NAME_FREE):
        assert attempts.take("li", "a") == 0
    waits = []
    for _ in range(8):
        wait = attempts.take("li", "b")
        waits.append(wait)
        clock.now += wait
        assert attempts.take("li", "b") == 0
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) <= NAME_LONGEST, "the owner of a name must still get in"
    assert attempts.take("wang", "c") == 0, "others are not held up"
    clock.now += 4000
    assert attempts.take("li", "b") == 0


def test_many_attempts_at_once_are_no_way_around(clock: Clock) -> None:
    attempts = Attempts(clock)
    taken = [attempts.take("li", f"address{n}") for n in range(1000)]
    assert taken.count(0) == NAME_FREE


def test_an_address_that_tries_many_names_waits_long(clock: Clock) -> None:
    attempts = Attempts(clock)
    taken = [attempts.take(f"user{n}", "evil") for n in range(1000)]
    assert taken.count(0) == 10
    for _ in range(12):
        clock.now += attempts.take("someone", "evil")
        attempts.take("someone else", "evil")
    assert attempts.take("li", "evil") > NAME_LONGEST


def test_a_login_lets_in_and_is_noted(tmp_path: Path, accounts: Accounts) -> None:
    door = access(tmp_path, AUTH="users")
    token = door.login(" LI ", GOOD, "10.0.0.1")
    assert door.identity(Asked(token=token)) == Identity("li", Role.EDITOR, "session")
    with pytest.raises(LoginFailed):
        door.login("li", "wrong password", "10.0.0.1")
    with pytest.raises(LoginFailed):
        door.login("nobody\n", GOOD, "10.0.0.1")
    text = (tmp_path / "logs" / "audit.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["action"] for line in lines] == ["login", "login.failed", "login.failed"]
    assert lines[0]["user"] == "li" and lines[1]["user"] == "-"
    assert lines[1]["details"] == {"address": "10.0.0.1"}
    assert GOOD not in text and token not in text and "wrong password" not in text


@pytest.mark.parametrize("how", ["password", "disable", "remove"])
def test_what_ends_a_session_from_outside(tmp_path: Path, accounts: Accounts, how: str) -> None:
    door = access(tmp_path, AUTH="users")
    token = door.login("li", GOOD, "")
    key = add_key(accounts, "li", "")
    if how == "password":
        set_password(accounts, "li", "another good one")
    else:
        Accounts(tmp_path).add(Account("admin", Role.ADMIN, "x"))
        assert command(tmp_path, how, "li") == 0
    assert door.identity(Asked(token=token)) is None
    assert (door.identity(Asked(key=key)) is None) == (how != "password")


def test_an_enabled_user_logs_in_anew(tmp_path: Path, accounts: Accounts) -> None:
    door = access(tmp_path, AUTH="users")
    token = door.login("li", GOOD, "")
    assert command(tmp_path, "disable", "li") == 0
    with pytest.raises(LoginFailed):
        door.login("li", GOOD, "")
    assert command(tmp_path, "enable", "li") == 0
    assert door.identity(Asked(token=token)) is None
    assert door.login("li", GOOD, "")


def test_a_password_change_needs_the_old_one(tmp_path: Path, accounts: Accounts) -> None:
    door = access(tmp_path, AUTH="users")
    first, second = (door.login("li", GOOD, "") for _ in range(2))
    me = Identity("li", Role.EDITOR, "session")
    with pytest.raises(LoginFailed):
        door.change_password(me, "not the old one", "a new long password", "")
    with pytest.raises(PasswordRefused):
        door.change_password(me, GOOD, "short", "")
    token = door.change_password(me, GOOD, "a new long password", "")
    assert door.identity(Asked(token=token))
    assert door.identity(Asked(token=first)) is None
    assert door.identity(Asked(token=second)) is None
    with pytest.raises(LoginFailed):
        door.login("li", GOOD, "")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    tmp_path: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the work that is done, not by the clock: one verification of a hash of the same cost."""
    seen: list[str] = []
    hasher = passwords._hasher()

    class Watching:
        hash = hasher.hash

        def verify(self, kept: str, password: str) -> bool:
            seen.append(kept.rpartition("$")[0].rpartition("$")[0])
            return bool(hasher.verify(kept, password))

    monkeypatch.setattr(passwords, "_hasher", Watching)
    door = access(tmp_path, AUTH="users")
    Accounts(tmp_path).add(Account("off", Role.READER, hashed(GOOD), disabled=True))
    Accounts(tmp_path).add(Account("keys-only", Role.READER))
    for name in ("li", "nobody", "off", "keys-only", "no name\n at all"):
        with pytest.raises(LoginFailed):
            door.login(name, "wrong password", name)
    assert len(seen) == 5
    assert len(set(seen)) == 1


def test_brute_force_gets_few_attempts(tmp_path: Path, accounts: Accounts) -> None:
    door = access(tmp_path, AUTH="users")
    outcomes: list[str] = []
    for n in range(200):
        try:
            door.login("li", f"guess number {n}", f"10.0.{n % 3}.1")
        except (LoginFailed, LoginDelayed) as error:
            outcomes.append(error.kind)
    assert outcomes.count("login_failed") <= NAME_FREE + 3
    with pytest.raises(LoginDelayed) as caught:
        door.login("li", GOOD, "10.0.0.1")
    assert caught.value.seconds >= 1


def told(user: str, peer: str = "10.0.0.5", role: str = "") -> Asked:
    return Asked(peer=peer, proxy_user=user, proxy_role=role)


PROXY = {"AUTH": "proxy", "AUTH_PROXY_HEADER": "X-User", "AUTH_PROXY_FROM": "10.0.0.0/24"}


def test_a_trusted_proxy_names_the_user_and_nobody_else(tmp_path: Path) -> None:
    door = access(tmp_path, **PROXY)
    assert door.identity(told("Wang@Example.org")) == Identity(
        "wang@example.org", Role.READER, "proxy"
    )
    assert door.identity(told("wang", "::ffff:10.0.0.7"))
    for peer in ("10.0.1.5", "127.0.0.1", "::1", "", "testclient", "10.0.0.5.evil"):
        assert door.identity(told("wang", peer)) is None
    for name in ("", "two words", "../x"):
        assert door.identity(told(name)) is None


def test_roles_of_a_proxys_users(tmp_path: Path, accounts: Accounts) -> None:
    door = access(tmp_path, AUTH_PROXY_ROLES="X-Role", **PROXY)

    def role(user: str, said: str) -> Role | None:
        found = door.identity(told(user, role=said))
        return found.role if found else None

    assert role("new", "admin") is Role.ADMIN
    assert role("new", "staff, Editor ,reader") is Role.EDITOR
    assert role("new", "king") is Role.READER
    assert role("li", "admin") is Role.EDITOR, "the users' file comes first"
    assert command(tmp_path, "disable", "li") == 0
    assert role("li", "admin") is None
    assert role("Local", "admin") is None, "who was there before the login is nobody from outside"
    strict = access(tmp_path, AUTH_DEFAULT_ROLE="none", **PROXY)
    assert strict.identity(told("new")) is None


def test_where_nobody_logs_in_everyone_is_local_and_keys_still_say_who(
    tmp_path: Path, accounts: Accounts
) -> None:
    door = access(tmp_path)
    assert door.way is Way.LOCAL
    assert door.identity(Asked()) == LOCAL
    assert door.identity(Asked(key="sk-anything")) == LOCAL
    assert door.identity(told("wang")) == LOCAL
    key = add_key(accounts, "li", "")
    assert door.identity(Asked(key=key)) == Identity("li", Role.EDITOR, "key")


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"HOST": "0.0.0.0"}, "assistant.users add"),
        ({"HOST": "::"}, "no login"),
        ({"AUTH": "users"}, "assistant.users add"),
        ({"AUTH": "proxy"}, "AUTH_PROXY_HEADER"),
        ({"AUTH": "proxy", "AUTH_PROXY_HEADER": "X-User"}, "AUTH_PROXY_FROM"),
        ({"AUTH": "oidc"}, "OIDC_ISSUER"),
        (
            {
                "AUTH": "oidc",
                "OIDC_ISSUER": "http://login.example.org",
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "b",
            },
            "https://",
        ),
    ],
)
def test_a_way_that_lets_in_anybody_or_nobody_is_refused(
    tmp_path: Path, given: dict[str, str], advice: str
) -> None:
    with pytest.raises(SettingsError, match=advice) as caught:
        chosen_way(settings(tmp_path, **given))
    assert next(iter(given)) in caught.value.text("zh") or "OIDC" in caught.value.text("zh")


def test_elsewhere_needs_a_user_who_can_log_in(tmp_path: Path) -> None:
    given = {"HOST": "0.0.0.0"}
    Accounts(tmp_path).add(Account("keys-only", Role.ADMIN))
    Accounts(tmp_path).add(Account("off", Role.ADMIN, "x", disabled=True))
    with pytest.raises(SettingsError):
        chosen_way(settings(tmp_path, **given))
    Accounts(tmp_path).add(Account("li", Role.ADMIN, "x"))
    assert chosen_way(settings(tmp_path, **given)) is Way.USERS
    assert chosen_way(settings(tmp_path, AUTH="off", **given)) is Way.OFF


def test_the_audit_log_is_bounded_private_and_keeps_no_secret(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "logs")
    audit.note(LOCAL, "users.add", "li\n\u202e", password="hunter2", n=3, long="x" * 9000)
    file = tmp_path / "logs" / "audit.jsonl"
    [line] = file.read_text("utf-8").splitlines()
    found = json.loads(line)
    assert found["details"]["password"] == "(hidden)" and "hunter2" not in line
    assert found["details"]["n"] == 3 and len(line) < 1000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open("ab") as opened:
        opened.truncate(9 * 2**20)
    audit.note(LOCAL, "login", "li")
    audit.note(LOCAL, "logout", "li")
    assert len(file.read_text("utf-8").splitlines()) == 1
    assert (tmp_path / "logs" / "audit.1.jsonl").exists()


def test_an_audit_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file, no folder")
    Audit(tmp_path / "logs").note(LOCAL, "login", "li")
    assert "can't be written" in caplog.text


def command(folder: Path, *arguments: str, typed: str = "", language: str = "en") -> int:
    """The exit code of the command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(folder))
        patch.setenv("LANGUAGE", language)
        patch.setattr("sys.stdin", io.StringIO(typed))
        try:
            return main(arguments)
        except SystemExit as end:
            return int(end.code or 0)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "add", "Li", "--role", "editor", typed=f"{GOOD}\n") == 0
    assert command(tmp_path, "add", "li", typed=f"{GOOD}\n") == 1
    assert command(tmp_path, "add", "wang", typed="short\n") == 1
    assert command(tmp_path, "add", "wang", "--no-password") == 0
    assert command(tmp_path, "role", "li", "admin") == 0
    assert command(tmp_path, "role", "li", "king") == 2
    assert command(tmp_path, "password", "li", typed="another password 2\n") == 0
    assert command(tmp_path, "remove", "wang") == 0
    assert command(tmp_path, "remove", "wang") == 1
    said = capsys.readouterr()
    assert GOOD not in said.out + said.err
    assert command(tmp_path, "list", "--json") == 0
    [row] = json.loads(capsys.readouterr().out)["users"]
    assert (row["name"], row["role"], row["disabled"]) == ("li", "admin", False)
    assert "argon2" not in str(row)
    actions = [
        json.loads(line)["action"]
        for line in (tmp_path / "logs" / "audit.jsonl").read_text("utf-8").splitlines()
    ]
    assert actions == ["users.add", "users.add", "users.role", "users.password", "users.remove"]


def test_the_command_line_for_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "add", "li", "--no-password") == 0
    assert command(tmp_path, "key", "add", "li", "--label", "夜间任务", "--json") == 0
    made = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert owner_of(Accounts(tmp_path), made["key"])
    assert command(tmp_path, "key", "list", "li") == 0
    shown = capsys.readouterr().out
    assert made["id"] in shown and "夜间任务" in shown and made["key"] not in shown
    assert command(tmp_path, "key", "revoke", "li", "zzz") == 1
    assert command(tmp_path, "key", "revoke", "li", made["id"]) == 0
    assert owner_of(Accounts(tmp_path), made["key"]) is None


@pytest.mark.parametrize(("language", "word"), [("zh", "编辑"), ("en", "editor")])
def test_the_command_line_speaks_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, word: str
) -> None:
    for arguments in (["add", "li", "--role", "editor"], ["list"]):
        assert command(tmp_path, *arguments, typed=GOOD, language=language) == 0
        assert word in capsys.readouterr().out
    assert command(tmp_path, "remove", "nobody", language=language) == 1
    assert ("没有用户" in capsys.readouterr().err) == (language == "zh")


def test_a_password_typed_at_a_terminal_is_not_shown_and_asked_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter([GOOD, GOOD, GOOD, "something else"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.stdin", Terminal())
    assert main(["add", "li"]) == 0
    assert main(["add", "wang"]) == 1
    assert list(Accounts(tmp_path).all()) == ["li"]


def test_a_guess_costs_whoever_has_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kept = hashed(GOOD)
    assert "m=65536,t=3" in kept
    took = []
    for _ in range(3):
        began = time.perf_counter()
        is_right("wrong", kept)
        took.append(time.perf_counter() - began)
    assert statistics.median(took) > 0.01

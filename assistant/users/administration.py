"""What administrators do with users on the page. Each step asks who does it, and is noted.

Only somebody who logged in at a browser may: an API key that leaks must make no users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from assistant.users import keys, passwords
from assistant.users.access import Access, set_password
from assistant.users.accounts import Account, Check, Key, UsersError, new_stamp, user_name
from assistant.users.audit_reading import last_logins
from assistant.users.identity import AccessDenied, Identity, Role, require
from assistant.users.sessions import Session
from assistant.users.ways import Way


@dataclass(frozen=True)
class User:
    """A user as administrators see them.

    Args:
        is_kept: in the users' file; else known only by a session of a login service.
        last_login: ISO 8601, UTC; empty: not known.
        sessions: how many are open.
    """

    name: str
    role: Role
    is_kept: bool = True
    disabled: bool = False
    has_password: bool = False
    last_login: str = ""
    sessions: int = 0
    keys: tuple[Key, ...] = ()


class LastAdmin(UsersError):
    """Nobody would be left who could undo it."""

    kind = "last_admin"

    def __init__(self) -> None:
        super().__init__(
            "This is the last administrator who can log in: make another user an administrator "
            "first.",
            "这是最后一位可以登录的管理员：请先将其他用户设为管理员。",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


def check_administrator(identity: Identity) -> None:
    """
    Raises:
        AccessDenied: ``identity`` is no administrator, or a program with a key.
    """
    require(identity, Role.ADMIN)
    if identity.way == "key":
        raise AccessDenied(
            "This is for administrators who log in on the page; an API key can't do it.",
            "此操作仅限在页面上登录的管理员，不能使用 API 密钥。",
        )


class Administration:
    """Every method that changes raises AccessDenied where ``by`` may not, and UsersError where it
    can't be done."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._accounts = access.accounts

    @property
    def way(self) -> Way:
        return self._access.way

    def users(self, by: Identity) -> list[User]:
        """By name."""
        check_administrator(by)
        accounts, logins = self._accounts.all(), last_logins(self._access.audit.folder)
        sessions = self._access.sessions.live()
        found = [_user(account, sessions, logins) for account in accounts.values()]
        others = {each.user: each for each in sessions if each.user not in accounts and each.role}
        found += [_guest(session, sessions, logins) for session in others.values()]
        return sorted(found, key=lambda user: user.name)

    def user(self, by: Identity, name: str) -> User:
        """
        Raises:
            UsersError: there is no such user any more.
        """
        known = {user.name: user for user in self.users(by)}
        return known[name] if name in known else _gone(name)

    def add(self, by: Identity, name: str, role: Role, password: str | None) -> str:
        """A new user; the name as it is kept. ``password`` None: they log in elsewhere."""
        self._check(by)
        name = user_name(name)
        if name in self._accounts.all():
            raise UsersError(
                "There is a user {name} already.", "用户 {name} 已存在。", name=name
            )  # before the password is looked at
        kept = None
        if password is not None:
            passwords.check_new(password, name)
            kept = passwords.hashed(password)
        self._accounts.add(Account(name, role, kept))
        self._access.audit.note(by, "users.add", name, role=role.word)
        return name

    def set_role(self, by: Identity, name: str, role: Role) -> None:
        self._check(by)
        check = self._admin_left(by)
        self._accounts.change(name, lambda account: replace(account, role=role), check)
        self._access.audit.note(by, "users.role", name, role=role.word)

    def disable(self, by: Identity, name: str) -> None:
        """Keep a user out, with their keys; their sessions end."""
        self._check(by)
        self._accounts.change(
            name,
            lambda account: replace(account, disabled=True, stamp=new_stamp()),
            self._admin_left(by),
        )
        self._access.sessions.end_all(name)
        self._access.audit.note(by, "users.disable", name)

    def enable(self, by: Identity, name: str) -> None:
        self._check(by)
        self._accounts.change(name, lambda account: replace(account, disabled=False))
        self._access.audit.note(by, "users.enable", name)

    def set_password(self, by: Identity, name: str, password: str) -> None:
        """Another password; the user's sessions end."""
        self._check(by)
        self._accounts.named(name)
        passwords.check_new(password, name)
        set_password(self._accounts, name, password)
        self._access.sessions.end_all(name)
        self._access.audit.note(by, "users.password", name)

    def end_sessions(self, by: Identity, name: str) -> None:
        self._check(by)
        if self._accounts.get(name):
            self._accounts.change(name, lambda account: replace(account, stamp=new_stamp()))
        ended = self._access.sessions.end_all(name)
        self._access.audit.note(by, "users.sessions", name, ended=ended)

    def revoke_key(self, by: Identity, name: str, key_id: str) -> None:
        self._check(by)
        keys.revoke_key(self._accounts, name, key_id)
        self._access.audit.note(by, "users.key.revoke", name, id=key_id)

    def remove(self, by: Identity, name: str) -> None:
        """Remove a user from the file; what is theirs elsewhere stays."""
        self._check(by)
        self._accounts.remove(name, self._admin_left(by))
        self._access.sessions.end_all(name)
        self._access.audit.note(by, "users.remove", name)

    def check_removable(self, by: Identity, name: str) -> None:
        """Raises what :meth:`remove` would, for whoever must do something before it."""
        self._check(by)
        left = {each: one for each, one in self._accounts.all().items() if each != name}
        self._accounts.named(name)
        self._admin_left(by)(left)

    def _check(self, by: Identity) -> None:
        check_administrator(by)
        if self.way.is_open:
            raise AccessDenied(
                "Nobody logs in here, so users are added on the command line only: "
                "`python -m assistant.users add NAME`.",
                "当前无需登录，只能用命令行添加用户：`python -m assistant.users add 用户名`。",
            )

    def _admin_left(self, by: Identity) -> Check:
        """Somebody must be left who can undo it; where a service names the administrators, the
        file needs none."""
        is_told = self.way is not Way.USERS and by.user not in self._accounts.all()

        def check(known: Mapping[str, Account]) -> None:
            if not is_told and not any(self._is_admin(account) for account in known.values()):
                raise LastAdmin

        return check

    def _is_admin(self, account: Account) -> bool:
        can_log_in = account.password is not None or self.way is not Way.USERS
        return account.role is Role.ADMIN and not account.disabled and can_log_in


def _user(account: Account, sessions: list[Session], logins: Mapping[str, str]) -> User:
    own = [each for each in sessions if each.user == account.name and each.stamp == account.stamp]
    return User(
        account.name,
        account.role,
        disabled=account.disabled,
        has_password=account.password is not None,
        last_login=_last(own, logins.get(account.name, "")),
        sessions=0 if account.disabled else len(own),
        keys=account.keys,
    )


def _guest(session: Session, sessions: list[Session], logins: Mapping[str, str]) -> User:
    own = [each for each in sessions if each.user == session.user and not each.stamp]
    return User(
        session.user,
        max(Role.named(each.role) for each in own) if own else Role.named(session.role),
        is_kept=False,
        last_login=_last(own, logins.get(session.user, "")),
        sessions=len(own),
    )


def _last(sessions: list[Session], noted: str) -> str:
    began = max((each.began for each in sessions), default=0.0)
    if not began:
        return noted
    return max(noted, datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds"))


def _gone(name: str) -> User:
    raise UsersError("There is no user {name} any more.", "用户 {name} 已不存在。", name=name[:80])

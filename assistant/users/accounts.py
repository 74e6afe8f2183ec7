"""The accounts: ``users.json`` in the data folder, for its owner's eyes alone (0600).

It is written beside and renamed, under a lock that other processes respect, so the command line
may change it while the app runs; the app reads it again when it has changed.
"""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError
from assistant.users.identity import Role
from assistant.whole_files import stamp_of, write_json

FILE, LOCK = "users.json", ".users.lock"
VERSION = 1
_NAME = re.compile(r"[\w][\w.@+-]{0,63}")


class UsersError(AssistantError):
    """The users' file can't be read or written, or not as asked."""

    kind = "users"


@dataclass(frozen=True)
class Key:
    """An API key. Only the hash of it is kept.

    Args:
        id: names it; its owner sees it in the key.
        created, used: ISO 8601, UTC; ``used`` is empty before the first use.
    """

    id: str
    label: str
    hash: str
    created: str
    used: str = ""


@dataclass(frozen=True)
class Account:
    """Args:
    password: argon2 hash; None: can't log in with a password (comes by a proxy or with keys).
    stamp: changes whenever sessions that began earlier must end.
    """

    name: str
    role: Role
    password: str | None = None
    disabled: bool = False
    created: str = ""
    stamp: str = ""
    keys: tuple[Key, ...] = ()


Check = Callable[[Mapping[str, Account]], None]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_stamp() -> str:
    return secrets.token_hex(8)


def user_name(text: str) -> str:
    """``text`` as a user's id: one form for all ways of typing it.

    >>> user_name(" Li.Wei@Example.org ")
    'li.wei@example.org'

    Raises:
        UsersError: it can't be one.
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not _NAME.fullmatch(name):
        raise UsersError(
            "{name} can't be a user's name: take 1 to 64 letters, digits and . _ - + @, beginning "
            "with a letter or digit.",
            "{name} 不能作为用户名：请使用 1 到 64 个文字、数字或 . _ - + @，并以文字或数字开头。",
            name=repr(text[:80]),
        )
    return name


class Accounts:
    """Args:
    data_dir: the folder that the file is in, or will be.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._known: dict[str, Account] = {}

    def all(self) -> Mapping[str, Account]:
        """The accounts by name, as the file has them now.

        Raises:
            UsersError: the file can't be read.
        """
        with self._lock:
            seen = stamp_of(self._path)
            if seen != self._seen:
                self._known = _read(self._path)
                self._seen = seen
            return self._known

    def get(self, name: str) -> Account | None:
        return self.all().get(name)

    def named(self, name: str) -> Account:
        """
        Raises:
            UsersError: there is no such account.
        """
        return _named(self.all(), name)

    def add(self, account: Account) -> None:
        """
        Raises:
            UsersError: the name is taken, or the file can't be written.
        """

        def added(known: dict[str, Account]) -> None:
            if account.name in known:
                raise UsersError(
                    "There is a user {name} already: change them with `role`, `password`, "
                    "`disable` or `enable`.",
                    "用户 {name} 已存在：请用 role、password、disable 或 enable 修改。",
                    name=account.name,
                )
            known[account.name] = replace(account, created=now(), stamp=new_stamp())

        self._change(added)

    def remove(self, name: str, check: Check | None = None) -> None:
        """
        Args:
            check: looks at what the accounts would be; nothing is written where it raises.
        """

        def removed(known: dict[str, Account]) -> None:
            del known[_named(known, name).name]
            if check:
                check(known)

        self._change(removed)

    def change(
        self, name: str, change: Callable[[Account], Account], check: Check | None = None
    ) -> Account:
        """Put ``change`` of the account in its place.

        Args:
            check: as in :meth:`remove`.

        Raises:
            UsersError: there is no such account, or the file can't be written.
        """

        def changed(known: dict[str, Account]) -> None:
            known[name] = change(_named(known, name))
            if check:
                check(known)

        self._change(changed)
        return self.named(name)

    def _change(self, change: Callable[[dict[str, Account]], None]) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self._path.parent / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                known = _read(self._path)
                change(known)
                _write(self._path, known)
        except OSError as error:
            raise UsersError(
                "{path} can't be written: {why}.",
                "无法写入 {path}：{why}。",
                path=self._path,
                why=error.strerror or error,
            ) from error


def _named(known: Mapping[str, Account], name: str) -> Account:
    if name not in known:
        raise UsersError(
            "There is no user {name}. The users: {known}.",
            "没有用户 {name}。现有用户：{known}。",
            name=name,
            known=", ".join(sorted(known)) or "-",
        )
    return known[name]


def _read(path: Path) -> dict[str, Account]:
    try:
        rows = json.loads(path.read_bytes())["users"]
        return {name: _account(name, row) for name, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsersError(
            "{path} can't be read ({why}): put it back from a backup, or move it away and add the "
            "users again.",
            "无法读取 {path}（{why}）：请从备份恢复，或移走后重新添加用户。",
            path=path,
            why=error,
        ) from error


def _account(name: str, row: dict[str, Any]) -> Account:
    values = row | {
        "role": Role.named(row["role"]),
        "keys": tuple(Key(**key) for key in row.get("keys", ())),
    }
    return Account(name, **values)


def _write(path: Path, known: Mapping[str, Account]) -> None:
    rows = {name: asdict(account) for name, account in sorted(known.items())}
    for row in rows.values():
        row["role"] = row["role"].word
        del row["name"]
    write_json(path, {"version": VERSION, "users": rows})

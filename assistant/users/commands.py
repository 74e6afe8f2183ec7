"""What each command of ``python -m assistant.users`` does."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from assistant.settings import Settings
from assistant.users import keys
from assistant.users.access import set_password
from assistant.users.accounts import Account, Accounts, Key, UsersError, new_stamp, user_name
from assistant.users.audit import Audit
from assistant.users.identity import LOCAL, ROLE_ZH, Role
from assistant.users.passwords import check_new, hashed
from assistant.users.sessions import Sessions

#: (English, Chinese)
SAID = {
    "added": ("{name} is added as {role}.", "已添加用户 {name}，角色：{role_zh}。"),
    "removed": (
        "{name} is removed and logged out. Their conversations stay, and whoever is added under "
        "this name gets them.",
        "已移除用户 {name} 并结束其登录。其对话仍保留，以后用同一名称添加的用户可以看到。",
    ),
    "password": (
        "{name} has another password and is logged out everywhere.",
        "已更改 {name} 的密码，其所有登录均已失效。",
    ),
    "role": ("{name} is {role} now.", "{name} 的角色现在是{role_zh}。"),
    "disabled": ("{name} is kept out, with their keys.", "已停用 {name} 及其密钥。"),
    "enabled": ("{name} may come in again.", "已启用 {name}。"),
    "key_added": (
        "The key of {name}; it is shown this once:\n{key}",
        "{name} 的密钥（仅显示这一次）：\n{key}",
    ),
    "key_revoked": ("The key {key} of {name} is ended.", "{name} 的密钥 {key} 已失效。"),
    "nobody": ("There are no users.", "还没有用户。"),
    "no_keys": ("{name} has no keys.", "{name} 没有密钥。"),
    "is_disabled": ("disabled", "已停用"),
    "keys": ("{n} keys", "{n} 个密钥"),
    "never": ("never used", "从未使用"),
    "used": ("last used {when}", "最后使用 {when}"),
    "ask": ("Password of {name}: ", "{name} 的密码："),
    "ask_again": ("Once more: ", "再输入一次："),
}


@dataclass(frozen=True)
class Call:
    """One call of a command."""

    options: argparse.Namespace
    settings: Settings
    language: str

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.settings.data_dir)

    @property
    def name(self) -> str:
        return user_name(self.options.name)

    def say(self, key: str, /, **fields: object) -> str:
        return SAID[key][self.language == "zh"].format(**fields)

    def note(self, action: str, **details: object) -> None:
        audit = Audit(self.settings.log_dir)
        audit.note(LOCAL, action, self.name, via="command line", **details)


@dataclass(frozen=True)
class Outcome:
    """What is printed: as lines, or as one JSON object."""

    lines: Sequence[str]
    data: Mapping[str, object] = field(default_factory=dict)


def add(call: Call) -> Outcome:
    name, role = call.name, Role.named(call.options.role)
    if name in call.accounts.all():
        call.accounts.add(Account(name, role))  # says that the name is taken, before a password
    password = None if call.options.no_password else hashed(_asked(call, name))
    call.accounts.add(Account(name, role, password))
    call.note("users.add", role=role.word)
    said = call.say("added", name=name, role=role.word, role_zh=ROLE_ZH[role])
    return Outcome([said], {"name": name, "role": role.word})


def list_users(call: Call) -> Outcome:
    accounts = call.accounts.all().values()
    lines = [_line(call, account) for account in accounts] or [call.say("nobody")]
    rows = [
        {
            "name": account.name,
            "role": account.role.word,
            "disabled": account.disabled,
            "password": account.password is not None,
            "created": account.created,
            "keys": [_key_row(key) for key in account.keys],
        }
        for account in accounts
    ]
    return Outcome(lines, {"users": rows})


def remove(call: Call) -> Outcome:
    call.accounts.remove(call.name)
    _end_sessions(call)
    call.note("users.remove")
    return Outcome([call.say("removed", name=call.name)], {"name": call.name})


def password(call: Call) -> Outcome:
    name = call.accounts.named(call.name).name
    set_password(call.accounts, name, _asked(call, name))
    _end_sessions(call)
    call.note("users.password")
    return Outcome([call.say("password", name=name)], {"name": name})


def role(call: Call) -> Outcome:
    new = Role.named(call.options.role)
    call.accounts.change(call.name, lambda account: replace(account, role=new))
    call.note("users.role", role=new.word)
    said = call.say("role", name=call.name, role=new.word, role_zh=ROLE_ZH[new])
    return Outcome([said], {"name": call.name, "role": new.word})


def disable(call: Call) -> Outcome:
    call.accounts.change(
        call.name, lambda account: replace(account, disabled=True, stamp=new_stamp())
    )
    _end_sessions(call)
    call.note("users.disable")
    return Outcome([call.say("disabled", name=call.name)], {"name": call.name})


def enable(call: Call) -> Outcome:
    call.accounts.change(call.name, lambda account: replace(account, disabled=False))
    call.note("users.enable")
    return Outcome([call.say("enabled", name=call.name)], {"name": call.name})


def add_key(call: Call) -> Outcome:
    plain = keys.add_key(call.accounts, call.name, call.options.label)
    key_id = call.accounts.named(call.name).keys[-1].id
    call.note("users.key.add", id=key_id, label=call.options.label)
    said = call.say("key_added", name=call.name, key=plain)
    return Outcome([said], {"name": call.name, "id": key_id, "key": plain})


def list_keys(call: Call) -> Outcome:
    rows = [_key_row(key) for key in call.accounts.named(call.name).keys]
    lines = []
    for row in rows:
        used = call.say("used", when=row["used"]) if row["used"] else call.say("never")
        lines.append(f"{row['id']}  {row['created']}  {used}  {row['label']}".rstrip())
    return Outcome(lines or [call.say("no_keys", name=call.name)], {"keys": rows})


def revoke_key(call: Call) -> Outcome:
    keys.revoke_key(call.accounts, call.name, call.options.key)
    call.note("users.key.revoke", id=call.options.key)
    said = call.say("key_revoked", name=call.name, key=call.options.key)
    return Outcome([said], {"name": call.name, "id": call.options.key})


COMMANDS: dict[str, Callable[[Call], Outcome]] = {
    "add": add,
    "list": list_users,
    "remove": remove,
    "password": password,
    "role": role,
    "disable": disable,
    "enable": enable,
    "key add": add_key,
    "key list": list_keys,
    "key revoke": revoke_key,
}


def _asked(call: Call, name: str) -> str:
    """A new password for ``name``: typed twice, or the first line of the input."""
    if sys.stdin.isatty():
        given = getpass.getpass(call.say("ask", name=name))
        if getpass.getpass(call.say("ask_again")) != given:
            raise UsersError("The two passwords differ.", "两次输入的密码不一致。")
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    check_new(given, name)
    return given


def _end_sessions(call: Call) -> None:
    # They have ended with the account's stamp; this only clears them away.
    Sessions(call.settings.session_dir, idle=0, longest=0).end_all(call.name)


def _key_row(key: Key) -> dict[str, str]:
    return {"id": key.id, "label": key.label, "created": key.created, "used": key.used}


def _line(call: Call, account: Account) -> str:
    role = ROLE_ZH[account.role] if call.language == "zh" else account.role.word
    parts = [account.name, role]
    if account.disabled:
        parts.append(call.say("is_disabled"))
    if account.keys:
        parts.append(call.say("keys", n=len(account.keys)))
    return "  ".join(parts)

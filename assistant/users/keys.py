"""API keys of users: shown once, kept as a hash. A key is random, so a plain hash keeps it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import UTC, datetime

from assistant.users.accounts import Account, Accounts, Key, UsersError, now

#: What keys begin with, so that they are recognised where they leak.
PREFIX = "kb"
#: Keys that one user may have.
MOST = 20
#: How old "last used" may be before it is written anew.
USED_SECONDS = 600


def add_key(accounts: Accounts, user: str, label: str) -> str:
    """A new key of ``user``; this is the only time that it is seen.

    Raises:
        UsersError: there is no such user, they have :data:`MOST` keys, or the file can't be
            written.
    """
    key_id = secrets.token_hex(4)
    plain = f"{PREFIX}-{key_id}-{secrets.token_urlsafe(32)}"
    key = Key(id=key_id, label=label[:100], hash=_hash(plain), created=now())
    accounts.change(user, lambda account: _with_key(account, key))
    return plain


def _with_key(account: Account, key: Key) -> Account:
    if len(account.keys) >= MOST:
        raise UsersError(
            "{user} has {n} keys, the most that one user may have: end one of them first.",
            "{user} 已有 {n} 个密钥，达到上限：请先撤销一个。",
            user=account.name,
            n=len(account.keys),
        )
    return replace(account, keys=(*account.keys, key))


def revoke_key(accounts: Accounts, user: str, key_id: str) -> None:
    """
    Raises:
        UsersError: there is no such user or key, or the file can't be written.
    """

    def revoked(account: Account) -> Account:
        left = tuple(key for key in account.keys if key.id != key_id)
        if len(left) == len(account.keys):
            raise UsersError(
                "{user} has no key {key}. Their keys: {known}.",
                "{user} 没有密钥 {key}。现有密钥：{known}。",
                user=user,
                key=key_id,
                known=", ".join(key.id for key in account.keys) or "-",
            )
        return replace(account, keys=left)

    accounts.change(user, revoked)


def owner_of(accounts: Accounts, plain: str) -> Account | None:
    """Whose key this is; None: nobody's, or of somebody who is disabled."""
    prefix, _, rest = plain.partition("-")
    if prefix != PREFIX:
        return None
    key_id = rest.partition("-")[0]
    for account in accounts.all().values():
        for key in account.keys:
            if key.id == key_id and hmac.compare_digest(key.hash, _hash(plain)):
                if account.disabled:
                    return None
                _note_use(accounts, account, key)
                return account
    return None


def _note_use(accounts: Accounts, account: Account, key: Key) -> None:
    last = datetime.fromisoformat(key.used) if key.used else None
    if last and (datetime.now(UTC) - last).total_seconds() < USED_SECONDS:
        return

    def used(now_kept: Account) -> Account:
        keys = tuple(replace(k, used=now()) if k.id == key.id else k for k in now_kept.keys)
        return replace(now_kept, keys=keys)

    accounts.change(account.name, used)


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()

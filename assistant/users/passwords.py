"""Passwords: what is taken as one, and how it is kept (argon2id)."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from assistant.errors import AssistantError

SHORTEST, LONGEST = 10, 256
#: Long enough, and still the first that anybody tries.
KNOWN = ("1234567890", "password", "qwertyuiop", "letmein", "iloveyou", "changeme", "woaini")
#: Of which passwords are made; without letters and digits that look like others.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
#: Each takes 64 MiB and a processor for a moment; more logins at once wait.
AT_ONCE = 2
_turn = threading.BoundedSemaphore(AT_ONCE)


class PasswordRefused(AssistantError):
    """A new password is too easy to guess."""

    kind = "password"


def check_new(password: str, user: str) -> None:
    """
    Raises:
        PasswordRefused: with the rule that it breaks.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordRefused(
            "A password has {low} to {high} characters; this one has {n}. Several words that only "
            "you would put together are easy to keep in mind.",
            "密码长度应为 {low} 到 {high} 个字符，当前为 {n} 个。可以用几个不相干的词组成一句话。",
            low=SHORTEST,
            high=LONGEST,
            n=len(password),
        )
    plain = _normal(password).casefold()
    easy = [user.casefold(), *KNOWN]
    if len(set(plain)) < 4 or any(len(plain.replace(word, "")) < 4 for word in easy if word):
        raise PasswordRefused(
            "This password is among the first that anybody would try: take another one, without "
            "the user's name and without a row of keys.",
            "这个密码太容易被猜中：请换一个，不要包含用户名，也不要用连续的字符。",
        )


def made_password() -> str:
    """One that nobody guesses, and that can be read out: 79 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def hashed(password: str) -> str:
    with _turn:
        return _hasher().hash(_normal(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether ``kept`` is the hash of ``password``. Where there is none to compare with, it takes
    as long as where there is one: nobody can tell which names exist."""
    with _turn:
        try:
            right = _hasher().verify(kept or _nobodys(), _normal(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return right and kept is not None


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # the library's profile: RFC 9106, 64 MiB


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody's password")


def _normal(password: str) -> str:
    """One form however a keyboard composes a letter."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode("utf-8")

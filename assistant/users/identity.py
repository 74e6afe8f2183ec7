"""Who asks, and what they may do.

>>> require(Identity("li", Role.EDITOR), Role.READER)
>>> require(Identity("li", Role.READER), Role.EDITOR)
Traceback (most recent call last):
...
assistant.users.identity.AccessDenied: This needs the role editor; li has the role reader. Ask \
an administrator for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from assistant.errors import AssistantError


class Role(IntEnum):
    """Ordered: an editor may do all that a reader may, an admin all that an editor may."""

    READER = 1
    EDITOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As files, settings and the command line name it: "reader", "editor", "admin"."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Role:
        """
        Raises:
            ValueError: no such role; its message lists the known ones.
        """
        for role in cls:
            if role.word == word.strip().lower():
                return role
        raise ValueError(", ".join(role.word for role in cls))


@dataclass(frozen=True)
class Identity:
    """A user as known for one request.

    Args:
        user: their id, which is in every key and row of what is theirs.
        way: how they came in: "local" (loopback without login), "session", "proxy", "oidc" or
            "key" (an API key).
    """

    user: str
    role: Role
    way: str = "local"


#: Everyone, where there is no login.
LOCAL = Identity("local", Role.ADMIN)


class AccessDenied(AssistantError):
    """The user may not do this."""

    kind = "access"


class LoginRequired(AssistantError):
    """Nobody is logged in (any more)."""

    kind = "login"

    def __init__(self) -> None:
        super().__init__(
            "You are not logged in, or your session has ended: log in and try again.",
            "您尚未登录，或登录已过期：请登录后重试。",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


def require(identity: Identity, role: Role) -> None:
    """
    Raises:
        AccessDenied: ``identity`` has less than ``role``.
    """
    if identity.role >= role:
        return
    raise AccessDenied(
        "This needs the role {needed}; {user} has the role {has}. Ask an administrator for it.",
        "此操作需要“{needed_zh}”角色，{user} 的角色是“{has_zh}”。请联系管理员。",
        needed=role.word,
        has=identity.role.word,
        needed_zh=ROLE_ZH[role],
        has_zh=ROLE_ZH[identity.role],
        user=identity.user,
    )


ROLE_ZH = {Role.READER: "读者", Role.EDITOR: "编辑", Role.ADMIN: "管理员"}

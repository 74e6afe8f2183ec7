"""The names of one user's keys."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

PREFIX = "rag:2:"
EVERY_CONTROL = PREFIX + "{*}:control"


def encoded(name: str) -> str:
    """A user's name or an id in letters, digits and ``_.-~%``; never empty."""
    # Empty braces would not count as braces in a cluster; a lone % stands for nothing else.
    return quote_from_bytes(name.encode("utf-8", "surrogatepass"), safe="") or "%"


def decoded(name: str | bytes) -> str:
    """The opposite of :func:`encoded`."""
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    return "" if text == "%" else unquote_to_bytes(text).decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Keys:
    """The key that the scripts are given, from which they make all others, and what tests ask."""

    user: str

    def name(self, *parts: str) -> str:
        return PREFIX + "{" + encoded(self.user) + "}:" + ":".join(parts)

    @property
    def control(self) -> str:
        return self.name("control")

    def turns(self, conversation_id: str) -> str:
        return self.name("t", encoded(conversation_id))

    def info(self, conversation_id: str) -> str:
        return self.name("c", encoded(conversation_id))


def user_of(control: bytes) -> str:
    """Whose ``control`` key this is."""
    return decoded(control.decode("ascii", "replace").split("{", 1)[1].rsplit("}", 1)[0])


def turn_item(conversation_id: str, turn_id: str) -> str:
    """The id in Redis of what recall needs of a turn."""
    return f"t/{encoded(conversation_id)}/{encoded(turn_id)}"


def fact_item(fact_id: str) -> str:
    return f"f/{encoded(fact_id)}"

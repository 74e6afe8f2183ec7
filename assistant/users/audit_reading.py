"""Reads the audit log, the newest lines first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant.users.audit import FILE

#: Of the end of the log; what stands before is for other programs to search.
LOOKED_BYTES = 2 * 2**20
COLUMNS = ("time", "user", "action", "target")


@dataclass(frozen=True)
class Entry:
    """A line of the log. ``time``: ISO 8601, UTC."""

    time: str
    user: str
    action: str
    target: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    def has(self, text: str) -> bool:
        """Whether ``text`` stands in it, in any case."""
        told = (self.user, self.action, self.target, *self.details.values())
        return text.casefold() in "\n".join(told).casefold()


def newest(log_dir: Path, kind: str = "", text: str = "") -> Iterator[Entry]:
    """The entries, the last one first.

    Args:
        kind: only actions of this kind: the part before the point, as "users" of "users.add".
        text: only those in which this stands.
    """
    for line in _lines(log_dir):
        entry = _entry(line)
        if entry is None or (kind and entry.action.partition(".")[0] != kind):
            continue
        if not text or entry.has(text):
            yield entry


def last_logins(log_dir: Path) -> dict[str, str]:
    """User -> when they last logged in, as far as the log still tells."""
    found: dict[str, str] = {}
    for line in _lines(log_dir):
        if b'"login"' in line and (entry := _entry(line)) and entry.action == "login":
            found.setdefault(entry.user, entry.time)
    return found


def _lines(log_dir: Path) -> Iterator[bytes]:
    left = LOOKED_BYTES
    for name in (FILE, FILE.replace(".", ".1.", 1)):
        if left <= 0:
            return
        text = _tail(log_dir / name, left)
        left -= len(text)
        yield from reversed(text.splitlines())


def _tail(path: Path, most: int) -> bytes:
    """At most the last ``most`` bytes, in whole lines."""
    try:
        with path.open("rb") as file:
            begin = max(0, file.seek(0, 2) - most)
            file.seek(begin)
            text = file.read(most)
    except OSError:
        return b""
    return text.partition(b"\n")[2] if begin else text


def _entry(line: bytes) -> Entry | None:
    """None: no line of the log, such as one that a full disk cut short."""
    try:
        row = json.loads(line)
        details = {str(name): str(value) for name, value in row.get("details", {}).items()}
        time, user, action, target = (str(row[name]) for name in COLUMNS)
        return Entry(time, user, action, target, details)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None

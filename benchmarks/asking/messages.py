"""The labelled messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from assistant.asking import Kind

FOLDER = Path(__file__).parent
_HEADER = re.compile(r"--- (\w+) ---")


@dataclass(frozen=True)
class Message:
    text: str
    kind: Kind
    language: str


def messages() -> list[Message]:
    """All, in the order of the files."""
    return [one for language in ("en", "zh") for one in _read(FOLDER / f"messages.{language}.txt")]


def _read(path: Path) -> list[Message]:
    kind, found = Kind.LOOKUP, []
    for line in path.read_text("utf-8").splitlines():
        if header := _HEADER.fullmatch(line):
            kind = Kind(header[1])
        elif line:
            found.append(Message(line, kind, path.suffixes[0].strip(".")))
    return found

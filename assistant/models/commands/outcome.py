"""What a command is called with, and what it comes to."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.settings import Settings

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Call:
    """One call of a command. ``language`` is the reader's: "zh" or "en"."""

    options: argparse.Namespace
    settings: Settings
    language: str

    def say(self, en: str, zh: str) -> str:
        """The one of two texts that the reader understands."""
        return zh if self.language.startswith("zh") else en


@dataclass(frozen=True)
class Outcome:
    """``lines`` for people or ``data`` for programs, not both."""

    data: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    code: int = DONE

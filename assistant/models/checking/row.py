"""The verdict of one trial, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assistant.errors import AssistantError

OK, FAILED, OFF = "ok", "failed", "not configured"
WORDS = {OK: ("ok", "正常"), FAILED: ("FAILED", "失败"), OFF: ("-", "-")}


@dataclass(frozen=True)
class Finding:
    """What a trial found: ``figures`` for programs, and a text for people."""

    en: str
    zh: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One trial of one model. ``verdict`` is a key of :data:`WORDS`."""

    check: str
    model: str
    verdict: str
    finding: Finding | None = None
    error: AssistantError | None = None

    def line(self, language: str) -> str:
        """For people: the verdict, what was tried, and what came of it."""
        chinese = language.startswith("zh")
        told = ""
        if self.finding is not None:
            told = self.finding.zh if chinese else self.finding.en
        if self.error is not None:
            told = self.error.text(language)
        return f"{WORDS[self.verdict][chinese]:<7} {self.check:<10} {self.model}  {told}".rstrip()

    def data(self, language: str) -> dict[str, Any]:
        """For programs."""
        error = self.error and {"kind": self.error.kind, "message": self.error.text(language)}
        return {
            "check": self.check,
            "model": self.model,
            "verdict": self.verdict,
            **(self.finding.figures if self.finding else {}),
            "error": error,
        }


def tried(check: str, model: str, trial: Callable[[], Finding]) -> Row:
    """The row for ``trial``, which raises what is wrong."""
    try:
        return Row(check, model, OK, trial())
    except AssistantError as error:
        return Row(check, model, FAILED, error=error)

"""What long-term memory does by itself: retention, and taking what was forgotten out of the
embedded server's file."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from assistant.memory.background import Background
from assistant.memory.fact_changes import FactKeeper, outdated
from assistant.memory.mirror import Mirrors
from assistant.memory.store.commands import Commands
from assistant.memory.store.compaction import WAIT_SECONDS, Compaction
from assistant.memory.store.faults import MemoryRefused

log = logging.getLogger(__name__)

DAY = 86400.0
SWEEP_SECONDS = 3600.0
SWEEP_DELAY_SECONDS = 10.0  # turns and large memories go first


@dataclass(frozen=True)
class Retention:
    """What is kept of each user; the oldest go first, pinned facts never.

    ``days``: 0 for ever. ``turns`` and ``facts`` are counts.
    """

    days: float = 0
    turns: int = 20000
    facts: int = 500


class Housekeeping:
    """Retention and erasure.

    Args:
        compaction: of the embedded server's file; None where the server isn't ours.
    """

    def __init__(  # noqa: PLR0917
        self,
        commands: Commands,
        mirrors: Mirrors,
        facts: FactKeeper,
        background: Background,
        retention: Retention,
        compaction: Compaction | None,
    ) -> None:
        self._commands = commands
        self._mirrors = mirrors
        self._facts = facts
        self._background = background
        self._retention = retention
        self._compaction = compaction
        self._due = 0.0

    def keep(self) -> None:
        """At the first turn, and again each hour, see to both in the background."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SWEEP_SECONDS
        self._background.ask("sweep", lambda: self.sweep(time.time()), SWEEP_DELAY_SECONDS)
        if self._compaction:
            self._background.ask("compaction", self._compaction.work)

    def erase(self) -> None:
        """Take what was just forgotten out of the embedded server's file, soon."""
        if self._compaction:
            self._compaction.request()
            self._background.ask("compaction", self._compaction.work, WAIT_SECONDS)

    def sweep(self, now: float) -> None:
        """Remove what retention lets go, of all users."""
        before = now - self._retention.days * DAY if self._retention.days else -1.0
        for user in self._commands.users():
            try:
                self._sweep_user(user, before)
            except MemoryRefused as error:  # one user's damaged key is no matter of the others
                log.warning("%s", error)
        self._mirrors.shrink()

    def _sweep_user(self, user: str, before: float) -> None:
        self._sweep_turns(user, before)
        facts = self._commands.facts(user).facts
        if outdated(before)(facts):
            self._facts.update(user, outdated(before))

    def _sweep_turns(self, user: str, before: float) -> None:
        mirror, has_more = self._mirrors.peek(user), True
        while has_more:
            with mirror.lock:
                written, has_more = self._commands.sweep(user, before, self._retention.turns)
                mirror.wrote(written)

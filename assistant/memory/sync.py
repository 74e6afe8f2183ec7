"""Keeps the copies of :mod:`assistant.memory.mirror` current: with every turn, and in the
background where there is much to read."""

from __future__ import annotations

import time

from assistant.errors import MemoryUnavailable
from assistant.memory.background import Background
from assistant.memory.mirror import Mirror, Mirrors
from assistant.memory.store.answers import Page
from assistant.memory.store.commands import Commands

OPEN_ROWS = 100  # items that opening a turn reads at most
SLICE = 25  # items that are read at once in the background: some 5 ms, most for their words
PAUSE_SECONDS = 0.005  # between slices, in which turns go first


class Sync:
    """Reads what changed."""

    def __init__(self, commands: Commands, mirrors: Mirrors, background: Background) -> None:
        self._commands = commands
        self._mirrors = mirrors
        self._background = background

    def open(self, user: str, conversation_id: str = "", head: str | None = None) -> Page:
        """One round trip: the conversation, and what changed in the user's memory. A second one
        where others changed more than fits."""
        mirror = self._mirrors.of(user)
        with mirror.lock:
            page = self._commands.open(
                user, mirror.born, mirror.since, conversation_id, head, OPEN_ROWS
            )
            mirror.read(page, OPEN_ROWS)
            if mirror.revision is None:  # so much changed that facts are among the rest
                mirror.corrected(self._commands.facts(user))
        if not mirror.is_whole:
            self._background.ask(f"load {user}", lambda: self._load(user, mirror))
        return page

    def refresh(self, user: str, seconds: float = 0.0) -> Mirror:
        """The user's copy, current if Redis can be asked, whole if that is done in ``seconds``."""
        deadline = time.monotonic() + seconds
        mirror = self._mirrors.of(user)
        try:
            self.open(user)
        except MemoryUnavailable:
            return mirror
        while not mirror.is_whole and not mirror.is_dropped and time.monotonic() < deadline:
            time.sleep(0.01)
        return mirror

    def _load(self, user: str, mirror: Mirror) -> float | None:
        """Read a slice; the seconds until the next."""
        if mirror.is_dropped:
            return None
        with mirror.lock:
            if mirror.lags:
                page = self._commands.open(user, mirror.born, mirror.since, "", None, SLICE)
                mirror.read(page, SLICE)
            elif mirror.below:
                mirror.read_older(self._commands.page(user, mirror.below, SLICE), SLICE)
        self._mirrors.shrink()
        return None if mirror.is_whole else PAUSE_SECONDS

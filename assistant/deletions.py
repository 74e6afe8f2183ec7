"""Deletion of conversations that can be taken back for a while, and is then final and without a
trace.

What is held back is marked in Redis, so that it outlives a reload and the app: what is still held
when the app ends is deleted then, and what a killed app left is deleted by the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from assistant.errors import ConversationBusy, ConversationError, MemoryUnavailable
from assistant.memory.background import Background
from assistant.memory.conversation_list import ConversationList, Held

log = logging.getLogger(__name__)

HELD_SECONDS = 10.0
AGAIN_SECONDS = 30.0  # after which it is tried again, where Redis is away

#: Removes a conversation for good: ConversationError while it answers, MemoryUnavailable.
Forget = Callable[[str, str], None]


class Deletions:
    """Args:
    forget: of :class:`~assistant.turns.Turns`.
    answers: its ``current``: what is true of a conversation that is answering.
    seconds: how long a deletion is held back.
    """

    def __init__(
        self,
        listed: ConversationList,
        forget: Forget,
        answers: Callable[[str, str], object] = lambda user, id: None,
        seconds: float = HELD_SECONDS,
    ) -> None:
        self._list = listed
        self._forget = forget
        self._answers = answers
        self.seconds = seconds
        self._waiting: set[tuple[str, str]] = set()  # that this process sees to
        self._background = Background("deletions")

    def start(self) -> None:
        """Delete, in the background, what an earlier app left."""
        self._background.ask("left", self._take_over)

    def hold(self, user: str, conversation_id: str) -> bool:
        """Delete a conversation after a while. False if there is none.

        Raises:
            ConversationBusy: it is answering.
            MemoryUnavailable: Redis can't be reached; nothing is deleted.
        """
        if self._answers(user, conversation_id):
            raise ConversationBusy(
                "This conversation is still answering: wait for it, or stop it first.",
                "这个对话还在回答上一个问题：请等它结束，或先点停止。",
            )
        if not self._list.hold(user, conversation_id):
            return False
        self._later(user, conversation_id, self.seconds)
        return True

    def undo(self, user: str, conversation_id: str) -> bool:
        """Let a conversation live. False if it is too late.

        Raises:
            MemoryUnavailable: Redis can't be reached.
        """
        return self._list.release(user, conversation_id)

    def held(self, user: str) -> list[tuple[Held, float]]:
        """What can be taken back, each with the seconds that are left; the newest first.

        Raises:
            MemoryUnavailable: Redis can't be reached.
        """
        rows = [(held, self._left(held)) for held in reversed(self._list.held(user))]
        return [(held, left) for held, left in rows if left > 0]

    def close(self) -> None:
        """Delete now what is held back."""
        self._background.close()
        try:
            for user, conversation_id in list(self._waiting):
                if conversation_id in [held.id for held in self._list.held(user)]:
                    self._finish(user, conversation_id)
        except MemoryUnavailable as error:
            log.info("what is held back is deleted at the next start: %s", error)

    def _later(self, user: str, conversation_id: str, seconds: float) -> None:
        self._waiting.add((user, conversation_id))
        job = partial(self._due, user, conversation_id)
        self._background.ask(f"{user}/{conversation_id}", job, max(seconds, 0.0))

    def _due(self, user: str, conversation_id: str) -> float | None:
        """It is deleted if it is held still, and as long as that was meant: it may have been let
        live, and held anew."""
        try:
            for held in self._list.held(user):
                if held.id == conversation_id:
                    left = self._left(held)
                    if left > 0:
                        return left
                    self._finish(user, conversation_id)
        except MemoryUnavailable as error:
            log.info("a deletion waits: %s", error)
            return AGAIN_SECONDS
        self._waiting.discard((user, conversation_id))
        return None

    def _finish(self, user: str, conversation_id: str) -> None:
        try:
            self._forget(user, conversation_id)
        except ConversationError:
            # It was asked in again, in another window.
            self._list.release(user, conversation_id)

    def _take_over(self) -> float | None:
        try:
            for user in self._list.users():
                for held in self._list.held(user):
                    self._later(user, held.id, self._left(held))
        except MemoryUnavailable:
            return AGAIN_SECONDS
        return None

    def _left(self, held: Held) -> float:
        """At most the whole time, where the clock was set back."""
        return min(held.since + self.seconds - time.time(), self.seconds)

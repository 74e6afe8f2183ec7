"""Short-term memory: the turns of the running conversations, in this process, bounded.

It is a cache of what a conversation said last: when the process restarts, or the conversation
has long been idle, it is filled again from long-term memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from assistant.memory.records import Turn

Key = tuple[str, str]  # user, conversation


class ShortTermMemory:
    """The last turns of each conversation, newest last.

    Args:
        count_tokens: tokens of a text.
        tokens: how many tokens of turns are kept for a conversation; at least its last turn is.
        conversations: how many conversations are kept; the longest unused goes first.
    """

    def __init__(
        self, count_tokens: Callable[[str], int], tokens: int, conversations: int = 256
    ) -> None:
        self._count = count_tokens
        self._tokens = tokens
        self._conversations = conversations
        self._turns: OrderedDict[Key, deque[tuple[Turn, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, user: str, conversation_id: str) -> bool:
        """Whether this conversation's turns are here."""
        with self._lock:
            return (user, conversation_id) in self._turns

    def turns(self, user: str, conversation_id: str) -> list[Turn]:
        """The remembered turns, oldest first; none for an unknown conversation."""
        with self._lock:
            kept = self._turns.get((user, conversation_id), ())
            return [turn for turn, _ in kept]

    def fill(self, user: str, conversation_id: str, turns: Iterable[Turn]) -> None:
        """Replace what is remembered by ``turns``, oldest first."""
        with self._lock:
            self._turns[user, conversation_id] = deque()
        for turn in turns:
            self.add(user, conversation_id, turn)

    def add(self, user: str, conversation_id: str, turn: Turn) -> None:
        """Remember ``turn`` as the newest; the oldest are dropped beyond the bound."""
        size = self._count(turn.text) + self._count(turn.answer)
        with self._lock:
            kept = self._turns.setdefault((user, conversation_id), deque())
            self._turns.move_to_end((user, conversation_id))
            kept.append((turn, size))
            while len(kept) > 1 and sum(tokens for _, tokens in kept) > self._tokens:
                kept.popleft()
            while len(self._turns) > self._conversations:
                self._turns.popitem(last=False)

    def drop_last(self, user: str, conversation_id: str) -> None:
        """Forget the newest turn: it is being asked again."""
        with self._lock:
            kept = self._turns.get((user, conversation_id))
            if kept:
                kept.pop()

    def forget(self, user: str, conversation_id: str) -> None:
        with self._lock:
            self._turns.pop((user, conversation_id), None)

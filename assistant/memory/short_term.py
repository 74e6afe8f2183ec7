"""Short-term memory: what the running conversations said last, in this process, bounded.

It is a cache: when the process restarts, or a conversation has long been idle, it is filled again
from long-term memory. Of each conversation only the branch is here that leads to its newest turn;
a question that is asked again or edited takes up the branch where it left it, and what was
abandoned is gone from the history of all that follows.

The newest turns are the window; the questions of older ones are folded into a summary. It is
extractive, their standalone questions, because these name the things that a later question may
point at, cost no call of a model, and say nothing that was never said.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assistant.memory.records import Turn

MOST_TURNS = 200  # of a conversation
SUMMARY_TOKENS = 120
LONGEST_FOLDED = 200  # characters of a question in the summary

Key = tuple[str, str]  # user, conversation


@dataclass(frozen=True)
class History:
    """What a question is asked after.

    ``turns`` are the window, oldest first. ``summary`` tells in lines what was asked before it.
    ``parent`` is the id of the turn that the question follows, empty at a conversation's begin.
    """

    turns: tuple[Turn, ...] = ()
    summary: str = ""
    parent: str = ""


class ShortTermMemory:
    """The branches of the running conversations.

    Args:
        count_tokens: tokens of a text.
        tokens: how many tokens of turns the window has; at least the last turn is in it.
        conversations: how many conversations are kept; the longest unused goes first.
    """

    def __init__(
        self, count_tokens: Callable[[str], int], tokens: int, conversations: int = 256
    ) -> None:
        self._count = count_tokens
        self._tokens = tokens
        self._conversations = conversations
        self._branches: OrderedDict[Key, tuple[Turn, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def head(self, user: str, conversation_id: str) -> str | None:
        """The id of the newest turn, empty before the first; None for an unknown conversation."""
        with self._lock:
            branch = self._branches.get((user, conversation_id))
        if branch is None:
            return None
        return branch[-1].id if branch else ""

    def turn(self, user: str, conversation_id: str, turn_id: str) -> Turn | None:
        """A turn of the branch."""
        found = (turn for turn in self._branch(user, conversation_id) if turn.id == turn_id)
        return next(found, None)

    def history(self, user: str, conversation_id: str, before: str = "") -> History:
        """What a new question is asked after: everything, or what comes before the turn
        ``before``, which it replaces."""
        branch = self._branch(user, conversation_id)
        ids = [turn.id for turn in branch]
        if before in ids:
            branch = branch[: ids.index(before)]
        return self.window(branch)

    def window(self, branch: Sequence[Turn]) -> History:
        """The newest turns of ``branch`` that fit, and a summary of those before."""
        window = self._window(branch)
        return History(
            turns=tuple(branch[len(branch) - window :]),
            summary=self._summary(branch[: len(branch) - window]),
            parent=branch[-1].id if branch else "",
        )

    def fill(self, user: str, conversation_id: str, turns: Iterable[Turn]) -> None:
        """Replace what is remembered by ``turns``, a branch, oldest first."""
        self._put((user, conversation_id), tuple(turns))

    def add(self, user: str, conversation_id: str, turn: Turn) -> None:
        """Remember ``turn`` as the newest, after its parent: what followed that is abandoned."""
        branch = self._branch(user, conversation_id)
        ids = [each.id for each in branch]
        if turn.parent in ids:
            branch = branch[: ids.index(turn.parent) + 1]
        elif not turn.parent:
            branch = ()
        self._put((user, conversation_id), (*branch, turn))

    def forget(self, user: str, conversation_id: str) -> None:
        with self._lock:
            self._branches.pop((user, conversation_id), None)

    def forget_all(self, user: str) -> None:
        with self._lock:
            for key in [key for key in self._branches if key[0] == user]:
                del self._branches[key]

    def _branch(self, user: str, conversation_id: str) -> tuple[Turn, ...]:
        with self._lock:
            return self._branches.get((user, conversation_id), ())

    def _put(self, key: Key, branch: tuple[Turn, ...]) -> None:
        with self._lock:
            self._branches[key] = branch[-MOST_TURNS:]
            self._branches.move_to_end(key)
            while len(self._branches) > self._conversations:
                self._branches.popitem(last=False)

    def _window(self, branch: Sequence[Turn]) -> int:
        """How many of the newest turns fit."""
        left, count = self._tokens, 0
        for turn in reversed(branch):
            left -= self._count(turn.text) + self._count(turn.answer)
            if left < 0 and count:
                break
            count += 1
        return count

    def _summary(self, folded: Sequence[Turn]) -> str:
        """The first question, which most often names the subject, and the newest that fit."""
        lines = [" ".join(turn.standalone.split())[:LONGEST_FOLDED] for turn in folded]
        lines = list(dict.fromkeys(line for line in lines if line))
        if not lines:
            return ""
        chosen = [lines[0]]
        left = SUMMARY_TOKENS - self._count(lines[0])
        for line in reversed(lines[1:]):
            left -= self._count(line)
            if left < 0:
                break
            chosen.insert(1, line)
        return "\n".join(chosen)

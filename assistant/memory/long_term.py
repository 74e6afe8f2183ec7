"""Long-term memory: transcripts, facts and preferences in Redis, recalled when a question leans on
them.

Redis is asked once when a turn begins (:meth:`LongTermMemory.open`) and once when it ends
(:meth:`LongTermMemory.add`); recall happens in this process. While Redis is away, what a turn
leaves is held, and written when it is back. How it lies in Redis is told in
:mod:`assistant.memory.store`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.memory.background import Background
from assistant.memory.conversation_list import ConversationList
from assistant.memory.fact_changes import Decide, Embed, FactKeeper, deleted, edited, pinned
from assistant.memory.holding import Holding
from assistant.memory.housekeeping import Housekeeping, Retention
from assistant.memory.mirror import Mirrors
from assistant.memory.records import (
    Choices,
    ConversationInfo,
    Fact,
    Recollection,
    Turn,
    branch,
)
from assistant.memory.store.commands import TITLE_LENGTH, Commands
from assistant.memory.store.compaction import Compaction
from assistant.memory.store.connection import Link
from assistant.memory.store.items import Vector, number_of, packed_turn, unpacked
from assistant.memory.store.keys import turn_item
from assistant.memory.store.server_facts import ServerFacts, server_facts
from assistant.memory.sync import Sync
from assistant.memory.withdrawal import FactChanges, said_in, withdrawn

__all__ = ["TITLE_LENGTH", "FactChanges", "LongTermMemory", "Opened", "Retention"]

SEARCH_SECONDS = 3.0  # that a search of the memory page waits for a large memory to be read
EVERY = 1_000_000_000
RETENTION = Retention()


@dataclass(frozen=True)
class Opened:
    """What is known when a turn begins. ``turns`` is None where the conversation's head is the one
    that the caller knows; ``facts`` have the pinned ones first, then the newest."""

    turns: dict[str, Turn] | None
    head: str
    choices: Choices
    paused: bool
    facts: tuple[Fact, ...]


class LongTermMemory:
    """The memories of all users. A user is any string; nothing of one is seen by another.

    Args:
        address: gives the URL of Redis, starting the embedded server if it must; asked again
            after a lost connection.
        spill: a file for what is held while Redis is away, so that it outlives the process.
        embed: gives vectors of texts where a caller has none: of facts that the user edits.
        model: fingerprint of the embedding model. What another one made is found by its words.
        is_embedded: the server and its file are ours: what is forgotten is taken out of the file.

    All methods raise :class:`MemoryUnavailable` when Redis can't be used, except :meth:`recall`
    and, where it says so, those whose write is held.
    """

    def __init__(
        self,
        address: Callable[[], str],
        retention: Retention = RETENTION,
        spill: Path | None = None,
        *,
        embed: Embed | None = None,
        model: str = "",
        is_embedded: bool = False,
    ) -> None:
        self._link = Link(address)
        self._commands = Commands(self._link, number_of(model))
        self._mirrors = Mirrors(model=number_of(model))
        self._background = Background("long-term-memory")
        self._sync = Sync(self._commands, self._mirrors, self._background)
        self._facts = FactKeeper(self._commands, self._mirrors, retention.facts, embed)
        compaction = Compaction(self._link) if is_embedded else None
        parts = self._commands, self._mirrors, self._facts, self._background
        self._holding = Holding(*parts, spill, retention.turns)
        self._housekeeping = Housekeeping(*parts, retention, compaction)
        #: Titles, pins, what is held back for deletion, and the search in it.
        self.list = ConversationList(self._commands, self._holding.flush)

    # One turn

    def open(self, user: str, conversation_id: str, known_head: str | None = None) -> Opened:
        """What a turn begins with, in one round trip.

        Args:
            known_head: the turn that the caller takes for the conversation's last; None: unknown.
        """
        self._holding.flush()
        page = self._sync.open(user, conversation_id, known_head)
        self._housekeeping.keep()
        turns = None if page.turns is None else dict(page.turns)
        facts = self._mirrors.of(user).sorted_facts()
        return Opened(turns, page.head, page.choices, page.paused, facts)

    def add(
        self, user: str, conversation_id: str, turn: Turn, vector: Vector, *, text: str
    ) -> bool:
        """Store ``turn`` as its conversation's head, in one round trip. Storing it twice changes
        nothing.

        Args:
            vector: of ``text``, unit length, shape (dimension,).
            text: what the turn is recalled by: its standalone question, and after a line break
                the beginning of its answer.

        Returns:
            False if Redis can't take it now: it is held, and written later.

        Raises:
            MemoryUnavailable: too much is held already, or Redis will never take it.
        """
        item = unpacked(turn_item(conversation_id, turn.id), packed_turn(turn, text, vector))
        return self._holding.add(user, conversation_id, turn, text, vector, item)

    def recall(
        self,
        user: str,
        text: str,
        vector: Vector,
        *,
        k: int,
        without_conversation: str = "",
        kinds: Collection[str] | None = None,
        now: float | None = None,
    ) -> list[Recollection]:
        """At most ``k`` memories that bear on a question, best first; from this process's copy,
        which :meth:`open` keeps current. Redis may be away.

        Args:
            text, vector: of the question.
            without_conversation: the running one, which short-term memory covers.
            kinds: of "turn", "fact" and "preference"; all if None.
        """
        at = time.time() if now is None else now
        return self._mirrors.of(user).recall(text, vector, k, at, kinds, without_conversation)

    @property
    def held(self) -> int:
        """Writes that wait for Redis."""
        return self._holding.count

    # Conversations

    def conversations(self, user: str, limit: int = 200) -> list[ConversationInfo]:
        """The user's conversations, the newest first, beyond ``limit`` those that are pinned."""
        return self.list.infos(user, limit)

    def turns(self, user: str, conversation_id: str) -> list[Turn]:
        """The branch that leads to the head, oldest first; none for an unknown conversation."""
        self._holding.flush()
        _, _, head, _, turns = self._commands.transcript(user, conversation_id)
        return branch(turns, head)

    def all_turns(self, user: str, conversation_id: str) -> dict[str, Turn]:
        """Every turn of a conversation by id, of abandoned branches as well."""
        self._holding.flush()
        return self._commands.transcript(user, conversation_id)[4]

    def set_head(self, user: str, conversation_id: str, turn_id: str) -> None:
        """Go on from ``turn_id``. Held where Redis is away."""
        self._holding.write("head", user, conversation_id, turn=turn_id)

    def set_choices(self, user: str, conversation_id: str, choices: Choices) -> None:
        """Keep the user's choices for a conversation. Held where Redis is away."""
        self._holding.write("choices", user, conversation_id, choices=choices.as_json())

    def rate(
        self, user: str, conversation_id: str, turn_id: str, rating: int, reason: str = ""
    ) -> None:
        """Keep the user's rating of a turn: 1, -1, or 0 to withdraw it. Held where Redis is
        away."""
        data = {"turn": turn_id, "rating": rating, "reason": reason}
        self._holding.write("rate", user, conversation_id, **data)

    def replace(self, user: str, conversation_id: str, old_id: str) -> None:
        """A turn is asked again or edited: it and what follows it leave recall, and facts that
        were said only there are withdrawn. The transcript keeps them. Held where Redis is away."""
        self._holding.write("replace", user, conversation_id, turn=old_id)

    def forget(self, user: str, conversation_id: str) -> None:
        """Remove a conversation and what was learned from it: of a fact that was said elsewhere
        too, what was said there stays. What is held of it is let go even where Redis is away."""
        self._holding.drop(user, conversation_id)
        is_gone = said_in([conversation_id])
        self._facts.update(
            user, lambda facts: withdrawn(facts.values(), is_gone), forget=conversation_id
        )
        self._housekeeping.erase()

    def forget_all(self, user: str) -> None:
        """Remove every key of the user, and what is held of them even where Redis is away."""
        self._holding.drop(user)
        mirror = self._mirrors.of(user)
        with mirror.lock:
            self._commands.forget_all(user)
            self._mirrors.drop(user)
        self._housekeeping.erase()

    # Facts

    def facts(self, user: str) -> list[Fact]:
        """The user's facts and preferences, pinned first, then the newest."""
        self._holding.flush()
        self._sync.open(user)
        return list(self._mirrors.of(user).sorted_facts())

    def update_facts(self, user: str, change: Decide, vectors: Embed | None = None) -> FactChanges:
        """Change facts by what ``change`` makes of them as they are; called again where somebody
        else changed them meanwhile, so it must have no effects of its own. Held where Redis is
        away.

        Args:
            vectors: gives the vectors of texts, shape (texts, dimension).

        Returns:
            what was changed.
        """
        return self._holding.update_facts(user, change, vectors)

    def edit_fact(self, user: str, id: str, text: str) -> None:
        """Put a fact in the user's own new words. An unknown id, or no text, changes nothing."""
        if text.strip():
            self._change_facts(user, edited(id, text.strip(), time.time()))

    def pin_fact(self, user: str, id: str, pinned_: bool) -> None:
        self._change_facts(user, pinned(id, pinned_))

    def delete_fact(self, user: str, id: str) -> None:
        """Remove a fact with its history."""
        self._change_facts(user, deleted([id]))
        self._housekeeping.erase()

    def _change_facts(self, user: str, change: Decide) -> None:
        self._holding.flush()
        self._facts.update(user, change)

    # Control

    def paused(self, user: str) -> bool:
        """Whether the user wants nothing new to be remembered; callers go by it."""
        return self._sync.open(user).paused

    def pause(self, user: str, paused: bool) -> None:
        self._commands.pause(user, paused)

    def export(self, user: str) -> dict[str, Any]:
        """All that is stored of a user, JSON-ready, without vectors."""
        conversations = []
        for info in self.conversations(user, EVERY):
            title, created, head, choices, turns = self._commands.transcript(user, info.id)
            conversations.append(
                {
                    "id": info.id,
                    "title": title,
                    "created": created,
                    "updated": info.updated_at,
                    "head": head,
                    "choices": choices.as_json(),
                    "turns": [turn.as_json() for turn in turns.values()],
                }
            )
        facts = [fact.as_json() for fact in self.facts(user)]
        return {"conversations": conversations, "facts": facts, "paused": self.paused(user)}

    def search(self, user: str, text: str, vector: Vector, k: int) -> list[Recollection]:
        """As :meth:`recall`, of a copy that is current and whole if Redis can be asked."""
        self._sync.refresh(user, SEARCH_SECONDS)
        return self.recall(user, text, vector, k=k)

    def sweep(self, now: float) -> None:
        """Remove what retention lets go, of all users."""
        self._housekeeping.sweep(now)

    def ping(self) -> None:
        """See that Redis answers."""
        self._commands.ping()
        self._holding.wake()

    def server(self) -> ServerFacts:
        return self._link.call(server_facts)

    def close(self) -> None:
        """What is held stays in the spill file, and is written by the next process."""
        self._background.close()
        self._link.close()

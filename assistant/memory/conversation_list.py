"""The list of a user's conversations: titles, pins, what is held back for deletion, what was begun
and has not ended, and the search in all of it.

A conversation that is held back is in no list and can be let live again; whoever holds it back
forgets it later (:mod:`assistant.deletions`). A new turn lets it live, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.memory.records import Begun, ConversationInfo
from assistant.memory.store import listing, writing
from assistant.memory.store.commands import TITLE_LENGTH, Commands
from assistant.memory.store.keys import Keys, decoded, encoded
from assistant.memory.store.values import loaded

AT_ONCE = 20  # conversations whose turns are searched in one step
SEARCH_SECONDS = 2.0
BEGUN_SECONDS = 7 * 86400.0  # after which a question that never ended may go, where there are many


@dataclass(frozen=True)
class Held:
    """A conversation that is to be deleted, held back since a time."""

    id: str
    title: str
    since: float


@dataclass(frozen=True)
class Found:
    """A conversation that holds what was searched for. ``question`` and ``answer`` are of its
    newest turn that does, and empty where it is only the title."""

    info: ConversationInfo
    question: str = ""
    answer: str = ""


class ConversationList:
    """All methods raise MemoryUnavailable when Redis can't be used.

    Args:
        flush: writes what is held while Redis was away.
    """

    def __init__(self, commands: Commands, flush: Callable[[], None]) -> None:
        self._commands = commands
        self._flush = flush

    def infos(self, user: str, most: int) -> list[ConversationInfo]:
        """The newest first. Beyond ``most`` are those that are pinned, and those whose first
        question has not been answered."""
        self._flush()
        rows, begun = self._commands.run(listing.LIST, user, most)
        found = iter(rows)
        infos = [
            ConversationInfo(decoded(id), _text(title), float(when), int(count), bool(pinned))
            for id, when, title, count, pinned in zip(*[found] * 5, strict=True)
        ]
        known = {info.id for info in infos}
        infos += [info for info in self._begun(user, begun) if info.id not in known]
        return sorted(infos, key=lambda info: -info.updated_at)

    def _begun(self, user: str, rows: Sequence[bytes]) -> Iterator[ConversationInfo]:
        for id, value in zip(rows[::2], rows[1::2], strict=True):
            begun = loaded(Keys(user).name("begun"), value, Begun.from_json)
            if begun is not None:
                title = begun.question[:TITLE_LENGTH]
                yield ConversationInfo(decoded(id), title, begun.time, 0)

    def about(self, user: str, conversation_id: str) -> tuple[str, float]:
        """Title, and the time of its beginning; "" and 0 where there is no such conversation."""
        title, created, *_ = self._commands.transcript(user, conversation_id)
        return title, created

    def rename(self, user: str, conversation_id: str, title: str) -> bool:
        """False if there is no such conversation, as the others."""
        args = encoded(conversation_id), _bytes(title[:TITLE_LENGTH])
        return bool(self._commands.run(writing.RENAME, user, *args))

    def pin(self, user: str, conversation_id: str, pinned: bool) -> bool:
        when = repr(time.time()) if pinned else ""
        return bool(self._commands.run(listing.PIN, user, encoded(conversation_id), when))

    def hold(self, user: str, conversation_id: str) -> bool:
        """Hold a conversation back for deletion from now on."""
        when = repr(time.time())
        return bool(self._commands.run(listing.HOLD, user, encoded(conversation_id), when))

    def release(self, user: str, conversation_id: str) -> bool:
        """Let a held one live. False if it wasn't held, or is gone already."""
        return bool(self._commands.run(listing.HOLD, user, encoded(conversation_id), ""))

    def held(self, user: str) -> list[Held]:
        """The longest held first."""
        rows = self._commands.run(listing.HELD, user)
        return [
            Held(decoded(id), _text(title), float(since))
            for id, since, title in zip(rows[::3], rows[1::3], rows[2::3], strict=True)
        ]

    def share(self, user: str, conversation_id: str, secret: str) -> bool:
        """Let a conversation be read by its link; one that is shared keeps its secret. Without a
        secret: no longer."""
        args = encoded(conversation_id), secret
        return bool(self._commands.run(listing.SHARE, user, *args))

    def shared(self, user: str) -> dict[str, str]:
        """The user's conversations that are shared, with the secrets of their links."""
        rows = self._commands.run(listing.SHARED, user)
        return {
            decoded(id): _text(secret) for id, secret in zip(rows[::2], rows[1::2], strict=True)
        }

    def users(self) -> Iterator[str]:
        """Everybody who has something here."""
        return self._commands.users()

    def begin(self, user: str, conversation_id: str, begun: Begun) -> None:
        """A question is asked; storing any turn of the conversation ends it."""
        value = json.dumps(begun.as_json(), ensure_ascii=False)
        args = encoded(conversation_id), _bytes(value), repr(begun.time - BEGUN_SECONDS)
        self._commands.run(listing.BEGAN, user, *args)

    def begun(self, user: str, conversation_id: str) -> Begun | None:
        """The question that was asked last, where it has not ended."""
        value = self._commands.run(listing.BEGUN, user, encoded(conversation_id))
        return loaded(Keys(user).name("begun"), value, Begun.from_json)

    def find(self, user: str, words: str, most: int, *, among: int = 10_000) -> list[Found]:
        """Conversations whose title, or one of whose turns, holds every one of ``words``, whatever
        the case; the newest first. Ends early after :data:`SEARCH_SECONDS`.

        Args:
            among: how many of the newest conversations are looked at.
        """
        terms = [term.casefold() for term in words.split()]
        infos = self.infos(user, among)
        if not terms:
            return [Found(info) for info in infos[:most]]
        found: list[Found] = []
        ends = time.monotonic() + SEARCH_SECONDS
        for begin in range(0, len(infos), AT_ONCE):
            batch = infos[begin : begin + AT_ONCE]
            turns = self._turns(user, [info.id for info in batch], terms)
            for info in batch:
                is_titled = all(term in info.title.casefold() for term in terms)
                if is_titled or info.id in turns:
                    found.append(Found(info, *turns.get(info.id, ("", ""))))
            if len(found) >= most or time.monotonic() > ends:
                break
        return found[:most]

    def _turns(
        self, user: str, ids: Sequence[str], terms: Sequence[str]
    ) -> dict[str, tuple[str, str]]:
        """Question and answer of each conversation's newest turn that holds the terms."""
        stored = [json.dumps(term, ensure_ascii=False)[1:-1] for term in terms]
        args: list[Any] = [len(terms), *map(_bytes, terms), *map(_bytes, stored)]
        rows = self._commands.run(listing.FIND, user, *args, *map(encoded, ids))
        return {
            decoded(id): (_text(question), _text(answer))
            for id, question, answer in zip(rows[::3], rows[1::3], rows[2::3], strict=True)
        }


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

"""The scripts of :mod:`.reading` and :mod:`.writing` with typed arguments and answers. One call is
one round trip."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assistant.memory.records import Choices, Fact, Turn
from assistant.memory.store import reading, writing
from assistant.memory.store.answers import (
    Change,
    Changed,
    Conflict,
    Forgotten,
    Page,
    Place,
    Row,
    Written,
)
from assistant.memory.store.connection import Client, Link
from assistant.memory.store.items import Vector, packed_fact, packed_turn
from assistant.memory.store.keys import EVERY_CONTROL, Keys, decoded, encoded, turn_item, user_of
from assistant.memory.store.migration import move
from assistant.memory.store.values import fact_of, loaded, scalar, spoilt_key, turns_of

ANY = "*"  # of what is expected: it is not looked at
TITLE_LENGTH = 60
MOST_KNOWN = 100_000  # users, of whom is known that they were moved


class Commands:
    """What Redis is asked for. Users, conversations and turns are any strings.

    Args:
        model: the number of the embedding model whose vectors are given.
    """

    def __init__(self, link: Link, model: int = 0) -> None:
        self._link = link
        self._model = model
        self._moved: set[str] = set()  # users of whom nothing is left in layout 1
        self._moves: str | None = None  # the one who is being moved
        self._moving = threading.RLock()

    def run(self, script: str, user: str, *args: str | bytes | float) -> Any:
        """What ``script``, one of this package's, answers. One round trip."""
        if user not in self._moved:
            self._move(user)
        return self._link.script(script, Keys(user).control, *args)

    def _move(self, user: str) -> None:
        """Move what layout 1 holds of ``user``; other threads wait until it is done."""
        with self._moving:
            if user in self._moved or user == self._moves:
                return
            self._moves = user
            try:
                move(self._link, user, self.add)
            finally:
                self._moves = None
            if len(self._moved) >= MOST_KNOWN:
                self._moved.clear()
            self._moved.add(user)

    def open(  # noqa: PLR0917
        self, user: str, born: str, since: int, conversation_id: str, head: str | None, most: int
    ) -> Page:
        """What opens a turn: see :class:`Page`. ``turns`` is None if the head is ``head``."""
        keys = Keys(user)
        conversation = encoded(conversation_id) if conversation_id else ""
        known = ANY if head is None else encoded(head) if head else ""
        answer = self.run(reading.OPEN, user, born, since, conversation, known, most)
        now, number, revision, paused, fresh, rows, more, head_now, choices, turns, bad = answer
        for name in bad:
            spoilt_key(name)
        return Page(
            born=now.decode(),
            number=number,
            revision=revision,
            paused=bool(paused),
            is_fresh=bool(fresh),
            rows=[_row(keys, row) for row in rows],
            has_more=bool(more),
            head=decoded(head_now) if head_now else "",
            choices=_choices(keys, choices),
            turns=None if turns is None else turns_of(keys.turns(conversation_id), turns),
        )

    def page(self, user: str, below: int, most: int) -> list[Row]:
        """Items whose last change is before number ``below``, the newest first."""
        keys = Keys(user)
        return [_row(keys, row) for row in self.run(reading.PAGE, user, below, most)]

    def add(
        self,
        user: str,
        conversation_id: str,
        turn: Turn,
        text: str,
        vector: Vector,
        *,
        most_turns: int,
        born: str = ANY,
        title: str = "",
    ) -> Written | None:
        """Store ``turn``; again changes nothing. With ``born`` it was held since then: None if
        its conversation was forgotten meanwhile. A new conversation is called ``title``, or as
        the question."""
        answer = self.run(
            writing.ADD,
            user,
            secrets.token_hex(8),
            born,
            encoded(conversation_id),
            encoded(turn.id),
            _json(turn.as_json()),
            repr(float(turn.time)),
            _bytes((title or turn.text)[:TITLE_LENGTH]),
            turn_item(conversation_id, turn.id),
            packed_turn(turn, text, vector, self._model),
            most_turns,
        )
        now, number, went = answer
        return Written(now.decode(), number, 1 + len(went), _ids(went)) if now else None

    def change(
        self, user: str, change: Change, now: float, *, born: str = ANY, revision: int | None = None
    ) -> Changed | Conflict | Forgotten:
        """Change facts, if they are still those of ``revision``."""
        keys = Keys(user)
        args: list[str | bytes | float] = [secrets.token_hex(8), born]
        args += [ANY if revision is None else revision]
        args += [encoded(change.forget) if change.forget else "", now, len(change.put)]
        for fact, vector in change.put:
            item = b"" if vector is None else packed_fact(fact, vector, self._model)
            args += [encoded(fact.id), _json(fact.as_json()), item]
        said = ("/".join(map(encoded, place)) for place in change.said)
        for names in (map(encoded, change.delete), change.items, said):
            listed = list(names)
            args += [len(listed), *listed]
        kind, *answer = self.run(writing.CHANGE, user, *args)
        if kind == b"conflict":
            return Conflict(answer[0].decode(), answer[1], _facts(keys, answer[2]))
        if kind == b"gone":
            return Forgotten(frozenset(_place(name) for name in answer[0]))
        now_born, number, new_revision, went = answer
        count = len(went) + len(change.put)
        return Changed(now_born.decode(), number, count, _ids(went), new_revision)

    def facts(self, user: str) -> Conflict:
        """The user's facts: what a change is told that expects a revision that never was."""
        answer = self.change(user, Change(), 0.0, revision=-1)
        if not isinstance(answer, Conflict):
            raise TypeError(answer)
        return answer

    def transcript(
        self, user: str, conversation_id: str
    ) -> tuple[str, float, str, Choices, dict[str, Turn]]:
        """Title, time of its beginning, head, choices and turns of a conversation."""
        keys = Keys(user)
        answer = self.run(reading.TRANSCRIPT, user, encoded(conversation_id))
        title, created, head, choices, turns, bad = answer
        for name in bad:
            spoilt_key(name)
        return (
            _text(title),
            float(scalar(created)),
            decoded(head) if head else "",
            _choices(keys, choices),
            turns_of(keys.turns(conversation_id), turns),
        )

    def put_turn(self, user: str, conversation_id: str, turn: Turn) -> bool:
        """Write a turn anew. False if there is no such turn."""
        return self._turn(user, conversation_id, turn.id, _json(turn.as_json()))

    def set_head(self, user: str, conversation_id: str, turn_id: str) -> bool:
        return self._turn(user, conversation_id, turn_id, b"")

    def _turn(self, user: str, conversation_id: str, turn_id: str, value: bytes) -> bool:
        names = encoded(conversation_id), encoded(turn_id)
        return bool(self.run(writing.TURN, user, *names, value))

    def set_choices(
        self, user: str, conversation_id: str, choices: Choices, *, born: str = ANY
    ) -> None:
        args = born, encoded(conversation_id), _json(choices.as_json())
        self.run(writing.CHOICES, user, *args)

    def pause(self, user: str, paused: bool) -> None:
        token = secrets.token_hex(8)
        self.run(writing.PAUSE, user, token, "1" if paused else "")

    def forget_all(self, user: str) -> None:
        self.run(writing.FORGET_ALL, user)

    def sweep(self, user: str, before: float, most_turns: int) -> tuple[Written, bool]:
        """Take out the oldest turns, some hundred at most, and whether there are more."""
        args = secrets.token_hex(8), repr(before), most_turns
        answer = self.run(writing.SWEEP, user, *args)
        born, number, went, more = answer
        return Written(born.decode(), number, len(went), _ids(went)), bool(more)

    def users(self) -> Iterator[str]:
        """Everybody who has something here."""

        def walk(client: Client) -> list[bytes]:
            return list(client.scan_iter(EVERY_CONTROL, count=1000))

        for name in self._link.call(walk):
            yield user_of(name)

    def ping(self) -> None:
        self._link.call(lambda client: client.ping(), insists=True)


def _place(name: bytes) -> Place:
    conversation, turn = map(decoded, name.split(b"/"))
    return conversation, turn


def _row(keys: Keys, row: Sequence[Any]) -> Row:
    id, number, item, fact = row
    return Row(id.decode(), int(number), item, fact_of(keys.name("facts"), id, fact))


def _facts(keys: Keys, answer: Sequence[bytes]) -> dict[str, Fact]:
    found = (
        fact_of(keys.name("facts"), id, value)
        for id, value in zip(answer[::2], answer[1::2], strict=True)
    )
    return {fact.id: fact for fact in found if fact}


def _choices(keys: Keys, value: bytes | None) -> Choices:
    return loaded(keys.name("choices"), value, Choices.from_json) or Choices()


def _ids(names: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(name.decode() for name in names)


def _json(value: Mapping[str, object]) -> bytes:
    return _bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

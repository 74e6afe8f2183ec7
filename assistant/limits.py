"""How many questions are answered at once, who is next, and who has to come back later.

A question that finds no free slot waits. The next slot goes to the user who has the fewest
questions running, and among those in turn: who asks a hundred at once waits behind none but
themself.

Slots are those of a place: of one server, or of this machine's processors, which all embedded
models share. A question waits only for the place whose model answers it: who waits for a slow one
holds up nobody at another, and takes none of the turn there. What one user may ask is counted over
all places.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assistant.errors import Overloaded, TooManyQuestions
from assistant.models.chat.model import ChatModel
from assistant.providers import EMBEDDED, IN_PROCESS, OLLAMA, OPENAI
from assistant.queue_line import Line, Ticket
from assistant.settings import Settings

__all__ = ["Limits", "Place", "Ticket", "TurnQueue"]

#: Questions at once, by how the chat model is spoken to: what each answers side by side.
AT_ONCE = {EMBEDDED: 2, IN_PROCESS: 1, OLLAMA: 4, OPENAI: 32}
MINUTE = 60.0


@dataclass(frozen=True)
class Place:
    """Where models answer, and how many questions side by side. The one of ``CHAT_MODEL`` has no
    name."""

    name: str
    at_once: int


@dataclass(frozen=True)
class Limits:
    """``at_once``: questions that ``CHAT_MODEL`` answers side by side; ``queue_length``: that wait
    at one place; ``per_user``: running and waiting of one user; ``per_minute``: asked by one user.
    The last two are not limited where 0. ``places``: of models that answer elsewhere, by their
    names."""

    at_once: int = 32
    queue_length: int = 1000
    per_user: int = 0
    per_minute: int = 0
    places: Mapping[str, Place] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, models: Mapping[str, ChatModel]) -> Limits:
        """Those of the settings; ``QUESTIONS_AT_ONCE=0`` goes by the model. Where it is set it
        holds for the first of ``models``, which is ``CHAT_MODEL``'s, and others answer no more."""
        found = {name: place_of(chat) for name, chat in models.items()}
        own, most = next(iter(found.values())), settings.questions_at_once
        places = {
            name: Place(place.name, min(place.at_once, most or place.at_once))
            for name, place in found.items()
            if place.name != own.name
        }
        return cls(
            at_once=most or own.at_once,
            queue_length=settings.queue_length,
            per_user=settings.questions_per_user,
            per_minute=settings.questions_per_minute,
            places=places,
        )

    def place(self, model: str) -> Place:
        """Where the model of this name answers."""
        return self.places.get(model, Place("", self.at_once))


def place_of(chat: ChatModel) -> Place:
    """Where the first of a chain is asked: what runs on this machine shares it."""
    target = chat.backends[0].target
    speaks = target.provider.speaks
    is_here = speaks in (EMBEDDED, IN_PROCESS)
    return Place(speaks if is_here else target.base_url, AT_ONCE[speaks])


class TurnQueue:
    """Gives slots to questions. Safe for any number of threads."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        places = {place.name: place for place in limits.places.values()} | {"": limits.place("")}
        self._lines = {name: Line(place.at_once, clock) for name, place in places.items()}
        self._asked: dict[str, deque[float]] = {}
        self._closed = False

    @property
    def at_once(self) -> int:
        """Slots of all places."""
        return sum(line.at_once for line in self._lines.values())

    @property
    def running(self) -> int:
        with self._lock:
            return sum(line.running.total() for line in self._lines.values())

    @property
    def waiting(self) -> int:
        with self._lock:
            return sum(line.length for line in self._lines.values())

    def users(self) -> dict[str, tuple[int, int]]:
        """Who asks: how many of their questions run, and how many wait."""
        with self._lock:
            lines = self._lines.values()
            running = {user for line in lines for user, n in line.running.items() if n}
            asking = running | {user for line in lines for user in line.waiting}
            return {user: self._of(user) for user in asking}

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Take no more questions; those that wait are still answered."""
        self._closed = True

    def enter(self, ticket: Ticket) -> None:
        """Begin, or wait for a slot.

        Raises:
            TooManyQuestions: the user's limits.
            Overloaded: the queue is full, or closed.
        """
        line = self._line(ticket)
        with self._lock:
            self._check(ticket.user, line)
            self._asked.setdefault(ticket.user, deque()).append(self._clock())
            line.add(ticket)
            ready, moved = line.advance()
        _tell(ready, moved)

    def leave(self, ticket: Ticket) -> bool:
        """Take a question back that still waits; False where it has begun."""
        line = self._line(ticket)
        with self._lock:
            if not line.remove(ticket):
                return False
            ready, moved = line.advance()
        _tell(ready, moved)
        return True

    def done(self, ticket: Ticket) -> None:
        """The question is answered: its slot goes to the next."""
        line = self._line(ticket)
        with self._lock:
            line.done(ticket)
            ready, moved = line.advance()
            self._forget_idle()
        _tell(ready, moved)

    def _line(self, ticket: Ticket) -> Line:
        return self._lines[self.limits.place(ticket.model).name]

    def _of(self, user: str) -> tuple[int, int]:
        """How many questions of ``user`` run anywhere, and how many wait."""
        counts = [line.of(user) for line in self._lines.values()]
        return sum(running for running, _ in counts), sum(waiting for _, waiting in counts)

    def _check(self, user: str, line: Line) -> None:
        if self._closed:
            raise Overloaded(
                "The app is about to restart: try again in {seconds} s.",
                "应用即将重启：请在 {seconds} 秒后重试。",
                seconds=line.seconds,
            )
        self._check_user(user, line)
        if line.is_full and line.length >= self.limits.queue_length:
            raise Overloaded(
                "Too many people are asking: {waiting} questions wait already. Try again in "
                "{seconds} s.",
                "提问的人太多：已有 {waiting} 个问题在排队。请在 {seconds} 秒后重试。",
                waiting=line.length,
                seconds=line.seconds,
            )

    def _check_user(self, user: str, line: Line) -> None:
        most = self.limits.per_user
        if most and sum(self._of(user)) >= most:
            raise TooManyQuestions(
                "You are asking {most} questions at once already: wait for an answer, or try "
                "again in {seconds} s.",
                "您已有 {most} 个问题正在回答：请等待回答，或在 {seconds} 秒后重试。",
                most=most,
                seconds=line.seconds,
            )
        often = self.limits.per_minute
        asked = self._asked.get(user, deque())
        while asked and asked[0] <= self._clock() - MINUTE:
            asked.popleft()
        if often and len(asked) >= often:
            raise TooManyQuestions(
                "You have asked {often} questions within a minute: try again in {seconds} s.",
                "您在一分钟内已提问 {often} 次：请在 {seconds} 秒后重试。",
                often=often,
                seconds=asked[0] + MINUTE - self._clock(),
            )

    def _forget_idle(self) -> None:
        for line in self._lines.values():
            line.forget_idle()
        since = self._clock() - MINUTE
        for user in [one for one, asked in self._asked.items() if not asked or asked[-1] <= since]:
            del self._asked[user]


def _tell(ready: list[Ticket], moved: list[Ticket]) -> None:
    """Outside the lock: what is called may ask the queue something."""
    for ticket in ready:
        ticket.begin()
    for ticket in moved:
        ticket.moved(ticket.told)

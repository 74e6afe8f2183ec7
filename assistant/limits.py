"""How many questions are answered at once, who is next, and who has to come back later.

A question that finds no free slot waits. The next slot goes to the user who has the fewest
questions running, and among those in turn: who asks a hundred at once waits behind none but
themself.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from assistant.errors import Overloaded, TooManyQuestions
from assistant.models.chat.model import ChatModel
from assistant.providers import EMBEDDED, IN_PROCESS, OLLAMA, OPENAI
from assistant.settings import Settings

#: Questions at once, by how the chat model is spoken to: what each answers side by side.
AT_ONCE = {EMBEDDED: 2, IN_PROCESS: 1, OLLAMA: 4, OPENAI: 32}
MINUTE = 60.0
FIRST_GUESS = 10.0  # seconds that an answer takes, before one was seen
LEARNING = 0.2  # how much of the guess the last answer makes up
TOLD_EACH = 10  # places from the front that are told one by one; further back only a tenth's change


@dataclass(frozen=True)
class Limits:
    """``at_once``: questions that are answered side by side; ``queue_length``: that wait;
    ``per_user``: running and waiting of one user; ``per_minute``: asked by one user. The last two
    are not limited where 0."""

    at_once: int = 32
    queue_length: int = 1000
    per_user: int = 0
    per_minute: int = 0

    @classmethod
    def of(cls, settings: Settings, chat: ChatModel) -> Limits:
        """Those of the settings; ``QUESTIONS_AT_ONCE=0`` goes by the model."""
        natural = AT_ONCE[chat.backends[0].target.provider.speaks]
        return cls(
            at_once=settings.questions_at_once or natural,
            queue_length=settings.queue_length,
            per_user=settings.questions_per_user,
            per_minute=settings.questions_per_minute,
        )


@dataclass(eq=False)
class Ticket:
    """A question that wants a slot.

    ``begin`` is called once it has one, ``moved`` with its place whenever that is worth telling;
    neither may block.
    """

    user: str
    begin: Callable[[], None]
    moved: Callable[[int], None]
    told: int = 0
    began: float = field(default=0.0)


class TurnQueue:
    """Gives slots to questions. Safe for any number of threads."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Ticket]] = {}
        self._served: dict[str, int] = {}  # user -> when they last got a slot, counted in slots
        self._slots = 0  # given out so far
        self._asked: dict[str, deque[float]] = {}
        self._seconds = FIRST_GUESS
        self._closed = False

    @property
    def running(self) -> int:
        with self._lock:
            return self._running.total()

    @property
    def waiting(self) -> int:
        with self._lock:
            return self._length()

    def users(self) -> dict[str, tuple[int, int]]:
        """Who asks: how many of their questions run, and how many wait."""
        with self._lock:
            asking = {user for user, count in self._running.items() if count} | set(self._waiting)
            return {
                user: (self._running[user], len(self._waiting.get(user, ()))) for user in asking
            }

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
        with self._lock:
            self._check(ticket.user)
            self._asked.setdefault(ticket.user, deque()).append(self._clock())
            self._waiting.setdefault(ticket.user, deque()).append(ticket)
            ready, moved = self._advance()
        _tell(ready, moved)

    def leave(self, ticket: Ticket) -> bool:
        """Take a question back that still waits; False where it has begun."""
        with self._lock:
            line = self._waiting.get(ticket.user, deque())
            if ticket not in line:
                return False
            line.remove(ticket)
            ready, moved = self._advance()
        _tell(ready, moved)
        return True

    def done(self, ticket: Ticket) -> None:
        """The question is answered: its slot goes to the next."""
        with self._lock:
            self._running[ticket.user] -= 1
            took = self._clock() - ticket.began
            self._seconds += LEARNING * (took - self._seconds)
            ready, moved = self._advance()
            self._forget_idle()
        _tell(ready, moved)

    def _check(self, user: str) -> None:
        if self._closed:
            raise Overloaded(
                "The app is about to restart: try again in {seconds} s.",
                "应用即将重启：请在 {seconds} 秒后重试。",
                seconds=self._seconds,
            )
        self._check_user(user)
        is_full = self._running.total() >= self.limits.at_once
        if is_full and self._length() >= self.limits.queue_length:
            raise Overloaded(
                "Too many people are asking: {waiting} questions wait already. Try again in "
                "{seconds} s.",
                "提问的人太多：已有 {waiting} 个问题在排队。请在 {seconds} 秒后重试。",
                waiting=self._length(),
                seconds=self._seconds,
            )

    def _check_user(self, user: str) -> None:
        most = self.limits.per_user
        if most and self._running[user] + len(self._waiting.get(user, ())) >= most:
            raise TooManyQuestions(
                "You are asking {most} questions at once already: wait for an answer, or try "
                "again in {seconds} s.",
                "您已有 {most} 个问题正在回答：请等待回答，或在 {seconds} 秒后重试。",
                most=most,
                seconds=self._seconds,
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

    def _advance(self) -> tuple[list[Ticket], list[Ticket]]:
        """Give free slots away; who has one now, and who has moved."""
        ready = []
        for ticket in self._order():
            if self._running.total() >= self.limits.at_once:
                break
            self._waiting[ticket.user].remove(ticket)
            self._running[ticket.user] += 1
            self._slots += 1
            self._served[ticket.user] = self._slots
            ticket.began = self._clock()
            ready.append(ticket)
        self._waiting = {user: line for user, line in self._waiting.items() if line}
        moved = []
        for place, ticket in enumerate(self._order(), 1):
            if place <= TOLD_EACH or abs(ticket.told - place) * TOLD_EACH >= place:
                if ticket.told != place:
                    moved.append(ticket)
                ticket.told = place
        return ready, moved

    def _order(self) -> Iterator[Ticket]:
        """Those that wait, in the order in which they would get slots."""
        lines = {user: deque(line) for user, line in self._waiting.items() if line}
        ranks = [(self._running[user], self._served.get(user, 0), user) for user in lines]
        heapify(ranks)
        slots = self._slots
        while ranks:
            count, _, user = heappop(ranks)
            yield lines[user].popleft()
            slots += 1
            if lines[user]:
                heappush(ranks, (count + 1, slots, user))

    def _length(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _forget_idle(self) -> None:
        self._running += Counter()  # without those at 0
        for user in set(self._served) - set(self._running) - set(self._waiting):
            del self._served[user]
        since = self._clock() - MINUTE
        for user in [one for one, asked in self._asked.items() if not asked or asked[-1] <= since]:
            del self._asked[user]


def _tell(ready: list[Ticket], moved: list[Ticket]) -> None:
    """Outside the lock: what is called may ask the queue something."""
    for ticket in ready:
        ticket.begin()
    for ticket in moved:
        ticket.moved(ticket.told)

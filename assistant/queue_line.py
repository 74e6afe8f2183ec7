"""The questions for the models of one place: those that run, those that wait, and who is next."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

FIRST_GUESS = 10.0  # seconds that an answer takes, before one was seen
LEARNING = 0.2  # how much of the guess the last answer makes up
TOLD_EACH = 10  # places from the front that are told one by one; further back only a tenth's change


@dataclass(eq=False)
class Ticket:
    """A question that wants a slot.

    ``begin`` is called once it has one, ``moved`` with its place whenever that is worth telling;
    neither may block. ``model`` is the name of the one that is to answer; empty: ``CHAT_MODEL``.
    """

    user: str
    begin: Callable[[], None]
    moved: Callable[[int], None]
    model: str = ""
    told: int = 0
    began: float = field(default=0.0)


class Line:
    """Gives the ``at_once`` slots of a place out. Whoever has it takes care of its lock."""

    def __init__(self, at_once: int, clock: Callable[[], float]) -> None:
        self.at_once = at_once
        self.running: Counter[str] = Counter()
        self.waiting: dict[str, deque[Ticket]] = {}
        self.seconds = FIRST_GUESS  # that an answer takes
        self._clock = clock
        self._served: dict[str, int] = {}  # user -> when they last got a slot, counted in slots
        self._slots = 0  # given out so far

    @property
    def is_full(self) -> bool:
        return self.running.total() >= self.at_once

    @property
    def length(self) -> int:
        """How many wait."""
        return sum(map(len, self.waiting.values()))

    def of(self, user: str) -> tuple[int, int]:
        """How many questions of ``user`` run, and how many wait."""
        return self.running[user], len(self.waiting.get(user, ()))

    def add(self, ticket: Ticket) -> None:
        self.waiting.setdefault(ticket.user, deque()).append(ticket)

    def remove(self, ticket: Ticket) -> bool:
        """Take it out; False where it doesn't wait."""
        line = self.waiting.get(ticket.user, deque())
        if ticket not in line:
            return False
        line.remove(ticket)
        return True

    def done(self, ticket: Ticket) -> None:
        """The question is answered: its slot is free."""
        self.running[ticket.user] -= 1
        took = self._clock() - ticket.began
        self.seconds += LEARNING * (took - self.seconds)

    def advance(self) -> tuple[list[Ticket], list[Ticket]]:
        """Give free slots away; who has one now, and who has moved."""
        ready = []
        for ticket in self._order():
            if self.is_full:
                break
            self.waiting[ticket.user].remove(ticket)
            self.running[ticket.user] += 1
            self._slots += 1
            self._served[ticket.user] = self._slots
            ticket.began = self._clock()
            ready.append(ticket)
        self.waiting = {user: line for user, line in self.waiting.items() if line}
        moved = []
        for place, ticket in enumerate(self._order(), 1):
            if place <= TOLD_EACH or abs(ticket.told - place) * TOLD_EACH >= place:
                if ticket.told != place:
                    moved.append(ticket)
                ticket.told = place
        return ready, moved

    def forget_idle(self) -> None:
        self.running += Counter()  # without those at 0
        for user in set(self._served) - set(self.running) - set(self.waiting):
            del self._served[user]

    def _order(self) -> Iterator[Ticket]:
        """Those that wait, in the order in which they would get slots."""
        lines = {user: deque(line) for user, line in self.waiting.items() if line}
        ranks = [(self.running[user], self._served.get(user, 0), user) for user in lines]
        heapify(ranks)
        slots = self._slots
        while ranks:
            count, _, user = heappop(ranks)
            yield lines[user].popleft()
            slots += 1
            if lines[user]:
                heappush(ranks, (count + 1, slots, user))

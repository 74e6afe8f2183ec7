"""What each open page shows, so that a stream which the page has left stops writing to it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from assistant.memory.records import Choices
from assistant.turns import RunningTurn
from assistant.ui.turn_view import TurnView


@dataclass(frozen=True)
class Screen:
    """A conversation on a page: its turns that ended, and the one under way."""

    conversation_id: str  # empty for one that has no question yet
    views: tuple[TurnView, ...] = ()
    turn: RunningTurn | None = None
    choices: Choices = field(default_factory=Choices)
    siblings: tuple[str, ...] = ()  # ids of the turns that were asked in place of ``turn``

    @property
    def running(self) -> TurnView | None:
        """The turn under way, as it begins."""
        if self.turn is None:
            return None
        return TurnView(
            self.turn.question,
            request_id=self.turn.request_id,
            replaces=self.turn.replaces,
            siblings=self.siblings,
        )

    @property
    def all_views(self) -> tuple[TurnView, ...]:
        """With the turn under way as it begins."""
        return (*self.views, self.running) if self.running else self.views


class Screens:
    """The screens of the open pages, by Gradio's session; the longest unchanged goes first. A
    lost one is made again from long-term memory."""

    MOST = 1000

    def __init__(self) -> None:
        self._screens: OrderedDict[str, Screen] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, page: str) -> Screen | None:
        with self._lock:
            return self._screens.get(page)

    def put(self, page: str, screen: Screen) -> None:
        with self._lock:
            self._put(page, screen)

    def put_first(self, page: str, screen: Screen) -> Screen:
        """Put ``screen`` unless the page shows one already; what it shows now."""
        with self._lock:
            if page not in self._screens:
                self._put(page, screen)
            return self._screens[page]

    def end(self, page: str, turn: RunningTurn, view: TurnView) -> Screen | None:
        """The page's screen once ``turn`` has ended as ``view`` shows it; None where the page
        shows another one by now."""
        with self._lock:
            screen = self._screens.get(page)
            if screen is None or screen.turn is not turn:
                return None
            ended = replace(screen, views=(*screen.views, view), turn=None, siblings=())
            self._put(page, ended)
            return ended

    def _put(self, page: str, screen: Screen) -> None:
        self._screens[page] = screen
        self._screens.move_to_end(page)
        while len(self._screens) > self.MOST:
            self._screens.popitem(last=False)

"""Whether documents are on their way into a collection, as far as this app knows: a question that
finds it empty waits for the first of them, rather than being told that there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

#: Whether documents are being brought into the collection of this name.
WorksOn = Callable[[str], bool]


class Arrivals:
    """Asks those who bring documents in; they make themselves known once they run."""

    def __init__(self) -> None:
        self._asked: list[WorksOn] = []

    def ask(self, works_on: WorksOn) -> None:
        self._asked.append(works_on)

    def under_way(self, collections: Iterable[str]) -> bool:
        return any(works_on(name) for name in collections for works_on in self._asked)

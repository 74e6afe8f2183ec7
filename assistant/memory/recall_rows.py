"""The table behind a recall index: items by row number, the columns that scoring reads, and which
rows are neighbours in a conversation."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.memory.recall_vectors import Floats, Vectors
from assistant.memory.recall_words import Rows, Words

NONE = -1  # no such row


@dataclass(frozen=True)
class Item:
    """Something that can be recalled.

    ``text`` is what is matched by words: of a turn the standalone question and the beginning of
    the answer.
    """

    id: str  # "t/CONVERSATION/TURN" or "f/FACT"
    kind: str  # "turn", "fact" or "preference"
    text: str
    group: str  # the conversation; empty for facts
    time: float  # seconds since the epoch
    vector: NDArray[np.float16]  # unit length, shape (dimension,)


@dataclass
class Space:
    """The vectors of one dimension, and which row each belongs to."""

    vectors: Vectors
    rows: array[int] = field(default_factory=lambda: array("q"))


class Table:
    """Rows are only added and struck out; a new table is made when too many are out."""

    def __init__(self) -> None:
        self.words = Words()
        self.row_of: dict[str, int] = {}
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._places = array("q")  # of the vector, in the space of its dimension
        self._dimensions = array("i")
        self._kinds = array("b")
        self._kind_numbers: dict[str, int] = {}
        self._groups = array("q")
        self._group_numbers: dict[str, int] = {"": 0}
        self._group_names = [""]
        self._last: dict[int, int] = {}  # group -> its newest row
        self._times = array("d")
        self._before = array("q")
        self._after = array("q")
        self._is_in = array("b")
        self._spaces: dict[int, Space] = {}

    def __len__(self) -> int:
        """Rows, with those struck out."""
        return len(self._ids)

    def add(self, item: Item) -> None:
        """Append an item whose id is not in the table."""
        row = len(self._ids)
        vector = np.asarray(item.vector)
        space = self._spaces.setdefault(len(vector), Space(Vectors(len(vector))))
        self._places.append(len(space.vectors))
        self._dimensions.append(len(vector))
        space.vectors.add(vector)
        space.rows.append(row)
        self.words.add(item.text)
        self.row_of[item.id] = row
        self._ids.append(item.id)
        self._texts.append(item.text)
        self._kinds.append(self._kind_numbers.setdefault(item.kind, len(self._kind_numbers)))
        self._times.append(item.time)
        self._is_in.append(1)
        self._groups.append(self._group_number(item.group))
        self._before.append(NONE)
        self._after.append(NONE)
        if item.group:
            self._link(row)

    def strike(self, id: str) -> None:
        """Take a row out; an unknown id changes nothing."""
        row = self.row_of.pop(id, None)
        if row is None:
            return
        self._is_in[row] = 0
        self._texts[row] = ""
        before, after = self._before[row], self._after[row]
        if before != NONE:
            self._after[before] = after
        if after != NONE:
            self._before[after] = before
        elif self._last.get(self._groups[row]) == row:
            self._last[self._groups[row]] = before
        self._before[row] = self._after[row] = NONE

    def values(self, row: int) -> dict[str, Any]:
        """The fields of the item of a row."""
        space = self._spaces[self._dimensions[row]]
        return {
            "id": self._ids[row],
            "kind": list(self._kind_numbers)[self._kinds[row]],
            "text": self._texts[row],
            "group": self._group_names[self._groups[row]],
            "time": self._times[row],
            "vector": space.vectors.get(self._places[row]),
        }

    def id_of(self, row: int) -> str:
        return self._ids[row]

    def allowed(self, kinds: frozenset[str] | None, without_group: str) -> NDArray[np.bool_]:
        """Which rows may be found, shape (rows,)."""
        mask = np.array(self._is_in, dtype=np.bool_)
        if kinds is not None:
            wanted = [kind in kinds for kind in self._kind_numbers]
            mask &= np.array(wanted, dtype=np.bool_)[np.array(self._kinds, dtype=np.int64)]
        if without_group and without_group in self._group_numbers:
            groups = np.array(self._groups, dtype=np.int64)
            mask &= groups != self._group_numbers[without_group]
        return mask

    def cosines(self, query: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """The rough cosine of each row to ``query``, and which rows have one. Shape (rows,)."""
        cosines = np.zeros(len(self), dtype=np.float32)
        known = np.zeros(len(self), dtype=np.bool_)
        space = self._spaces.get(len(query))
        if space is not None:
            rows = np.array(space.rows, dtype=np.int64)
            cosines[rows] = space.vectors.scan(query)
            known[rows] = True
        return cosines, known

    def times(self) -> NDArray[np.float64]:
        return np.array(self._times, dtype=np.float64)

    def neighbours(self) -> tuple[Rows, Rows]:
        """For each row the one before and the one after it in its conversation, or ``NONE``."""
        return np.array(self._before, dtype=np.int64), np.array(self._after, dtype=np.int64)

    def _group_number(self, name: str) -> int:
        number = self._group_numbers.get(name)
        if number is None:
            number = self._group_numbers[name] = len(self._group_names)
            self._group_names.append(name)
        return number

    def _link(self, row: int) -> None:
        """Put a row between its neighbours, by time; those that come in order cost nothing."""
        group = self._groups[row]
        before, after = self._last.get(group, NONE), NONE
        while before != NONE and self._times[before] > self._times[row]:
            before, after = self._before[before], before
        self._before[row], self._after[row] = before, after
        if before != NONE:
            self._after[before] = row
        if after != NONE:
            self._before[after] = row
        else:
            self._last[group] = row

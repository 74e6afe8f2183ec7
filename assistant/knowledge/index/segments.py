"""The state of an index: a base and small tails, none of which is changed once it is there.

What is added becomes a tail of its own; tails are merged when the older one is no longer twice as
big, so that n additions are copied log n times and a search reads few tails (a log-structured
merge).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assistant.knowledge.changes import Cursor
from assistant.knowledge.index import engine, gpu, kinds
from assistant.knowledge.index.engine import faiss
from assistant.knowledge.index.gpu import GpuCopy
from assistant.knowledge.vectors import Form, Ids, Stored

_BLOCK = 4096


@dataclass(frozen=True)
class State:
    """Everything up to ``cursor``. ``removed`` only grows: rows never come back, so a search that
    began before may see it grow, and it need not be copied for each deletion."""

    form: Form
    kind: str
    base: Any
    tails: tuple[Any, ...]
    removed: set[int] = field(hash=False, compare=False)
    cursor: Cursor
    base_cursor: Cursor
    recall: float = 1.0  # of the base, as measured when it was built
    fast: GpuCopy | None = None  # of the base

    @property
    def drift(self) -> int:
        """Vectors that came or went since the base."""
        return sum(int(tail.ntotal) for tail in self.tails) + len(self.removed)

    @property
    def count(self) -> int:
        """Vectors in all parts, with those removed."""
        return int(self.base.ntotal) + sum(int(tail.ntotal) for tail in self.tails)

    def candidates(self, query: Stored, k: int, allowed: Ids | None) -> tuple[list[int], bool]:
        """Row ids of at least the ``k`` nearest, in no order, and whether these are all there are.

        Args:
            query: encoded, shape (width,).
            allowed: only these rows.
        """
        if allowed is not None and len(allowed) <= kinds.FEW:
            return [row for row in allowed.tolist() if row not in self.removed], True
        engine.single_threaded()
        one = engine.indexed(self.form, query[np.newaxis])
        asked = k * kinds.oversample(self.kind, self.form) + 2  # fp16 may swap two that are near
        found: dict[int, None] = {}
        is_all = True
        for part in (self.base, *self.tails):
            rows, was_all = self._of_part(part, one, asked, allowed)
            found.update(dict.fromkeys(rows))
            is_all &= was_all
        return list(found), is_all

    def _of_part(
        self, index: Any, one: Any, asked: int, allowed: Ids | None
    ) -> tuple[list[int], bool]:
        if not index.ntotal:
            return [], True
        searched = self.fast if self.fast and allowed is None and index is self.base else index
        share = 1.0 if allowed is None else min(1.0, len(allowed) / index.ntotal)
        most, effort = min(asked, int(index.ntotal)), 1
        while True:
            parameters = engine.parameters(index, allowed, share, effort)
            ids = searched.search(one, most, params=parameters)[1][0].tolist()
            rows = [row for row in ids if row != -1 and row not in self.removed]
            is_dry = ids[-1] == -1
            if len(rows) >= asked or (is_dry and not engine.has_more(index, effort)):
                return rows, is_dry
            if most == index.ntotal and not is_dry:
                return rows, True
            if is_dry:
                effort *= 4
            else:
                most = min(most * 4, int(index.ntotal))

    def advanced(
        self, added: Sequence[tuple[int, bytes]], deleted: Iterable[int], cursor: Cursor
    ) -> State:
        """The state with the changes up to ``cursor``."""
        self.removed.update(deleted)
        tails = list(self.tails)
        if added:
            tails.append(self._tail(added))
        while len(tails) > 1 and tails[-2].ntotal <= 2 * tails[-1].ntotal:
            tails[-2:] = [self._merged(tails[-2:])]
        return replace(self, tails=tuple(tails), cursor=cursor)

    def _tail(self, rows: Sequence[tuple[int, bytes]]) -> Any:
        made = engine.tail(self.form)
        stored = self.form.from_blobs([blob for _, blob in rows])
        ids = np.array([row for row, _ in rows], dtype=np.int64)
        engine.add(made, ids, engine.indexed(self.form, stored))
        return made

    def _merged(self, tails: Sequence[Any]) -> Any:
        made = engine.tail(self.form)
        for one in tails:
            ids = faiss.vector_to_array(one.id_map)
            for start in range(0, one.ntotal, _BLOCK):
                part = ids[start : start + _BLOCK]
                rows = one.index.reconstruct_n(start, len(part))
                stays = np.array([row not in self.removed for row in part.tolist()])
                engine.add(made, part[stays], rows[stays])
        return made


def fresh(form: Form, kind: str, base: Any, cursor: Cursor, recall: float = 1.0) -> State:
    """A state that is all base."""
    fast = gpu.copy_of(base, kind, form)
    return State(form, kind, base, (), set(), cursor, cursor, recall, fast)

"""A user's facts, and what recall needs of their memories, in this process: a copy of what Redis
holds, kept current with each turn."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

from assistant.memory.recall import Item, RecallIndex
from assistant.memory.records import Fact, Recollection
from assistant.memory.store.answers import Changed, Conflict, Page, Row, Written
from assistant.memory.store.items import BETWEEN, Vector, unpacked

log = logging.getLogger(__name__)

MOST_ITEMS = 300_000  # of all users together, some 1 GB; a user that was here last stays anyway
MOST_USERS = 1000


class Mirror:
    """One user's copy.

    Whoever asks Redis and then changes the copy holds ``lock`` meanwhile: otherwise an answer
    that was given before something was forgotten could bring it back after.

    Args:
        model: the number of the embedding model; of other models no vector is taken in.
    """

    def __init__(self, model: int = 0) -> None:
        self._model = model
        self.lock = threading.RLock()
        self.index = RecallIndex()
        self.facts: dict[str, Fact] = {}
        self.paused = False
        self.born = ""
        self.since = 0  # the last change that is in here
        self.below = 0  # older items than this change are still to be read; 0: none
        self.lags = False  # there are newer changes than ``since``
        self.revision: int | None = None  # of facts; None: to be asked
        self.is_known = False  # Redis was asked at least once
        self.is_dropped = False  # nobody uses this copy any more

    @property
    def is_whole(self) -> bool:
        return self.is_known and not self.below and not self.lags

    def read(self, page: Page, most: int) -> None:
        """Take in what opening a turn read, ``most`` rows at most."""
        if page.is_fresh:
            self._begin(page, most)
        self._apply(page.rows)
        if not page.is_fresh:
            self.lags = page.has_more
            self.since = page.rows[-1].number if page.has_more else page.number
            self.revision = None if page.has_more else page.revision
        self.paused = page.paused
        self.is_known = True

    def _begin(self, page: Page, most: int) -> None:
        self.index.clear()
        self.facts.clear()
        self.born, self.since, self.revision = page.born, page.number, page.revision
        self.lags = False
        self.below = page.rows[most - 1].number if page.has_more else 0

    def read_older(self, rows: Sequence[Row], most: int) -> None:
        """Take in the items before ``below``."""
        self._apply(rows)
        self.below = rows[-1].number if len(rows) == most else 0

    def wrote(self, written: Written, items: Sequence[Item] = ()) -> None:
        """Take in what this process wrote. Where somebody else wrote in between, it is read again
        with the rest."""
        self.index.remove(written.went)
        self.index.put(items)
        is_next = self.since == written.number - written.count
        if self.is_known and is_next and self.born in ("", written.born):
            self.born, self.since = written.born, written.number

    def changed(self, facts: dict[str, Fact], changed: Changed, items: Sequence[Item]) -> None:
        """Take in a change of facts, after which they are ``facts``."""
        self.wrote(changed, items)
        self.facts = facts
        is_next = self.revision is not None and changed.revision - self.revision in (0, 1)
        self.revision = changed.revision if is_next else None

    def corrected(self, conflict: Conflict) -> None:
        """Take in facts that somebody else changed; their items follow with the next turn."""
        self.facts = dict(conflict.facts)
        self.revision = conflict.revision

    def sorted_facts(self) -> tuple[Fact, ...]:
        """The pinned ones first, then the newest."""
        with self.lock:
            facts = list(self.facts.values())
        return tuple(sorted(facts, key=lambda fact: (not fact.pinned, -fact.updated, fact.id)))

    def recall(  # noqa: PLR0917
        self,
        text: str,
        vector: Vector,
        k: int,
        now: float,
        kinds: Collection[str] | None,
        without_conversation: str,
    ) -> list[Recollection]:
        """At most ``k`` memories that bear on a question, best first."""
        found = self.index.search(
            text, vector, k, now=now, kinds=kinds, without_group=without_conversation
        )
        recollections = []
        for one in found:
            item = self.index.get(one.id)
            if item is not None:
                said, _, answer = item.text.partition(BETWEEN)
                recollections.append(
                    Recollection(
                        id=item.id,
                        kind=item.kind,
                        text=said,
                        conversation_id=item.group,
                        time=item.time,
                        score=one.score,
                        answer=answer,
                        cosine=one.cosine,
                        keyword=one.keyword,
                    )
                )
        return recollections

    def _apply(self, rows: Iterable[Row]) -> None:
        items, gone = [], []
        for row in rows:
            if row.id.startswith("f/"):
                self._apply_fact(row)
            item = _item(row, self._model)
            if item is None:
                gone.append(row.id)
            else:
                items.append(item)
        self.index.remove(gone)
        self.index.put(sorted(items, key=lambda item: item.time))

    def _apply_fact(self, row: Row) -> None:
        if row.fact is not None:
            self.facts[row.fact.id] = row.fact
        else:
            self.facts.pop(row.id.removeprefix("f/"), None)


def _item(row: Row, model: int) -> Item | None:
    if row.item is None:
        return None
    try:
        return unpacked(row.id, row.item, model)
    except (ValueError, IndexError):
        log.warning("the item %s of a user can't be read; it is left out", row.id)
        return None


class Mirrors:
    """The copies of the users that were here last."""

    def __init__(
        self, most_items: int = MOST_ITEMS, most_users: int = MOST_USERS, model: int = 0
    ) -> None:
        self._model = model
        self._most_items = most_items
        self._most_users = most_users
        self._mirrors: OrderedDict[str, Mirror] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, user: str) -> Mirror:
        with self._lock:
            mirror = self._mirrors.setdefault(user, Mirror(self._model))
            self._mirrors.move_to_end(user)
            return mirror

    def peek(self, user: str) -> Mirror:
        """The user's copy if there is one; otherwise one that is not kept."""
        with self._lock:
            return self._mirrors.get(user) or Mirror(self._model)

    def drop(self, user: str) -> None:
        with self._lock:
            mirror = self._mirrors.pop(user, None)
        if mirror:
            mirror.is_dropped = True
            mirror.index.clear()

    def shrink(self) -> None:
        """Let go of the longest unused copies beyond the bounds."""
        with self._lock:
            total = sum(len(mirror.index) for mirror in self._mirrors.values())
            while len(self._mirrors) > 1 and (
                total > self._most_items or len(self._mirrors) > self._most_users
            ):
                _, mirror = self._mirrors.popitem(last=False)
                mirror.is_dropped = True
                total -= len(mirror.index)

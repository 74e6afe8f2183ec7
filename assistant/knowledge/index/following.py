"""The index of a space: opened from its file, kept in step with the database, renewed, published.

1. A search asks the log for its last change. What this process wrote itself is caught up with
   before the search; what others wrote, too, if it is little, else a follower thread does so within
   2 seconds.
2. When the tails or the removed grow to a tenth of the base, or the kind no longer fits the size,
   one process at a time (a file lock) builds a new base beside it and publishes it.
3. Another process takes the published base instead of building its own.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from pathlib import Path

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge import changes
from assistant.knowledge.changes import Cursor
from assistant.knowledge.database import Connection, Database
from assistant.knowledge.disk import exclusive
from assistant.knowledge.index import files, kinds
from assistant.knowledge.index.building import Base, BuildStopped, build
from assistant.knowledge.index.segments import State, fresh
from assistant.knowledge.spaces import RETIRED, Space, find_space
from assistant.knowledge.vectors import Form, Ids, Stored

logger = logging.getLogger(__name__)

_SMALL = 1000  # changes that are not worth a new base
_AT_ONCE = 2000  # changes by others that a search catches up with itself: some 30 ms
_PRUNED = 10_000  # log entries that one transaction forgets
_CHECKED_AT_ONCE = 1 << 27  # bytes of a file that is verified before its first search: 0.1 s
_CLOSING_SECONDS = 5.0
_RETRY_SECONDS = 60.0


class VectorIndex:
    """Nearest-neighbour search over one space.

    Args:
        database: where the vectors and the change log are.
        space: whose vectors.
        path: the snapshot file; its folder is made when one is published.
        kind: a name of :data:`kinds.KINDS`, or ``auto``.
    """

    def __init__(self, database: Database, space: Space, path: Path, kind: str) -> None:
        self._database = database
        self.space = space
        self._path = path
        self._kind = kind
        self._state: State | None = None
        self._seen_writes = -1
        self._catching_up = threading.Lock()
        self._stopped = threading.Event()
        self._builder: threading.Thread | None = None
        self._verifier: threading.Thread | None = None
        self._not_before = 0.0  # when a base that couldn't be written is tried again

    def candidates(
        self, query: Stored, k: int, allowed: Ids | None, writes: int
    ) -> tuple[list[int], bool]:
        """Row ids of at least the ``k`` nearest, and whether these are all there are.

        Args:
            query: encoded, shape (width,).
            allowed: only these rows.
            writes: how often this process has written: all of that is searched.
        """
        return self._current(writes).candidates(query, k, allowed)

    def follow(self) -> None:
        """Catch up with what others wrote, if the index is in use, and renew its base where that
        is worth it."""
        if self._state is None:
            return
        with self._catching_up:
            while not self._stopped.is_set() and not self._catch_up():
                pass
        self._renew()

    def publish(self) -> None:
        """Build the index and its file now, whoever else does.

        Raises:
            KnowledgeError: the file can't be written.
        """
        try:
            self._publish_new(build(self._database, self.space, self._kind, _never))
        except OSError as error:
            raise KnowledgeError(
                "The index file {path} can't be written ({reason}): make room on the disk, or the "
                "folder writable.",
                "无法写入索引文件 {path}（{reason}）：请清理磁盘空间，或使该目录可写。",
                path=self._path,
                reason=error,
            ) from error

    def stop(self) -> None:
        """The space is gone: build no more."""
        self._stopped.set()

    def close(self) -> None:
        """Publish what is cheap and worth it. The index may be used again."""
        self._stopped.set()
        for thread in (self._builder, self._verifier):
            if thread is not None:
                thread.join(_CLOSING_SECONDS)
        self._stopped.clear()
        state = self._state
        if state is None or not state.count:
            return
        kind = kinds.kind_for(self._kind, state.form, state.count)
        is_published = files.published(self._path, self.space) == state.base_cursor
        is_behind = not is_published or state.drift > state.base.ntotal // 100
        if is_behind and kinds.KINDS[kind].is_exact and state.count <= kinds.FLAT_MOST:
            self._build_and_publish()

    def _current(self, writes: int) -> State:
        with self._database.read() as connection:
            head = changes.head(connection, self.space.id)
        state = self._state
        if state is not None and state.cursor == head:
            return state
        if state is None or writes != self._seen_writes:
            with self._catching_up:
                while not self._catch_up():
                    pass
                self._seen_writes = writes
        elif self._catching_up.acquire(blocking=False):
            try:
                self._catch_up()
            finally:
                self._catching_up.release()
        assert self._state is not None  # noqa: S101 - set by the first catching up
        return self._state

    def _catch_up(self) -> bool:
        """Take the next changes into the state; whether that is all of them."""
        self._state, is_complete = self._advanced(self._state or self._opened())
        return is_complete

    def _advanced(self, state: State) -> tuple[State, bool]:
        """``state`` with the next changes, and whether these are all."""
        space = self.space.id
        with self._database.read() as connection:
            is_ours = self._is_ours(connection, state)
            added, end = changes.added_since(connection, space, state.cursor, _AT_ONCE)
            deleted = changes.deleted_between(connection, space, state.cursor, end)
            is_complete = end == changes.head(connection, space)
            current = find_space(connection, space)
        if current is None or current.state == RETIRED:  # nobody searches it any more
            return state, True
        if not is_ours:
            logger.warning(
                "The index of collection %s doesn't fit the database as it is now; it is rebuilt.",
                self.space.collection,
            )
            return self._from_database(), False
        return (state.advanced(added, deleted, end) if end != state.cursor else state), is_complete

    def _is_ours(self, connection: Connection, state: State) -> bool:
        if changes.holds(connection, self.space.id, state.cursor):
            return True
        # An empty log (a damaged one that was made anew): what was built on it is all there is.
        return state.cursor == Cursor() == changes.head(connection, self.space.id)

    def _opened(self) -> State:
        return self._from_file() or self._from_database()

    def _from_database(self) -> State:
        """An exact index, quickly; the renewal makes it the kind that its size wants."""
        return _state_of(self.space.form, build(self._database, self.space, "flat", _never))

    def _from_file(self) -> State | None:
        is_big = files.size(self._path) > _CHECKED_AT_ONCE
        try:
            base = files.read(self._path, self.space, only_head=is_big)
        except FileNotFoundError:
            logger.info("Collection %s has no index file yet.", self.space.collection)
            return None
        except (OSError, files.SnapshotError) as error:
            self._discard(error)
            return None
        if is_big:
            self._verifier = threading.Thread(target=self._verify, name="verify-index", daemon=True)
            self._verifier.start()
        return _state_of(self.space.form, base)

    def _verify(self) -> None:
        """What only its head was checked of when it was opened."""
        try:
            files.verify(self._path)
        except FileNotFoundError:
            return
        except (OSError, files.SnapshotError) as error:
            self._discard(error)
            try:
                self._take(self._from_database())
            except KnowledgeError as fault:
                logger.warning("The index can't be rebuilt: %s", fault)

    def _discard(self, error: Exception) -> None:
        logger.warning(
            "The index file %s can't be used (%s); it is rebuilt from the database.",
            self._path,
            error,
        )
        if isinstance(error, files.SnapshotError):
            with suppress(OSError):
                self._path.unlink()  # or its end would pass for a good file's

    def _renew(self) -> None:
        """Take the published base, or build one in the background, if the own one is far behind."""
        state = self._state
        if state is None or self._stopped.is_set():
            return
        if self._builder is not None and self._builder.is_alive():
            return
        if not self._is_worth_renewing(state) or time.monotonic() < self._not_before:
            return
        self._builder = threading.Thread(
            target=self._build_and_publish, name="build-index", daemon=True
        )
        self._builder.start()

    def _is_worth_renewing(self, state: State) -> bool:
        if state.drift > max(_SMALL, state.base.ntotal // 10):
            return True
        count = state.count - len(state.removed)
        # For a little more, too: at the limit it doesn't go to and fro.
        fitting = {kinds.kind_for(self._kind, state.form, n) for n in (count, count * 5 // 4)}
        if state.kind not in fitting:
            return True
        return state.count > _SMALL and files.published(self._path, self.space) is None

    def _build_and_publish(self) -> None:
        try:
            with exclusive(self._path.with_suffix(".lock")) as is_ours:
                if not is_ours:
                    return  # the next round takes what the other process publishes
                if not self._adopt():
                    self._publish_new(
                        build(self._database, self.space, self._kind, self._is_stopped)
                    )
        except BuildStopped:
            logger.info("The index of %s is renewed another time.", self.space.collection)
        except (OSError, KnowledgeError, RuntimeError) as error:  # the last are FAISS'
            logger.warning("The index file %s can't be written (%s).", self._path, error)
            self._not_before = time.monotonic() + _RETRY_SECONDS

    def _adopt(self) -> bool:
        """Take the published base if it is newer than the own one and fits."""
        state, published = self._state, files.published(self._path, self.space)
        if state is None or published is None or published.seq <= state.base_cursor.seq:
            return False
        opened = self._from_file()
        if opened is None or opened.kind != kinds.kind_for(self._kind, opened.form, opened.count):
            return False
        self._take(opened)
        return True

    def _publish_new(self, base: Base) -> None:
        files.write(self._path, self.space, base)
        logger.info("Published %s: %d vectors, %s.", self._path, base.index.ntotal, base.kind)
        self._take(self._mapped(base))
        self._prune(base.cursor)

    def _mapped(self, base: Base) -> State:
        """The base that was just written, from its file: it needs no memory of its own there."""
        try:
            written = files.read(self._path, self.space, only_head=True)
        except (OSError, files.SnapshotError):  # another process removed or replaced it
            written = base
        return _state_of(self.space.form, written)

    def _take(self, opened: State) -> None:
        """Let a new base take the place of the own one, once it has all that was searched."""
        opened = self._brought_up(opened)
        with self._catching_up:  # only what came in the last moments is left
            self._state = self._brought_up(opened)

    def _brought_up(self, state: State) -> State:
        is_complete = False
        while not is_complete:
            state, is_complete = self._advanced(state)
        return state

    def _prune(self, cursor: Cursor) -> None:
        try:
            while not self._stopped.is_set():
                with self._database.write() as connection:
                    if changes.prune(connection, self.space.id, cursor, _PRUNED):
                        return
        except KnowledgeLocked:
            logger.info("The change log is pruned after the next publication.")

    def _is_stopped(self) -> bool:
        if self._stopped.is_set():
            return True
        with self._database.read() as connection:
            return find_space(connection, self.space.id) is None


def _state_of(form: Form, base: Base) -> State:
    return fresh(form, base.kind, base.index, base.cursor, base.recall)


def _never() -> bool:
    return False

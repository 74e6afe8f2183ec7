"""What all views of one data folder share: its database, an index for each vector space that is
searched, and the thread that keeps these in step with what other processes write."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import KnowledgeError
from assistant.knowledge.database import WAIT_SECONDS, Database
from assistant.knowledge.index.kinds import check_kind
from assistant.knowledge.spaces import RETIRED, Space, drop_space, find_space, list_spaces

if TYPE_CHECKING:
    from assistant.knowledge.index.following import VectorIndex

logger = logging.getLogger(__name__)

DATABASE_NAME = "knowledge.db"
INDEX_FOLDER = "index"
#: Additions by other processes are searched within 2 seconds.
FOLLOW_SECONDS = 0.5
_CLEARED = 5000  # vectors that one transaction deletes


class Folder:
    """Opens the database of ``data_dir``; indexes are opened by their first search."""

    def __init__(
        self, data_dir: Path, wait_seconds: float = WAIT_SECONDS, index_kind: str = "auto"
    ) -> None:
        self.data_dir = data_dir
        self.database = Database(data_dir / DATABASE_NAME, wait_seconds)
        self.index_dir = data_dir / INDEX_FOLDER
        self.index_kind = check_kind(index_kind)
        #: How often this process has written: its own searches see all of that.
        self.writes = 0
        self._indexes: dict[int, VectorIndex] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None

    def index(self, space: Space) -> VectorIndex:
        # FAISS is loaded here: listing and deleting start without it.
        from assistant.knowledge.index.following import VectorIndex

        with self._lock:
            index = self._indexes.get(space.id)
            if index is None or index.space.form != space.form:
                path = self.index_path(space.id)
                index = VectorIndex(self.database, space, path, self.index_kind)
                self._indexes[space.id] = index
                self._start_following()
            return index

    def forget_index(self, space_id: int) -> None:
        """Let go of the index of a space that is gone, and remove its file."""
        with self._lock:
            index = self._indexes.pop(space_id, None)
        if index is not None:
            index.stop()
        for suffix in (".faiss", ".lock"):
            self.index_path(space_id).with_suffix(suffix).unlink(missing_ok=True)

    def index_path(self, space_id: int) -> Path:
        return self.index_dir / f"{space_id}.faiss"

    def clear_retired(self) -> None:
        """Delete the vectors of spaces that are no longer used, in pieces that let others write,
        and their index files."""
        with self.database.read() as connection:
            retired = list_spaces(connection, state=RETIRED)
        for space in retired:
            is_gone = False
            while not is_gone:
                with self.database.write() as connection:
                    current = find_space(connection, space.id)
                    is_retired = current is not None and current.state == RETIRED
                    is_gone = not is_retired or drop_space(connection, space.id, _CLEARED)
            self.forget_index(space.id)

    def wrote(self) -> None:
        """Note that this process has committed a change."""
        with self._lock:
            self.writes += 1

    def close(self) -> None:
        """Publish the indexes and close the database."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()
        with self._lock:
            for index in self._indexes.values():
                index.close()
            self._indexes.clear()
        self.database.close()

    def _start_following(self) -> None:
        if self._follower is None:
            self._follower = threading.Thread(target=self._follow, name="follow-index", daemon=True)
            self._follower.start()

    def _follow(self) -> None:
        while not self._closing.wait(FOLLOW_SECONDS):
            try:
                self._follow_all()
            except KnowledgeError as error:
                # A search that needs the database says the same where a person sees it.
                logger.warning("The index can't follow the database: %s", error)

    def _follow_all(self) -> None:
        # In this order: an index whose space was made after the look at the database is kept.
        with self._lock:
            indexes = dict(self._indexes)
        with self.database.read() as connection:
            states = {space.id: space.state for space in list_spaces(connection)}
        for space_id, index in indexes.items():
            if space_id in states:
                index.follow()
            else:
                self.forget_index(space_id)
        if RETIRED in states.values():  # a reindex was killed after its switch
            self.clear_retired()

"""What all views of one data folder share: its database, and an index for each collection."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.knowledge.catalogue import Collection
from assistant.knowledge.database import Database

if TYPE_CHECKING:
    from assistant.knowledge.index import VectorIndex

DATABASE_NAME = "knowledge.db"
INDEX_FOLDER = "index"


class Folder:
    """Opens the database of ``data_dir``; indexes are opened by their first search."""

    def __init__(self, data_dir: Path, wait_seconds: float) -> None:
        self.database = Database(data_dir / DATABASE_NAME, wait_seconds)
        self._indexes_dir = data_dir / INDEX_FOLDER
        self._indexes: dict[int, VectorIndex] = {}
        self._lock = threading.Lock()

    def index(self, collection: Collection) -> VectorIndex:
        # FAISS is loaded here: listing and deleting start without it.
        from assistant.knowledge.index import VectorIndex

        with self._lock:
            if collection.id not in self._indexes:
                path = self._indexes_dir / f"{collection.name}.faiss"
                self._indexes[collection.id] = VectorIndex(self.database, path)
            return self._indexes[collection.id]

    def close(self) -> None:
        """Publish the indexes and close the database."""
        with self._lock:
            for index in self._indexes.values():
                index.close()
            self._indexes.clear()
        self.database.close()

"""Which files of a folder changed since they were last read, told by their size and time."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.files.found import FoundFile
from ingest.load.document import INSIDE
from ingest.state import State

#: A file written while it was read may change again without a later time stamp.
_YOUNG = 2.0  # seconds
#: What could not be read is tried again: a reader may have been installed or mended.
_RETRY = 7 * 24 * 3600.0


@dataclass(frozen=True)
class _Stamp:
    size: int
    mtime_ns: int


class FolderMemory:
    """What became of the files of one source (``origin``, its name) in a collection.

    Called by two threads of a run: one asks :meth:`is_same`, one tells what became of a file.
    """

    def __init__(self, state: State, collection: str, origin: str) -> None:
        self._state = state
        self._key = (collection, origin)
        self._stamps: dict[str, _Stamp] = {}
        self._same: set[str] = set()
        self._rejected: set[str] = set()

    def begin(self, files: Sequence[FoundFile], stored: Mapping[str, str]) -> list[str]:
        """Look at the ``files`` that there are now.

        Args:
            stored: content hashes by URI of what the knowledge base holds. A file counts as the
                same only where this is what was stored of it.

        Returns:
            The paths of files that are gone.
        """
        now = time.time()
        self._stamps = {str(f.path): _stamp(f.path, now) for f in files if f.fault is None}
        known: defaultdict[str, list[tuple[_Stamp, bool, bool]]] = defaultdict(list)
        for row in self._state.rows(
            "SELECT * FROM files WHERE collection = ? AND origin = ?", self._key
        ):
            kept = row["content_hash"] is not None
            current = stored.get(row["uri"]) == row["content_hash"]
            if not kept:
                current = now - row["seen"] < _RETRY
            stamp = _Stamp(row["size"], row["mtime_ns"])
            known[row["path"]].append((stamp, current, kept))
        self._same = {
            path
            for path, members in known.items()
            if all(current and stamp == self._stamps.get(path) for stamp, current, _ in members)
        }
        self._rejected = {
            path for path, members in known.items() if not any(kept for _, _, kept in members)
        }
        there = {str(file.path) for file in files}
        return [path for path in sorted(known) if path not in there and self._is_ours(path)]

    def is_same(self, path: Path) -> bool:
        """Whether the file is as it was when it was last read."""
        return str(path) in self._same

    def was_rejected(self, path: Path) -> bool:
        """Whether nothing of the file could be read then."""
        return str(path) in self._rejected

    def documents(self) -> list[str]:
        """The URIs of all that the source brought in and no other source of the collection."""
        rows = self._state.rows(
            "SELECT uri FROM files AS mine WHERE collection = ?1 AND origin = ?2 AND NOT EXISTS "
            "(SELECT 1 FROM files WHERE collection = ?1 AND origin != ?2 AND path = mine.path)",
            self._key,
        )
        return [str(row["uri"]) for row in rows]

    def close(self) -> None:
        """Nothing of its own is open."""

    def forget(self) -> None:
        """The source is no longer wanted."""
        self._state.write("DELETE FROM files WHERE collection = ? AND origin = ?", self._key)

    def stored(self, uri: str, content_hash: str) -> None:
        self._note(uri, content_hash)

    def rejected(self, uri: str) -> None:
        self._note(uri, None)

    def same_text(self, uri: str, content_hash: str) -> str | None:
        """None: copies of a file are documents of their own."""

    def removed(self, uri: str) -> None:
        """Forget a file with all its members, or one member."""
        column = "uri" if INSIDE in uri else "path"
        self._state.write(
            f"DELETE FROM files WHERE collection = ? AND origin = ? AND {column} = ?",  # noqa: S608
            (*self._key, uri),
        )

    def _note(self, uri: str, content_hash: str | None) -> None:
        path = _path_of(uri)
        stamp = self._stamps.get(path)
        if stamp is None:
            return
        row = (*self._key, uri, path, stamp.size, stamp.mtime_ns, content_hash, time.time())
        self._state.write("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _is_ours(self, path: str) -> bool:
        """Whether no other source of the collection brought the file in, too."""
        others = self._state.rows(
            "SELECT 1 FROM files WHERE collection = ? AND origin != ? AND path = ? LIMIT 1",
            (*self._key, path),
        )
        if others and os.path.exists(path):
            self.removed(path)
            return False
        return True


def _path_of(uri: str) -> str:
    return uri.partition(INSIDE)[0]


def _stamp(path: Path, now: float) -> _Stamp:
    try:
        found = path.stat()
    except OSError:  # gone just now: the reader says so
        return _Stamp(-1, 0)
    is_young = now - found.st_mtime < _YOUNG
    return _Stamp(found.st_size, 0 if is_young else found.st_mtime_ns)

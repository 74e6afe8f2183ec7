"""The pictures that were drawn, on the disk: the longest unused go first."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from assistant.page_pictures.layout import Layout, Picture

logger = logging.getLogger(__name__)

#: Of all pictures together; a page has some 200 kB.
MOST_BYTES = 100 * 2**20
MOST_SECONDS = 7 * 86400.0
_PNG, _LAYOUT = ".png", ".json"


class PictureCache:
    """Files of a folder: ``SOURCE-KEY.png`` with ``SOURCE-KEY.json``.

    Args:
        is_kept: whether there still is a source of that id; pictures of others are deleted by
            :meth:`clear`, and with the next one that is stored.
    """

    def __init__(
        self, folder: Path, is_kept: Callable[[int], bool], most_bytes: int = MOST_BYTES
    ) -> None:
        self._folder = folder
        self._is_kept = is_kept
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def get(self, name: str) -> Picture | None:
        picture, layout = self._folder / (name + _PNG), self._folder / (name + _LAYOUT)
        try:
            found = Picture(picture.read_bytes(), Layout.from_json(layout.read_text("utf-8")))
            os.utime(picture)
        except (OSError, ValueError):
            return None
        return found

    def put(self, name: str, picture: Picture) -> None:
        """Keep a picture; where that fails it is drawn again when it is wanted."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(name + _LAYOUT, picture.layout.as_json().encode())
            self._write(name + _PNG, picture.png)
            self.clear()
        except OSError as error:
            logger.warning("a page's picture can't be kept: %s", error)

    def _write(self, name: str, content: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".picture-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, self._folder / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise

    def clear(self) -> None:
        """Delete what is of a source that is gone, what is old, and what is too much."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        pictures = sorted(self._folder.glob(f"*{_PNG}"), key=_used, reverse=True)
        known = {source: self._is_kept(source) for source in map(_source, pictures)}
        oldest = time.time() - MOST_SECONDS
        total = 0
        for picture in pictures:
            layout = picture.with_suffix(_LAYOUT)
            size = _size(picture) + _size(layout)
            if known[_source(picture)] and _used(picture) > oldest:
                total += size
                if total <= self._most_bytes:
                    continue
                total -= size
            picture.unlink(missing_ok=True)
            layout.unlink(missing_ok=True)


def _source(picture: Path) -> int:
    number = picture.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _used(picture: Path) -> float:
    try:
        return picture.stat().st_mtime
    except OSError:  # another process has just deleted it
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""The pages of sources as pictures."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.errors import KnowledgeError
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import Source
from assistant.knowledge.store import KnowledgeBase
from assistant.page_pictures.cache import PictureCache
from assistant.page_pictures.layout import Picture
from assistant.page_pictures.originals import Original, original_of
from assistant.page_pictures.places import holds
from assistant.page_pictures.process import Busy, draw

logger = logging.getLogger(__name__)

#: Raised with each change of how pages are drawn.
VERSION = 1
#: More pages than any document has.
MOST_PAGES = 100_000
#: A page that can't be drawn is not tried again for so long; and how many such are known.
FORGOTTEN_SECONDS = 300.0
MOST_FAILED = 1000
#: How often pictures of deleted documents are looked for.
LOOK_SECONDS = 30.0
CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Drawn:
    """A page's picture, or ``why`` there is none: "elsewhere" (nothing is to be said), "gone",
    "changed", "failed", "busy"."""

    picture: Picture | None
    why: str = ""


class PagePictures:
    """Draws pages of the sources of a data folder, and keeps them there. Who may see them is the
    caller's to check."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        folder = knowledge.folder.data_dir / "cache" / "pictures"
        collections = Collections(knowledge)
        self._knowledge = knowledge
        self._ended = threading.Event()
        self._looking: threading.Thread | None = None
        self._failed: dict[str, float] = {}  # when
        self._cache = PictureCache(folder, lambda id: collections.find_source(id) is not None)

    def start(self) -> None:
        """From now on what a deleted document leaves is deleted within :data:`LOOK_SECONDS`."""
        self._looking = threading.Thread(target=self._look, name="page-pictures", daemon=True)
        self._looking.start()

    def close(self) -> None:
        self._ended.set()
        if self._looking is not None:
            self._looking.join(CLOSE_SECONDS)

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self._cache.clear()
            except (OSError, KnowledgeError) as error:
                logger.warning("the pictures of pages can't be looked through: %s", error)

    def page(self, source: Source, page: int) -> Drawn:
        """Page ``page`` of a source, numbered from 1 as its chunks are."""
        original = original_of(source)
        if isinstance(original, str):
            return Drawn(None, original)
        if not 1 <= page <= MOST_PAGES:
            return Drawn(None, "failed")
        try:
            picture = self._drawn(source, original, page)
        except Busy:
            return Drawn(None, "busy")
        if picture is None:
            return Drawn(None, "failed")
        if original.is_newer and not holds(picture.layout, self._texts(source, page)):
            return Drawn(None, "changed")
        return Drawn(picture)

    def _drawn(self, source: Source, original: Original, page: int) -> Picture | None:
        name = _name(source, original, page)
        picture = self._cache.get(name)
        failed = self._failed.get(name)
        is_known = failed is not None and time.monotonic() - failed < FORGOTTEN_SECONDS
        if picture is not None or is_known:
            return picture
        picture = draw(source.kind, original.path, page)
        if picture is not None:
            self._cache.put(name, picture)
        else:
            if len(self._failed) >= MOST_FAILED:
                self._failed.clear()
            self._failed[name] = time.monotonic()
        return picture

    def _texts(self, source: Source, page: int) -> Sequence[str]:
        chunks = self._knowledge.collection(source.collection).chunks(source.id)
        return [chunk.text for chunk in chunks if chunk.page == page]


def _name(source: Source, original: Original, page: int) -> str:
    told = f"{VERSION}\n{original.path}\n{original.size}\n{original.mtime_ns}\n{page}"
    return f"{source.id}-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"

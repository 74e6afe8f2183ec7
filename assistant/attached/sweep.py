"""Removes what is attached to conversations that are gone: they expired, or the app was killed
between forgetting a conversation and its files.

Nothing goes while it isn't sure: Redis must answer, hold somebody's memory, and have taken all that
was held for it. Each look notes on the folder of a conversation that is there; only what no look
found for :data:`GRACE_SECONDS` goes. So a file that waits for its first question has as long.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

from assistant.attached.files import AttachedFiles
from assistant.errors import AssistantError
from assistant.knowledge.catalogue import ATTACHED
from assistant.knowledge.records import CollectionInfo
from assistant.memory.background import Background
from assistant.memory.long_term import LongTermMemory
from assistant.memory.store.faults import MemoryRefused

log = logging.getLogger(__name__)

GRACE_SECONDS = 3 * 86400.0
EVERY_SECONDS, AGAIN_SECONDS = 6 * 3600.0, 600.0


class Sweep:
    """Args:
    uploads: the folder that the files are in.
    """

    def __init__(self, files: AttachedFiles, uploads: Path, memory: LongTermMemory) -> None:
        self._files = files
        self._uploads = uploads
        self._memory = memory
        self._background = Background("attached")

    def start(self) -> None:
        """Look now, and then every few hours, in the background."""
        self._background.ask("sweep", self._again)

    def close(self) -> None:
        self._background.close()

    def run(self, now: float | None = None) -> int:
        """How many conversations' files went.

        Raises:
            MemoryUnavailable: Redis can't be asked; nothing goes.
            KnowledgeError: the knowledge base can't be read or written.
        """
        before = (time.time() if now is None else now) - GRACE_SECONDS
        infos = self._files.collections.all()
        self._remove_nameless({info.name for info in infos}, before)
        if self._memory.held or next(iter(self._memory.list.users()), None) is None:
            return 0
        gone = 0
        for info in infos:
            if not self._is_gone(info):
                self._note(info)
            elif self._last_seen(info) < before:
                log.info("the files of a conversation that is gone are removed")
                self._files.drop(info)
                gone += 1
        return gone

    def _again(self) -> float:
        try:
            self.run()
        except AssistantError as error:
            log.info("attached files are not looked at now: %s", error)
            return AGAIN_SECONDS
        return EVERY_SECONDS

    def _is_gone(self, info: CollectionInfo) -> bool:
        """Whether memory surely has no such conversation."""
        try:
            _, created = self._memory.list.about(info.owner, info.conversation)
            return not created and self._memory.list.begun(info.owner, info.conversation) is None
        except MemoryRefused as error:  # one user's damaged key is no matter of the others
            log.warning("%s", error)
            return False

    def _note(self, info: CollectionInfo) -> None:
        folder = self._files.folder_of(info)
        if folder.is_dir():
            os.utime(folder)

    def _last_seen(self, info: CollectionInfo) -> float:
        return max(info.created_at, _changed(self._files.folder_of(info)))

    def _remove_nameless(self, known: set[str], before: float) -> None:
        """Folders whose collection is gone: of an app that was killed while it removed them."""
        for folder in self._uploads.glob(f"{ATTACHED}*"):
            if folder.name not in known and folder.is_dir() and _changed(folder) < before:
                shutil.rmtree(folder, ignore_errors=True)


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0

"""What is attached to a conversation: the files below ``uploads``, and their chunks."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from assistant.errors import DocumentError, KnowledgeLocked
from assistant.knowledge.attached import AttachedCollections
from assistant.knowledge.records import CollectionInfo, Source
from assistant.knowledge.store import KnowledgeBase

MOST_FILES = 10  # of a conversation
MOST_MB = 100  # of a conversation
USER_MB = 1000  # of all conversations of a user
_INSIDE = "!/"  # between an archive's place and a document's in it
_ATTEMPTS = 3  # at a collection that is still being added to


@dataclass(frozen=True)
class AttachedFile:
    """``id``: made up when it was stored; ``documents`` and ``chunks``: that were read of it;
    ``is_stale``: they were embedded with another model, and are not searched."""

    id: str
    name: str
    path: Path
    size: int  # bytes
    documents: int = 0
    chunks: int = 0
    is_stale: bool = False


class AttachedFiles:
    """Args:
    knowledge: of the data folder.
    folder: where uploads are kept.

    Whoever asks says who they are: a conversation is found by its id and its user together.
    """

    def __init__(self, knowledge: KnowledgeBase, folder: Path) -> None:
        self._knowledge = knowledge
        self._folder = folder
        self.collections = AttachedCollections(knowledge)

    def folder_of(self, info: CollectionInfo) -> Path:
        """Where the files of one conversation are."""
        return self._folder / info.name

    def of(self, user: str, conversation_id: str) -> list[AttachedFile]:
        """The files of a conversation, in the order in which they came."""
        info = self.collections.find(user, conversation_id)
        if info is None:
            return []
        sources = self._knowledge.collection(info.name).sources()
        is_stale = self.collections.is_stale(user, conversation_id)
        found = [
            _attached(path, [one for one in sources if _file_of(one) == str(path)], is_stale)
            for path in self._paths(info)
        ]
        return [one for one in found if one is not None]

    def same(self, user: str, conversation_id: str, path: Path) -> AttachedFile | None:
        """The one with the same content, if there is one."""
        size = path.stat().st_size
        for one in self.of(user, conversation_id):
            with suppress(OSError):  # removed in another window
                if one.size == size and filecmp.cmp(one.path, path, shallow=False):
                    return one
        return None

    def check_room(self, user: str, conversation_id: str, name: str, size: int) -> None:
        """
        Raises:
            DocumentError: the conversation, or its user, has as much as may be.
        """
        own = self.of(user, conversation_id)
        if len(own) >= MOST_FILES:
            raise DocumentError(
                "{name} was not attached: a conversation takes {most} files. Remove one, or put "
                "them on the Knowledge page.",
                "{name} 未添加：每个对话最多附加 {most} 个文件。请先移除其他文件，或在“知识库”"
                "页面上传。",
                name=name,
                most=MOST_FILES,
            )
        every = sum(
            path.stat().st_size
            for info in self.collections.all(user)
            for path in self._paths(info)
            if path.exists()
        )
        for taken, most in ((sum(one.size for one in own), MOST_MB), (every, USER_MB)):
            if taken + size > most * 2**20:
                raise DocumentError(
                    "{name} was not attached: with it, the files of {whose} would take more than "
                    "{most} MB. Remove files or old conversations first.",
                    "{name} 未添加：加上它，{whose_zh}的文件将超过 {most} MB。请先移除其他文件或"
                    "旧的对话。",
                    name=name,
                    whose="this conversation" if most == MOST_MB else "your conversations",
                    whose_zh="这个对话" if most == MOST_MB else "您所有对话",
                    most=most,
                )

    def free_name(self, user: str, conversation_id: str, name: str) -> str:
        """``name``, numbered where another file of the conversation has it: documents of one name
        would replace each other."""
        taken = {one.name for one in self.of(user, conversation_id)}
        path, free, number = PurePath(name), name, 2
        while free in taken:
            free, number = f"{path.stem} ({number}){path.suffix}", number + 1
        return free

    def remove(self, user: str, conversation_id: str, file_id: str) -> bool:
        """Remove one file with all that was read of it. False if there is none of this id.

        Raises:
            KnowledgeError: what was read of it can't be deleted.
        """
        info = self.collections.find(user, conversation_id)
        if info is None:
            return False
        for path in self._paths(info):
            if path.parent.name == file_id:
                shutil.rmtree(path.parent, ignore_errors=True)
                self.check_read(info.name, path)
                return True
        return False

    def check_read(self, collection: str, path: Path) -> None:
        """After reading ``path``: a file that was removed meanwhile leaves nothing behind."""
        if path.exists():
            return
        knowledge = self._knowledge.collection(collection)
        for source in knowledge.sources():
            if _file_of(source) == str(path):
                knowledge.delete_source(source.id)

    def forget(self, user: str, conversation_id: str | None) -> None:
        """Remove everything of a conversation, or of all conversations of ``user``. Nothing where
        there is nothing.

        Raises:
            KnowledgeError: it can't be deleted now; what is left the next sweep finds.
        """
        if conversation_id is None:
            infos = self.collections.all(user)
        else:
            info = self.collections.find(user, conversation_id)
            infos = [info] if info else []
        for info in infos:
            self.drop(info)

    def drop(self, info: CollectionInfo) -> None:
        """Remove one of the collections with its files; raises as :meth:`forget`."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._knowledge.collection(info.name).drop()
                break
            except KnowledgeLocked:  # a file was being read into it
                if attempt == _ATTEMPTS:
                    raise
        shutil.rmtree(self.folder_of(info), ignore_errors=True)

    def _paths(self, info: CollectionInfo) -> list[Path]:
        return sorted(_files(self.folder_of(info)), key=_came)


def _files(folder: Path) -> Iterator[Path]:
    """Half-copied files begin with a dot."""
    for path in folder.glob("*/*"):
        if not path.name.startswith(".") and path.is_file():
            yield path


def _came(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:  # removed meanwhile
        return 0, path.name


def _attached(path: Path, sources: list[Source], is_stale: bool) -> AttachedFile | None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # removed meanwhile
        return None
    chunks = sum(one.chunks for one in sources)
    return AttachedFile(
        path.parent.name, path.name, path, size, len(sources), chunks, is_stale and chunks > 0
    )


def _file_of(source: Source) -> str:
    return source.uri.partition(_INSIDE)[0]

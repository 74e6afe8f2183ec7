"""Files from the page: kept under ``DATA_DIR/uploads``, one folder a file name.

The folder's name is made from the collection and the file's name, so that the same name uploaded
again lands at the same path: other content replaces the document, the same content changes
nothing. What is attached to a conversation has a folder of its own above that, which goes with it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
from contextlib import suppress
from pathlib import Path

from assistant.errors import DocumentError
from assistant.knowledge.catalogue import ATTACHED
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import Settings
from ingest.load.document import INSIDE
from ingest.members import with_members
from ingest.reasons import os_reason

LONGEST_NAME = 200  # bytes; file systems allow 255
_SEPARATORS = re.compile(r"[/\\]")


def store_upload(
    settings: Settings, path: Path, original_name: str, collection: str = "default"
) -> Path:
    """Copy the uploaded file at ``path`` to its place and return that place.

    Raises:
        DocumentError: it is larger than ``MAX_FILE_MB``, or can't be read or written.
    """
    name = safe_name(original_name)
    key = hashlib.sha256(f"{collection}\n{name}".encode()).hexdigest()[:16]
    above = settings.upload_dir
    if collection.startswith(ATTACHED):
        above /= collection
    target = above / key / name
    try:
        size = path.stat().st_size
        if size > settings.max_file_mb * 1024 * 1024:
            raise DocumentError(
                "{name} is {size} MB, more than {limit}: split it, or raise MAX_FILE_MB in .env.",
                "{name} 有 {size} MB，超过 {limit} MB 的上限：请拆分，或在 .env 中调大 "
                "MAX_FILE_MB。",
                name=name,
                size=round(size / 1024 / 1024, 1),
                limit=settings.max_file_mb,
            )
        _copy(path, target)
    except OSError as error:
        raise DocumentError(
            "{name} can't be kept: {reason}.",
            "{name} 无法保存：{reason_zh}。",
            name=name,
            **os_reason(error),
        ) from error
    return target


def safe_name(original: str) -> str:
    """A file name without folders, control and direction characters, and leading dots.

    >>> safe_name("../../指南 v2.pdf")
    '指南 v2.pdf'
    """
    name = _SEPARATORS.split(unicodedata.normalize("NFC", original))[-1]
    visible = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    name = visible.strip().lstrip(".").strip() or "document"
    suffix = os.path.splitext(name)[1]
    suffix = suffix if len(suffix) <= 16 else ""
    room = LONGEST_NAME - len(suffix.encode())
    return name.removesuffix(suffix).encode()[:room].decode("utf-8", "ignore") + suffix


def delete_source(settings: Settings, knowledge: KnowledgeBase, source_id: int) -> None:
    """Delete a document from the knowledge base, and its file where it came as an upload: that of
    an archive with the last document out of it. Nothing happens where there is no such source.
    """
    source = knowledge.source(source_id)
    if source is None:
        return
    knowledge.delete_source(source_id)
    name = source.uri.partition(INSIDE)[0]
    file = Path(name)
    if file.is_absolute() and file.is_relative_to(settings.upload_dir):
        if with_members(knowledge, name):
            return
        file.unlink(missing_ok=True)
        if file.parent != settings.upload_dir and file.parent.is_dir():
            with suppress(OSError):  # another upload of that name came just now
                file.parent.rmdir()


def _copy(source: Path, target: Path) -> None:
    """Copy beside the target and rename, so that no reader sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".upload-")
    os.close(handle)
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise

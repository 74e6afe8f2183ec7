"""Where uploads go first, and how much one may bring: files, bytes, and what the disk has room for.
Counted while it comes in, before Gradio keeps any of it."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.types import Message, Receive, Scope

from assistant.settings import Settings
from assistant.users.refused import DiskFull, UploadTooLarge

#: Left free on the disk whatever is uploaded.
SPARE_BYTES = 512 * 2**20

#: An upload that nobody fetched within this time is cleared away; how often that is looked at.
UPLOAD_SECONDS, HOURLY_SECONDS = 86400, 3600
#: What Gradio reads, when it is imported, to know where uploads go first.
GRADIO_FOLDER = "GRADIO_TEMP_DIR"


def upload_folder(settings: Settings) -> Path:
    """Where Gradio keeps what is uploaded until a handler takes it."""
    return settings.data_dir / "cache" / "page"


def prepare_gradio(settings: Settings) -> None:
    """Before gradio is imported: no reports to others, uploads in the data folder, for this user's
    eyes alone. What was left there by uploads that broke off goes."""
    folder = upload_folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ[GRADIO_FOLDER] = str(folder)
    old = time.time() - UPLOAD_SECONDS
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.lstat().st_mtime > old:
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class UploadLimits:
    """Args:
    folder: where uploads are kept first.
    files, megabytes: the most of one upload.
    """

    folder: Path
    files: int
    megabytes: int


def watched_upload(scope: Scope, receive: Receive, limits: UploadLimits, language: str) -> Receive:
    """``receive`` that breaks an upload off once more comes than may, or the visitor is gone: with
    the error by which Gradio clears away what came, and which it shows.

    Raises:
        UploadTooLarge, DiskFull: it is known before anything came.
    """
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    most = limits.megabytes * 2**20
    if length.isdigit():
        if int(length) > most:
            raise UploadTooLarge(limits.files, limits.megabytes)
        if int(length) + SPARE_BYTES > shutil.disk_usage(_existing(limits.folder)).free:
            raise DiskFull
    parts = _PartCount(_boundary(headers.get("content-type", "")))
    came = 0

    async def watched() -> Message:
        nonlocal came
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MultiPartException("")
        chunk = message.get("body", b"")
        came += len(chunk)
        if came > most or parts.count(chunk) > limits.files:
            raise MultiPartException(UploadTooLarge(limits.files, limits.megabytes).text(language))
        return message

    return watched


class _PartCount:
    """Counts the parts of a multipart body that comes in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"--" + boundary
        self._tail = b""
        self._found = 0

    def count(self, chunk: bytes) -> int:
        """Parts so far."""
        seen = self._tail + chunk
        self._found += seen.count(self._mark)
        whole = seen.rfind(self._mark)
        rest = seen[whole + len(self._mark) :] if whole >= 0 else seen
        self._tail = rest[-(len(self._mark) - 1) :]
        return max(0, self._found - 1)  # the last mark ends the body


def _boundary(content_type: str) -> bytes:
    for part in content_type.split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "boundary":
            return value.strip('"').encode("latin-1", "replace")
    return b"\0"  # no multipart: Gradio refuses it


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder

"""The files of a repository: room for them, one process at a time, resumed, verified."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant import keeper
from assistant.errors import ModelFileError
from assistant.models.hubs.repository import RemoteFile
from assistant.models.local.downloads import download
from assistant.models.local.files import ANOTHER_PROCESS, Progress

#: Before a connection that broke off after some bytes is taken up again.
PAUSE_SECONDS = 1.0
CHUNK = 1 << 20
VERIFYING = "verifying"


class Tally:
    """Tells ``progress`` of one file after another as parts of the whole."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0  # bytes of the files that are complete

    def tell(self, done: int, source: str) -> None:
        """``done`` bytes of the current file are here."""
        self._progress(self._before + done, self._total, source)

    def complete(self, size: int, source: str) -> None:
        self._before += size
        self.tell(0, source)


@dataclass(frozen=True)
class Place:
    """Where a file comes from, where it goes, and where its beginning is kept meanwhile."""

    url: str
    target: Path
    partial: Path


def take(
    file: RemoteFile, place: Place, headers: Mapping[str, str], tally: Tally, source: str
) -> None:
    """Make sure that ``file`` is at its place, and is what the hub has.

    Raises:
        ModelFileError: the hub is away or silent, or what it sends is something else.
    """
    if not is_verified(place.target, file, lambda done: tally.tell(done, VERIFYING)):
        try:
            _fetch(file, place, headers, lambda done: tally.tell(done, source))
        except ModelFileError as error:
            raise ModelFileError(
                "{path}: {en}", "文件 {path}：{zh}", path=file.path, **error.messages
            ) from error
    tally.complete(file.size, source)


def missing(files: Sequence[tuple[RemoteFile, Place]]) -> int:
    """Bytes that are still to come."""
    return sum(
        file.size - size_of(place.partial)
        for file, place in files
        if size_of(place.target) != file.size
    )


def _fetch(
    file: RemoteFile, place: Place, headers: Mapping[str, str], report: Callable[[int], None]
) -> None:
    place.partial.parent.mkdir(parents=True, exist_ok=True)
    place.target.parent.mkdir(parents=True, exist_ok=True)
    begun = place.partial.exists()
    for _ in range(2 if begun else 1):
        _download(place.url, place.partial, file.size, headers, report)
        if is_verified(place.partial, file):
            place.partial.replace(place.target)
            return
        place.partial.unlink()
    raise ModelFileError("wrong checksum: deleted", "校验和不符：已删除")


def _download(
    url: str, partial: Path, size: int, headers: Mapping[str, str], report: Callable[[int], None]
) -> None:
    while True:
        before = size_of(partial)
        try:
            download(url, partial, size, report, headers)
            return
        except ModelFileError:
            if size_of(partial) <= before:
                raise
            time.sleep(PAUSE_SECONDS)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def is_verified(path: Path, file: RemoteFile, report: Callable[[int], None] | None = None) -> bool:
    """Whether ``path`` is ``file``, by its size and every checksum that the hub gave."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    if file.sha256:
        return _digest(path, hashlib.sha256(), report) == file.sha256.lower()
    if file.git_sha1:
        # What git hashes for a file, not a protection.
        git = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        return _digest(path, git, report) == file.git_sha1.lower()
    return True


def _digest(path: Path, digest: hashlib._Hash, report: Callable[[int], None] | None) -> str:
    done = 0
    with path.open("rb") as opened:
        while data := opened.read(CHUNK):
            digest.update(data)
            done += len(data)
            if report is not None:
                report(done)
    return digest.hexdigest()


def check_room(folder: Path, needed: int, repository: str) -> None:
    """Refuse before anything is fetched what can't fit.

    Raises:
        ModelFileError: the disk of ``folder`` has less than ``needed`` bytes left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise _full(folder, repository, f"{needed / 1e9:.1f} GB", f"{free / 1e9:.1f} GB")


def _full(folder: Path, repository: str, needed: str, free: str) -> ModelFileError:
    return ModelFileError(
        "The disk of {folder} is too full for {repository} (still to come: {needed}, free: "
        "{free}). Free some space, name another folder with MODEL_DIR in .env or --to, or fetch "
        "less with --include.",
        "{folder} 所在磁盘空间不足，放不下 {repository}（还需 {needed}，剩余 {free}）。"
        "请清理空间，或用 .env 中的 MODEL_DIR 或 --to 指定其他文件夹，或用 --include 少下载一些。",
        folder=folder,
        repository=repository,
        needed=needed,
        free=free,
    )


@contextmanager
def disk_errors(folder: Path, repository: str) -> Iterator[None]:
    """Faults of the disk inside, told as such."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(folder, repository, "?", "0 GB") from error
        raise ModelFileError(
            "{repository} can't be kept in {folder}: {error}. Make the folder writable, or name "
            "another with MODEL_DIR in .env or --to.",
            "无法在 {folder} 中保存 {repository}：{error}。请修改该文件夹的权限，"
            "或用 .env 中的 MODEL_DIR 或 --to 指定其他文件夹。",
            repository=repository,
            folder=folder,
            error=error.strerror or error,
        ) from error


@contextmanager
def alone(folder: Path, name: str, total: int, progress: Progress) -> Iterator[None]:
    """Hold the lock ``name`` of ``folder``: of two processes one fetches, and the other finds all
    there."""
    lock = folder / ".locks" / f"{name.replace('/', '--')}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    while (held := keeper.hold(lock, seconds=0.5)) is None:
        progress(0, total, ANOTHER_PROCESS)
    try:
        yield
    finally:
        os.close(held)

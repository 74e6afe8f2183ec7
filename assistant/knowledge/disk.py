"""Where a data folder may lie, and lock files in it. SQLite's write-ahead log needs memory that all
its processes share, so a folder on a network file system is refused before anything is written."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.errors import KnowledgeError

MOUNTS = Path("/proc/self/mountinfo")
#: As Linux names them. "9p" is also how WSL shows Windows' drives.
NETWORK = re.compile(
    "9p|afs|beegfs|ceph|cifs|coda|gfs2|glusterfs|gpfs|lustre|ncpfs|nfs|nfs4|ocfs2|orangefs|smb3|"
    r"smbfs|fuse\.(glusterfs|rclone|s3fs|sshfs)"
)


def refuse_network(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises KnowledgeError if ``folder`` is on a network file system. Where the system doesn't
    list its mounts (macOS), nothing is checked."""
    kind = file_system_of(folder.resolve(), mounts)
    if NETWORK.fullmatch(kind):
        raise KnowledgeError(
            "{folder} is on a network file system ({kind}), where the database can be damaged: set "
            "DATA_DIR in .env to a folder on a local disk. To share the knowledge base, share the "
            "app's address.",
            "{folder} 位于网络文件系统（{kind}）上，数据库可能损坏：请在 .env 中把 DATA_DIR 设为"
            "本地磁盘上的目录。如需共享知识库，请共享应用的访问地址。",
            folder=folder,
            kind=kind,
        )


def file_system_of(folder: Path, mounts: Path) -> str:
    """The type of the file system that holds ``folder``; empty where it isn't known."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = Path(), ""
    for line in lines:
        mount, _, rest = line.partition(" - ")
        point = Path(_unescaped(mount.split()[4]))
        # A later mount on the same point covers the earlier.
        if folder.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, rest.split()[0]
    return kind


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def make_folder(folder: Path) -> None:
    """Raises KnowledgeError if ``folder`` isn't there and can't be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KnowledgeError(
            "The data folder {folder} can't be made ({reason}): set DATA_DIR in .env to a "
            "folder that this user may write.",
            "无法创建数据目录 {folder}（{reason}）：请在 .env 中把 DATA_DIR 设为"
            "当前用户可写的目录。",
            folder=folder,
            reason=error.strerror,
        ) from error


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock file at ``path`` alone. The lock goes with the process,
    however that ends."""
    make_folder(path.parent)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True

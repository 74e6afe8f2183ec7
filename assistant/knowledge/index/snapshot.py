"""Snapshot files of a vector index: published whole or not at all, and checked when read.

A file is the index's own bytes, so that FAISS can read or map it by its path, then a JSON trailer
(what it holds, and SHA-256 checksums of both), the trailer's length (8 bytes) and a magic word (8
bytes).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from assistant.errors import KnowledgeError
from assistant.knowledge.disk import sync
from assistant.knowledge.vectors import Form

#: Bytes that hold all of an index's structure but its vectors and their ids: while these are being
#: verified, a search may at worst miss something.
HEAD = 1 << 24
_MAGIC = b"KBINDEX2"
_TAIL = 8 + len(_MAGIC)
_BLOCK = 1 << 20
#: A half-written file whose writer isn't known is left alone for so long.
ABANDONED_SECONDS = 3600


class SnapshotError(Exception):
    """The file is missing, torn or damaged; the message says which. Never leaves the index."""


@dataclass(frozen=True)
class About:
    """What a snapshot holds: all vectors of a space up to a place in the change log."""

    space: int
    dimension: int
    metric: str
    precision: str
    kind: str
    count: int
    recall: float  # of the ten nearest, measured when it was built; 1 for exact kinds
    seq: int
    stamp: int

    @property
    def form(self) -> Form:
        return Form(self.dimension, self.metric, self.precision)


class _Hashing:
    """Takes bytes and keeps two checksums: of the first :data:`HEAD`, and of all of them."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._head: hashlib._Hash | None = None
        self._left = HEAD

    def update(self, data: bytes) -> None:
        if self._head is None and len(data) >= self._left:
            self._whole.update(data[: self._left])
            self._head = self._whole.copy()
            data = data[self._left :]
        self._left -= len(data)
        self._whole.update(data)

    def of_head(self, about: bytes) -> str:
        """Checksum of the head (of all, where that is less) and ``about``."""
        return _sealed(self._head or self._whole, about)

    def of_all(self, about: bytes) -> str:
        return _sealed(self._whole, about)


def _sealed(digest: hashlib._Hash, about: bytes) -> str:
    sealed = digest.copy()
    sealed.update(about)
    return sealed.hexdigest()


def publish(path: Path, about: About, write: Callable[[Callable[[bytes], int]], None]) -> None:
    """Put a snapshot at ``path``. ``write`` gets a function that takes the index's bytes.

    A reader, and whoever comes after a crash, finds the old file or the new one.

    Raises:
        OSError: the folder can't be written or the disk is full; the old file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("wb") as file:
            hashing = _Hashing()

            def take(data: bytes) -> int:
                hashing.update(data)
                return file.write(data)

            write(take)
            trailer = _trailer(about, hashing)
            file.write(trailer + len(trailer).to_bytes(8, "little") + _MAGIC)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


def check(file: BinaryIO, *, only_head: bool = False) -> About:
    """Verify a snapshot, or only its head, and leave ``file`` at its beginning.

    Raises:
        SnapshotError: it is not whole.
    """
    trailer, size = _find_trailer(file)
    file.seek(0)
    hashing, left = _Hashing(), min(size, HEAD) if only_head else size
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            raise SnapshotError("it shrank while it was read")
        hashing.update(block)
        left -= len(block)
    file.seek(0)
    about = _read_trailer(trailer)
    fields, seals = _encoded(about), json.loads(trailer)
    is_right = seals["head"] == hashing.of_head(fields)
    if not only_head:
        is_right = trailer == _trailer(about, hashing)
    if not is_right:
        raise SnapshotError("its checksum is wrong")
    return about


def glance(path: Path) -> About:
    """What the file at ``path`` says it holds, unverified.

    Raises:
        OSError: it can't be read.
        SnapshotError: its end is damaged.
    """
    with path.open("rb") as file:
        return _read_trailer(_find_trailer(file)[0])


def _find_trailer(file: BinaryIO) -> tuple[bytes, int]:
    """The trailer, and the size of what is before it."""
    size = file.seek(0, os.SEEK_END)
    if size < _TAIL:
        raise SnapshotError("it is too short")
    file.seek(size - _TAIL)
    tail = file.read(_TAIL)
    length = int.from_bytes(tail[:8], "little")
    if tail[8:] != _MAGIC or length > size - _TAIL:
        raise SnapshotError("its end is missing")
    file.seek(size - _TAIL - length)
    return file.read(length), size - _TAIL - length


def _encoded(about: About) -> bytes:
    return json.dumps(asdict(about), sort_keys=True).encode()


def _trailer(about: About, hashing: _Hashing) -> bytes:
    fields = _encoded(about)
    seals = {"head": hashing.of_head(fields), "sha256": hashing.of_all(fields)}
    return json.dumps({**asdict(about), **seals}, sort_keys=True).encode()


def _read_trailer(trailer: bytes) -> About:
    try:
        fields = json.loads(trailer)
        del fields["head"], fields["sha256"]
        about = About(**fields)
        about.form  # noqa: B018 - checks metric and precision
    except (ValueError, TypeError, KeyError, AttributeError, KnowledgeError) as error:
        raise SnapshotError("its trailer can't be read") from error
    return about


def _remove_abandoned(path: Path) -> None:
    """Half-written files of killed processes."""
    for beside in path.parent.glob(f"{path.name}.*.tmp"):
        try:
            if time.time() - beside.stat().st_mtime > ABANDONED_SECONDS:
                beside.unlink()
        except FileNotFoundError:
            continue

"""Snapshot files of a vector index: published whole or not at all, and checked when read.

A file is the index's own bytes, so that FAISS can read or map it by its path, then a JSON trailer
(what it holds, and a SHA-256 of both), the trailer's length (8 bytes) and a magic word (8 bytes).
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
from assistant.knowledge.vectors import Form

_MAGIC = b"KBINDEX2"
_TAIL = 8 + len(_MAGIC)
_BLOCK = 1 << 20
_ABANDONED_SECONDS = 3600


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
    """A file to write to that keeps the checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)


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
            hashing = _Hashing(file)
            write(hashing.write)
            trailer = _trailer(about, hashing.digest)
            file.write(trailer + len(trailer).to_bytes(8, "little") + _MAGIC)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def check(file: BinaryIO) -> About:
    """Verify a snapshot and leave ``file`` at its beginning.

    Raises:
        SnapshotError: it is not whole.
    """
    trailer, left = _find_trailer(file)
    file.seek(0)
    digest = hashlib.sha256()
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            raise SnapshotError("it shrank while it was read")
        digest.update(block)
        left -= len(block)
    file.seek(0)
    about = _read_trailer(trailer)
    if trailer != _trailer(about, digest):
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


def _trailer(about: About, digest: hashlib._Hash) -> bytes:
    fields = asdict(about)
    digest.update(json.dumps(fields, sort_keys=True).encode())
    return json.dumps({**fields, "sha256": digest.hexdigest()}, sort_keys=True).encode()


def _read_trailer(trailer: bytes) -> About:
    try:
        about = About(**{k: v for k, v in json.loads(trailer).items() if k != "sha256"})
        about.form  # noqa: B018 - checks metric and precision
    except (ValueError, TypeError, AttributeError, KnowledgeError) as error:
        raise SnapshotError("its trailer can't be read") from error
    return about


def _remove_abandoned(path: Path) -> None:
    """Half-written files of killed processes."""
    for beside in path.parent.glob(f"{path.name}.*.tmp"):
        try:
            if time.time() - beside.stat().st_mtime > _ABANDONED_SECONDS:
                beside.unlink()
        except FileNotFoundError:
            continue


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

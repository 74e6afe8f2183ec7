"""The file of a space's index: written and read by FAISS inside a snapshot."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from assistant.knowledge.changes import Cursor
from assistant.knowledge.index import snapshot
from assistant.knowledge.index.building import Base
from assistant.knowledge.index.engine import faiss
from assistant.knowledge.index.snapshot import About, SnapshotError
from assistant.knowledge.spaces import Space
from assistant.knowledge.vectors import Form

__all__ = ["SnapshotError", "published", "read", "size", "verify", "write"]


def write(path: Path, space: Space, base: Base) -> None:
    """Raises OSError if the folder can't be written or the disk is full; the old file stays."""
    about = About(
        space=space.id,
        dimension=space.form.dimension,
        metric=space.form.metric,
        precision=space.form.precision,
        kind=base.kind,
        count=int(base.index.ntotal),
        recall=base.recall,
        seq=base.cursor.seq,
        stamp=base.cursor.stamp,
    )

    def write_index(take: Callable[[bytes], int]) -> None:
        writer = faiss.PyCallbackIOWriter(take)
        if space.form.precision == "binary":
            faiss.write_index_binary(base.index, writer)
        else:
            faiss.write_index(base.index, writer)

    snapshot.publish(path, about, write_index)


def read(path: Path, space: Space, *, only_head: bool = False) -> Base:
    """The verified index in the file (with ``only_head``, verified in its structure): mapped, not
    copied into memory.

    Raises:
        FileNotFoundError: there is none.
        OSError: it can't be read.
        SnapshotError: it is torn, damaged or of another space.
    """
    while True:
        with path.open("rb") as file:
            about = snapshot.check(file, only_head=only_head)
            if about.space != space.id or about.form != space.form:
                raise SnapshotError("it belongs to another collection")
            index = _index_at(path, space.form)
            if _is_at(file, path):
                return Base(index, about.kind, Cursor(about.seq, about.stamp), about.recall)
        # Another process published in between: what was checked is not what was read.


def verify(path: Path) -> None:
    """Raises OSError or SnapshotError if the file is not whole."""
    with path.open("rb") as file:
        snapshot.check(file)


def size(path: Path) -> int:
    """Bytes, 0 where there is no file."""
    return path.stat().st_size if path.exists() else 0


def published(path: Path, space: Space) -> Cursor | None:
    """The place in the log of the file's base, unverified; None where there is no such file."""
    try:
        about = snapshot.glance(path)
    except (OSError, SnapshotError):
        return None
    return Cursor(about.seq, about.stamp) if about.space == space.id else None


def _index_at(path: Path, form: Form) -> Any:
    try:
        if form.precision == "binary":
            return faiss.read_index_binary(str(path))
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        if not path.exists():  # its space was cleared away since it was verified
            raise FileNotFoundError(path) from error
        raise SnapshotError(str(error).splitlines()[0]) from error


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False

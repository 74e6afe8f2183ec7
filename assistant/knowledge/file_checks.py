"""The files beside the database: indexes that fit it, and nothing half-written or forgotten."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from assistant.errors import KnowledgeError
from assistant.knowledge import changes
from assistant.knowledge.changes import Cursor
from assistant.knowledge.checks import Fault
from assistant.knowledge.folder import DATABASE_NAME, Folder
from assistant.knowledge.index import snapshot
from assistant.knowledge.index.snapshot import SnapshotError
from assistant.knowledge.spaces import BUILDING, Space, find_space, list_spaces


def index_files(folder: Folder, deep: bool) -> Iterator[Fault]:
    """Each is whole and fits the database; ``deep``: with the log it holds just its vectors. One
    that is missing is no fault: the next search makes it."""
    with folder.database.read() as connection:
        spaces = list_spaces(connection)
    for space in spaces:
        path = folder.index_path(space.id)
        reason = _reason(folder, path, space, deep)
        if reason:
            message = KnowledgeError(
                "The index file {path} of collection {name} can't be used ({en}): it is built "
                "anew.",
                "知识库 {name} 的索引文件 {path} 无法使用（{zh}）：将重建。",
                path=path,
                name=space.collection,
                en=reason,
                zh=_CHINESE.get(reason, reason),
            )
            yield Fault("index", message, partial(_rebuild, folder, path, space), subject=path)


def _strays(folder: Folder) -> list[Path]:
    """Index files of spaces that are gone."""
    # The files first: a space that is made meanwhile is no stray file's.
    paths = sorted(folder.index_dir.glob("*.faiss"))
    with folder.database.read() as connection:
        known = {folder.index_path(space.id) for space in list_spaces(connection)}
    return [path for path in paths if path not in known]


def remove_strays(folder: Folder) -> None:
    for path in _strays(folder):
        _remove(path)


def _reason(folder: Folder, path: Path, space: Space, deep: bool) -> str:
    """What is wrong with an index file; empty if nothing is, or if it is gone."""
    try:
        with path.open("rb") as file:
            about = snapshot.check(file)
        if (about.space, about.form) != (space.id, space.form):
            return _FOREIGN
        if not _is_known(folder, space, Cursor(about.seq, about.stamp)):
            return _UNKNOWN
        is_full = not deep or _holds_all(folder, path, space)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return str(error.strerror)
    except SnapshotError as error:
        return str(error)
    return "" if is_full else _OTHER


def _is_known(folder: Folder, space: Space, cursor: Cursor) -> bool:
    with folder.database.read() as connection:
        is_gone = find_space(connection, space.id) is None  # meanwhile
        return is_gone or changes.holds(connection, space.id, cursor)


def _holds_all(folder: Folder, path: Path, space: Space) -> bool:
    from assistant.knowledge.index.contents import held_by

    ids, cursor = held_by(path, space)
    held = set(ids.tolist())
    if len(held) != len(ids):
        return False
    with folder.database.read() as connection:
        if find_space(connection, space.id) is None:
            return True
        rows = {row[0] for row in connection.execute(_ROWS, (space.id,))}
        for row_id, kind in connection.execute(_SINCE, (space.id, cursor.seq)):
            (held.add if kind == "add" else held.discard)(row_id)
    return held == rows


def _rebuild(folder: Folder, path: Path, space: Space) -> None:
    path.unlink(missing_ok=True)
    with folder.database.read() as connection:
        count, _ = changes.extent(connection, space.id)
    if count and space.state != BUILDING:  # a reindex publishes its own
        folder.index(space).publish()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)


def leftovers(folder: Folder, _: bool) -> Iterator[Fault]:
    """Index files of spaces that are gone, and what processes left that were killed while they
    wrote a file. They do no harm."""
    for path in _strays(folder):
        message = KnowledgeError(
            "The index file {path} belongs to no collection any more.",
            "索引文件 {path} 不再属于任何知识库。",
            path=path,
        )
        yield Fault("leftovers", message, partial(_remove, path), False, path)
    found = [*folder.data_dir.glob(f"{DATABASE_NAME}.*.tmp"), *folder.index_dir.glob("*.tmp")]
    for path in sorted(found):
        if _is_abandoned(path):
            message = KnowledgeError(
                "{path} was left half-written by a process that was killed.",
                "{path} 是被强制结束的进程留下的未写完的文件。",
                path=path,
            )
            repair = partial(path.unlink, missing_ok=True)
            yield Fault("leftovers", message, repair, False, path)


def _is_abandoned(path: Path) -> bool:
    """Whether the process whose number is in the name has ended, or the file is old."""
    writer = path.name.removesuffix(".tmp").rpartition(".")[2].partition("-")
    try:
        is_old = time.time() - path.stat().st_mtime > snapshot.ABANDONED_SECONDS
    except FileNotFoundError:
        return False
    if is_old or not writer[1] or not writer[0].isdecimal():
        return is_old
    try:
        os.kill(int(writer[0]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's
        return False
    return False


_FOREIGN = "it belongs to another collection"
_UNKNOWN = "it is of another state of the database"
_OTHER = "it doesn't hold just the vectors of the database"
_CHINESE = {
    _FOREIGN: "属于其他知识库",
    _UNKNOWN: "与数据库的状态不符",
    _OTHER: "与数据库中的向量不一致",
    "it is too short": "文件过短",
    "its end is missing": "文件不完整",
    "its checksum is wrong": "校验和不符",
}
_ROWS = "SELECT chunk FROM vectors WHERE space_id = ?"
_SINCE = "SELECT chunk, kind FROM changes WHERE space_id = ? AND seq > ? ORDER BY seq"

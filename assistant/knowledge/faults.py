"""SQLite's errors as ours: what happened, and what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from assistant.errors import KnowledgeError


def as_knowledge_error(error: sqlite3.Error, path: Path) -> KnowledgeError | None:
    """An error about the database at ``path``; None where ``error`` is a fault of this program."""
    name = getattr(error, "sqlite_errorname", "")
    for prefixes, en, zh in _FAULTS:
        if name.startswith(prefixes):
            return KnowledgeError(en, zh, path=path, folder=path.parent, reason=error)
    return None


_FAULTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        # Without room for the shared memory of the write-ahead log, that is what fails first.
        ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"),
        "The disk of {folder} is full: nothing was changed; make room and try again.",
        "{folder} 所在磁盘已满：未做任何更改，请清理空间后重试。",
    ),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"),
        "{path} can't be opened for writing ({reason}): make the folder writable for this user, "
        "or set DATA_DIR in .env to another one.",
        "无法写入 {path}（{reason}）：请让当前用户可写该目录，或在 .env 中更换 DATA_DIR。",
    ),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        "{path} is damaged or no SQLite database ({reason}): stop the app and run "
        "`python -m ingest doctor`, or bring it back with `python -m ingest restore`.",
        "{path} 已损坏或不是 SQLite 数据库（{reason}）：请停止应用后运行 "
        "`python -m ingest doctor`，或用 `python -m ingest restore` 从备份恢复。",
    ),
    (
        ("SQLITE_IOERR",),
        "The disk failed while {path} was in use ({reason}): check the disk and try again.",
        "访问 {path} 时磁盘出错（{reason}）：请检查磁盘后重试。",
    ),
)

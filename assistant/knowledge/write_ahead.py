"""SQLite's write-ahead log: switched on, fair to many writers, and bounded with readers around."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

from assistant.errors import KnowledgeError

_MOST_BYTES = 16 << 20
_WAIT_MS = 200  # for readers to come to the end of their transactions
#: When the log begins anew, its file is cut to this.
LOG_SETTING = "PRAGMA journal_size_limit = 4194304"


def use_log(connection: sqlite3.Connection, path: Path, wait_seconds: float) -> None:
    """Switch the database to its write-ahead log. Several processes may make the database at once,
    and the switch doesn't wait for the others as other statements do.

    Raises:
        KnowledgeError: it can't be: the file system has no shared memory.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise KnowledgeError(
            "{path} can't use SQLite's write-ahead log (it is in mode {mode}): put DATA_DIR "
            "on a local disk.",
            "{path} 无法启用 SQLite 预写日志（模式 {mode}）：请把 DATA_DIR 放在本地磁盘上。",
            path=path,
            mode=mode,
        )


def begin_writing(connection: sqlite3.Connection, deadline: float) -> None:
    """Begin the write transaction. SQLite itself would wait longer after each try, and then longer
    than those who came later: where many write, one of them might never get its turn."""
    connection.execute("PRAGMA busy_timeout = 0")
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - a pause


def bound_log(connection: sqlite3.Connection, path: Path) -> None:
    """Let the log begin anew when it is long. SQLite does so by itself only when it finds a moment
    without readers, which may never come."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > _MOST_BYTES:
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
        connection.execute("PRAGMA wal_checkpoint(RESTART)")  # tells of failure in its row

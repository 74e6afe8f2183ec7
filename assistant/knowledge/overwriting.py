"""Another database's content in the place of the live one, in one transaction: who has it open sees
the old or the new, without opening it again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.database import WAIT_SECONDS, Connection


def open_unsafe(path: Path) -> Connection:
    """A fast connection to a file that is made again if anything happens meanwhile."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for setting in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def raise_sequence(connection: Connection, table: str, least: int) -> None:
    """Let new rows of an AUTOINCREMENT table have numbers above ``least``."""
    raised = connection.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (least, table)
    )
    if not raised.rowcount:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, least))


def overwrite(
    new: Path, live: Connection, check: Callable[[], None], wait: float = WAIT_SECONDS
) -> None:
    """Make the content of the database ``new`` that of ``live``, in one transaction.

    Args:
        check: called once the write lock is held; what it raises leaves ``live`` as it was.

    Raises:
        KnowledgeLocked: others wrote for the whole wait.
        KnowledgeError: the disk is full or failed.
    """
    deadline = time.monotonic() + wait
    is_checked = False

    def step(status: int, _: int, __: int) -> None:
        nonlocal is_checked
        if status == sqlite3.SQLITE_OK and not is_checked:
            check()
            is_checked = True
        if status not in (sqlite3.SQLITE_OK, sqlite3.SQLITE_DONE) and time.monotonic() > deadline:
            raise KnowledgeLocked(
                "Another process is writing and did not finish within {seconds:g} s: nothing was "
                "changed; try again in a moment.",
                "另一个进程正在写入，{seconds:g} 秒内未完成：未做任何更改，请稍后重试。",
                seconds=wait,
            )

    try:
        with closing(sqlite3.connect(new)) as source:
            size = source.execute("PRAGMA page_count").fetchone()[0]
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # In steps, the first of which takes the lock.
            source.backup(live, pages=max(1, size // 100), progress=step, sleep=0.05)
            # Give back the room of the log, which holds it all once more.
            live.execute("PRAGMA busy_timeout = 500")
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise KnowledgeError(
            "The database can't be written ({reason}): nothing was changed; check the disk and try "
            "again.",
            "无法写入数据库（{reason}）：未做任何更改，请检查磁盘后重试。",
            reason=error,
        ) from error

"""SQLite: the one database of a data folder, and the only module that knows SQLite.

Any number of threads and processes read; one writes at a time, for the length of one commit.
A commit is on the disk when :meth:`Database.write` returns (``synchronous=FULL``: with NORMAL,
WAL mode may lose the last commits when the power goes).
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.disk import make_folder, refuse_network, sync
from assistant.knowledge.faults import as_knowledge_error
from assistant.knowledge.migrations import SCHEMA_VERSION, make_or_migrate
from assistant.knowledge.write_ahead import LOG_SETTING, begin_writing, bound_log, use_log

logger = logging.getLogger(__name__)

#: What the functions of the neighbouring modules take; they need not import sqlite3.
Connection = sqlite3.Connection
Row = sqlite3.Row

#: "KnBs": tells our database from another program's.
APPLICATION_ID = 0x4B6E4273
WAIT_SECONDS = 10.0

_SETTINGS = (
    "PRAGMA synchronous = FULL",
    # On macOS a plain fsync leaves the data in the drive's cache.
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    # What was deleted is overwritten in the file.
    "PRAGMA secure_delete = ON",
    LOG_SETTING,
)


class Database:
    """Connections to ``path``; made with its folder where missing.

    Args:
        path: the database file.
        wait_seconds: how long a write waits for another writer before ``KnowledgeLocked``.

    Raises:
        KnowledgeError: the folder can't be made or written, the file is no database of ours, is
            damaged, or was written by a newer version.
    """

    def __init__(self, path: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        self.path = path
        self._wait = wait_seconds
        self._write_lock = threading.Lock()
        self._pool_lock = threading.Lock()
        self._idle: list[Connection] = []
        self._writer: Connection | None = None
        self._closed = False
        make_folder(path.parent)
        refuse_network(path.parent)
        self._prepare()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection inside one read transaction: all its queries see the same state."""
        with self._translated():
            connection = self._borrow()
            try:
                connection.execute("BEGIN")
                self._check_unchanged(connection)
                yield connection
            finally:
                self._give_back(connection)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection inside the one write transaction: committed at the end, or rolled back
        when the block raises.

        Raises:
            KnowledgeLocked: another thread or process wrote for the whole wait.
        """
        deadline = time.monotonic() + self._wait
        if not self._write_lock.acquire(timeout=self._wait):
            raise self._locked()
        try:
            with self._translated():
                connection = self._open_writer()
                begin_writing(connection, deadline)
                try:
                    self._check_unchanged(connection)
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                bound_log(connection, self.path)
        finally:
            self._write_lock.release()

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy to ``path``, which must not exist, while others read and write.

        Raises:
            KnowledgeError: ``path`` exists or can't be written. Nothing is left there.
        """
        if path.exists():
            raise KnowledgeError(
                "{path} exists: name a new file, or move that one away.",
                "{path} 已存在：请换一个文件名，或将其移走。",
                path=path,
            )
        make_folder(path.parent)
        beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            # VACUUM INTO leaves out what deletions left behind, and syncs nothing itself.
            with self._translated(), closing(self.connect()) as connection:
                connection.execute("VACUUM INTO ?", (str(beside),))
            sync(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def close(self) -> None:
        """Close all connections; one that is in use is closed when it comes back."""
        with self._write_lock, self._pool_lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _prepare(self) -> None:
        """Check the version; make the tables of a new database."""
        with self._translated():
            connection = self.connect()
            try:
                self._check_owner(connection)
                self._check_version(connection)
                use_log(connection, self.path, self._wait)
                self._make_tables(connection)
            finally:
                connection.close()

    def _check_owner(self, connection: Connection) -> None:
        # In one transaction: another process may be making the tables.
        connection.execute("BEGIN")
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        connection.execute("COMMIT")
        if tables and owner != APPLICATION_ID:
            raise KnowledgeError(
                "{path} is the database of another program: move it away, or set DATA_DIR in .env "
                "to another folder.",
                "{path} 是其他程序的数据库：请将其移走，或在 .env 中把 DATA_DIR 设为其他目录。",
                path=self.path,
            )

    def _check_version(self, connection: Connection) -> int:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise KnowledgeError(
                "{path} was written by a newer version of this program (schema {found}; this one "
                "knows up to {known}): update the program, or set DATA_DIR to another folder.",
                "{path} 由更新版本的程序写入（数据库版本 {found}，当前程序最高支持 {known}）："
                "请升级程序，或将 DATA_DIR 设为其他目录。",
                path=self.path,
                found=version,
                known=SCHEMA_VERSION,
            )
        return version

    def _check_unchanged(self, connection: Connection) -> None:
        if self._check_version(connection) != SCHEMA_VERSION:
            raise KnowledgeError(
                "{path} was replaced by one of an older version while this program ran: restart "
                "the program.",
                "程序运行期间，{path} 被替换为旧版本的数据库：请重启程序。",
                path=self.path,
            )

    def _make_tables(self, connection: Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = self._check_version(connection)
            if version < SCHEMA_VERSION:
                make_or_migrate(connection, version)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def connect(self) -> Connection:
        """A connection of the caller's own, outside any transaction; to be closed by it."""
        connection = sqlite3.connect(
            self.path, timeout=self._wait, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _open_writer(self) -> Connection:
        self._check_open()
        if self._writer is None:
            self._writer = self.connect()
            # Pages of the indexes, which grow with the database, from one write to the next.
            self._writer.execute("PRAGMA cache_size = -65536")
        return self._writer

    def _borrow(self) -> Connection:
        # A pool, not a connection per thread: servers start many short-lived threads.
        with self._pool_lock:
            self._check_open()
            if self._idle:
                return self._idle.pop()
        connection = self.connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._pool_lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def _check_open(self) -> None:
        if self._closed:
            raise KnowledgeError(
                "The knowledge base {path} is closed: open it again.",
                "知识库 {path} 已关闭：请重新打开。",
                path=self.path,
            )

    def _locked(self) -> KnowledgeLocked:
        return KnowledgeLocked(
            "Another process is writing to {path} and did not finish within {seconds:g} s: "
            "nothing was changed; try again in a moment.",
            "另一个进程正在写入 {path}，{seconds:g} 秒内未完成：未做任何更改，请稍后重试。",
            path=self.path,
            seconds=self._wait,
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors as ours, with what to do."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise self._locked() from error
            if fault := as_knowledge_error(error, self.path):
                raise fault from error
            raise

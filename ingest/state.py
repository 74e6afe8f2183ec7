"""``DATA_DIR/ingest.db``: what ingest remembers between runs.

It holds no documents. It may be deleted at any time: then everything is read once more, and what
did not change is still neither embedded nor stored again. It is a file of its own so that a crawl,
which writes here all along, takes no turn at the knowledge base's write lock.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from assistant.errors import DocumentError

logger = logging.getLogger(__name__)

NAME = "ingest.db"
VERSION = 1
WAIT_SECONDS = 30.0
_SCHEMA = Path(__file__).with_name("state.sql")


class State:
    """The file, open. Safe for the threads of one process, and beside other processes.

    A file that is damaged or of another version is set aside and begun anew. What goes wrong later
    is logged once; from then on nothing is read and nothing kept: that costs time, never a run.

    Args:
        is_trial: works on a copy that is dropped in the end.

    Raises:
        DocumentError: the folder can't be written to.
    """

    def __init__(self, data_dir: Path, *, is_trial: bool = False) -> None:
        self.path = data_dir / NAME
        self._lock = threading.RLock()
        self._copy: Path | None = None
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._connection: sqlite3.Connection | None = self._open()
            if is_trial:
                self._connection = self._copied(self._connection)
        except (OSError, sqlite3.Error) as error:
            raise DocumentError(
                "{path} can't be opened ({reason}): check the rights of DATA_DIR and the room on "
                "its disk.",
                "{path} 无法打开（{reason}）：请检查 DATA_DIR 的权限和磁盘空间。",
                path=self.path,
                reason=error,
            ) from error

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_usable(self) -> bool:
        return self._connection is not None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._copy is not None:
                shutil.rmtree(self._copy, ignore_errors=True)
                self._copy = None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query gives; nothing where the file can't be used any more."""
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return []

    def write(self, sql: str, values: Sequence[Any] = ()) -> None:
        self.write_all(sql, [values])

    def write_all(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """The statement for each of the rows, in one transaction."""
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(sql, rows)
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        logger.warning("%s can't be used any more (%s): going on without it", self.path, error)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if not isinstance(error, sqlite3.OperationalError) and self._copy is None:
            self._set_aside(error)

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, ValueError) as error:
            self._set_aside(error)
            return _connect(self.path)

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_suffix(f".{int(time.time())}.broken")
        logger.warning("%s can't be used (%s): kept as %s", self.path, error, aside.name)
        self.path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(NAME + suffix).unlink(missing_ok=True)

    def _copied(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        self._copy = Path(tempfile.mkdtemp(prefix="ingest-trial-"))
        self.path = self._copy / NAME
        with closing(connection), closing(sqlite3.connect(self.path)) as copy:
            connection.backup(copy)
        return _connect(self.path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        _use_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if _version(connection) == 0:
            _create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_log(connection: sqlite3.Connection) -> None:
    """Several processes may make the file at once, and this switch doesn't wait for the others as
    other statements do."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _version(connection: sqlite3.Connection) -> int:
    """0 for a new file. Raises ValueError for another than ours."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version not in (0, VERSION):
        raise ValueError(f"version {version}, not {VERSION}")
    return version


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has just made them."""
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) == 0:
        for statement in _SCHEMA.read_text("utf-8").split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")

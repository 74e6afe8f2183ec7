"""Vectors that were asked for before: one file for all processes of a data folder.

A row is found by a digest of the model's fingerprint and the text, and holds the float32 bytes as
the model gave them. Only documents are kept: what people ask and say is theirs to erase, so
nothing of it may stay in a file that doesn't know whose it is. The file is a convenience:
whatever is wrong with it is logged, and the vectors are made instead.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import sqlite3
import threading
import time
import weakref
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.models.embedding.model import Embed, EmbeddingModel, Vectors, usable

log = logging.getLogger(__name__)

PAGE = 4096  # bytes
WAIT_SECONDS = 0.2  # for another process's write; then this one is left out
QUIET_SECONDS = 60.0  # between two lines in the log about the same trouble
HOUR = 3600  # uses within an hour are one: most hits write nothing
MOST_ASKED = 500  # rows in one SELECT
LEAST_DROPPED = 64  # rows that may go at once, where the file is too large
LEAST_SHRUNK, MOST_SHRUNK = 64, 256  # pages given back at once
#: SQLite's words for a file that is damaged or not ours.
DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")

SCHEMA = (
    "PRAGMA synchronous = OFF",  # of a new file nothing can be lost
    f"PRAGMA page_size = {PAGE}",
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, used INTEGER NOT NULL, "
    "sum INTEGER NOT NULL, vector BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS vectors_used ON vectors (used)",
    # A commit that is lost when the power goes costs an embedding, no more.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA journal_size_limit = 4194304",
)


def cached(model: EmbeddingModel, path: Path, megabytes: int) -> EmbeddingModel:
    """``model``, whose vectors of documents are kept in ``path``.

    Args:
        megabytes: the most that the file may have; 0: ``model`` as it is.
    """
    if megabytes == 0:
        return model
    file = CacheFile(path, megabytes)

    def close() -> None:
        file.close()
        model.close()

    return replace(
        model,
        passages=_remembered(file, model),
        private=model.passages,
        close=close,
    )


def _remembered(file: CacheFile, model: EmbeddingModel) -> Embed:
    """Its passages, asked only for texts that are not in ``file``, each once, in their order."""
    begin = hashlib.blake2b(f"{model.fingerprint}\0passage\0".encode(), digest_size=16)
    size = model.dimension * np.dtype(np.float32).itemsize

    def key_of(text: str) -> bytes:
        digest = begin.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def run(texts: Sequence[str]) -> Vectors:
        keys = [key_of(text) for text in texts]
        found = file.get(keys, size)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            made = np.ascontiguousarray(model.passages(list(missing.values())), dtype=np.float32)
            rows = {key: row.tobytes() for key, row in zip(missing, made, strict=True)}
            good = dict(zip(rows, usable(made), strict=True))
            file.put({key: row for key, row in rows.items() if good[key]})
            found.update(rows)
        joined = bytearray().join([found[key] for key in keys])
        return np.frombuffer(joined, dtype=np.float32).reshape(len(texts), model.dimension)

    return run


class _Damaged(Exception):
    """A row is not what was stored."""


class CacheFile:
    """key -> bytes in one SQLite file that any number of threads and processes use; the rows used
    least recently go when it is full.

    Args:
        path: made with its folder when first used.
        megabytes: about the most that the file has.
    """

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path = path
        self.pages = megabytes * 1024 * 1024 // PAGE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._end: weakref.finalize[..., CacheFile] | None = None
        self._file = 0  # its inode when it was opened
        self._quiet_until = 0.0

    def get(self, keys: Sequence[bytes], size: int) -> dict[bytes, bytes]:
        """Those of the rows that are there, of ``size`` bytes each."""
        with self._lock:
            try:
                return self._get(list(dict.fromkeys(keys)), size)
            except (sqlite3.Error, OSError, _Damaged) as error:
                self._go_on_without(error)
                return {}

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Store rows, and drop old ones where the file is too large for them."""
        if not rows:
            return
        with self._lock:
            try:
                self._put(rows)
            except (sqlite3.Error, OSError) as error:
                self._go_on_without(error)

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def _get(self, keys: list[bytes], size: int) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        stale: list[bytes] = []
        now = _hour()
        connection = self._connect()
        for start in range(0, len(keys), MOST_ASKED):
            part = keys[start : start + MOST_ASKED]
            marks = ",".join("?" * len(part))
            sql = f"SELECT key, used, sum, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608
            for key, used, checksum, vector in connection.execute(sql, part):
                if len(vector) != size or zlib.crc32(vector) != checksum:
                    raise _Damaged(f"row {key.hex()}")
                found[key] = vector
                if used != now:
                    stale.append(key)
        if stale:
            self._touch(connection, stale, now)
        return found

    def _touch(self, connection: sqlite3.Connection, keys: list[bytes], now: int) -> None:
        """Note that rows were used; where another process writes, another time will do."""
        with suppress(sqlite3.OperationalError), connection:
            connection.execute("BEGIN IMMEDIATE")
            sql = "UPDATE vectors SET used = ? WHERE key = ?"
            connection.executemany(sql, [(now, key) for key in keys])

    def _put(self, rows: Mapping[bytes, bytes]) -> None:
        connection, now = self._connect(), _hour()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                [(key, now, zlib.crc32(row), row) for key, row in rows.items()],
            )
            too_many = self._used_pages(connection) - self.pages
            if too_many > 0:
                self._drop(connection, len(rows), too_many * PAGE // len(next(iter(rows.values()))))
        self._shrink(connection)

    def _drop(self, connection: sqlite3.Connection, added: int, too_many: int) -> None:
        """A few rows at a time: each call stays short, however much is too much."""
        connection.execute(
            "DELETE FROM vectors WHERE rowid IN "
            "(SELECT rowid FROM vectors ORDER BY used, rowid LIMIT ?)",
            (min(too_many + 1, max(2 * added, LEAST_DROPPED)),),
        )

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Give pages back that a larger limit once let it have."""
        too_many = _number(connection, "page_count") - self.pages
        if too_many > LEAST_SHRUNK and _number(connection, "freelist_count") > 0:
            # A script, for this statement does a page at each step.
            connection.executescript(f"PRAGMA incremental_vacuum({min(too_many, MOST_SHRUNK)})")

    def _used_pages(self, connection: sqlite3.Connection) -> int:
        return _number(connection, "page_count") - _number(connection, "freelist_count")

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _inode(self.path)
            connection = sqlite3.connect(
                self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            end = weakref.finalize(self, connection.close)
            try:
                for statement in SCHEMA:
                    connection.execute(statement)
            except sqlite3.Error:
                end()
                raise
            self._connection, self._end, self._file = connection, end, _inode(self.path)
        return self._connection

    def _disconnect(self) -> None:
        if self._end is not None:
            self._end()
        self._connection = self._end = None

    def _go_on_without(self, error: Exception) -> None:
        name = getattr(error, "sqlite_errorname", "")
        if isinstance(error, _Damaged) or name.startswith(DAMAGE):
            self._set_aside(error)
        else:
            self._complain("The cache of embeddings %s is left out: %s", error)

    def _set_aside(self, error: Exception) -> None:
        """Begin a new file, unless another process did."""
        self._disconnect()
        beside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._file and self._file == _inode(self.path):
                    self.path.replace(beside)
                    for tail in ("-wal", "-shm"):
                        self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        except OSError as reason:
            self._complain("The damaged cache of embeddings %s stays: %s", reason)
            return
        log.warning("The cache of embeddings was damaged (%s): %s is begun anew", error, self.path)

    def _complain(self, words: str, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.warning(words, self.path, error)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _hour() -> int:
    return int(time.time()) // HOUR


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

"""Every chunk is in the keyword table once, with the words of its text.

The table is contentless: its rows are known by the sizes that FTS5 keeps of them
(``chunk_words_docsize``), its words through FTS5's vocabulary table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.errors import KnowledgeError
from assistant.knowledge.checks import Fault, in_one, in_pieces
from assistant.knowledge.database import Connection
from assistant.knowledge.folder import Folder
from assistant.knowledge.keywords import column_of
from assistant.knowledge.migrations import rebuild_keywords

_PIECE = 500  # chunks whose words one transaction adds


def keywords(folder: Folder, deep: bool) -> Iterator[Fault]:
    """``deep``: the words are those of the texts, and FTS5's own check, which keeps others from
    writing meanwhile, finds nothing."""
    try:
        missing, reason = _inspect(folder, deep)
    except (KnowledgeError, sqlite3.DatabaseError) as error:
        if isinstance(error, KnowledgeError) and not _is_of_table(error):
            raise
        missing, reason = 0, str(error.__cause__ or error)
    if reason:
        message = KnowledgeError(
            "The keyword index is damaged ({reason}): it is made anew from the texts.",
            "关键词索引已损坏（{reason}）：将根据文本重建。",
            reason=reason,
        )
        yield Fault("keywords", message, in_one(folder, rebuild_keywords), subject="all")
    elif missing:
        message = KnowledgeError(
            "{count} chunks can't be found by keywords.",
            "{count} 个片段无法通过关键词检索。",
            count=missing,
        )
        yield Fault("keywords", message, in_pieces(folder, _add_missing), subject="missing")


def _is_of_table(error: KnowledgeError) -> bool:
    """Whether the keyword table is damaged, not the database file."""
    return getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_CORRUPT_VTAB"


def _inspect(folder: Folder, deep: bool) -> tuple[int, str]:
    """How many chunks have no row, and what is wrong with the rows (empty: nothing)."""
    with folder.database.read() as connection:
        missing: int = connection.execute(f"SELECT count(*) FROM ({_MISSING})").fetchone()[0]  # noqa: S608
        extra = connection.execute(f"SELECT count(*) FROM ({_EXTRA})").fetchone()[0]  # noqa: S608
        if extra:
            return missing, f"{extra} rows without a chunk"
        with _vocabulary(connection):
            if not _has_all_words(connection):
                return missing, "not the number of words that its rows have"
            if deep and not missing and not _has_right_words(connection):
                return missing, "other words than the texts have"
    if deep:
        with folder.database.write() as connection:
            connection.execute("INSERT INTO chunk_words (chunk_words) VALUES ('integrity-check')")
    return missing, ""


@contextmanager
def _vocabulary(connection: Connection) -> Iterator[None]:
    """A table ``vocabulary``: each term, in how many chunks, how often."""
    # Even a temporary table can't be made where only queries are allowed.
    connection.execute("PRAGMA query_only = OFF")
    try:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, chunk_words, row)"
        )
        yield
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.vocabulary")
        connection.execute("PRAGMA query_only = ON")


def _has_all_words(connection: Connection) -> bool:
    sizes = sum(_varint(row[0]) for row in connection.execute("SELECT sz FROM chunk_words_docsize"))
    words = connection.execute("SELECT coalesce(sum(cnt), 0) FROM temp.vocabulary").fetchone()
    return bool(sizes == words[0])


def _varint(data: bytes) -> int:
    """SQLite's integers of varying length: seven bits a byte, the highest first."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value


def _has_right_words(connection: Connection) -> bool:
    """Compare the totals of all terms as sums of hashes, for which no list need be kept."""
    words = chunks = 0
    rows = connection.execute(
        "SELECT collection_id, text, heading_path FROM chunks WHERE json_valid(heading_path)"
    )
    for row in rows:
        own = column_of(row, row["collection_id"]).split()
        words += sum(map(hash, own))
        chunks += sum(map(hash, set(own)))
    for term, in_chunks, count in connection.execute("SELECT term, doc, cnt FROM temp.vocabulary"):
        words -= hash(term) * count
        chunks -= hash(term) * in_chunks
    return words == chunks == 0


def _add_missing(connection: Connection) -> bool:
    rows = connection.execute(
        f"SELECT id, collection_id, text, heading_path FROM chunks WHERE id IN ({_MISSING}) "  # noqa: S608
        "LIMIT ?",
        (_PIECE,),
    ).fetchall()
    for row in rows:
        connection.execute(
            "INSERT INTO chunk_words (rowid, words) VALUES (?, ?)",
            (row["id"], column_of(row, row["collection_id"])),
        )
    return len(rows) < _PIECE


_MISSING = "SELECT id FROM chunks EXCEPT SELECT id FROM chunk_words_docsize"
_EXTRA = "SELECT id FROM chunk_words_docsize EXCEPT SELECT id FROM chunks"

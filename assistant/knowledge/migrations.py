"""Brings the database of an older version here, in one transaction: all of it, or nothing.

Version 2 keeps the vectors apart from the chunks, in spaces, so that a reindex can fill another
model's beside those that are searched; and it no longer stores the segmented text. Version 3 folds
traditional characters into simplified ones in the keyword index. Version 4 gives collections a
title and readers: those that were there are read by everyone, as before. Version 5 tells which
collections hold the files attached to a conversation: none of those that were there.

A change of what :mod:`keywords` makes of a text needs a new version, whose migration is
:func:`rebuild_keywords`: words are deleted by making them again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from assistant.knowledge.keywords import column_of

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 5


def make_or_migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a database from ``version`` (0: empty) to :data:`SCHEMA_VERSION`, within the caller's
    transaction."""
    if version == 0:
        for statement in schema():
            connection.execute(statement)
        return
    for old in range(version, SCHEMA_VERSION):
        logger.warning("Migrating the knowledge base from version %d to %d.", old, old + 1)
        _STEPS[old](connection)


def rebuild_keywords(connection: sqlite3.Connection) -> None:
    """Make the keyword index anew from the chunks."""
    connection.execute("DROP TABLE IF EXISTS chunk_words")
    for statement in schema():
        if " chunk_words " in statement:
            connection.execute(statement)
    rows = connection.execute("SELECT id, collection_id, text, heading_path FROM chunks")
    for row in rows:
        connection.execute(
            "INSERT INTO chunk_words (rowid, words) VALUES (?, ?)",
            (row["id"], column_of(row, row["collection_id"])),
        )


def schema() -> Iterator[str]:
    """The statements of schema.sql."""
    statement = ""
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _to_2(connection: sqlite3.Connection) -> None:
    for name in ("spaces", "vectors", "fields"):
        connection.execute(_statement(f"CREATE TABLE {name} "))
    for name in ("one_serving_space", "one_building_space"):
        connection.execute(_statement(f"INDEX {name} "))
    connection.execute(
        "INSERT INTO spaces (collection_id, state, fingerprint, dimension, metric, precision, "
        "created_at) SELECT id, 'serving', fingerprint, dimension, 'cosine', 'float32', "
        "created_at FROM collections"
    )
    connection.execute(
        "INSERT INTO vectors (space_id, chunk, vector) SELECT spaces.id, chunks.id, vector "
        "FROM chunks JOIN spaces ON spaces.collection_id = chunks.collection_id ORDER BY chunks.id"
    )
    connection.execute(
        "INSERT INTO fields (collection_id, name) SELECT DISTINCT collection_id, key "
        "FROM chunks, json_each(chunks.metadata)"
    )
    connection.execute("ALTER TABLE chunks DROP COLUMN vector")
    for column in ("fingerprint", "dimension"):
        connection.execute(f"ALTER TABLE collections DROP COLUMN {column}")
    # The indexes are built anew: their files belong to collections, not to spaces.
    connection.execute("DROP TABLE changes")
    connection.execute(_statement("CREATE TABLE changes "))
    connection.execute(_statement("INDEX changes_of_space "))
    connection.execute(
        "INSERT INTO changes (space_id, chunk, kind, stamp) "
        "SELECT id, 0, 'delete', abs(random() >> 2) FROM spaces"
    )


def _to_3(connection: sqlite3.Connection) -> None:
    rebuild_keywords(connection)


def _to_4(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE collections ADD COLUMN title TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE collections ADD COLUMN readers TEXT NOT NULL DEFAULT '[\"*\"]'")


def _to_5(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE collections ADD COLUMN conversation TEXT NOT NULL DEFAULT ''")
    connection.execute(_statement("INDEX one_of_a_conversation "))


def _statement(beginning: str) -> str:
    return next(one for one in schema() if beginning in one)


_STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _to_2,
    2: _to_3,
    3: _to_4,
    4: _to_5,
}

"""The collections that hold what is attached to a conversation: one for each that has any, of its
user's own. They are in no list of the library; who knows user and conversation finds them here.
"""

from __future__ import annotations

import secrets
import time

from assistant.knowledge.catalogue import ATTACHED, can_be_stored
from assistant.knowledge.database import Row
from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.spaces import SERVING, make_space
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.vectors import Form

_INFO = (
    "SELECT collections.name, owner, conversation, collections.created_at, spaces.fingerprint, "
    "EXISTS (SELECT 1 FROM sources WHERE collection_id = collections.id AND chunks > 0) AS is_full "
    "FROM collections JOIN spaces ON spaces.collection_id = collections.id AND state = 'serving' "
    "WHERE conversation <> ''"
)


class AttachedCollections:
    """Of the folder that ``knowledge`` is in."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._database = knowledge.folder.database

    def find(self, owner: str, conversation: str) -> CollectionInfo | None:
        row = self._row(owner, conversation)
        return _info(row) if row else None

    def searchable(self, owner: str, conversation: str) -> KnowledgeBase | None:
        """The collection, where there is anything in it that this embedding model can search."""
        row = self._row(owner, conversation)
        if row is None or not row["is_full"] or row["fingerprint"] != self._knowledge.fingerprint:
            return None
        return self._knowledge.collection(row["name"])

    def is_stale(self, owner: str, conversation: str) -> bool:
        """Whether what is in it was embedded with another model."""
        row = self._row(owner, conversation)
        return bool(row and row["is_full"] and row["fingerprint"] != self._knowledge.fingerprint)

    def make(self, owner: str, conversation: str) -> CollectionInfo:
        """The conversation's collection, made where it has none.

        Raises:
            ValueError: that can be no conversation.
            KnowledgeLocked: others wrote for the whole wait.
        """
        if not conversation or not can_be_stored(conversation) or not can_be_stored(owner):
            raise ValueError(conversation)
        known = self._knowledge.form
        with self._database.write() as connection:
            found = connection.execute(
                "SELECT 1 FROM collections WHERE owner = ? AND conversation = ?",
                (owner, conversation),
            ).fetchone()
            if found is None:
                made = connection.execute(
                    "INSERT INTO collections (name, owner, readers, conversation, created_at) "
                    "VALUES (?, ?, '[]', ?, ?)",
                    (f"{ATTACHED}{secrets.token_hex(12)}", owner, conversation, time.time()),
                )
                form = Form(0, known.metric, known.precision)  # the first vectors make it anew
                make_space(
                    connection, made.lastrowid or 0, SERVING, self._knowledge.fingerprint, form
                )
        info = self.find(owner, conversation)
        assert info is not None  # noqa: S101 - written above
        return info

    def all(self, owner: str | None = None) -> list[CollectionInfo]:
        """Those of ``owner``, or of everybody, the oldest first."""
        test, values = (" AND owner = ?", (owner,)) if owner is not None else ("", ())
        with self._database.read() as connection:
            rows = connection.execute(f"{_INFO}{test} ORDER BY collections.id", values)
            return [_info(row) for row in rows]

    def exists(self, name: str) -> bool:
        """Whether there is an attached collection of this name."""
        with self._database.read() as connection:
            row = connection.execute(f"{_INFO} AND collections.name = ?", (name,)).fetchone()
        return row is not None

    def _row(self, owner: str, conversation: str) -> Row | None:
        if not (conversation and can_be_stored(conversation) and can_be_stored(owner)):
            return None
        with self._database.read() as connection:
            row: Row | None = connection.execute(
                f"{_INFO} AND owner = ? AND conversation = ?", (owner, conversation)
            ).fetchone()
        return row


def _info(row: Row) -> CollectionInfo:
    return CollectionInfo(row["name"], "", row["owner"], (), row["created_at"], row["conversation"])

"""Writing chunks: text, vector, keywords and change log appear and vanish in one transaction.

Chunks of a document get ids made of its URI, their content hash and a count of equal ones before
them, so adding a document again keeps the ids (and rows, and vectors) of what didn't change.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from assistant.errors import KnowledgeError
from assistant.knowledge.catalogue import Collection, change_count, note_fields
from assistant.knowledge.changes import ChangeLog
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.keywords import column_of, segment, words_column
from assistant.knowledge.records import NewChunk, Source, StoreReport
from assistant.knowledge.spaces import space_ids
from assistant.knowledge.vectors import Stored, to_blobs


@dataclass(frozen=True)
class ChunkRow:
    """A chunk as the database holds it; made before the write lock is taken."""

    chunk_id: str
    position: int
    text: str
    heading_path: str  # JSON
    page: int | None
    anchor: str | None
    metadata: str  # JSON
    content_hash: str
    words: tuple[str, ...]  # empty: they are made if the row turns out to be new
    fields: frozenset[str]  # names in the metadata
    vector: bytes

    def differs(self, row: Row) -> bool:
        """Whether anything but the vector is to be written anew over a row of this id."""
        return any(row[name] != getattr(self, name) for name in _UPDATABLE)

    def at(self, position: int) -> ChunkRow:
        return replace(self, position=position)


_SOURCE_PART = 12  # digits of a chunk's id that its source gives
_UPDATABLE = ("position", "text", "heading_path", "page", "anchor", "metadata")


def document_rows(
    uri: str, chunks: Sequence[NewChunk], vectors: Stored, known: Container[str] = ()
) -> list[ChunkRow]:
    """Rows for the chunks of a document.

    Args:
        vectors: shape (len(chunks), width).
        known: ids that are stored: their words, most of the work here, won't be needed.
    """
    seen: Counter[str] = Counter()
    rows = []
    for position, (chunk, vector) in enumerate(zip(chunks, to_blobs(vectors), strict=True)):
        content_hash = chunk.content_hash
        chunk_id = document_chunk_id(uri, content_hash, seen[content_hash])
        rows.append(
            ChunkRow(
                chunk_id=chunk_id,
                position=position,
                text=chunk.text,
                heading_path=to_json(chunk.heading_path),
                page=chunk.page,
                anchor=chunk.anchor,
                metadata="{}",
                content_hash=content_hash,
                words=() if chunk_id in known else tuple(segment(chunk.embedding_text)),
                fields=frozenset(),
                vector=vector,
            )
        )
        seen[content_hash] += 1
    return rows


def document_chunk_id(uri: str, content_hash: str, number: int) -> str:
    """``number`` counts the chunks of the same content before this one. Ids of a document begin
    alike: storing it touches few pages of their index."""
    content = derived_id(content_hash, str(number))
    return derived_id(uri)[:_SOURCE_PART] + content[_SOURCE_PART:]


def derived_id(*parts: str) -> str:
    """32 hexadecimal digits, the same for the same parts."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def to_json(value: object) -> str:
    """Raises KnowledgeError if ``value`` isn't made of texts, numbers, lists and mappings."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise unstorable_metadata(error) from error


def unstorable_metadata(reason: object) -> KnowledgeError:
    return KnowledgeError(
        "Metadata can't be stored ({reason}): use a mapping of texts, finite numbers, true/false, "
        "lists and mappings of these, not too deep in each other.",
        "元数据无法存储（{reason}）：应为映射，其中只能使用文本、有限数值、布尔值，"
        "以及由它们组成的、嵌套不太深的列表和映射。",
        reason=reason,
    )


class ChunkWriter:
    """Writes chunks within one transaction.

    Args:
        words: :func:`column_of` rows that may be deleted, made before the transaction, since a
            row's words never change; those that are missing are made in it.
    """

    def __init__(
        self,
        connection: Connection,
        collection: Collection,
        words: Mapping[int, str] | None = None,
    ) -> None:
        self._prepared = words or {}
        self._connection = connection
        self._collection = collection
        self._log = ChangeLog(connection)
        self._spaces = space_ids(connection, collection.id)

    def replace(self, source: Source, rows: Sequence[ChunkRow]) -> StoreReport:
        """Make ``rows`` the chunks of ``source``; those already there keep row, id and vector."""
        old = {row["chunk_id"]: row for row in self._of_source(source.id)}
        kept = [row for row in rows if row.chunk_id in old]
        for row in kept:
            if row.differs(old[row.chunk_id]):
                self.update(old[row.chunk_id]["id"], source.id, row)
        gone = old.keys() - {row.chunk_id for row in rows}
        self.delete(old[chunk_id]["id"] for chunk_id in gone)
        new = [row for row in rows if row.chunk_id not in old]
        self._check_free(row.chunk_id for row in new)
        self.insert(source.id, new)
        if new or gone:
            change_count(self._connection, source.id, len(new) - len(gone))
        return StoreReport(added=len(new), kept=len(kept), removed=len(gone))

    def insert(self, source_id: int, rows: Sequence[ChunkRow]) -> None:
        """New chunks with their vectors in the serving space; a reindex that runs finds them."""
        note_fields(
            self._connection,
            self._collection.id,
            frozenset().union(*(row.fields for row in rows)),
        )
        space = self._collection.space.id
        self._log.add(space, [self._insert(source_id, row) for row in rows])

    def update(self, row_id: int, source_id: int, row: ChunkRow) -> None:
        """Everything but what is embedded and indexed."""
        note_fields(self._connection, self._collection.id, row.fields)
        assignments = ", ".join(f"{name} = ?" for name in _UPDATABLE)
        self._connection.execute(
            f"UPDATE chunks SET source_id = ?, {assignments} WHERE id = ?",  # noqa: S608
            (source_id, *(getattr(row, name) for name in _UPDATABLE), row_id),
        )

    def delete(self, row_ids: Iterable[int]) -> None:
        """Text, vectors and keywords of these rows."""
        ids = list(row_ids)
        self._delete_words(ids)
        one_each = [(row_id,) for row_id in ids]
        for space in self._spaces:
            self._connection.executemany(
                "DELETE FROM vectors WHERE space_id = ? AND chunk = ?",
                [(space, row_id) for row_id in ids],
            )
            self._log.delete(space, ids)
        self._connection.executemany("DELETE FROM chunks WHERE id = ?", one_each)

    def delete_source(self, source_id: int) -> int:
        """The source with its chunks; how many there were."""
        rows = self._of_source(source_id)
        self.delete(row["id"] for row in rows)
        self._connection.execute("DELETE FROM sources WHERE id = ?", (source_id,))
        return len(rows)

    def _insert(self, source_id: int, row: ChunkRow) -> int:
        cursor = self._connection.execute(
            "INSERT INTO chunks (collection_id, source_id, chunk_id, position, text, "
            "heading_path, page, anchor, metadata, content_hash) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._collection.id, source_id, row.chunk_id, row.position, row.text),
                *(row.heading_path, row.page, row.anchor, row.metadata, row.content_hash),
            ),
        )
        row_id = cursor.lastrowid
        assert row_id is not None  # noqa: S101 - an INSERT without OR has one
        self._connection.execute(
            "INSERT INTO vectors (space_id, chunk, vector) VALUES (?, ?, ?)",
            (self._collection.space.id, row_id, row.vector),
        )
        self._connection.execute(
            "INSERT INTO chunk_words (rowid, words) VALUES (?, ?)",
            (
                row_id,
                words_column(row.words, self._collection.id) if row.words else self._column(row_id),
            ),
        )
        return row_id

    def _delete_words(self, row_ids: Sequence[int]) -> None:
        self._connection.executemany(
            "INSERT INTO chunk_words (chunk_words, rowid, words) VALUES ('delete', ?, ?)",
            [(row_id, self._prepared.get(row_id) or self._column(row_id)) for row_id in row_ids],
        )

    def _column(self, row_id: int) -> str:
        row = self._connection.execute(
            "SELECT text, heading_path FROM chunks WHERE id = ?", (row_id,)
        ).fetchone()
        return column_of(row, self._collection.id)

    def _of_source(self, source_id: int) -> list[Row]:
        return self._connection.execute(
            f"SELECT id, chunk_id, {', '.join(_UPDATABLE)} FROM chunks WHERE source_id = ? "  # noqa: S608
            "ORDER BY position",
            (source_id,),
        ).fetchall()

    def _check_free(self, chunk_ids: Iterable[str]) -> None:
        taken = self._connection.execute(
            "SELECT chunk_id, uri FROM chunks JOIN sources ON sources.id = source_id "
            "WHERE chunks.collection_id = ? AND chunk_id IN (SELECT value FROM json_each(?))",
            (self._collection.id, json.dumps(list(chunk_ids))),
        ).fetchone()
        if taken:
            raise KnowledgeError(
                "The chunk id {id} is already used by {uri}: delete that chunk first, or give it "
                "another id.",
                "片段编号 {id} 已被 {uri} 使用：请先删除该片段，或为其换一个编号。",
                id=taken["chunk_id"],
                uri=taken["uri"],
            )

"""Texts with ids of their own, as LangChain's interface adds them: inserted, or updated in place.

They live in sources of kind "text", named by their metadata's "source". A document that ``ingest``
keeps in step with its file is never mixed with them: neither side may take the other's chunks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assistant.errors import KnowledgeError
from assistant.knowledge.catalogue import (
    TEXT_KIND,
    Collection,
    NewSource,
    change_count,
    find_source,
    put_source,
)
from assistant.knowledge.chunks import (
    ChunkRow,
    ChunkWriter,
    derived_id,
    to_json,
    unstorable_metadata,
)
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.keywords import segment
from assistant.knowledge.records import NewChunk, storable
from assistant.knowledge.vectors import Stored, to_blobs

#: Source of texts whose metadata names none.
UNNAMED = "text"
#: Levels of metadata. SQLite reads no JSON with over 1000, and then no filter would work.
_DEEPEST = 100


@dataclass(frozen=True)
class NewText:
    """A text on its way in: ``id`` unique in the collection."""

    id: str
    text: str
    metadata: Mapping[str, object]

    @property
    def source(self) -> str:
        name = self.metadata.get("source")
        return storable(name) if isinstance(name, str) and name else UNNAMED

    @property
    def content_hash(self) -> str:
        return NewChunk(self.text).content_hash


def new_texts(
    texts: Sequence[str],
    metadatas: Sequence[Mapping[str, object] | None],
    ids: Sequence[str | None],
) -> list[NewText]:
    """One for each text. One without an id gets the same id whenever it is added with the same
    metadata, so adding it again changes nothing.

    Raises:
        KnowledgeError: an id comes twice or can't be stored, or metadata can't be.
    """
    seen: Counter[str] = Counter()
    made = []
    cleaned = map(storable_metadata, metadatas)
    for text, metadata, given in zip(map(storable, texts), cleaned, ids, strict=True):
        content = derived_id(text, to_json(metadata))
        made.append(NewText(given or derived_id(content, str(seen[content])), text, metadata))
        seen[content] += 1
    doubled = [one for one, count in Counter(new.id for new in made).items() if count > 1]
    unusable = doubled or [new.id for new in made if storable(new.id) != new.id]
    if unusable:
        raise KnowledgeError(
            "The id {id} comes twice in one call, or holds characters that can't be stored: "
            "nothing was added; give every text an id of its own.",
            "编号 {id} 在一次调用中重复，或含有无法存储的字符：未添加任何内容，"
            "请为每段文本指定不同的编号。",
            id=repr(unusable[0]),
        )
    return made


def storable_metadata(metadata: Mapping[str, object] | None) -> dict[str, object]:
    """Metadata as it comes back: names are texts, in names and texts nothing that can't be stored;
    empty for None.

    Raises:
        KnowledgeError: it is no mapping, or holds what JSON or the database can't.
    """
    if not isinstance(metadata, Mapping | None):
        raise unstorable_metadata(type(metadata).__name__)
    # A mapping of another kind than JSON's is taken, too, but only at the top.
    try:
        read: dict[str, object] = json.loads(to_json(dict(metadata or {})))
    except RecursionError as error:
        raise unstorable_metadata(error) from error
    return {storable(name): _storable_value(value) for name, value in read.items()}


def _storable_value(value: object, depth: int = 1) -> object:
    if depth > _DEEPEST:
        raise unstorable_metadata(f"over {_DEEPEST} levels deep")
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable_value(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {storable(k): _storable_value(one, depth + 1) for k, one in value.items()}
    return value


def text_rows(texts: Sequence[NewText], vectors: Stored) -> list[ChunkRow]:
    """Rows without a place yet; made before the write lock is taken."""
    rows = []
    for new, vector in zip(texts, to_blobs(vectors), strict=True):
        chunk = NewChunk(new.text)
        rows.append(
            ChunkRow(
                chunk_id=new.id,
                position=-1,
                text=chunk.text,
                heading_path="[]",
                page=None,
                anchor=None,
                metadata=to_json(new.metadata),
                content_hash=chunk.content_hash,
                words=tuple(segment(chunk.embedding_text)),
                fields=frozenset(new.metadata),
                vector=vector,
            )
        )
    return rows


class TextWriter:
    """Inserts and updates texts within one transaction; ``words`` as in :class:`ChunkWriter`."""

    def __init__(
        self,
        connection: Connection,
        collection: Collection,
        words: Mapping[int, str] | None = None,
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._chunks = ChunkWriter(connection, collection, words)
        self._sources: dict[str, int] = {}

    def upsert(self, texts: Sequence[NewText], rows: Sequence[ChunkRow]) -> None:
        old = self._known([new.id for new in texts])
        for known in old.values():
            if known["kind"] != TEXT_KIND:
                raise taken_by_document(known["uri"])
        for new, row in zip(texts, rows, strict=True):
            self._put(self._source(new.source), row, old.get(new.id))
        self._drop_empty({known["source_id"] for known in old.values()})

    def delete(self, chunk_ids: Sequence[str]) -> int:
        """Chunks by id, of any source; how many there were. A text source left empty goes too."""
        known = self._known(chunk_ids)
        self._chunks.delete(row["id"] for row in known.values())
        counts = Counter(row["source_id"] for row in known.values())
        for source_id, count in counts.items():
            change_count(self._connection, source_id, -count)
        self._drop_empty(counts)
        return len(known)

    def _put(self, source_id: int, row: ChunkRow, old: Row | None) -> None:
        if old is None:
            self._insert(source_id, self._at_end(row, source_id))
            return
        is_moved = old["source_id"] != source_id
        placed = self._at_end(row, source_id) if is_moved else row.at(old["position"])
        if old["content_hash"] != row.content_hash:
            self._chunks.delete([old["id"]])
            change_count(self._connection, old["source_id"], -1)
            self._insert(source_id, placed)
        elif is_moved or placed.differs(old):
            self._chunks.update(old["id"], source_id, placed)
            change_count(self._connection, old["source_id"], -1)
            change_count(self._connection, source_id, 1)

    def _insert(self, source_id: int, row: ChunkRow) -> None:
        self._chunks.insert(source_id, [row])
        change_count(self._connection, source_id, 1)

    def _at_end(self, row: ChunkRow, source_id: int) -> ChunkRow:
        last = self._connection.execute(
            "SELECT max(position) FROM chunks WHERE source_id = ?", (source_id,)
        ).fetchone()[0]
        return row.at(0 if last is None else last + 1)

    def _drop_empty(self, source_ids: Iterable[int]) -> None:
        self._connection.executemany(
            "DELETE FROM sources WHERE id = ? AND chunks = 0 AND kind = ?",
            [(source_id, TEXT_KIND) for source_id in source_ids],
        )

    def _source(self, name: str) -> int:
        if name not in self._sources:
            known = find_source(self._connection, self._collection, name)
            if known is not None and known.kind != TEXT_KIND:
                raise taken_by_document(name)
            new = NewSource(uri=name, title=name, kind=TEXT_KIND, size=0, content_hash="")
            source = known or put_source(self._connection, self._collection, new)
            self._sources[name] = source.id
        return self._sources[name]

    def _known(self, chunk_ids: Sequence[str]) -> dict[str, Row]:
        rows = self._connection.execute(
            "SELECT chunks.id, chunk_id, source_id, position, text, heading_path, page, anchor, "
            "metadata, chunks.content_hash, sources.kind, sources.uri FROM chunks "
            "JOIN sources ON sources.id = source_id WHERE chunks.collection_id = ? "
            "AND chunk_id IN (SELECT value FROM json_each(?))",
            # In JSON, NUL would end a text, and it would be another id.
            (self._collection.id, json.dumps([one for one in chunk_ids if storable(one) == one])),
        )
        return {row["chunk_id"]: row for row in rows}


def taken_by_document(uri: str) -> KnowledgeError:
    return KnowledgeError(
        "{uri} is a document that was added as a file or page; texts can't be added to it: use "
        'another "source" in their metadata, or another collection.',
        "{uri} 是以文件或网页方式添加的文档，不能向其中添加文本：请在元数据中换一个 source，"
        "或使用另一个知识库。",
        uri=uri,
    )


def taken_by_texts(uri: str) -> KnowledgeError:
    return KnowledgeError(
        "{uri} holds texts that were added by a program: delete that source before adding the "
        "document, or use another collection.",
        "{uri} 中已有程序添加的文本：请先删除该来源再添加文档，或使用另一个知识库。",
        uri=uri,
    )

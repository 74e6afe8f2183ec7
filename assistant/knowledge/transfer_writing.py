"""Storing what an import brings: ready vectors with the ids, places and times they had before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.errors import KnowledgeError
from assistant.knowledge import catalogue
from assistant.knowledge.catalogue import TEXT_KIND, Collection
from assistant.knowledge.chunks import ChunkRow, ChunkWriter, document_rows, to_json
from assistant.knowledge.database import Connection
from assistant.knowledge.records import NewChunk, StoreReport
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.texts import (
    NewText,
    TextWriter,
    taken_by_document,
    taken_by_texts,
)
from assistant.knowledge.transfer_format import ChunkLine, LineError, SourceLine
from assistant.knowledge.vectors import Form, Stored


@dataclass(frozen=True)
class Part:
    """A document, or some texts of one source, with vectors in ``form``."""

    source: SourceLine
    is_new: bool  # the source wasn't there before
    chunks: Sequence[ChunkLine]
    form: Form
    stored: Stored

    def store(self, knowledge: KnowledgeBase) -> StoreReport:
        """Write it in one transaction.

        Raises:
            KnowledgeError: the collection is another model's, an id is used by another source, or
                the source there is of the other sort (document, texts).
        """
        uri, is_text = self.source.new.uri, self.source.new.kind == TEXT_KIND
        rows = self._rows()
        with knowledge.folder.database.write() as connection:
            collection = catalogue.claim_collection(
                connection, knowledge.name, knowledge.fingerprint, self.form, is_empty=not rows
            )
            known = catalogue.find_source(connection, collection, uri)
            if known is not None and (known.kind == TEXT_KIND) != is_text:
                raise taken_by_document(uri) if is_text else taken_by_texts(uri)
            write = self._write_texts if is_text else self._write_document
            report = write(connection, collection, rows)
            if self.is_new:
                self._keep_times(connection, collection)
        knowledge.folder.wrote()
        return report

    def _rows(self) -> list[ChunkRow]:
        chunks = [one.chunk for one in self.chunks]
        made = document_rows(self.source.new.uri, chunks, self.stored)
        return [
            replace(
                row,
                chunk_id=one.id,
                position=one.position,
                metadata=to_json(one.metadata),
                fields=frozenset(one.metadata),
            )
            for row, one in zip(made, self.chunks, strict=True)
        ]

    def _write_document(
        self, connection: Connection, collection: Collection, rows: Sequence[ChunkRow]
    ) -> StoreReport:
        source = catalogue.put_source(connection, collection, self.source.new)
        return ChunkWriter(connection, collection).replace(source, rows)

    def _write_texts(
        self, connection: Connection, collection: Collection, rows: Sequence[ChunkRow]
    ) -> StoreReport:
        hashes = _hashes(connection, collection, [row.chunk_id for row in rows])
        texts = [NewText(one.id, one.chunk.text, one.metadata) for one in self.chunks]
        TextWriter(connection, collection).upsert(texts, rows)
        if self.is_new:
            connection.executemany(
                "UPDATE chunks SET position = ? WHERE collection_id = ? AND chunk_id = ?",
                [(row.position, collection.id, row.chunk_id) for row in rows],
            )
        kept = sum(hashes.get(row.chunk_id) == row.content_hash for row in rows)
        return StoreReport(len(rows) - kept, kept, len(hashes) - kept)

    def _keep_times(self, connection: Connection, collection: Collection) -> None:
        connection.execute(
            "UPDATE sources SET added_at = ?, updated_at = ? WHERE collection_id = ? AND uri = ?",
            (self.source.added_at, self.source.updated_at, collection.id, self.source.new.uri),
        )


def check_form(knowledge: KnowledgeBase, fingerprint: str, form: Form) -> None:
    """Raises KnowledgeError if vectors of another place can't be used in the collection."""
    if fingerprint != knowledge.fingerprint:
        raise KnowledgeError(
            "The file's vectors were made by {theirs}, but the embedding model is {ours}: import "
            "with --embed to make them anew, or set EMBEDDING_MODEL to the file's.",
            "文件中的向量由 {theirs} 生成，而当前嵌入模型是 {ours}：请加 --embed 重新生成向量，"
            "或将 EMBEDDING_MODEL 设为文件所用的模型。",
            theirs=fingerprint,
            ours=knowledge.fingerprint,
        )
    if knowledge.is_empty or knowledge.form == form:
        return
    raise KnowledgeError(
        "The file's vectors are {theirs}, those of collection {name} are {ours}: import with "
        "--embed to make them anew, or into another collection.",
        "文件中的向量是 {theirs}，而知识库 {name} 的向量是 {ours}：请加 --embed 重新生成向量，"
        "或导入到另一个知识库。",
        name=knowledge.name,
        theirs=_described(form),
        ours=_described(knowledge.form),
    )


def check_text(one: ChunkLine, uri: str) -> None:
    """Raises LineError if a chunk isn't a text of the source ``uri``."""
    if one.chunk != NewChunk(one.chunk.text):
        raise LineError(
            one.line,
            "a text has no headings, page or anchor",
            "文本不应带有标题、页码或锚点",
        )
    if NewText(one.id, one.chunk.text, one.metadata).source != uri:
        raise LineError(
            one.line,
            'its metadata\'s "source" names another source',
            "其元数据中的 source 指向另一个来源",
        )


def check_ids(chunks: Sequence[ChunkLine]) -> None:
    """Raises LineError if an id comes twice."""
    seen: set[str] = set()
    for one in chunks:
        if one.id in seen:
            raise LineError(one.line, "its id comes twice", "其编号重复")
        seen.add(one.id)


def _hashes(connection: Connection, collection: Collection, ids: Sequence[str]) -> dict[str, str]:
    """Content hashes of those chunks that are there, by id."""
    rows = connection.execute(
        "SELECT chunk_id, content_hash FROM chunks WHERE collection_id = ? "
        "AND chunk_id IN (SELECT value FROM json_each(?))",
        (collection.id, json.dumps(list(ids))),
    )
    return {row["chunk_id"]: row["content_hash"] for row in rows}


def _described(form: Form) -> str:
    return f"{form.dimension} x {form.precision}, {form.metric}"

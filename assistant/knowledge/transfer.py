"""A collection as JSON lines (``transfer_format.py``), out of one data folder and into another.

Export reads in one transaction: the file is the collection as it was at one moment, whatever is
written meanwhile. Import stores each document in one transaction, and texts that came through
LangChain's interface in groups, since each stands for itself; ids, places and times are kept.
"""

from __future__ import annotations

import binascii
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from assistant.errors import KnowledgeError
from assistant.knowledge import catalogue
from assistant.knowledge.catalogue import SOURCE_COLUMNS, TEXT_KIND, Collection
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.transfer_format import (
    FORMAT,
    VERSION,
    ChunkLine,
    Header,
    LineError,
    SourceLine,
    read_lines,
    to_line,
)
from assistant.knowledge.transfer_writing import Part, check_form, check_ids, check_text
from assistant.knowledge.vectors import Form, Stored

#: Texts of one transaction.
TEXTS_AT_ONCE = 1000
BATCH = 64  # texts for one call of the embedding model

#: A line is longer only in a file that isn't ours.
LONGEST_LINE = 256 * 1024 * 1024

Embed = Callable[[Sequence[str]], ArrayLike]


def export_lines(knowledge: KnowledgeBase, *, vectors: bool = True) -> Generator[bytes]:
    """The collection's lines, in constant memory.

    Closing the iterator ends its read transaction.

    Raises:
        KnowledgeError: there is no such collection.
    """
    with knowledge.folder.database.read() as connection:
        collection = catalogue.find_collection(connection, knowledge.name)
        if collection is None:
            raise catalogue.no_collection(knowledge.name)
        yield to_line(_header(connection, collection))
        counts = {"sources": 0, "chunks": 0}
        for source in connection.execute(
            f"SELECT {SOURCE_COLUMNS}, (SELECT count(*) FROM chunks "  # noqa: S608
            "WHERE source_id = sources.id) AS found FROM sources "
            "WHERE collection_id = ? ORDER BY uri",
            (collection.id,),
        ):
            counts["sources"] += 1
            yield to_line({"source": _source_fields(source)})
            for chunk in _chunks(connection, collection, source["source_id"]):
                counts["chunks"] += 1
                yield to_line({"chunk": _chunk_fields(chunk, vectors)})
        yield to_line({"end": counts})


def _header(connection: Connection, collection: Collection) -> dict[str, object]:
    sources, chunks = (
        connection.execute(
            f"SELECT count(*) FROM {table} WHERE collection_id = ?",  # noqa: S608
            (collection.id,),
        ).fetchone()[0]
        for table in ("sources", "chunks")
    )
    space = collection.space
    return {
        "format": FORMAT,
        "version": VERSION,
        "collection": collection.name,
        "fingerprint": space.fingerprint,
        "dimension": space.form.dimension,
        "metric": space.form.metric,
        "precision": space.form.precision,
        "exported_at": time.time(),
        "sources": sources,
        "chunks": chunks,
    }


def _source_fields(row: Row) -> dict[str, object]:
    return {
        **{name: row[name] for name in ("uri", "title", "kind", "size", "added_at", "updated_at")},
        "content_hash": row["source_hash"],
        "chunks": row["found"],
    }


def _chunks(connection: Connection, collection: Collection, source_id: int) -> Iterable[Row]:
    return connection.execute(
        "SELECT chunk_id, position, text, heading_path, page, anchor, metadata, content_hash, "
        "vector FROM chunks LEFT JOIN vectors ON space_id = ? AND vectors.chunk = chunks.id "
        "WHERE source_id = ? ORDER BY position, chunks.id",
        (collection.space.id, source_id),
    )


def _chunk_fields(row: Row, vectors: bool) -> dict[str, object]:
    fields = {
        "id": row["chunk_id"],
        "position": row["position"],
        "text": row["text"],
        "heading_path": json.loads(row["heading_path"]),
        "page": row["page"],
        "anchor": row["anchor"],
        "metadata": json.loads(row["metadata"]),
        "content_hash": row["content_hash"],
    }
    if vectors and row["vector"] is not None:
        fields["vector"] = binascii.b2a_base64(row["vector"], newline=False).decode()
    return fields


@dataclass(frozen=True)
class Imported:
    """What an import has done so far: whole sources, and chunks that are stored for good.

    ``total`` chunks are in the file by its header; ``embedded`` ones wait for the rest of theirs.
    """

    total: int = 0
    sources: int = 0
    added: int = 0
    kept: int = 0
    removed: int = 0
    embedded: int = 0

    @property
    def chunks(self) -> int:
        return self.added + self.kept


def import_lines(
    knowledge: KnowledgeBase,
    lines: Iterable[bytes],
    embed: Embed | None = None,
    batch: int = BATCH,
) -> Iterator[Imported]:
    """Bring what :func:`export_lines` wrote into a collection; what it did after each step. Done
    again, nothing changes.

    A document becomes what the file says of it; texts are added, or updated by their ids.

    Args:
        knowledge: the collection, opened with the fingerprint of the embedding model.
        embed: makes vectors, shape (n, dimension), of n texts: those of the file are not used.
            Without it they are, in the form that the file has them in.

    Raises:
        KnowledgeError: the file's vectors are another model's or have another form than the
            collection's; or a line is damaged or missing. What was stored before it stays.
        KnowledgeLocked: others wrote for the whole wait.
    """
    work = _Import(knowledge, embed, batch)
    try:
        for item in read_lines(lines, with_vectors=embed is None):
            if isinstance(item, Header):
                work.begin(item)
            elif isinstance(item, SourceLine):
                yield from work.begin_source(item)
            elif isinstance(item, ChunkLine):
                yield from work.take(item)
    except LineError as error:
        raise _unusable(error, work.done) from error
    yield work.done


class _Import:
    """Collects the chunks of a source and stores them."""

    def __init__(self, knowledge: KnowledgeBase, embed: Embed | None, batch: int) -> None:
        self.done = Imported()
        self._knowledge = knowledge
        self._embed = embed
        self._batch = batch
        self._header: Header | None = None
        self._source: SourceLine | None = None
        self._is_new = False  # the source wasn't there before
        self._left = 0  # chunks of the source that are still to come
        self._chunks: list[ChunkLine] = []

    def begin(self, header: Header) -> None:
        self._header = header
        self.done = replace(self.done, total=header.chunks)
        if self._embed is None:
            check_form(self._knowledge, header.fingerprint, header.form)

    def begin_source(self, source: SourceLine) -> Iterator[Imported]:
        self._source = source
        self._is_new = self._knowledge.source_by_uri(source.new.uri) is None
        self._left = source.chunks
        if not self._left:
            yield from self._store(source)

    def take(self, chunk: ChunkLine) -> Iterator[Imported]:
        assert self._source is not None  # noqa: S101 - the reader's order
        is_text = self._source.new.kind == TEXT_KIND
        if is_text:
            check_text(chunk, self._source.new.uri)
        self._chunks.append(chunk)
        self._left -= 1
        if not self._left or (is_text and len(self._chunks) >= TEXTS_AT_ONCE):
            yield from self._store(self._source)

    def _store(self, source: SourceLine) -> Iterator[Imported]:
        chunks, self._chunks = self._chunks, []
        check_ids(chunks)
        form, stored = yield from self._vectors(chunks)
        report = Part(source, self._is_new, chunks, form, stored).store(self._knowledge)
        self.done = replace(
            self.done,
            sources=self.done.sources + (not self._left),
            added=self.done.added + report.added,
            kept=self.done.kept + report.kept,
            removed=self.done.removed + report.removed,
            embedded=0,
        )
        yield self.done

    def _vectors(
        self, chunks: Sequence[ChunkLine]
    ) -> Generator[Imported, None, tuple[Form, Stored]]:
        """Of the file, or made: those of equal stored texts, and of the model for the rest."""
        assert self._header is not None  # noqa: S101 - the reader's order
        if self._embed is None:
            form = self._header.form
            return form, form.from_blobs([chunk.vector for chunk in chunks])
        texts = {one.chunk.content_hash: one.chunk.embedding_text for one in chunks}
        vectors: dict[str, Any] = dict(self._knowledge.vectors_for(list(texts)))
        new = [one for one in texts if one not in vectors]
        for start in range(0, len(new), self._batch):
            hashes = new[start : start + self._batch]
            made = np.asarray(self._embed([texts[one] for one in hashes]))
            self._knowledge.form.encode(made, len(hashes))  # raises if they can't be stored
            vectors.update(zip(hashes, made, strict=True))
            self.done = replace(self.done, embedded=self.done.embedded + len(hashes))
            yield self.done
        values = np.array([vectors[one.chunk.content_hash] for one in chunks])
        return self._knowledge.form.fitted(values, len(chunks))


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, which is read as it is, or unpacked where it is a .gz.

    Raises:
        LineError: a line has no end within any length that ours have.
    """
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise LineError(number, "it is too long", "该行过长")
        yield line


def _unusable(error: LineError, done: Imported) -> KnowledgeError:
    english, chinese = error.reasons
    return KnowledgeError(
        "Line {line} can't be used: {english}. Stored before it: {sources} whole sources, {chunks} "
        "chunks. Export the collection again, or repair the line; what is stored stays.",
        "第 {line} 行无法使用：{chinese}。此前已存储 {sources} 个完整来源、{chunks} 个片段，"
        "均会保留；请重新导出该知识库，或修正该行。",
        line=error.line,
        english=english,
        chinese=chinese,
        sources=done.sources,
        chunks=done.chunks,
    )

"""Every chunk has one vector that can be searched in the serving space of its collection, and no
vector is left of a chunk that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from assistant.errors import KnowledgeError
from assistant.knowledge.changes import ChangeLog, page_of_vectors
from assistant.knowledge.checks import Fault, in_pieces
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.folder import Folder
from assistant.knowledge.records import stored_chunk
from assistant.knowledge.spaces import (
    RETIRED,
    SERVING,
    Space,
    find_space,
    list_spaces,
    without_vector,
)
from assistant.knowledge.vectors import to_blobs

_PAGE = 8192
_PIECE = 1000  # rows that one transaction deletes
_BATCH = 64
_UNIT = 1e-3  # how far from 1 the length of a cosine space's vector may be


class Embedder(Protocol):
    """The embedding model, as far as the repair of missing vectors needs it."""

    fingerprint: str

    def embed_passages(self, texts: Sequence[str]) -> ArrayLike:
        """(n, dimension)"""


OpenEmbedder = Callable[[], Embedder]


def vectors(folder: Folder, _: bool, embedder: OpenEmbedder | None = None) -> Iterator[Fault]:
    with folder.database.read() as connection:
        spaces = [space for space in list_spaces(connection) if space.state != RETIRED]
    for space in spaces:
        yield from _orphans(folder, space)
        bad = _bad(folder, space)
        if space.state == SERVING:
            yield from _missing(folder, space, bad, embedder)
        elif bad:
            # The reindex makes what is missing before it switches.
            message = KnowledgeError(
                "{count} vectors of the unfinished reindex of collection {name} are damaged: they "
                "are deleted, to be made again.",
                "知识库 {name} 未完成的重新嵌入中有 {count} 个向量已损坏：将被删除并重新生成。",
                name=space.collection,
                count=len(bad),
            )
            repair = in_pieces(folder, partial(_drop, space.id, bad))
            yield Fault("vectors", message, repair, subject=(space.id, "bad"))


def _orphans(folder: Folder, space: Space) -> Iterator[Fault]:
    with folder.database.read() as connection:
        found = connection.execute(_ORPHANS, (space.id, space.collection_id)).fetchall()
    if found:
        message = KnowledgeError(
            "Collection {name} holds {count} vectors of chunks that are gone.",
            "知识库 {name} 中有 {count} 个向量所属的片段已不存在。",
            name=space.collection,
            count=len(found),
        )
        repair = in_pieces(folder, partial(_drop_orphans, space))
        yield Fault("vectors", message, repair, subject=(space.id, "orphans"))


def _drop_orphans(space: Space, connection: Connection) -> bool:
    rows = connection.execute(f"{_ORPHANS} LIMIT ?", (space.id, space.collection_id, _PIECE))
    gone = [row[0] for row in rows]
    _delete(space.id, gone, connection)
    return len(gone) < _PIECE


def _drop(space_id: int, rows: list[int], connection: Connection) -> bool:
    piece = rows[:_PIECE]
    _delete(space_id, piece, connection)
    del rows[:_PIECE]
    return not rows


def _delete(space_id: int, rows: Sequence[int], connection: Connection) -> None:
    connection.executemany(
        "DELETE FROM vectors WHERE space_id = ? AND chunk = ?", [(space_id, row) for row in rows]
    )
    ChangeLog(connection).delete(space_id, rows)


def _bad(folder: Folder, space: Space) -> list[int]:
    """Chunks whose vector has another size, isn't finite, or not of length 1 where it must be."""
    found: list[int] = []
    after = 0
    while True:
        with folder.database.read() as connection:
            page = page_of_vectors(connection, space.id, after, 2**62, _PAGE)
        if not page:
            return found
        after = page[-1][0]
        whole = [(row, blob) for row, blob in page if _is_whole(blob, space)]
        found += sorted({row for row, _ in page} - {row for row, _ in whole})
        if space.form.precision == "binary":
            continue
        stored = space.form.from_blobs([blob for _, blob in whole])
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(stored.astype(np.float64), axis=1)
        if space.form.metric != "cosine":
            is_good = np.isfinite(lengths)
        elif space.form.precision == "float32":
            is_good = np.abs(lengths - 1) < _UNIT
        else:
            is_good = lengths > 0
        found += [row for (row, _), good in zip(whole, is_good.tolist(), strict=True) if not good]


def _is_whole(blob: object, space: Space) -> bool:
    return isinstance(blob, bytes) and len(blob) == space.form.blob_size


def _missing(
    folder: Folder, space: Space, bad: list[int], embedder: OpenEmbedder | None
) -> Iterator[Fault]:
    with folder.database.read() as connection:
        if find_space(connection, space.id) != space:
            return  # a reindex has switched meanwhile
        wrong = without_vector(connection, space.id) + bad
        if not wrong:
            return
        first = connection.execute(
            "SELECT uri FROM sources JOIN chunks ON source_id = sources.id WHERE chunks.id = ?",
            (min(wrong),),
        ).fetchone()
    message = KnowledgeError(
        "{count} chunks of collection {name} have no usable vector: only keywords find them (the "
        "first is of {uri}). Run doctor where EMBEDDING_MODEL is the one that gives {fingerprint}, "
        "or `python -m ingest reindex` with another.",
        "知识库 {name} 中有 {count} 个片段没有可用的向量，只能通过关键词找到（第一个属于 {uri}）。"
        "请将 EMBEDDING_MODEL 设为对应 {fingerprint} 的模型后运行 doctor，"
        "或用 `python -m ingest reindex` 改用其他模型。",
        count=len(wrong),
        name=space.collection,
        uri=first[0] if first else "?",
        fingerprint=space.fingerprint,
    )
    repair = partial(_embed, folder, space, wrong, embedder) if embedder else None
    yield Fault("vectors", message, repair, subject=(space.id, "missing"))


def _embed(folder: Folder, space: Space, wrong: Sequence[int], embedder: OpenEmbedder) -> None:
    """Nothing where the model is another one."""
    model = embedder()
    if model.fingerprint != space.fingerprint:
        return
    for start in range(0, len(wrong), _BATCH):
        rows = _rows(folder, wrong[start : start + _BATCH])
        made = model.embed_passages([stored_chunk(row).embedding_text for row in rows])
        blobs = to_blobs(space.form.encode(made, len(rows)))
        with folder.database.write() as connection:
            _put(connection, space, rows, blobs)
        folder.wrote()


def _rows(folder: Folder, ids: Sequence[int]) -> list[Row]:
    with folder.database.read() as connection:
        found = [connection.execute(_CHUNK, (row_id,)).fetchone() for row_id in ids]
    return [row for row in found if row is not None]


def _put(connection: Connection, space: Space, rows: Sequence[Row], blobs: Sequence[bytes]) -> None:
    """Vectors of those chunks that are still there, if the space is."""
    if find_space(connection, space.id) is None:
        return
    stored = []
    for row, blob in zip(rows, blobs, strict=True):
        if connection.execute(_CHUNK, (row["id"],)).fetchone() is not None:
            connection.execute(
                "INSERT OR REPLACE INTO vectors (space_id, chunk, vector) VALUES (?, ?, ?)",
                (space.id, row["id"], blob),
            )
            stored.append(row["id"])
    ChangeLog(connection).add(space.id, stored)


_CHUNK = "SELECT id, text, heading_path FROM chunks WHERE id = ?"
_ORPHANS = (
    "SELECT chunk FROM vectors WHERE space_id = ? "
    "AND chunk NOT IN (SELECT id FROM chunks WHERE collection_id = ?)"
)

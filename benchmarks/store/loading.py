"""The knowledge base of a corpus, loaded once and kept."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.knowledge.catalogue import find_collection
from assistant.knowledge.index.following import VectorIndex
from assistant.knowledge.records import NewChunk
from assistant.knowledge.spaces import Space
from assistant.knowledge.store import KnowledgeBase
from benchmarks.store.corpus import Corpus, has_metadata, metadata_of, uri_of
from benchmarks.store.report import note

FINGERPRINT = "seeded-384-unit"
#: Documents that a measurement adds, and deletes again.
ADDED = "/added/"
_MARKER = "loaded.json"
_VERSION = 2  # of what a corpus looks like


class GivenVectors(Embeddings):
    """Knows the vectors of some texts."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def know(self, texts: Sequence[str], vectors: NDArray[Any]) -> None:
        self.known = dict(zip(texts, vectors, strict=True))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.known[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return list(self.known[text])


def open_base(folder: Path, kind: str) -> KnowledgeBase:
    return KnowledgeBase(folder, GivenVectors(), FINGERPRINT, index=kind)


def load(folder: Path, corpus: Corpus) -> dict[str, float]:
    """Fill ``folder`` with the corpus if it isn't there yet; what that took."""
    wanted = {"version": _VERSION, "size": corpus.size, "seed": corpus.seed}
    marker = folder / _MARKER
    if marker.exists():
        found = json.loads(marker.read_text("utf-8"))
        if {name: found[name] for name in wanted} == wanted:
            with open_base(folder, "auto") as base:
                _forget_added(base)
            note(f"{folder}: loaded before")
            return dict(found["load"])
    shutil.rmtree(folder, ignore_errors=True)
    with open_base(folder, "auto") as base:
        figures = _fill(base, corpus)
    marker.write_text(json.dumps({**wanted, "load": figures}), "utf-8")
    return figures


def space_of(base: KnowledgeBase) -> Space:
    with base.folder.database.read() as connection:
        collection = find_collection(connection, base.name)
    assert collection is not None
    return collection.space


def index_of(base: KnowledgeBase) -> VectorIndex:
    return base.folder.index(space_of(base))


def add_document(base: KnowledgeBase, uri: str, texts: Sequence[str], vectors: NDArray[Any]) -> int:
    """The id of the source."""
    chunks = [NewChunk(text) for text in texts]
    source, report = base.add_embedded(uri, uri, "md", len(texts) * 400, uri, chunks, vectors)
    assert report.added == len(texts)
    return source.id


def _fill(base: KnowledgeBase, corpus: Corpus) -> dict[str, float]:
    """Every other document through each of the two doors."""
    rows, seconds, size = [0, 0], [0.0, 0.0], 0
    embeddings = base.embeddings
    assert isinstance(embeddings, GivenVectors)
    for document in corpus.documents:
        texts, vectors = corpus.texts(document), corpus.vectors(document)
        door = int(has_metadata(document))
        began = time.perf_counter()
        if door:
            embeddings.know(texts, vectors)
            base.add_texts(texts, [metadata_of(row) for row in corpus.rows(document)])
        else:
            add_document(base, uri_of(document), texts, vectors)
        seconds[door] += time.perf_counter() - began
        rows[door] += len(texts)
        size += sum(len(text.encode()) for text in texts)
        if document % 100 == 99:
            note(f"{sum(rows)} chunks after {sum(seconds):.0f} s")
    return {
        "add_embedded_per_s": rows[0] / seconds[0],
        "add_texts_per_s": rows[1] / seconds[1] if rows[1] else 0.0,
        "seconds": sum(seconds),
        "text_bytes_per_chunk": size / corpus.size,
    }


def _forget_added(base: KnowledgeBase) -> None:
    """What a benchmark left that was stopped."""
    for source in base.sources():
        if source.uri.startswith(ADDED):
            base.delete_source(source.id)

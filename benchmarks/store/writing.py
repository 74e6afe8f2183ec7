"""Adding and deleting 100 chunks until they are on the disk, and the publication after it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from assistant.knowledge.store import KnowledgeBase
from benchmarks.store.corpus import Corpus
from benchmarks.store.loading import ADDED, add_document
from benchmarks.store.peers import RawFaiss, save_wrapper
from benchmarks.store.report import note, timing

CHUNKS = 100
_ROUNDS = 9  # of ours: 900 chunks are too few for a renewal in the background
_PEER_ROUNDS = 2


def measure_writes(
    base: KnowledgeBase, raw: RawFaiss, wrapper: Any, corpus: Corpus, folder: Path
) -> dict[str, Any]:
    """Waits for 100 chunks, one document; ``folder`` is where the others save."""
    measured = _ours(base, corpus)
    if wrapper is not None:
        note("the wrapper saves")
        measured |= _wrapper(wrapper, corpus, folder)
        measured["ratio"] = (
            measured["wrapper: add, save_local"]["p50"] / measured["ours: add"]["p50"]
        )
    note("raw FAISS saves")
    return measured | _raw(raw, corpus, folder)


def _ours(base: KnowledgeBase, corpus: Corpus) -> dict[str, Any]:
    added, visible, deleted, gone = [], [], [], []
    sources = []
    for number in range(_ROUNDS):
        texts, vectors = corpus.added(number, CHUNKS)
        began = time.perf_counter()
        sources.append(add_document(base, f"{ADDED}{number:07}.md", texts, vectors))
        added.append(time.perf_counter() - began)
        assert base.dense(vectors[0], 1)[0].text == texts[0]
        visible.append(time.perf_counter() - began)
    for number, source in enumerate(sources):
        texts, vectors = corpus.added(number, CHUNKS)
        began = time.perf_counter()
        assert base.delete_source(source).removed == CHUNKS
        deleted.append(time.perf_counter() - began)
        assert base.dense(vectors[0], 1)[0].text != texts[0]
        gone.append(time.perf_counter() - began)
    return {
        "ours: add": timing(added),
        "ours: add, found by a search": timing(visible),
        "ours: delete": timing(deleted),
        "ours: delete, a search without": timing(gone),
    }


def _wrapper(wrapper: Any, corpus: Corpus, folder: Path) -> dict[str, Any]:
    target = _emptied(folder / "wrapper")
    added, deleted = [], []
    for number in range(_PEER_ROUNDS):
        texts, vectors = corpus.added(number, CHUNKS)
        ids = [f"added-{n}" for n in range(CHUNKS)]
        pairs = list(zip(texts, vectors, strict=True))

        def add(pairs: Any = pairs, ids: Any = ids) -> None:
            wrapper.add_embeddings(pairs, ids=ids)
            save_wrapper(wrapper, target)

        def delete(ids: Any = ids) -> None:
            wrapper.delete(ids)
            save_wrapper(wrapper, target)

        added.append(_seconds(add))
        deleted.append(_seconds(delete))
    return {
        "wrapper: add, save_local": timing(added),
        "wrapper: delete, save_local": timing(deleted),
    }


def _raw(raw: RawFaiss, corpus: Corpus, folder: Path) -> dict[str, Any]:
    target = _emptied(folder / "raw") / "index.faiss"
    ids = np.arange(corpus.size, corpus.size + CHUNKS, dtype=np.int64)
    added, deleted = [], []
    for number in range(_PEER_ROUNDS):
        _, vectors = corpus.added(number, CHUNKS)

        def add(vectors: Any = vectors) -> None:
            raw.flat.add_with_ids(vectors, ids)
            raw.save(target)

        def delete() -> None:
            raw.flat.remove_ids(ids)
            raw.save(target)

        added.append(_seconds(add))
        deleted.append(_seconds(delete))
    target.unlink()
    return {
        "raw flat: add, write_index": timing(added),
        "raw flat: delete, write_index": timing(deleted),
    }


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

"""The others: raw FAISS, and LangChain's FAISS wrapper."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import faiss as faiss_module
import numpy as np

from assistant.knowledge.index import engine, files, kinds
from assistant.knowledge.index.building import Base
from assistant.knowledge.spaces import Space
from assistant.knowledge.vectors import Form
from benchmarks.store.corpus import DIMENSION, Corpus, Floats
from benchmarks.store.loading import GivenVectors
from benchmarks.store.report import note

faiss: Any = faiss_module  # its type hints lack half of what it has

_TRAINING = 64  # vectors for each list, as ours
#: The wrapper keeps every document in memory, and needs them twice to save and load.
_WRAPPER_BYTES = 8_000


class RawFaiss:
    """``flat`` is exact, in float32; ``same`` is of our kind. Ids are rows of the corpus."""

    def __init__(self, matrix: Floats) -> None:
        self.flat = faiss.IndexIDMap(faiss.IndexFlatIP(DIMENSION))
        self.flat.add_with_ids(matrix, np.arange(len(matrix), dtype=np.int64))
        self.same: Any = None

    def follow(self, matrix: Floats, published: Base) -> None:
        """Make ``same``: what ours chose, with FAISS alone, and searched as widely."""
        self.same = None
        faiss.omp_set_num_threads(os.cpu_count() or 1)
        self.same = _same(matrix, np.arange(len(matrix), dtype=np.int64), published)
        single_threaded()

    def save(self, path: Path) -> None:
        faiss.write_index(self.flat, str(path))


def published_base(path: Path, space: Space) -> Base:
    """The index that ours searches, as it is in its file."""
    return files.read(path, space)


def single_threaded() -> None:
    """For the calling thread."""
    faiss.omp_set_num_threads(1)


def wrapper_of(matrix: Floats, corpus: Corpus) -> Any:
    """LangChain's FAISS with the corpus, inner product; None where memory forbids it."""
    needed, free = corpus.size * _WRAPPER_BYTES, _available()
    if needed > free:
        note(f"wrapper left out: it needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} are available")
        return None
    wrapper = wrapper_class()(
        GivenVectors(),
        faiss.IndexFlatIP(DIMENSION),
        _documents(),
        {},
        distance_strategy="MAX_INNER_PRODUCT",
    )
    for document in corpus.documents:
        rows = corpus.rows(document)
        pairs = zip(corpus.texts(document), matrix[rows.start : rows.stop], strict=True)
        wrapper.add_embeddings(list(pairs), ids=[str(row) for row in rows])
    return wrapper


def load_wrapper(folder: Path) -> Any:
    return wrapper_class().load_local(
        str(folder),
        GivenVectors(),
        allow_dangerous_deserialization=True,  # written by this benchmark
        distance_strategy="MAX_INNER_PRODUCT",
    )


def save_wrapper(wrapper: Any, folder: Path) -> None:
    wrapper.save_local(str(folder))


def _same(matrix: Floats, ids: Any, published: Base) -> Any:
    kind = kinds.KINDS[published.kind]
    index = engine.empty(published.kind, Form(DIMENSION), len(matrix))
    if not index.is_trained:
        size = 100_000
        if kind.has_lists:
            size = _TRAINING * index.nlist
            index.cp.niter, index.cp.max_points_per_centroid = 10, _TRAINING
        sample = np.random.default_rng(1).permutation(ids)[:size]
        index.train(matrix[np.sort(sample)])
    index.add_with_ids(matrix, ids)
    if kind.has_lists:
        index.nprobe = published.index.nprobe
    elif kind.is_graph:
        depth = engine.graph_of(published.index).hnsw.efSearch
        engine.graph_of(index).hnsw.efSearch = depth
    return index


def wrapper_class() -> Any:
    """LangChain's ``FAISS``, imported."""
    with warnings.catch_warnings():
        # It says at import that it is an archive now.
        warnings.filterwarnings("ignore", "`langchain-community` is being sunset")
        from langchain_community.vectorstores import FAISS
    return FAISS


def _documents() -> Any:
    from langchain_community.docstore.in_memory import InMemoryDocstore

    return InMemoryDocstore()


def _available() -> int:
    """Bytes of memory (Linux)."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024

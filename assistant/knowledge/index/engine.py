"""FAISS behind the kinds: indexes made, filled and searched. Its calls differ by kind; the rest of
the package need not know."""

from __future__ import annotations

from typing import Any

import faiss as faiss_module
import numpy as np

from assistant.knowledge.index.kinds import KINDS, flat_as, lists_for
from assistant.knowledge.vectors import Form, Ids, Stored, unit

# Its type hints lack half of what it has.
faiss: Any = faiss_module


def empty(name: str, form: Form, count: int) -> Any:
    """An index for about ``count`` vectors; those with lists or bytes are to be trained."""
    if form.precision == "binary":
        return faiss.IndexBinaryIDMap(faiss.IndexBinaryFlat(form.width * 8))
    kind = KINDS[flat_as(name, form)]
    metric = faiss.METRIC_L2 if form.metric == "l2" else faiss.METRIC_INNER_PRODUCT
    description = kind.factory.format(lists=lists_for(count), bytes=_bytes_for(form.dimension))
    # IVF keeps ids itself: IndexIDMap2 over it corrupts them on removal.
    prefix = "" if kind.has_lists else "IDMap,"
    return faiss.index_factory(form.dimension, prefix + description, metric)


def tail(form: Form) -> Any:
    """An exact index that needs no training, for what came since the base."""
    if form.precision == "binary":
        return empty("flat", form, 0)
    metric = faiss.METRIC_L2 if form.metric == "l2" else faiss.METRIC_INNER_PRODUCT
    return faiss.index_factory(form.dimension, "IDMap,SQfp16", metric)


def _bytes_for(dimension: int) -> int:
    """Bytes of a product-quantised vector: about one for 8 numbers."""
    return next(n for n in range(max(1, dimension // 8), 0, -1) if dimension % n == 0)


def indexed(form: Form, stored: Stored) -> Any:
    """Stored rows as an index takes them: packed bits, or floats whose metric is the index's."""
    if form.precision == "binary":
        return np.ascontiguousarray(stored)
    floats = form.floats(stored)
    return unit(floats) if form.precision == "int8" else np.ascontiguousarray(floats)


def parameters(index: Any, allowed: Ids | None, share: float, effort: int) -> Any:
    """Search parameters.

    Args:
        allowed: only these ids.
        share: of all vectors that are allowed: the rarer they are, the more lists are read.
        effort: 1, or more where that found too little.
    """
    selector = None if allowed is None else faiss.IDSelectorBatch(allowed)
    widen = effort / max(share, 1e-9)
    if isinstance(index, faiss.IndexIVF):
        probes = int(min(index.nlist, np.ceil(index.nprobe * widen)))
        return faiss.SearchParametersIVF(sel=selector, nprobe=probes)
    graph = graph_of(index)
    if graph is not None:
        depth = int(min(index.ntotal, np.ceil(graph.hnsw.efSearch * widen)))
        return faiss.SearchParametersHNSW(sel=selector, efSearch=max(1, depth))
    return faiss.SearchParameters(sel=selector) if selector else None


def graph_of(index: Any) -> Any:
    """The HNSW graph inside an index, or None."""
    if not isinstance(index, faiss.IndexIDMap):
        return None
    inner = faiss.downcast_index(index.index)
    return inner if isinstance(inner, faiss.IndexHNSW) else None


def has_more(index: Any, effort: int) -> bool:
    """Whether a greater effort may find more."""
    if isinstance(index, faiss.IndexIVF):
        return bool(index.nprobe * effort < index.nlist)
    graph = graph_of(index)
    return graph is not None and bool(graph.hnsw.efSearch * effort < index.ntotal)


def add(index: Any, ids: Ids, rows: Any) -> None:
    index.add_with_ids(rows, ids)


def single_threaded() -> None:
    """One vector at a time is scanned by one thread; more only wait for each other. OpenMP keeps
    the number for each calling thread."""
    faiss.omp_set_num_threads(1)

"""Kinds of index: what a name in ``VECTOR_INDEX`` stands for in FAISS.

==========  =======================  ==================================================
kind        FAISS                    for
==========  =======================  ==================================================
flat        SQfp16 (int8: SQ8;       exact search, up to some 200,000 vectors
            binary: BinaryFlat)
sq8         SQ8                      half the memory of flat, still a scan
ivf         IVF, SQfp16              fast search, memory as flat
ivf-sq8     IVF, SQ8                 millions of vectors, mapped from the disk
ivf-pq      IVF, PQ                  tens of millions: an eighth of ivf-sq8's memory
hnsw        HNSW32, SQfp16           fastest search; slow to build, most memory
hnsw-sq8    HNSW32, SQ8
auto        flat, then ivf-sq8       chosen by the number of vectors
==========  =======================  ==================================================

Whatever the kind, the candidates it gives are scored anew with the stored vectors: kinds differ in
which candidates they find, never in a hit's score. Binary vectors are always flat: a million of
them are scanned in some 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss as faiss_module
import numpy as np

from assistant.errors import KnowledgeError
from assistant.knowledge.vectors import Form, Ids, Stored, unit

# Its type hints lack half of what it has.
faiss: Any = faiss_module

#: Vectors that a flat index scans in some 6 ms.
FLAT_MOST = 200_000
#: Fewer candidates than these are scored in the database at once.
FEW = 500


@dataclass(frozen=True)
class Kind:
    """``factory`` as FAISS has it, with ``{lists}`` and ``{bytes}``; ``oversample`` candidates are
    asked for each hit, since their order is not exact."""

    factory: str
    oversample: int
    is_exact: bool = False  # a scan: nothing is missed but by rounding

    @property
    def has_lists(self) -> bool:
        return self.factory.startswith("IVF")

    @property
    def is_graph(self) -> bool:
        return self.factory.startswith("HNSW")


KINDS = {
    "flat": Kind("SQfp16", 1, is_exact=True),
    "sq8": Kind("SQ8", 2, is_exact=True),
    "ivf": Kind("IVF{lists},SQfp16", 1),
    "ivf-sq8": Kind("IVF{lists},SQ8", 2),
    "ivf-pq": Kind("IVF{lists},PQ{bytes}x8", 10),
    "hnsw": Kind("HNSW32,SQfp16", 1),
    "hnsw-sq8": Kind("HNSW32,SQ8", 2),
}
AUTO = "auto"


def check_kind(name: str) -> str:
    """Raises KnowledgeError for an unknown kind."""
    if name not in (AUTO, *KINDS):
        raise KnowledgeError(
            "VECTOR_INDEX={name} is not known: use one of {known}.",
            "不支持 VECTOR_INDEX={name}：请使用 {known} 之一。",
            name=name,
            known=", ".join((AUTO, *KINDS)),
        )
    return name


def kind_for(wanted: str, form: Form, count: int) -> str:
    """The kind that ``count`` vectors get."""
    if form.precision == "binary" or count <= FEW:
        return "flat"
    if wanted != AUTO:
        return wanted
    return "flat" if count <= FLAT_MOST else "ivf-sq8"


def oversample(name: str, form: Form) -> int:
    # The flat index of int8 vectors is SQ8, with the same bytes as they have.
    return KINDS["sq8" if name == "flat" and form.precision == "int8" else name].oversample


def empty(name: str, form: Form, count: int) -> Any:
    """An index for about ``count`` vectors; those with lists or bytes are to be trained."""
    if form.precision == "binary":
        return faiss.IndexBinaryIDMap(faiss.IndexBinaryFlat(form.width * 8))
    kind = KINDS["sq8" if name == "flat" and form.precision == "int8" else name]
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


def lists_for(count: int) -> int:
    """Twice the square root, as a power of two; FAISS wants 39 vectors to train each."""
    lists = 1 << max(0, round(float(np.log2(max(1, 2 * count**0.5)))))
    return int(max(1, min(lists, count // 39)))


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

"""A copy of an index on the GPUs, where ``faiss-gpu`` is installed and there is one.

A search without a filter asks the copy; one with a filter asks the index itself, since FAISS's GPU
indexes take no selection of ids.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from assistant.knowledge.index import engine
from assistant.knowledge.index.engine import faiss
from assistant.knowledge.vectors import Form

logger = logging.getLogger(__name__)

_BLOCK = 65_536
_ON_GPU = ("flat", "ivf", "ivf-sq8")


class GpuCopy:
    """Searched by one thread at a time, as GPU indexes ask for."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._lock = threading.Lock()

    def search(self, vectors: Any, k: int, params: Any = None) -> Any:
        with self._lock:
            return self._index.search(vectors, k, params=params)


def copy_of(index: Any, kind: str, form: Form) -> GpuCopy | None:
    """None where there is no GPU, the kind has no form there, or its memory doesn't suffice."""
    if not faiss.get_num_gpus() or kind not in _ON_GPU or form.precision != "float32":
        return None
    options = faiss.GpuMultipleClonerOptions()
    options.useFloat16 = True
    try:
        return GpuCopy(faiss.index_cpu_to_all_gpus(_clonable(index, form), co=options))
    except RuntimeError as error:
        logger.warning("The index stays on the CPU: %s", str(error).splitlines()[0])
        return None


def _clonable(index: Any, form: Form) -> Any:
    """IVF as it is; a flat fp16 index as IndexFlat, which the GPU holds as fp16 again."""
    if not isinstance(index, faiss.IndexIDMap):
        return index
    flat = faiss.IndexIDMap(faiss.IndexFlat(form.dimension, index.metric_type))
    ids = faiss.vector_to_array(index.id_map)
    for start in range(0, index.ntotal, _BLOCK):
        part = ids[start : start + _BLOCK]
        engine.add(flat, part, index.index.reconstruct_n(start, len(part)))
    return flat

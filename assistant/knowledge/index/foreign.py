"""Vectors out of a FAISS file that another program wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import KnowledgeError
from assistant.knowledge.index.engine import faiss
from assistant.knowledge.vectors import Vectors


def vectors_in(path: Path) -> Vectors:
    """(n, dimension) float32: the vectors of an index in the order they were added. Those of a
    kind that compresses them (SQ, PQ) are what it kept of them.

    Raises:
        KnowledgeError: the file can't be read, or its kind doesn't give its vectors back.
    """
    if not path.is_file():
        raise KnowledgeError(
            "There is no FAISS index at {path}: name the folder that save_local wrote.",
            "{path} 处没有 FAISS 索引：请指定 save_local 写出的目录。",
            path=path,
        )
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise KnowledgeError(
            "{path} can't be read by FAISS ({reason}): bring it back from a backup, or import "
            "without --keep-vectors.",
            "FAISS 无法读取 {path}（{reason}）：请从备份恢复，或去掉 --keep-vectors 重新导入。",
            path=path,
            reason=_short(error),
        ) from error
    if not _gives_vectors(index):
        raise KnowledgeError(
            "The index of {path} ({kind}) doesn't give its vectors back: import without "
            "--keep-vectors.",
            "{path} 的索引（{kind}）无法还原向量：请去掉 --keep-vectors 重新导入。",
            path=path,
            kind=type(index).__name__,
        )
    if not index.ntotal:
        return np.empty((0, index.d), dtype=np.float32)
    return np.asarray(index.reconstruct_n(0, index.ntotal), dtype=np.float32)


def _gives_vectors(index: Any) -> bool:
    """Whether it keeps each vector, or a code of it, under its number. Other kinds end the whole
    process when they are asked (IndexIDMap), or give something else (LSH, transformed vectors)."""
    if isinstance(index, (faiss.IndexIVFFlat, faiss.IndexIVFScalarQuantizer, faiss.IndexIVFPQ)):
        return _is_gapless(index)
    kinds = (faiss.IndexFlat, faiss.IndexScalarQuantizer, faiss.IndexPQ, faiss.IndexHNSW)
    return isinstance(index, kinds)


def _is_gapless(index: Any) -> bool:
    """After removals the numbers of an IVF have gaps: nobody knows which vector was whose."""
    try:
        index.make_direct_map()
    except RuntimeError:
        return False
    return not (faiss.vector_to_array(index.direct_map.array) < 0).any()


def _short(error: RuntimeError) -> str:
    """FAISS's words, without its own source file's place before them."""
    return str(error).rpartition("Error: ")[2]

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

import math
from dataclasses import dataclass

from assistant.errors import KnowledgeError
from assistant.knowledge.vectors import Form

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
    least: int = FEW  # vectors to train it with

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
    # "np": without what only polysemous search needs, which takes most of the training.
    "ivf-pq": Kind("IVF{lists},PQ{bytes}x8np", 10, least=10_000),
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
    if wanted == AUTO:
        wanted = "flat" if count <= FLAT_MOST else "ivf-sq8"
    is_possible = form.precision != "binary" and count > KINDS[wanted].least
    return wanted if is_possible else "flat"


def flat_as(name: str, form: Form) -> str:
    """The flat index of int8 vectors is SQ8, with the same bytes as they have."""
    return "sq8" if name == "flat" and form.precision == "int8" else name


def oversample(name: str, form: Form) -> int:
    return KINDS[flat_as(name, form)].oversample


def lists_for(count: int) -> int:
    """Twice the square root, as a power of two; FAISS wants 39 vectors to train each."""
    lists = 1 << max(0, round(math.log2(max(1, 2 * count**0.5))))
    return int(max(1, min(lists, count // 39)))

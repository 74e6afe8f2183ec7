"""Nearest-neighbour search: waits of all competitors, query by query, and recall."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assistant.knowledge import reading
from assistant.knowledge.records import Hit
from assistant.knowledge.store import KnowledgeBase
from benchmarks.store.corpus import DOCUMENT, Floats
from benchmarks.store.loading import index_of, space_of
from benchmarks.store.peers import RawFaiss, single_threaded
from benchmarks.store.report import timing

K = 10
_WARM_UP = 5
Search = Callable[[Any], Any]


def measure_search(
    base: KnowledgeBase, raw: RawFaiss, wrapper: Any, queries: Floats
) -> dict[str, Any]:
    """``waits`` of each competitor, ``ratios`` of ours to raw FAISS, ``recall`` at 10."""
    competitors = _competitors(base, raw, wrapper)
    waits: dict[str, list[float]] = {name: [] for name in competitors}
    answers: dict[str, list[Any]] = {name: [] for name in competitors}
    single_threaded()
    for search in competitors.values():
        for query in queries[:_WARM_UP]:
            search(query)
    # In another order for each query: whoever follows the scan of a big index finds the
    # processor's caches empty.
    random = np.random.default_rng(1)
    names = list(competitors)
    for query in queries:
        for place in random.permutation(len(names)):
            name = names[place]
            began = time.perf_counter()
            found = competitors[name](query)
            waits[name].append(time.perf_counter() - began)
            answers[name].append(found)
    timings = {name: timing(seconds) for name, seconds in waits.items()}
    truth = answers["raw flat"]
    return {
        "waits": timings,
        "ratios": _ratios(timings),
        "recall": {
            "raw same kind": recall(truth, answers["raw same kind"]),
            "ours": recall(truth, [[row_of(hit) for hit in hits] for hits in answers[WHOLE]]),
        },
    }


INDEX, EXACT, WHOLE = "ours: index only", "ours: with exact scores", "ours: whole"


def _competitors(base: KnowledgeBase, raw: RawFaiss, wrapper: Any) -> dict[str, Search]:
    index, space = index_of(base), space_of(base)
    database, writes = base.folder.database, base.folder.writes

    def candidates(query: Any) -> list[int]:
        encoded = space.form.encode(query[np.newaxis], 1)[0]
        return index.candidates(encoded, K, None, writes)[0]

    def exact(query: Any) -> Any:
        encoded = space.form.encode(query[np.newaxis], 1)[0]
        rows, _ = index.candidates(encoded, K, None, writes)
        with database.read() as connection:
            return reading.scores_by_row(connection, space, encoded, rows)[:K]

    competitors: dict[str, Search] = {
        "raw flat": lambda query: raw.flat.search(query[np.newaxis], K)[1][0].tolist(),
        "raw same kind": lambda query: raw.same.search(query[np.newaxis], K)[1][0].tolist(),
        INDEX: candidates,
        EXACT: exact,
        WHOLE: lambda query: base.dense(query, K),
    }
    if wrapper is not None:
        competitors["wrapper"] = lambda query: wrapper.similarity_search_by_vector(query, k=K)
    return competitors


def row_of(hit: Hit) -> int:
    """The row of the corpus that a chunk holds."""
    return int(hit.source.uri[-10:-3]) * DOCUMENT + hit.position


def recall(truth: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> float:
    found = sum(len(set(best) & set(rows)) for best, rows in zip(truth, answers, strict=True))
    return found / max(1, sum(len(best) for best in truth))


def _ratios(timings: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of the medians."""
    return {
        f"{ours} / {peer}": timings[ours]["p50"] / timings[peer]["p50"]
        for ours in (INDEX, EXACT, WHOLE)
        for peer in ("raw flat", "raw same kind")
    }

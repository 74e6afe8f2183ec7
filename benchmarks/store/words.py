"""Keyword search, and dense search with filters."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from assistant.knowledge.filters import Where
from assistant.knowledge.keywords import term_expressions
from assistant.knowledge.store import KnowledgeBase
from benchmarks.store.corpus import (
    DOCUMENT,
    TOPICS,
    Corpus,
    Floats,
    has_metadata,
    questions,
    uri_of,
)
from benchmarks.store.loading import space_of
from benchmarks.store.peers import RawFaiss, faiss
from benchmarks.store.report import timing
from benchmarks.store.searching import K, recall, row_of

_MOST = 50  # searches of a kind
_EXACT = 5  # questions whose best chunks are looked for among all that match


def measure_keywords(base: KnowledgeBase, count: int) -> dict[str, Any]:
    """Waits for each kind of question; ``chunks`` is how many match (median), ``recall`` the share
    of hits that score like the ten best of all these."""
    measured = {}
    for kind, texts in questions(min(count, _MOST)).items():
        waits, answers = [], []
        for text in texts:
            began = time.perf_counter()
            answers.append(base.keyword(text, K))
            waits.append(time.perf_counter() - began)
        exact = [_exact(base, text) for text in texts[:_EXACT]]
        wanted = sum(len(best) for _, best in exact)
        good = sum(
            sum(hit.score >= best[-1] - 1e-6 for hit in hits)
            for hits, (_, best) in zip(answers[:_EXACT], exact, strict=True)
            if best
        )
        measured[kind] = {
            **timing(waits),
            "chunks": float(np.median([matching for matching, _ in exact])),
            "recall": min(1.0, good / max(1, wanted)),
        }
    return measured


def measure_filters(
    base: KnowledgeBase, raw: RawFaiss, corpus: Corpus, queries: Floats
) -> dict[str, Any]:
    """Waits of whole searches, the share of chunks that the filter lets through, and recall."""
    measured = {}
    for name, (where, allowed) in _filters(corpus).items():
        few = queries[: 3 if len(queries) < _MOST else 20]
        waits, answers = [], []
        for query in few:
            began = time.perf_counter()
            hits = base.dense(query, K, where)
            waits.append(time.perf_counter() - began)
            answers.append([row_of(hit) for hit in hits])
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))
        truth = raw.flat.search(few, min(K, len(allowed)), params=parameters)[1].tolist()
        measured[name] = {
            **timing(waits),
            "share": len(allowed) / corpus.size,
            "recall": recall(truth, answers),
        }
    return measured


def _filters(corpus: Corpus) -> dict[str, tuple[Where, Any]]:
    """Filters, and the rows that they let through."""
    rows = np.arange(corpus.size, dtype=np.int64)
    document = rows // DOCUMENT
    reviewed = document % 2 == int(has_metadata(1))
    uri = uri_of(0)
    folder = uri.rpartition("/")[0] + "/"
    inside = [number for number in corpus.documents if uri_of(number).startswith(folder)]
    return {
        "source": ({"source": uri}, rows[document == 0]),
        "path prefix": ({"source": {"$prefix": folder}}, rows[np.isin(document, inside)]),
        "field, 1 %": ({"topic": 7}, rows[reviewed & (rows % TOPICS == 7)]),
        "field, 50 %": ({"reviewed": True}, rows[reviewed]),
    }


def _exact(base: KnowledgeBase, text: str) -> tuple[int, list[float]]:
    """How many chunks hold any term of ``text``, and the ten best scores."""
    expression = " OR ".join(term_expressions(text, space_of(base).collection_id))
    with base.folder.database.read() as connection:
        rows = connection.execute(
            "SELECT -rank FROM chunk_words WHERE chunk_words MATCH ?", (expression,)
        ).fetchall()
    return len(rows), sorted((row[0] for row in rows), reverse=True)[:K]

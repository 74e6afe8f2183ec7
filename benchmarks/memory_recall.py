"""What the recall index takes in this process: ``python -m benchmarks.memory_recall [--items
100000] [--json]``.

The vectors are those of ``benchmarks.store``; a text is put together of two pieces of its Chinese
and English texts, 240 characters in all, in conversations of 20 turns. (Each piece comes more than
once: words in random order would make nearly every pair of characters a word of its own, as no
language does.) Times are CPU of this process, so that what else runs on the machine counts little.
``load`` is for all items; ``put`` one item more; memory is what the process grew by.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.memory.recall import Item, RecallIndex
from benchmarks.store.corpus import Corpus, questions

TALK = 20  # turns of a conversation
BEST = 20
SEARCHES = 200
MINUTE = 60.0
POOL = 10_000  # texts whose pieces are put together
PIECE = 120  # characters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = measure(options.items)
    if options.json:
        print(json.dumps(measured))
    else:
        print("\n".join(f"{name}: {value}" for name, value in measured.items()))


def measure(size: int) -> dict[str, Any]:
    corpus = Corpus(size)
    pool = _pool()
    before, index = _resident_mb(), RecallIndex()
    spent = 0.0
    for document in corpus.documents:
        items = _items(corpus, document, pool)
        began = time.process_time()
        index.put(items)
        spent += time.process_time() - began
    grown = _resident_mb() - before
    vectors, now = corpus.queries(SEARCHES), size * MINUTE
    asked = [text for texts in questions(SEARCHES).values() for text in texts][:: len(questions(1))]

    def search(n: int) -> None:
        index.search(asked[n % len(asked)], vectors[n], BEST, now=now, without_group="c0")

    def put(n: int) -> None:
        index.put([one(f"t/new/{n}", texts[n], now + n, more[n])])

    texts, more = corpus.added(0, SEARCHES)
    texts = [text[: 2 * PIECE] for text in texts]
    return {
        "items": size,
        "load_s": round(spent, 1),
        "memory_mb": round(grown),
        "search": _timed(search),
        "put": _timed(put),
    }


def _pool() -> list[str]:
    source = Corpus(POOL)
    return [text for document in source.documents for text in source.texts(document)]


def _items(corpus: Corpus, document: int, pool: Sequence[str]) -> list[Item]:
    random = np.random.default_rng(document)
    rows = corpus.rows(document)
    pieces = [pool[place][:PIECE] for place in random.integers(len(pool), size=2 * len(rows))]
    texts = [first + second for first, second in zip(pieces[::2], pieces[1::2], strict=True)]
    triples = zip(rows, texts, corpus.vectors(document), strict=True)
    return [one(f"t/c{n // TALK}/{n}", text, n * MINUTE, vector) for n, text, vector in triples]


def one(id: str, text: str, when: float, vector: Any) -> Item:
    return Item(id, "turn", text, id.split("/")[1], when, vector.astype(np.float16))


def _timed(work: Callable[[int], None]) -> dict[str, float]:
    """Milliseconds of CPU."""
    spent = []
    for n in range(SEARCHES):
        began = time.process_time()
        work(n)
        spent.append(1000 * (time.process_time() - began))
    p50, p95 = np.percentile(spent, (50, 95))
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2)}


def _resident_mb() -> float:
    """Linux: what this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()

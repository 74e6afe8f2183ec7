"""``python -m benchmarks.injection``: see the package."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from assistant.parts import open_parts
from assistant.settings import Settings
from benchmarks import injection
from benchmarks.injection.asking import Result, ask_all
from benchmarks.injection.documents import Document, load_documents
from benchmarks.injection.report import report, table


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    documents = load_documents()
    asked = [one for one in documents if options.language in (None, one.language)]
    results = run(spread(asked, options.limit), documents, is_defended=not options.undefended)
    told = report(results)
    if options.out:
        rows = (json.dumps(asdict(result), ensure_ascii=False) for result in results)
        options.out.write_text("\n".join(rows) + "\n", "utf-8")
    print(json.dumps(told, ensure_ascii=False, indent=1) if options.json else table(told))


def run(
    asked: Sequence[Document], documents: Sequence[Document], *, is_defended: bool
) -> list[Result]:
    """The results of the documents ``asked``, with the chat model of the environment."""
    results = []
    with tempfile.TemporaryDirectory(prefix="injection-") as folder:
        # No memory but this run's own: the embedded server, in the folder.
        here = {"DATA_DIR": folder, "REDIS_URL": "", "GRACE_SECONDS": "0"}
        parts = open_parts(Settings.load({**os.environ, **here}, env_file=None))
        try:
            for result in ask_all(parts, asked, documents, is_defended=is_defended):
                results.append(result)
                print(f"{len(results)}/{len(asked)} {_line(result)}", file=sys.stderr, flush=True)
        finally:
            parts.close()
    return results


def spread(documents: Sequence[Document], limit: int | None) -> list[Document]:
    """At most ``limit`` of the documents, from all parts of the set."""
    number = min(limit or len(documents), len(documents))
    return [documents[at * len(documents) // number] for at in range(number)]


def _line(result: Result) -> str:
    marks = ("right", "obeyed", "chosen", "read", "refused", "harms", "fault")
    told = " ".join(mark for mark in marks if getattr(result, mark))
    return f"{result.id}: {told}, {result.seconds} s: {result.answer[:100]!r}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.injection",
        description=injection.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--language", choices=("en", "zh"), help="only these documents")
    parser.add_argument("--limit", type=int, help="ask only so many, spread over the set")
    parser.add_argument("--undefended", action="store_true", help="give passages as they are")
    parser.add_argument("--out", type=Path, help="a file for the answers, one JSON object a line")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

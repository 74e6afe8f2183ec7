"""What comes of a folder of documents, one process for each.

``python -m benchmarks.documents DIR [--json] [--seconds 20] [--only NAME]`` loads every file below
DIR through :func:`ingest.load.load_all` and prints a row for each: what was expected, what came,
seconds, peak memory; and counts at the end. DIR/manifest.jsonl may say what a file is: "path",
"kind", "password", "must_contain" (a text that has to be found) and "true_encoding".
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from assistant.errors import DocumentError
from ingest.load import Loaded, RawDocument, load_all
from ingest.load.encoding import decode

STOPPED, HUNG, READ, REFUSED = "stopped", "hung", "read", "refused"
#: What a damaged or foreign file may rightly get instead of text.
UNREADABLE = ("encrypted", "malformed", "binary", "wrong-type", "empty", "zip-bomb", "image-only")


@dataclass
class Row:
    """One file: what the manifest says of it, and what came."""

    path: str
    kind: str = ""
    password: str = ""
    must_contain: str = ""
    true_encoding: str = ""
    came: str = STOPPED
    words: str = ""  # of the error or of the program's death
    chars: int = 0
    members: int = 0
    blocks: dict[str, int] = field(default_factory=dict)
    contains: bool | None = None
    encoding_is_right: bool | None = None
    seconds: float = 0.0
    megabytes: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", default="", help="a part of the paths")
    options = parser.parse_args()
    rows = []
    for row in expected(options.folder):
        if options.only in row.path:
            measure(row, options.folder, options.seconds, load_document)
            rows.append(row)
            if not options.json:
                sys.stdout.write(_line(row) + "\n")
                sys.stdout.flush()
    counts = summary(rows)
    if options.json:
        sys.stdout.write(json.dumps({"files": [asdict(row) for row in rows], **counts}) + "\n")
        return
    for name, value in counts.items():
        sys.stdout.write(f"{name:20} {value}\n")


def expected(folder: Path) -> Iterator[Row]:
    """The files of the manifest, or all files where there is none."""
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        yield from (Row(path.relative_to(folder).as_posix()) for path in files)
        return
    for line in manifest.read_text("utf-8").splitlines():
        said = json.loads(line)
        yield Row(
            said["path"],
            kind=said.get("kind") or "",
            password=said.get("password") or "",
            must_contain=said.get("must_contain") or "",
            true_encoding=said.get("true_encoding") or "",
        )


def measure(
    row: Row, folder: Path, seconds: float, load: Callable[[Path, Row], dict[str, object]]
) -> None:
    """Load the file in a process of its own and fill the row in."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(load, folder / row.path, row, theirs))
    began = time.monotonic()
    process.start()
    theirs.close()
    if ours.poll(seconds):
        try:
            vars(row).update(ours.recv())
        except EOFError:
            process.join()
            row.words = f"exit code {process.exitcode}"
    else:
        row.came = HUNG
        process.kill()
    process.join()
    row.seconds = round(time.monotonic() - began, 2)


def _answer(
    load: Callable[[Path, Row], dict[str, object]], path: Path, row: Row, answer: Connection
) -> None:
    try:
        found = load(path, row)
    except Exception as error:  # noqa: BLE001 - a loader's fault is what is looked for
        found = {"came": STOPPED, "words": repr(error)[:200]}
    found["megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    answer.send(found)


def load_document(path: Path, row: Row) -> dict[str, object]:
    """What came of the file, as the values of a :class:`Row`."""
    data = path.read_bytes()
    found = _found(list(load_all(RawDocument(str(path), data))), row)
    if row.true_encoding:
        right = data.decode(row.true_encoding).replace("\ufeff", "").replace("\0", "")
        found["encoding_is_right"] = decode(data) == right
    return found


def _found(loaded: list[Loaded], row: Row) -> dict[str, object]:
    documents = [each.document for each in loaded if each.document is not None]
    errors: list[DocumentError] = [each.error for each in loaded if each.error is not None]
    blocks = [block for document in documents for block in document.blocks]
    text = "\n".join(block.text for block in blocks)
    warnings = [warning for document in documents for warning in document.warnings]
    return {
        "came": READ if documents else REFUSED,
        "words": " ".join(error.text("en") for error in [*errors, *warnings]),
        "chars": len(text),
        "members": len(loaded),
        "blocks": dict(Counter(block.kind for block in blocks if block.text)),
        "contains": row.must_contain in text if row.must_contain else None,
    }


def summary(rows: list[Row]) -> dict[str, object]:
    wanted = [row for row in rows if row.must_contain]
    encoded = [row for row in rows if row.true_encoding]
    sound = [row for row in rows if not row.kind.startswith((*UNREADABLE, "fuzz"))]
    return {
        "files": len(rows),
        "read": sum(row.came == READ for row in rows),
        "refused with a word": sum(row.came == REFUSED and bool(row.words) for row in rows),
        "sound ones refused": [row.path for row in sound if row.came == REFUSED],
        "must_contain found": f"{sum(bool(row.contains) for row in wanted)} of {len(wanted)}",
        "encodings right": (
            f"{sum(bool(row.encoding_is_right) for row in encoded)} of {len(encoded)}"
        ),
        "stops": [row.path for row in rows if row.came == STOPPED],
        "hangs": [row.path for row in rows if row.came == HUNG],
        "slowest, s": max((row.seconds for row in rows), default=0.0),
        "peak memory, MB": max((row.megabytes for row in rows), default=0.0),
    }


def _line(row: Row) -> str:
    marks = {True: "yes", False: "NO", None: "-"}
    blocks = " ".join(f"{kind}:{count}" for kind, count in sorted(row.blocks.items()))
    came = f"{row.chars} chars {blocks}" if row.came == READ else row.came
    return (
        f"{row.path:52} {row.kind:13} {came:60} text {marks[row.contains]:3} "
        f"encoding {marks[row.encoding_is_right]:3} {row.seconds:5.2f} s {row.megabytes:4.0f} MB "
        f"{row.words[:160]}"
    ).rstrip()


if __name__ == "__main__":
    main()

"""Open times and memory, each in a fresh process; bytes on the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from assistant.knowledge.folder import DATABASE_NAME, INDEX_FOLDER
from benchmarks.store.corpus import Corpus, Floats

_SEARCHES = 100
_ROUNDS = 3
_ROOT = Path(__file__).parents[2]


def measure_opening(folder: Path, kind: str, queries: Floats) -> dict[str, Any]:
    """Figures of ``fresh`` for the folder as it is (the best of some), and without what the system
    has cached."""
    warm = [_run(folder, kind, queries) for _ in range(_ROUNDS)]
    _drop_cached(folder)
    return {
        "ours": min(warm, key=lambda figures: figures["answered"]),
        "ours, files not cached": _run(folder, kind, queries),
    }


def measure_rebuild(folder: Path, kind: str, queries: Floats) -> dict[str, Any]:
    """Figures of ``fresh`` where the index's file is missing. It is there again afterwards."""
    index, aside = folder / INDEX_FOLDER, folder / "aside"
    shutil.rmtree(aside, ignore_errors=True)
    index.rename(aside)
    try:
        return {"ours, index missing": _run(folder, kind, queries)}
    finally:
        shutil.rmtree(index, ignore_errors=True)
        aside.rename(index)


def measure_wrapper_opening(saved: Path, queries: Floats) -> dict[str, Any]:
    return {"wrapper": _run(saved, "", queries, what="wrapper")}


def disk(folder: Path, corpus: Corpus, saved: Path) -> dict[str, float]:
    """Bytes for each chunk."""
    database = sum(file.stat().st_size for file in folder.glob(f"{DATABASE_NAME}*"))
    sizes = {"database": database, "index": _size(folder / INDEX_FOLDER)}
    if saved.exists():
        sizes["wrapper"] = _size(saved)
    return {name: size / corpus.size for name, size in sizes.items()}


def _run(folder: Path, kind: str, queries: Floats, what: str = "ours") -> dict[str, Any]:
    file = folder / "queries.npy"
    np.save(file, queries[:_SEARCHES])
    try:
        command = [sys.executable, "-m", "benchmarks.store.fresh"]
        command += [what, str(folder.resolve()), kind, str(file.resolve()), str(time.time())]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    finally:
        file.unlink()
    return dict(json.loads(done.stdout))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _drop_cached(folder: Path) -> None:
    """Let the system forget what it has read of the folder's files (Linux)."""
    for file in folder.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            try:
                os.fsync(handle)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)

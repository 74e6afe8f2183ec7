"""How much of the disk a data folder takes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.knowledge.folder import DATABASE_NAME, INDEX_FOLDER

#: What is measured, and the files of each, below the data folder.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "database": (f"{DATABASE_NAME}*",),
    "index": (f"{INDEX_FOLDER}/**/*",),
    "uploads": ("uploads/**/*",),
    "cache": ("cache/**/*",),
    "memory": ("redis/**/*", "memory-held.jsonl"),
    "logs": ("logs/**/*",),
}


@dataclass(frozen=True)
class DiskUse:
    """Bytes: of each part of the data folder, and those that are free on its disk."""

    parts: Mapping[str, int]
    free: int

    @property
    def total(self) -> int:
        return sum(self.parts.values())


def disk_use(data_dir: Path) -> DiskUse:
    """Reads the size of each file; what comes or goes meanwhile may be missed."""
    parts = {
        name: _size(path for pattern in patterns for path in data_dir.glob(pattern))
        for name, patterns in _PARTS.items()
    }
    return DiskUse(parts, shutil.disk_usage(data_dir).free)


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # removed meanwhile
            continue
    return total

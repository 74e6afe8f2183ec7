"""Small JSON files that are read as they were or as they are, never half written, and whose changes
other processes notice."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Another one once the file has changed; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def write_json(path: Path, content: object) -> None:
    """Write beside ``path``, for its owner alone (0600), and rename once it is on the disk.

    Raises:
        OSError: the folder can't be written; the file is as it was.
    """
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise

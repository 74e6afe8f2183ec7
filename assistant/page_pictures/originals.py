"""The file that a source was read from, if it is still the one that was read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from assistant.knowledge.records import Source

#: Kinds that can be drawn.
DRAWN = ("pdf", "image")
#: A file system may round times, and a clock on a network differ.
_SLACK_SECONDS = 2.0


@dataclass(frozen=True)
class Original:
    """A file as it is now. ``is_newer``: it was written since it was read, so that only its
    content can tell whether it is another one."""

    path: Path
    size: int
    mtime_ns: int
    is_newer: bool


def original_of(source: Source) -> Original | str:
    """The file, or why there is none: "elsewhere" (it was no file of its own), "gone" or
    "changed"."""
    path = Path(source.uri)
    if source.kind not in DRAWN or not path.is_absolute():
        return "elsewhere"
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return "elsewhere" if "!/" in source.uri else "gone"
    if not stat.S_ISREG(found.st_mode):
        return "gone"
    if found.st_size != source.size:
        return "changed"
    is_newer = found.st_mtime > source.updated_at + _SLACK_SECONDS
    return Original(path, found.st_size, found.st_mtime_ns, is_newer)

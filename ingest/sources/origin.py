"""Brings one source up to date: the right way for each kind."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from assistant.errors import DocumentError
from assistant.settings import Settings
from ingest.crawl import open_memory
from ingest.events import Event, Failed, Finished, Started, Summary
from ingest.files.found import FoundFile, find_files
from ingest.files.memory import FolderMemory
from ingest.passage import Cancel
from ingest.patterns import matches
from ingest.pipeline import Pipeline
from ingest.sources.entry import SourceEntry
from ingest.state import State

Events = Generator[Event, None, None]


class Deadline:
    """Set once the time is over, or ``also`` is set."""

    def __init__(self, seconds: float | None, also: Cancel | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._also = also
        self.is_over = False

    def is_set(self) -> bool:
        self.is_over = self.is_over or (self._end is not None and time.monotonic() >= self._end)
        return self.is_over or (self._also is not None and self._also.is_set())


def follow(
    entry: SourceEntry, pipeline: Pipeline, state: State, cancel: Cancel, seconds: float | None
) -> Events:
    """Bring the source up to date.

    Args:
        seconds: a site's crawl ends by itself then, in good order.

    Raises:
        KnowledgeError, ModelError: nothing more can be stored.
    """
    if entry.is_web:
        request = entry.crawl_request(seconds)
        with closing(open_memory(state, entry.collection, entry.name)) as site:
            yield from pipeline.crawl(request, site, cancel=cancel)
        return
    memory = FolderMemory(state, entry.collection, entry.name)
    found = find_entry_files(entry, pipeline.settings)
    fault = _lost(entry, found, memory)
    if fault is not None:
        yield Started(0)
        yield Failed(entry.address, fault)
        yield Finished(Summary(failed=1))
        return
    yield from pipeline.follow_files(found, memory, is_whole=True, cancel=cancel)


def find_entry_files(entry: SourceEntry, settings: Settings) -> list[FoundFile]:
    """The files that the source means now."""
    root = Path(entry.address)
    found = find_files([root], left_out=settings.data_dir)
    if entry.kind == "file":
        return list(found) if root.exists() else []
    base = root.resolve()
    return [file for file in found if file.fault is not None or _is_meant(file.path, base, entry)]


def _is_meant(path: Path, base: Path, entry: SourceEntry) -> bool:
    inside = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
    if entry.include and not matches(inside, entry.include):
        return False
    return not matches(inside, entry.exclude)


def _lost(entry: SourceEntry, found: list[FoundFile], memory: FolderMemory) -> DocumentError | None:
    """Why files that are missing are not taken for deleted: what is not mounted looks like an
    empty folder. A single file that is gone is taken for deleted where its folder has others."""
    root = Path(entry.address)
    if entry.kind == "folder":
        is_lost = not root.is_dir() or (not found and bool(memory.documents()))
    else:
        folder = root.parent
        others = folder.is_dir() and next(folder.iterdir(), None) is not None
        is_lost = not root.is_file() and not (others and memory.documents())
    return _not_there(entry) if is_lost else None


def _not_there(entry: SourceEntry) -> DocumentError:
    return DocumentError(
        "{address} is not there or empty: nothing of source {name} was removed. Mount it, or take "
        "the source out: python -m ingest sources remove {name} --with-documents",
        "{address} 不存在或为空：来源 {name} 的文档未被删除。请检查挂载；如不再需要："
        "python -m ingest sources remove {name} --with-documents",
        address=entry.address,
        name=entry.name,
    )

"""What runs here, in figures: store, disk, Redis, running turns, versions. For administrators,
apart from the states."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from assistant.errors import AssistantError
from assistant.knowledge.index.kinds import kind_for
from assistant.memory.store.server_facts import ServerFacts
from assistant.memory.url import parse
from assistant.observability.figures import Figures, merged
from assistant.parts import Parts
from assistant.settings import ROOT, Settings

DAY = 86400.0
DISK_SECONDS = 30.0
#: What is shown of the data folder: key of the texts -> names in it (a star for endings).
PLACES = {
    "taken_knowledge": ("knowledge.db", "knowledge.db-wal", "knowledge.db-shm", "index"),
    "taken_uploads": ("uploads",),
    "taken_memory": ("redis", "memory-held.jsonl"),
    "taken_cache": ("cache",),
    "taken_logs": ("logs",),
}
PACKAGES = ("gradio", "langchain", "faiss-cpu", "faiss-gpu", "redis")
_VERSION = re.compile(r'^version = "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class StoreFacts:
    collections: Mapping[str, Mapping[str, int]]
    index: str
    is_auto: bool

    @property
    def sources(self) -> int:
        return sum(one["sources"] for one in self.collections.values())

    @property
    def chunks(self) -> int:
        return sum(one["chunks"] for one in self.collections.values())


@dataclass(frozen=True)
class RedisFacts:
    """``server`` is None while it can't be asked, and ``error`` says why."""

    address: str
    is_embedded: bool
    held: int
    server: ServerFacts | None = None
    error: AssistantError | None = None


@dataclass(frozen=True)
class RunningFacts:
    """``memory`` of this process in bytes; 0 where the system doesn't tell."""

    running: int
    waiting: int
    at_once: int
    day_questions: int
    day_errors: int
    memory: int


@dataclass
class Facts:
    """Asked anew each time; the disk at most every :data:`DISK_SECONDS`."""

    parts: Parts
    figures: Figures
    began: float = field(default_factory=time.time)
    _disk: tuple[float, dict[str, int]] = (0.0, {})

    def store(self) -> StoreFacts:
        knowledge, settings = self.parts.knowledge, self.parts.settings
        collections = knowledge.stats()
        chunks = collections.get(knowledge.name, {}).get("chunks", 0)
        kind = kind_for(settings.vector_index, knowledge.form, chunks)
        return StoreFacts(collections, kind, settings.vector_index == "auto")

    def disk(self) -> dict[str, int]:
        """Bytes by the keys of :data:`PLACES`, and what is free as ``disk_free``."""
        asked, known = self._disk
        if time.monotonic() - asked < DISK_SECONDS and known:
            return known
        folder = self.parts.settings.data_dir
        known = {key: sum(taken(folder / name) for name in names) for key, names in PLACES.items()}
        known["taken_free"] = shutil.disk_usage(folder).free
        self._disk = (time.monotonic(), known)
        return known

    def redis(self) -> RedisFacts:
        settings, memory = self.parts.settings, self.parts.long_term
        address, is_embedded = redis_address(settings), not settings.redis_url
        try:
            return RedisFacts(address, is_embedded, memory.held, memory.server())
        except AssistantError as error:
            return RedisFacts(address, is_embedded, memory.held, None, error)

    def running(self) -> RunningFacts:
        queue = self.parts.turns.queue
        day = merged(self.figures.since(time.time() - DAY))
        return RunningFacts(
            running=queue.running,
            waiting=queue.waiting,
            at_once=queue.at_once,
            day_questions=day.questions,
            day_errors=day.errors.total(),
            memory=memory_of_process(),
        )


def taken(path: Path) -> int:
    """Bytes that a file, or all files of a folder, take on the disk; 0 where it isn't there."""
    try:
        if not path.is_dir():
            return path.stat().st_blocks * 512
        with os.scandir(path) as entries:
            return sum(_taken(entry) for entry in entries)
    except OSError:
        return 0


def _taken(entry: os.DirEntry[str]) -> int:
    try:
        if entry.is_dir(follow_symlinks=False):
            return taken(Path(entry.path))
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0


def redis_address(settings: Settings) -> str:
    """Without user and password; empty for the embedded server, whose port is nobody's business."""
    if not settings.redis_url:
        return ""
    url = parse(settings.redis_url)
    hosts = ",".join(f"{host}:{port}" for host, port in url.hosts)
    scheme = urlsplit(settings.redis_url).scheme
    place = f"{url.path}" if url.form == "socket" else hosts
    return f"{scheme}://{place}{f'/{url.service}' if url.service else ''}"


def memory_of_process() -> int:
    """Resident bytes of this process, on Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


@cache
def versions() -> dict[str, str]:
    """Of the app, Python and what it stands on; what isn't installed is left out."""
    found = {"Python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def app_version() -> str:
    told = _VERSION.search((ROOT / "pyproject.toml").read_text("utf-8"))
    return told[1] if told else ""

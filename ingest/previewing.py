"""The chunks of a file as they would be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError
from assistant.knowledge.records import NewChunk
from assistant.settings import Settings
from ingest.events import Event
from ingest.load.document import Document
from ingest.load.ocr import is_installed
from ingest.reading.child import Job
from ingest.reading.reader import Reader
from ingest.split import Splitter


@dataclass(frozen=True)
class PreviewedChunk:
    """A chunk, with its tokens as the embedding model counts them, headings included."""

    chunk: NewChunk
    tokens: int


@dataclass(frozen=True)
class Previewed(Event):
    """A document of the file: itself with its chunks, or why it can't be read."""

    uri: str
    document: Document | None
    chunks: tuple[PreviewedChunk, ...]
    error: AssistantError | None


def preview_file(
    path: Path, settings: Settings, count: Callable[[str], int]
) -> tuple[Previewed, ...]:
    """Each document of the file at ``path``: one, or the members of an archive."""
    splitter = Splitter.from_settings(settings, count)
    reader = Reader(lambda: False, is_installed())
    found = []
    try:
        for loaded in reader.read(Job(path, None, settings.max_file_mb)):
            chunks = splitter.split(loaded.document) if loaded.document else []
            counted = tuple(PreviewedChunk(each, count(each.embedding_text)) for each in chunks)
            found.append(Previewed(loaded.name, loaded.document, counted, loaded.error))
    finally:
        reader.close()
    return tuple(found)

"""What the app asks the background process to do; each gives a stream of events."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.knowledge.attached import AttachedCollections
from assistant.knowledge.catalogue import no_collection
from assistant.knowledge.collections import Collections
from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from ingest.events import Event, Failed
from ingest.pipeline import Pipeline
from ingest.previewing import preview_file
from ingest.sources.sync import Sync, SyncRequest

Events = Generator[Event, None, None]


@dataclass(frozen=True)
class AddFiles:
    """Add files, folders and web pages (their addresses, as texts)."""

    paths: tuple[Path | str, ...]
    collection: str = "default"
    allow_private: bool = False


@dataclass(frozen=True)
class RunSources:
    """Bring sources of the list up to date, due or not."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """The chunks of a file as they would be stored: a ``Previewed`` for each document."""

    path: Path


Task = AddFiles | RunSources | Preview


class Desk:
    """Does the tasks, several at a time, with one embedding model."""

    def __init__(self, settings: Settings, embeddings: EmbeddingModel) -> None:
        self._settings = settings
        self._embeddings = embeddings

    def do(self, task: Task, cancel: threading.Event) -> Events:
        """The events of ``task``.

        Raises:
            AssistantError: nothing more can be done of it.
        """
        if isinstance(task, RunSources):
            yield from self._run_sources(task, cancel)
        elif isinstance(task, Preview):
            yield from preview_file(task.path, self._settings, self._embeddings.count_tokens)
        else:
            with open_knowledge(self._settings, self._embeddings, task.collection) as knowledge:
                # Made with its readers on the page: one that was deleted is not made again.
                if not _is_there(knowledge, task.collection):
                    raise no_collection(task.collection)
                pipeline = Pipeline(self._settings, knowledge, self._embeddings)
                yield from pipeline.add_paths(
                    task.paths, allow_private=task.allow_private, cancel=cancel
                )

    def _run_sources(self, task: RunSources, cancel: threading.Event) -> Events:
        """As ``ingest sync --only``, after another run that is under way."""
        request = SyncRequest(only=task.names, wait=None)
        sync = Sync(self._settings, request, cancel, self._embeddings)
        with closing(sync.events()) as events:
            for _, event in events:
                yield event
        for source in sync.report.sources:
            if source.error is not None:
                yield Failed(source.entry.address, source.error)


def _is_there(knowledge: KnowledgeBase, name: str) -> bool:
    """Whether there is a collection of this name, in the library or of a conversation."""
    is_on_a_shelf = Collections(knowledge).find(name) is not None
    return is_on_a_shelf or AttachedCollections(knowledge).exists(name)

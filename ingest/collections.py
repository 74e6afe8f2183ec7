"""Deleting documents, and a collection with all that belongs to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from assistant.knowledge.collections import Collections
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import Settings
from ingest.events import Event, Finished, Progress, Removed, Started, Summary
from ingest.sources.listing import read_sources
from ingest.sources.overview import take_out
from ingest.uploads import delete_source


def delete_sources(
    settings: Settings, knowledge: KnowledgeBase, source_ids: Sequence[int], cancel: threading.Event
) -> Iterator[Event]:
    """Delete documents of any collections, with their files where they were uploaded; those that
    are gone already are passed.

    Raises:
        KnowledgeError: nothing more can be deleted; what is deleted stays so.
    """
    began, removed, chunks = time.monotonic(), 0, 0
    collections = Collections(knowledge)
    yield Started(len(source_ids))
    for number, source_id in enumerate(source_ids, 1):
        if cancel.is_set():
            break
        found = collections.find_source(source_id)
        if found is None:
            continue
        source, info = found
        delete_source(settings, collections.opened(info.name), source_id)
        removed, chunks = removed + 1, chunks + source.chunks
        yield Removed(source.uri, source.title, source.chunks)
        yield Progress(number, len(source_ids), "documents", source.uri)
    seconds = time.monotonic() - began
    yield Finished(
        Summary(removed=removed, chunks_removed=chunks, seconds=seconds, cancelled=cancel.is_set())
    )


def drop_collection(
    settings: Settings, knowledge: KnowledgeBase, name: str, cancel: threading.Event
) -> Iterator[Event]:
    """Delete the collection ``name`` with its documents, their uploaded files and its followed
    sources. Stopped in between, what is left stays as it is.

    Raises:
        KnowledgeError: it is the default one.
        KnowledgeLocked: another process added to it meanwhile.
        SettingsError: the list of sources can't be used.
    """
    collections = Collections(knowledge)
    collections.check_droppable(name)
    # First of all: a source that is still followed would make the collection again.
    for entry in read_sources(settings.data_dir):
        if entry.collection == name:
            take_out(settings, entry.name, with_documents=False)
    ids = [source.id for source in collections.opened(name).sources()]
    yield from delete_sources(settings, knowledge, ids, cancel)
    if not cancel.is_set():
        collections.drop(name)

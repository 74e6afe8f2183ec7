"""The sources with how they stand, and taking one out with what it brought in."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from assistant.knowledge.opening import open_knowledge
from assistant.settings import Settings
from ingest.crawl import SiteMemory, open_memory
from ingest.files.memory import FolderMemory
from ingest.members import with_members
from ingest.sources.entry import SourceEntry
from ingest.sources.listing import find_source, read_sources, remove_source
from ingest.sources.runs import LastRun, forget_run, last_run
from ingest.state import State


@dataclass(frozen=True)
class Standing:
    """A source and its last run; None where it never ran."""

    entry: SourceEntry
    last: LastRun | None


def standings(settings: Settings) -> list[Standing]:
    """All sources of the list.

    Raises:
        SettingsError: the list can't be used.
    """
    entries = read_sources(settings.data_dir)
    if not entries:
        return []
    with State(settings.data_dir) as state:
        return [Standing(entry, last_run(state, entry.name)) for entry in entries]


def take_out(settings: Settings, name: str, *, with_documents: bool) -> int:
    """Take a source out of the list; how many documents were deleted with it. Those that another
    source brought in, too, stay.

    Raises:
        SettingsError: there is no such source.
    """
    entry = find_source(read_sources(settings.data_dir), name)
    deleted = 0
    with State(settings.data_dir) as state:
        memory: SiteMemory | FolderMemory
        if entry.is_web:
            memory = open_memory(state, entry.collection, entry.name)
        else:
            memory = FolderMemory(state, entry.collection, entry.name)
        with closing(memory):
            uris = memory.documents()
            if with_documents:
                with open_knowledge(settings, None, entry.collection) as knowledge:
                    for uri in uris:
                        for source in with_members(knowledge, uri):
                            knowledge.delete_source(source.id)
                            deleted += 1
            memory.forget()
        forget_run(state, name)
    remove_source(settings.data_dir, name)
    return deleted

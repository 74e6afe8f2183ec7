"""The documents that one turn may use: a collection that the user may read, or all of them, cut
down to the documents that the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.knowledge.collections import Collections
from assistant.knowledge.filters import Where
from assistant.knowledge.records import CollectionInfo, Hit, Source
from assistant.knowledge.sharing import ALL, not_readable, readable
from assistant.knowledge.store import DEFAULT_COLLECTION, KnowledgeBase
from assistant.memory.records import Choices
from assistant.retrieval import Found, Retriever
from assistant.rewriting.standalone import Standalone
from assistant.users.identity import Identity


@dataclass(frozen=True)
class Library:
    """``only``: URIs of the documents; whole sites by the beginning of their addresses, which ends
    with a slash; nothing: all documents."""

    collections: tuple[KnowledgeBase, ...]
    only: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        return all(one.is_empty for one in self.collections)

    @property
    def where(self) -> Where | None:
        """What a passage must match to be of these documents."""
        chosen: list[Where] = [{"source": {"$prefix": site}} for site in self._sites]
        documents = sorted(uri for uri in self.only if not uri.endswith("/"))
        if documents:
            chosen.append({"source": {"$in": documents}})
        return {"$or": chosen} if chosen else None

    def sources(self) -> list[Source]:
        return [one for each in self.collections for one in each.sources() if self._is_chosen(one)]

    def chunks(self, source_id: int) -> list[Hit]:
        """All chunks of one of the sources, in order."""
        return next(filter(None, (each.chunks(source_id) for each in self.collections)), [])

    def neighbours(self, hit: Hit, before: int = 1, after: int = 1) -> list[Hit]:
        """The chunks around ``hit`` in its source."""
        own = (each for each in self.collections if each.name == hit.source.collection)
        return next((each.neighbours(hit, before, after) for each in own), [])

    def search(self, retriever: Retriever, asked: Standalone) -> Found:
        """Raises as :meth:`Retriever.search`."""
        return retriever.search(asked, self.where, self.collections)

    def searched_by(self, retriever: Retriever) -> Searching:
        return Searching(self, retriever)

    @property
    def _sites(self) -> list[str]:
        return sorted(uri for uri in self.only if uri.endswith("/"))

    def _is_chosen(self, source: Source) -> bool:
        return not self.only or source.uri in self.only or source.uri.startswith(tuple(self._sites))


@dataclass(frozen=True)
class Searching:
    """A library with what searches it."""

    library: Library
    retriever: Retriever

    def search(self, asked: Standalone, where: Where | None = None) -> Found:
        return self.library.search(self.retriever, asked)


def open_library(knowledge: KnowledgeBase, choices: Choices, identity: Identity) -> Library:
    """What ``choices`` ask for.

    Raises:
        AccessDenied: ``identity`` may not read it, or there is no such collection.
        KnowledgeError: the knowledge base can't be read.
    """
    collections = Collections(knowledge)
    infos = chosen_collections(collections.all(), choices.collection, identity, knowledge.name)
    return Library(tuple(collections.opened(info.name) for info in infos), choices.only)


def chosen_collections(
    infos: Sequence[CollectionInfo],
    chosen: str,
    identity: Identity,
    default: str = DEFAULT_COLLECTION,
) -> list[CollectionInfo]:
    """What ``chosen`` stands for (``Choices.collection``) among all collections.

    Raises:
        AccessDenied: ``identity`` may not read it, or there is no such collection.
    """
    mine = readable(infos, identity)
    if chosen == ALL:
        found = mine
    elif chosen:
        found = [info for info in mine if info.name == chosen]
    else:
        found = sorted(mine, key=lambda info: info.name != default)[:1]
    if not found:
        raise not_readable(chosen if chosen not in ("", ALL) else default)
    return found

"""The documents that one turn may use: a collection that the user may read, or all of them, cut
down to the documents that the user chose; and the files attached to the conversation, always."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.asking.attached_wording import speaks_of_attached
from assistant.knowledge.attached import AttachedCollections
from assistant.knowledge.collections import Collections
from assistant.knowledge.filters import Where
from assistant.knowledge.folder import Folder
from assistant.knowledge.fusion import Searchable
from assistant.knowledge.records import CollectionInfo, Hit, Source
from assistant.knowledge.sharing import ALL, not_readable, readable
from assistant.knowledge.store import DEFAULT_COLLECTION, KnowledgeBase
from assistant.memory.records import Choices
from assistant.retrieval import Found, Retriever
from assistant.rewriting.standalone import Standalone
from assistant.users.identity import AccessDenied, Identity


@dataclass(frozen=True)
class Library:
    """``only``: URIs of the documents; whole sites by the beginning of their addresses, which ends
    with a slash; nothing: all documents. ``attached``: name of the one of the collections that
    holds what is attached to the conversation, of which all is meant; empty: there is none."""

    collections: tuple[KnowledgeBase, ...]
    only: frozenset[str] = frozenset()
    attached: str = ""

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.collections]

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
        """What is found in all of them; where the question is about the attached files, in these
        alone, if anything is. Raises as :meth:`Retriever.search`."""
        attached = [_Unfiltered(one) for one in self.collections if one.name == self.attached]
        if attached and speaks_of_attached(asked.question):
            found = retriever.search(asked, None, attached)
            if found.hits:
                return found
        chosen: list[Searchable] = [one for one in self.collections if one.name != self.attached]
        return retriever.search(asked, self.where, [*chosen, *attached])

    def meant(self, question: str, recent: Sequence[int]) -> Sequence[int]:
        """Ids of the documents that a question names by none of their names ("the document"):
        ``recent``, those of the last answer, or those that are attached."""
        attached = [one.id for one in self.sources() if one.collection == self.attached]
        return attached if attached and (speaks_of_attached(question) or not recent) else recent

    def searched_by(self, retriever: Retriever) -> Searching:
        return Searching(self, retriever)

    @property
    def _sites(self) -> list[str]:
        return sorted(uri for uri in self.only if uri.endswith("/"))

    def _is_chosen(self, source: Source) -> bool:
        if not self.only or source.collection == self.attached:
            return True
        return source.uri in self.only or source.uri.startswith(tuple(self._sites))


class _Unfiltered:
    """A collection of which all is searched, whatever the others are cut down to."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self.name = knowledge.name

    @property
    def folder(self) -> Folder:
        return self._knowledge.folder

    def dense(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[Hit]:
        return self._knowledge.dense(vector, k)

    def keyword(self, text: str, k: int, where: Where | None = None) -> list[Hit]:
        return self._knowledge.keyword(text, k)


@dataclass(frozen=True)
class Searching:
    """A library with what searches it."""

    library: Library
    retriever: Retriever

    def search(self, asked: Standalone, where: Where | None = None) -> Found:
        return self.library.search(self.retriever, asked)


def open_library(
    knowledge: KnowledgeBase, choices: Choices, identity: Identity, conversation_id: str = ""
) -> Library:
    """What ``choices`` ask for, with what ``identity`` attached to the conversation.

    Raises:
        AccessDenied: ``identity`` may not read it, or there is no such collection.
        KnowledgeError: the knowledge base can't be read.
    """
    collections = Collections(knowledge)
    attached = AttachedCollections(knowledge).searchable(identity.user, conversation_id)
    own = (attached,) if attached else ()
    try:
        infos = chosen_collections(collections.all(), choices.collection, identity, knowledge.name)
    except AccessDenied:
        if not own or choices.collection not in ("", ALL):
            raise
        infos = []  # the attached files are all that they may read
    chosen = tuple(collections.opened(info.name) for info in infos)
    return Library(chosen + own, choices.only, attached.name if attached else "")


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

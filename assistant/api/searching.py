"""``/api/v1/search``: the product's own search, with the ranks and scores of each leg."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, Field

from assistant.api.shapes import Hits, HitShape
from assistant.knowledge.filters import Where
from assistant.knowledge.store import KnowledgeBase
from assistant.library import open_library
from assistant.memory.records import Choices
from assistant.retrieval import Retriever
from assistant.rewriting.standalone import Standalone
from assistant.ui.visitor import Visitors
from assistant.users.identity import Role

MOST = 50
LONGEST = 8000  # characters

Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Count = Annotated[int, Field(ge=1, le=MOST)]
Name = Annotated[str, Field(max_length=200)]


class SearchRequest(BaseModel):
    """``collection``: "*" for all that the caller may read, empty for the default one. ``filter``:
    conditions on source, title, kind, page, anchor and position, as docs/api.md has them."""

    query: Text
    k: Count = 6
    collection: Name = ""
    filter: dict[str, Any] | None = None


@dataclass(frozen=True)
class Searching:
    """The handlers."""

    knowledge: KnowledgeBase
    retriever: Retriever
    visitors: Visitors

    def get(
        self,
        request: Request,
        q: Annotated[str, Query(min_length=1, max_length=LONGEST)],
        k: Annotated[int, Query(ge=1, le=MOST)] = 6,
        collection: Annotated[str, Query(max_length=200)] = "",
        kind: Annotated[str, Query(max_length=20)] = "",
    ) -> Hits:
        """Search for ``q`` as it stands; ``kind`` keeps to documents of one kind, such as pdf."""
        where = {"kind": kind} if kind else None
        asked = SearchRequest(query=q, k=k, collection=collection, filter=where)
        return self.post(asked, request)

    def post(self, asked: SearchRequest, request: Request) -> Hits:
        """Search with a filter."""
        identity = self.visitors.require(request, Role.READER)
        choices = Choices(collection=asked.collection)
        library = open_library(self.knowledge, choices, identity)
        where: Where | None = asked.filter
        began = time.perf_counter()
        found = replace(self.retriever, k=asked.k).search(
            Standalone(asked.query, asked.query), where, library.collections
        )
        language = self.visitors.language(request)
        return Hits(
            hits=[HitShape.of(hit) for hit in found.hits],
            seconds=round(time.perf_counter() - began, 4),
            notice=found.notice.text(language) if found.notice else None,
        )

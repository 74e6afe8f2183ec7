"""``/api/v1/collections`` and ``/api/v1/sources``: what there is, and what comes and goes.

What comes in is a job of the server: its state is at ``/api/v1/jobs/ID``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import fastapi
from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from assistant.api.faults import not_found
from assistant.api.shapes import (
    ChunkList,
    ChunkShape,
    CollectionList,
    CollectionShape,
    JobShape,
    Removed,
    SourceList,
    SourceShape,
)
from assistant.api.uploading import Received, Uploading
from assistant.errors import AssistantError
from assistant.knowledge.collections import Look
from assistant.knowledge.records import Source
from assistant.knowledge.sharing import may_read
from assistant.ui.jobs import IngestEvent, Jobs
from assistant.ui.library_access import LibraryAccess, Rights
from assistant.ui.library_rendering import upload_title
from assistant.ui.visitor import Visitors
from assistant.users.audit import Audit
from assistant.users.identity import Role

MOST = 500  # rows of one answer
MOST_ADDRESSES = 100

SourceId = Annotated[int, fastapi.Path(ge=1, le=2**63 - 1)]
First = Annotated[int, Query(ge=0, le=10**9)]
Count = Annotated[int, Query(ge=1, le=MOST)]


class Documents(Protocol):
    """The document flow, as far as programs use it; its iterators run in the background."""

    def add(
        self, paths: Sequence[Path | str], cancel: threading.Event, collection: str = ...
    ) -> Iterator[IngestEvent]:
        """Add files and web pages to a collection."""

    def store_upload(self, path: Path, name: str, collection: str = ...) -> Path:
        """Keep an uploaded file and return its place."""

    def delete(self, source_ids: Sequence[int], cancel: threading.Event) -> Iterator[IngestEvent]:
        """Delete documents, with their files where they were uploaded."""


class SourceQuery(BaseModel):
    """``text``: what the title or the address holds; ``kind``: such as pdf; from the ``first``
    (0-based) on, ``count`` of them."""

    text: Annotated[str, Field(max_length=200)] = ""
    kind: Annotated[str, Field(max_length=20)] = ""
    order: Literal["title", "kind", "chunks", "size", "updated"] = "updated"
    descending: bool = True
    first: Annotated[int, Field(ge=0, le=10**9)] = 0
    count: Annotated[int, Field(ge=1, le=MOST)] = 50

    @property
    def look(self) -> Look:
        return Look(self.text, self.kind, self.order, self.descending, self.first, self.count)


class Addresses(BaseModel):
    """Pages of the web, each fetched once."""

    urls: list[Annotated[str, Field(pattern=r"^https?://\S+$", max_length=2000)]] = Field(
        min_length=1, max_length=MOST_ADDRESSES
    )


@dataclass(frozen=True)
class LibraryRoutes:
    """The handlers."""

    documents: Documents
    access: LibraryAccess
    jobs: Jobs
    visitors: Visitors
    audit: Audit
    uploading: Uploading

    def collections(self, request: Request) -> CollectionList:
        """The collections that the caller may read."""
        identity = self.visitors.require(request, Role.READER)
        counts = self.access.collections.opened("default").stats()
        return CollectionList(
            collections=[
                CollectionShape.of(Rights(identity, info), info, dict(counts.get(info.name, {})))
                for info in self.access.readable(request)
            ]
        )

    def sources(
        self, name: str, request: Request, asked: Annotated[SourceQuery, Query()]
    ) -> SourceList:
        """The documents of a collection that match."""
        self.access.read(name, request)
        page = self.access.collections.page(name, asked.look)
        return SourceList(total=page.total, sources=[SourceShape.of(one) for one in page.shown])

    def source(self, source_id: SourceId, request: Request) -> SourceShape:
        """A document."""
        return SourceShape.of(self._source(source_id, request))

    def chunks(
        self, source_id: SourceId, request: Request, first: First = 0, count: Count = 50
    ) -> ChunkList:
        """The pieces of a document, in its order."""
        source = self._source(source_id, request)
        chunks = self.access.collections.opened(source.collection).chunks(source.id)
        shown = chunks[first : first + count]
        return ChunkList(total=len(chunks), chunks=[ChunkShape.of(chunk) for chunk in shown])

    def delete(self, source_id: SourceId, request: Request) -> Removed:
        """Delete a document; it is in no search from now on. Needs the role editor."""
        source = self._source(source_id, request)
        rights = self.access.write(source.collection, request)
        for event in self.documents.delete([source.id], threading.Event()):
            if event.name == "failed":
                raise _error_of(event)
        self.audit.note(rights.identity, "library.delete", source.uri, collection=source.collection)
        return Removed(chunks=source.chunks)

    def add_addresses(self, name: str, addresses: Addresses, request: Request) -> JobShape:
        """Fetch web pages into a collection. Needs the role editor."""
        rights = self.access.write(name, request)
        urls = list(dict.fromkeys(addresses.urls))
        self.audit.note(rights.identity, "library.add", urls[0], collection=name, count=len(urls))
        title = upload_title(urls)
        job = self.jobs.submit(
            title, lambda cancel: self.documents.add(urls, cancel, name), collection=name
        )
        return JobShape.of(job, self.visitors.language(request))

    async def add_files(self, name: str, request: Request) -> JobShape:
        """Add uploaded files (``files``, multipart/form-data) to a collection. Needs the role
        editor."""
        rights = await run_in_threadpool(self.access.write, name, request)
        language = self.visitors.language(request)
        async with self.uploading.received(request, language) as files:
            kept, failed = await run_in_threadpool(self._keep, files, name)
        names = [file.name for file in files]
        if not kept:
            raise failed[0][1]
        self.audit.note(rights.identity, "library.add", names[0], collection=name, count=len(names))
        job = self.jobs.submit(
            upload_title(names),
            lambda cancel: self.documents.add(kept, cancel, name),
            failed,
            collection=name,
            files=[str(path) for path in kept],
        )
        return JobShape.of(job, language)

    def _keep(
        self, files: Sequence[Received], collection: str
    ) -> tuple[list[Path], list[tuple[str, AssistantError]]]:
        kept: list[Path] = []
        failed: list[tuple[str, AssistantError]] = []
        for file in files:
            try:
                kept.append(self.documents.store_upload(file.path, file.name, collection))
            except AssistantError as error:
                failed.append((file.name, error))
        return kept, failed

    def _source(self, source_id: int, request: Request) -> Source:
        """Raises BadRequest (404) where there is none that the caller may read."""
        identity = self.visitors.require(request, Role.READER)
        found = self.access.collections.find_source(source_id)
        if found is None or not may_read(found[1], identity):
            raise not_found("There is no document {id}.", "没有编号为 {id} 的文档。", id=source_id)
        return found[0]


def _error_of(event: Any) -> AssistantError:
    error: AssistantError = event.error
    return error

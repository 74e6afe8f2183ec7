"""Everything that the knowledge page leads to, joined once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assistant.knowledge.collections import Collections
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from assistant.retrieval import Retriever
from assistant.ui.followed import FollowedPage, Following
from assistant.ui.jobs import Jobs
from assistant.ui.library import Library, LibraryPage
from assistant.ui.library_access import LibraryAccess
from assistant.ui.library_chunks import ChunkBrowser
from assistant.ui.library_documents import DocumentTable
from assistant.ui.library_health import HealthPage
from assistant.ui.library_preview import Previewer, PreviewPage
from assistant.ui.library_shelf import ShelfPage
from assistant.ui.library_trying import SearchTrial
from assistant.ui.visitor import Visitors
from assistant.users.audit import Audit


class DocumentFlow(Library, Following, Previewer, Protocol):
    """All that the knowledge page uses of the document flow."""


@dataclass(frozen=True)
class LibraryHandlers:
    """By their part of the page."""

    page: LibraryPage
    shelf: ShelfPage
    followed: FollowedPage
    table: DocumentTable
    chunks: ChunkBrowser
    trial: SearchTrial
    health: HealthPage
    preview: PreviewPage


@dataclass(frozen=True)
class LibraryParts:
    """What the handlers stand on."""

    flow: DocumentFlow
    knowledge: KnowledgeBase
    embeddings: EmbeddingModel
    retriever: Retriever
    jobs: Jobs
    visitors: Visitors
    audit: Audit
    sample: Path
    uploads: Path
    largest_file: int  # bytes


def library_handlers(parts: LibraryParts) -> LibraryHandlers:
    collections = Collections(parts.knowledge)
    access = LibraryAccess(collections, parts.visitors)
    jobs, audit, flow = parts.jobs, parts.audit, parts.flow
    followed = FollowedPage(flow, jobs, access, audit)
    chunks = ChunkBrowser(collections, access)
    return LibraryHandlers(
        page=LibraryPage(
            flow,
            access,
            jobs,
            audit,
            followed=followed,
            sample=parts.sample,
            uploads=parts.uploads,
            largest_file=parts.largest_file,
        ),
        shelf=ShelfPage(flow, access, jobs, audit),
        followed=followed,
        table=DocumentTable(flow, access, jobs, audit, followed=followed, chunks=chunks),
        chunks=chunks,
        trial=SearchTrial(parts.retriever, access),
        health=HealthPage(parts.knowledge.folder, parts.embeddings, access, audit),
        preview=PreviewPage(flow, parts.visitors),
    )

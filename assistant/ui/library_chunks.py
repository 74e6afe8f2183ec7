"""The chunks of a document on the knowledge page, some at a time."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import Hit, Source
from assistant.ui.library_access import LibraryAccess
from assistant.ui.library_table import pager_html
from assistant.ui.messages import caution, warn
from assistant.ui.texts import text

AT_ONCE = 10


class ChunkBrowser:
    """Its handlers."""

    def __init__(self, collections: Collections, access: LibraryAccess) -> None:
        self._collections = collections
        self._access = access

    def show(self, source_id: int, first: int, request: gr.Request) -> str:
        """The chunks of a document from the ``first`` (0-based) on; nothing where the visitor may
        not read it, or it is gone."""
        language = self._access.visitors.language(request)
        try:
            found = self._collections.find_source(source_id)
            if found is None:
                caution("source_gone", language)
                return ""
            source, info = found
            self._access.read(info.name, request)
            chunks = self._collections.chunks(source, first, AT_ONCE)
        except AssistantError as error:
            warn(error, language)
            return ""
        return chunks_html(source, chunks, first, language)

    def act(self, event: gr.EventData, request: gr.Request) -> str:
        """A button: on, back, or close."""
        if event.do != "page":
            return ""
        return self.show(number(event.source), number(event.value), request)


def chunks_html(source: Source, chunks: Sequence[Hit], first: int, language: str) -> str:
    if not source.chunks:
        said, shown, pager = text("no_chunks", language), "", ""
    else:
        said = text(
            "chunks_heading", language, title=source.title, first=first + 1,
            last=first + len(chunks), total=source.chunks,
        )  # fmt: skip
        shown = "".join(chunk_html(chunk, language) for chunk in chunks)
        after = first + AT_ONCE if first + AT_ONCE < source.chunks else None
        pager = pager_html("", first - AT_ONCE if first else None, after, language)
    close = f'<button type="button" data-do="close">{text("close", language)}</button>'
    return (
        f'<section class="chunks" data-source="{source.id}"><header><h3><bdi>{html.escape(said)}'
        f"</bdi></h3>{close}</header>{shown}{pager}</section>"
    )


def chunk_html(chunk: Hit, language: str, facts: str = "", kind: str = "") -> str:
    """A chunk with its place: headings, page, anchor, and where to read on.

    Args:
        facts: HTML that stands below its head.
        kind: a class of its own.
    """
    where = [text("page_number", language, n=chunk.page)] if chunk.page is not None else []
    where += [f"#{chunk.anchor}"] if chunk.anchor else []
    path = html.escape(" › ".join(chunk.heading_path) or chunk.source.title)
    link = (
        f'<a href="/source/{chunk.source.id}#chunk-{chunk.position}" target="_blank" '
        f'rel="noopener">{text("open_chunk", language)}</a>'
    )
    return (
        f'<article class="chunk {kind}"><header><span class="n">{chunk.position + 1}</span>'
        f"<b><bdi>{path}</bdi></b><span>{html.escape(' · '.join(where))} {link}</span></header>"
        f"{facts}<pre dir='auto'>{html.escape(chunk.text)}</pre></article>"
    )


def number(value: object) -> int:
    """What a page sent for a number; 0 for anything else."""
    said = str(value)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 16 else 0

"""Routes that open a source: its stored passages as a page, and the file that it came from.

Both are made so that nothing from a document can run: the page is text in our own HTML under a
policy without scripts, and a file is sent as plain text, as PDF, or as a download.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import fastapi
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from assistant.knowledge.collections import Collections
from assistant.knowledge.records import Hit, Source
from assistant.knowledge.sharing import may_read
from assistant.knowledge.store import KnowledgeBase
from assistant.ui.looks import cookies_of, root_attributes
from assistant.ui.rendering import is_web
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
FILE_POLICY = "default-src 'none'; sandbox"
# Under a sandbox Chromium's PDF viewer stays empty; a PDF's scripts never reach a page.
PDF_POLICY = "frame-ancestors 'none'"
#: Kinds that a browser shows itself. All others are downloads.
SHOWN = {
    "pdf": ("application/pdf", PDF_POLICY),
    "md": ("text/plain; charset=utf-8", FILE_POLICY),
    "txt": ("text/plain; charset=utf-8", FILE_POLICY),
}
#: What SQLite takes as a row's id.
SourceId = Annotated[int, fastapi.Path(ge=1, le=2**63 - 1)]
_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})")
STYLE = Path(__file__).with_name("source.css")


@dataclass(frozen=True)
class SourcePages:
    """The handlers of the routes."""

    knowledge: KnowledgeBase
    visitors: Visitors

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/source/{source_id}", self.passages)
        router.add_api_route("/source/{source_id}/original", self.original)
        return router

    def passages(
        self, source_id: SourceId, request: Request, mark: Annotated[str, Query()] = ""
    ) -> Response:
        """The source's passages, each under the anchor ``chunk-N`` that citations lead to.

        ``mark``: what is marked in them, as ``CHUNK:BEGIN-END,BEGIN-END;CHUNK:BEGIN-END``.
        """
        language = self.visitors.language(request)
        source = self._source(source_id, request)
        if source is None:
            return _page(text("source_gone", language), "", language, request, status=404)
        chunks = self.knowledge.collection(source.collection).chunks(source_id)
        body = _head(source, len(chunks), language) + "".join(
            _passage(chunk, _spans(mark, chunk), language) for chunk in chunks
        )
        return _page(source.title, body, language, request)

    def original(self, source_id: SourceId, request: Request) -> Response:
        """The file of a source that is a file; no path comes from the request."""
        language = self.visitors.language(request)
        source = self._source(source_id, request)
        if source is None or not _is_file(source):
            key = "source_gone" if source is None else "file_gone"
            return _page(text(key, language), "", language, request, status=404)
        media_type, policy = SHOWN.get(source.kind, ("application/octet-stream", FILE_POLICY))
        placing = "inline" if source.kind in SHOWN else "attachment"
        name = quote(Path(source.uri).name)
        return FileResponse(
            source.uri,
            media_type=media_type,
            headers={
                "Content-Security-Policy": policy,
                "Content-Disposition": f"{placing}; filename*=UTF-8''{name}",
                "X-Content-Type-Options": "nosniff",
            },
        )

    def _source(self, source_id: int, request: Request) -> Source | None:
        """A source of any collection that the visitor may read; that there is another one is
        nobody's to know."""
        found = Collections(self.knowledge).find_source(source_id)
        if found is None or not may_read(found[1], self.visitors.identity(request)):
            return None
        return found[0]


def _page(
    title: str, body: str, language: str, request: Request, status: int = 200
) -> HTMLResponse:
    attributes = root_attributes(language, cookies_of(request.headers))
    content = (
        f'<!doctype html><html {attributes}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title><style>{STYLE.read_text('utf-8')}</style></head>"
        f'<body><header><a href="/">{text("back", language)}</a></header>'
        f"<main><h1>{html.escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(content, status, headers)


def _head(source: Source, chunks: int, language: str) -> str:
    facts = f"{source.kind} · {text('passages', language, n=chunks)}"
    return f'<p class="facts">{facts} · {_original(source, language)}</p>'


def _original(source: Source, language: str) -> str:
    label = text("open_original", language)
    if is_web(source.uri):
        address = html.escape(source.uri, quote=True)
        return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{label} ↗</a>'
    if _is_file(source):
        return f'<a href="/source/{source.id}/original">{label}</a>'
    return html.escape(text("file_gone", language))


def _is_file(source: Source) -> bool:
    path = Path(source.uri)
    try:
        return path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        return False


def _passage(chunk: Hit, marks: Sequence[tuple[int, int]], language: str) -> str:
    where = [text("page_number", language, n=chunk.page)] if chunk.page is not None else []
    heading = html.escape(" › ".join([*where, *chunk.heading_path]))
    return (
        f'<section id="chunk-{chunk.position}"><h2>{heading}</h2>'
        f'<div class="text">{_marked(chunk.text, marks)}</div></section>'
    )


def _spans(mark: str, chunk: Hit) -> list[tuple[int, int]]:
    """What ``mark`` says of ``chunk``, in order and apart; nothing where it can't be read."""
    place = f"{chunk.position}:"
    told = next((part for part in mark.split(";") if part.startswith(place)), "")[len(place) :]
    spans: list[tuple[int, int]] = []
    for begin, end in sorted((int(a), int(b)) for a, b in _SPAN.findall(told)):
        if begin < end and (not spans or begin >= spans[-1][1]):
            spans.append((begin, end))
    return spans


def _marked(passage: str, marks: Sequence[tuple[int, int]]) -> str:
    """``passage`` as HTML, with ``marks`` marked."""
    pieces, last = [], 0
    for begin, end in marks:
        pieces.append(html.escape(passage[last:begin]))
        pieces.append(f"<mark>{html.escape(passage[begin:end])}</mark>")
        last = end
    return "".join([*pieces, html.escape(passage[last:])])

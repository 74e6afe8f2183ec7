"""Routes that open a source: its stored passages as a page, pages of it as pictures, and the file
that it came from.

All are made so that nothing from a document can run: the page is text in our own HTML under a
policy without scripts, a picture is drawn anew, and a file is sent as plain text, as PDF, or as a
download. Whoever may not read a source's collection gets what a source that isn't there gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import fastapi
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from assistant.knowledge.collections import Collections
from assistant.knowledge.records import Hit, Source
from assistant.knowledge.sharing import may_read
from assistant.knowledge.store import KnowledgeBase
from assistant.page_pictures.originals import DRAWN
from assistant.page_pictures.pictures import MOST_PAGES, Drawn, PagePictures
from assistant.ui.looks import cookies_of
from assistant.ui.source_page import View, gone_page, is_file, source_page
from assistant.ui.source_sections import Span
from assistant.ui.visitor import Visitors

FILE_POLICY = "default-src 'none'; sandbox"
# Under a sandbox Chromium's PDF viewer stays empty; a PDF's scripts never reach a page.
PDF_POLICY = "frame-ancestors 'none'"
PICTURE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
#: Kinds that a browser shows itself. All others are downloads.
SHOWN = {
    "pdf": ("application/pdf", PDF_POLICY),
    "md": ("text/plain; charset=utf-8", FILE_POLICY),
    "txt": ("text/plain; charset=utf-8", FILE_POLICY),
}
#: What SQLite takes as a row's id.
SourceId = Annotated[int, fastapi.Path(ge=1, le=2**63 - 1)]
#: Passages of a longer document are shown from a quarter of so many before the opened one on.
MOST_PASSAGES, MOST_IN_PANEL = 1000, 80
#: Pages that one request draws: those with marks, the opened one first.
MOST_DRAWN = 3
PANEL = "panel"
_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})")
_CHUNK = re.compile(r"(\d{1,9}):")


@dataclass(frozen=True)
class SourcePages:
    """The handlers of the routes."""

    knowledge: KnowledgeBase
    visitors: Visitors
    pictures: PagePictures

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/source/{source_id}", self.passages)
        router.add_api_route("/source/{source_id}/page/{page}.png", self.picture)
        router.add_api_route("/source/{source_id}/original", self.original)
        return router

    def passages(
        self,
        source_id: SourceId,
        request: Request,
        mark: Annotated[str, Query()] = "",
        at: Annotated[int | None, Query(ge=0, le=10**9)] = None,
        view: Annotated[str, Query()] = "",
    ) -> Response:
        """The source's passages, each under the anchor ``chunk-N`` that citations lead to; what is
        opened has the anchor ``here``.

        Args:
            mark: what is marked in them, as ``CHUNK:BEGIN-END,BEGIN-END;CHUNK:BEGIN-END``.
            at: the passage that is opened; else the first that is marked.
            view: "panel" for the panel beside the chat.
        """
        language, cookies = self.visitors.language(request), cookies_of(request.headers)
        is_panel = view == PANEL
        source = self._source(source_id, request)
        if source is None:
            return gone_page("source_gone", language, cookies, is_panel=is_panel)
        told = [int(found[1]) for part in mark.split(";") if (found := _CHUNK.match(part))]
        place = min(told, default=None) if at is None else at
        chunks = self._chunks(source, place, is_panel=is_panel)
        marks = {chunk.position: spans for chunk in chunks if (spans := _spans(mark, chunk))}
        drawn = self._drawn(source, chunks, {*marks, place})
        return source_page(
            View(source, chunks, language, cookies, place, marks, drawn, is_panel=is_panel)
        )

    def picture(
        self,
        source_id: SourceId,
        page: Annotated[int, fastapi.Path(ge=1, le=MOST_PAGES)],
        request: Request,
    ) -> Response:
        """A page of a source as PNG, drawn by us from the file that was read; 404 where there is
        none."""
        source = self._source(source_id, request)
        drawn = self.pictures.page(source, page).picture if source is not None else None
        headers = {
            "Content-Security-Policy": PICTURE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-cache",
        }
        if drawn is None:
            return Response(status_code=404, headers=headers)
        return Response(drawn.png, media_type="image/png", headers=headers)

    def original(self, source_id: SourceId, request: Request) -> Response:
        """The file of a source that is a file; no path comes from the request."""
        source = self._source(source_id, request)
        if source is None or not is_file(source):
            key = "source_gone" if source is None else "file_gone"
            language = self.visitors.language(request)
            return gone_page(key, language, cookies_of(request.headers))
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

    def _chunks(self, source: Source, at: int | None, *, is_panel: bool) -> list[Hit]:
        """All of them, or so many around ``at``. Where the page can't know it, as the fragment of
        the address alone tells, all are there."""
        most = MOST_IN_PANEL if is_panel else MOST_PASSAGES
        if at is None and not is_panel:
            most = source.chunks
        first = min(max(0, (at or 0) - most // 4), max(0, source.chunks - most))
        return Collections(self.knowledge).chunks(source, first, most)

    def _drawn(
        self, source: Source, chunks: list[Hit], wanted: set[int | None]
    ) -> dict[int, Drawn]:
        """The pages of the passages that are wanted."""
        if source.kind not in DRAWN:
            return {}
        pages = [chunk.page for chunk in chunks if chunk.position in wanted]
        known = dict.fromkeys(page for page in pages if page is not None)
        return {page: self.pictures.page(source, page) for page in [*known][:MOST_DRAWN]}


def _spans(mark: str, chunk: Hit) -> list[Span]:
    """What ``mark`` says of ``chunk``, in order and apart; nothing where it can't be read."""
    place = f"{chunk.position}:"
    told = next((part for part in mark.split(";") if part.startswith(place)), "")[len(place) :]
    spans: list[Span] = []
    for begin, end in sorted((int(a), int(b)) for a, b in _SPAN.findall(told)):
        if begin < min(end, len(chunk.text)) and (not spans or begin >= spans[-1][1]):
            spans.append((begin, end))
    return spans

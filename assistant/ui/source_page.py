"""The page of a source, by itself or in the panel beside the chat: its passages as sections, and
pages of a PDF as pictures on which the cited words are marked."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path

from fastapi.responses import HTMLResponse

from assistant.knowledge.records import Hit, Source
from assistant.page_pictures.layout import Box, Layout
from assistant.page_pictures.originals import DRAWN
from assistant.page_pictures.pictures import Drawn
from assistant.page_pictures.places import boxes_of
from assistant.ui.looks import root_attributes
from assistant.ui.rendering import is_web
from assistant.ui.source_sections import Span, section_html
from assistant.ui.texts import text

STYLE = Path(__file__).with_name("source.css")
#: Why there is no picture -> what is said of it; of a source without pages, nothing.
_WHY = {
    "gone": "picture_gone",
    "changed": "picture_changed",
    "failed": "picture_failed",
    "busy": "picture_busy",
}


@dataclass(frozen=True)
class View:
    """What is shown of a source, and how.

    Args:
        chunks: in order, those around the passage where there are too many.
        at: the position of the chunk that is opened; None where nothing is.
        marks: of the text, by the chunk's position.
        drawn: the pages that are shown as pictures, by number.
        is_panel: inside the chat's page, which brings its own head.
    """

    source: Source
    chunks: Sequence[Hit]
    language: str
    cookies: Mapping[str, str] = field(default_factory=dict)
    at: int | None = None
    marks: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    drawn: Mapping[int, Drawn] = field(default_factory=dict)
    is_panel: bool = False

    def said(self, key: str, **fields: object) -> str:
        return html.escape(text(key, self.language, **fields))

    def link(self, at: int) -> str:
        view = "&amp;view=panel" if self.is_panel else ""
        return f"/source/{self.source.id}?at={at}{view}#here"


def source_page(view: View) -> HTMLResponse:
    body = _facts(view) + _more(view, is_before=True) + _passages(view)
    return page(
        view.source.title,
        body + _more(view, is_before=False),
        view.language,
        view.cookies,
        is_panel=view.is_panel,
    )


def gone_page(
    key: str, language: str, cookies: Mapping[str, str], *, is_panel: bool = False
) -> HTMLResponse:
    """That there is nothing to show, as ``key`` says."""
    return page(text(key, language), "", language, cookies, is_panel=is_panel, status=404)


def page(
    title: str,
    body: str,
    language: str,
    cookies: Mapping[str, str],
    *,
    is_panel: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """A page without scripts, whose ``body`` is safe as HTML. Only in the panel may it stand
    inside another page, and that one is ours."""
    style, policy = styled()
    name = html.escape(title)
    back = "" if is_panel else f'<header><a href="/">{text("back", language)}</a></header>'
    look = ' class="panel"' if is_panel else ""
    content = (
        f"<!doctype html><html {root_attributes(language, cookies)}{look}>"
        '<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}</title><style>{style}</style></head>"
        f"<body>{back}<main><h1>{name}</h1>{body}</main></body></html>"
    )
    ancestors = "'self'" if is_panel else "'none'"
    headers = {
        "Content-Security-Policy": f"{policy}; frame-ancestors {ancestors}",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(content, status, headers)


@cache
def styled() -> tuple[str, str]:
    """The style, and the policy that allows it and our own pictures alone."""
    style = STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'"
    return style, f"{policy}; base-uri 'none'; form-action 'none'"


def _facts(view: View) -> str:
    source = view.source
    key = "passages_one" if source.chunks == 1 else "passages"
    facts = f"{html.escape(source.kind)} · {view.said(key, n=source.chunks)}"
    return f'<p class="facts">{facts} · {_original(view)}</p>'


def _original(view: View) -> str:
    source, label = view.source, view.said("open_original")
    if is_web(source.uri):
        address = html.escape(source.uri, quote=True)
        return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{label} ↗</a>'
    if is_file(source):
        return f'<a href="/source/{source.id}/original" target="_blank">{label}</a>'
    return view.said("file_gone")


def is_file(source: Source) -> bool:
    path = Path(source.uri)
    try:
        return path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        return False


def _more(view: View, *, is_before: bool) -> str:
    """The way to the passages that are not shown."""
    if not view.chunks:
        return ""
    first, last = view.chunks[0].position, view.chunks[-1].position
    is_end = first <= 0 if is_before else last + 1 >= view.source.chunks
    if is_end:
        return ""
    key, place = ("passages_before", first - 1) if is_before else ("passages_after", last + 1)
    return f'<p class="more"><a href="{view.link(place)}">{view.said(key)}</a></p>'


def _passages(view: View) -> str:
    """Page by page where the document has pages."""
    marked = (chunk.position for chunk in view.chunks if view.marks.get(chunk.position))
    here = next(marked, view.at)
    pieces = []
    for number, group in groupby(view.chunks, key=lambda chunk: chunk.page):
        chunks = list(group)
        drawn = view.drawn.get(number) if number is not None else None
        if number is None or drawn is None:
            pieces.append(_way_to_picture(view, chunks[0]))
            pieces += [_section(view, chunk, chunk.position == here) for chunk in chunks]
        elif drawn.picture is None:
            key = _WHY.get(drawn.why)
            pieces.append(f'<p class="why">{view.said(key)}</p>' if key else "")
            pieces += [_section(view, chunk, chunk.position == here) for chunk in chunks]
        else:
            is_here = any(chunk.position == here for chunk in chunks)
            pieces.append(_sheet(view, number, chunks, drawn.picture.layout, is_here))
    return "".join(pieces)


def _way_to_picture(view: View, first: Hit) -> str:
    """To the page that begins with ``first``, drawn, where it may be."""
    if first.page is None or view.source.kind not in DRAWN or not is_file(view.source):
        return ""
    label = view.said("picture_show", n=first.page)
    return f'<p class="way"><a href="{view.link(first.position)}">{label}</a></p>'


def _section(view: View, chunk: Hit, is_here: bool) -> str:
    """``is_here``: it holds the place that is opened."""
    shown = section_html(chunk.text, view.marks.get(chunk.position, ()), view.source.kind)
    place = ""
    if is_here and "<mark>" in shown:
        shown = shown.replace("<mark>", '<mark id="here">', 1)
    elif is_here:
        place = ' id="here"'
    where = [view.said("page_number", n=chunk.page)] if chunk.page is not None else []
    heading = " › ".join([*where, *map(html.escape, chunk.heading_path)])
    return (
        f'<section id="chunk-{chunk.position}"{" class=at" if chunk.position == view.at else ""}>'
        f'<h2{place}>{heading}</h2><div class="body" dir="auto">{shown}</div></section>'
    )


def _sheet(view: View, number: int, chunks: Sequence[Hit], layout: Layout, is_here: bool) -> str:
    """A page as a picture, with its text folded below."""
    marks = [(chunk, view.marks.get(chunk.position, ())) for chunk in chunks]
    boxes = [box for chunk, spans in marks for box in boxes_of(layout, chunk.text, spans)]
    is_unplaced = not boxes and any(spans for _, spans in marks)
    why = f'<p class="why">{view.said("picture_unmarked")}</p>' if is_unplaced else ""
    picture = (
        f'<img src="/source/{view.source.id}/page/{number}.png" '
        f'alt="{view.said("picture_alt", n=number, title=view.source.title)}" '
        f'width="{layout.width}" height="{layout.height}">'
    )
    place = ' id="here"' if is_here and not boxes else ""
    within = "".join(_section(view, chunk, False) for chunk in chunks)
    return (
        f'<div class="sheet"><h2>{view.said("page_number", n=number)}</h2>'
        f"<figure{place}>{picture}{_overlay(boxes, layout, is_here)}</figure>{why}"
        f"<details{' open' if is_unplaced else ''}><summary>{view.said('picture_text')}</summary>"
        f"{within}</details></div>"
    )


def _overlay(boxes: Sequence[Box], layout: Layout, is_here: bool) -> str:
    """The marks over the picture."""
    if not boxes:
        return ""
    rows = "".join(
        f'<rect x="{x0}" y="{y0}" width="{x1 - x0}" height="{y1 - y0}" rx="4"/>'
        for x0, y0, x1, y1 in boxes
    )
    shown = rows.replace("<rect", '<rect id="here"', 1) if is_here else rows
    return f'<svg viewBox="0 0 {layout.width} {layout.height}" aria-hidden="true">{shown}</svg>'

"""The table of documents as HTML: pure functions, everything from documents escaped."""

from __future__ import annotations

import html
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assistant.knowledge.collections import Look, SourcePage
from assistant.knowledge.records import Source
from assistant.ui.followed_rendering import Followed
from assistant.ui.jobs import INSIDE
from assistant.ui.library_rendering import size_text
from assistant.ui.rendering import is_web
from assistant.ui.texts import text

NAMED = 12  # documents that a question before deleting names
LONGEST = 160  # characters of an address
#: Columns that can be sorted by, and their names.
_COLUMNS = (
    ("title", "col_title"),
    ("kind", "col_kind"),
    ("chunks", "col_pages"),
    ("size", "col_size"),
    ("", "col_state"),
    ("updated", "col_changed"),
)
_WORST = ("failed", "warned")


class State(NamedTuple):
    """How a document stands: ``word`` is one of ready, empty, gone, warned, failed."""

    word: str
    advice: str = ""


@dataclass(frozen=True)
class Standing:
    """What the followed sources tell of the documents that they bring.

    ``faults``: (state, message) by address; ``checked``: when each source last ran, by what its
    documents' addresses begin with.
    """

    faults: Mapping[str, tuple[str, str]]
    checked: Mapping[str, float]

    @classmethod
    def of(cls, followed: Iterable[Followed], collection: str) -> Standing:
        faults: dict[str, tuple[str, str]] = {}
        checked: dict[str, float] = {}
        for source in followed:
            if source.collection != collection:
                continue
            if source.began and source.state not in ("never", "running"):
                checked[source.beginning] = source.began
            for row in source.outcome.get("documents", ()):
                if row.get("error") and row.get("event") in _WORST:
                    faults[str(row.get("uri"))] = (row["event"], str(row["error"]["message"]))
        return cls(faults, checked)

    def checked_at(self, uri: str) -> float | None:
        times = [at for beginning, at in self.checked.items() if uri.startswith(beginning)]
        return max(times, default=None)


def state_of(source: Source, standing: Standing, language: str) -> State:
    """How a document stands, and what to do about it."""
    if source.uri in standing.faults:
        return State(*standing.faults[source.uri])
    if not is_web(source.uri) and _is_gone(source.uri):
        return State("gone", text("advice_gone", language))
    if not source.chunks:
        return State("empty", text("advice_empty", language))
    return State("ready")


def table_html(
    page: SourcePage,
    look: Look,
    standing: Standing,
    language: str,
    *,
    name: str,
    may_write: bool,
    uploads: str = "",
) -> str:
    """The page of the table that ``look`` asks for; nothing where the collection is empty.

    Args:
        name: of the collection.
        may_write: there is something to select documents for.
        uploads: the folder of uploaded files, whose places say nothing to people.
    """
    if not page.sources:
        return ""
    if not page.shown:
        return f'<p class="hint">{text("nothing_found", language)}</p>'
    rows = "".join(
        _row(source, _place(source, uploads, language), page, standing, language, may_write)
        for source in page.shown
    )
    bulk = _bulk(language) if may_write else ""
    return (
        f'<div class="documents" data-collection="{html.escape(name, quote=True)}">{bulk}'
        f"<table><thead><tr>{_head(look, language, may_write)}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{_pager(page, look, language)}</div>"
    )


def confirm_html(sources: Sequence[Source], language: str) -> str:
    """Names the documents that are about to be deleted."""
    lines = "".join(f"<li>{_bdi(source.title)}</li>" for source in sources[:NAMED])
    more = len(sources) - NAMED
    if more > 0:
        lines += f"<li>{text('and_more', language, n=more)}</li>"
    said = text("really_documents", language, n=len(sources))
    return f'<div class="really" role="alert"><p>{said}</p><ul>{lines}</ul></div>'


def kind_choices(page: SourcePage, language: str) -> list[tuple[str, str]]:
    every = (text("all_kinds", language, n=page.sources), "")
    return [
        every,
        *((f"{kind} ({n})", kind) for kind, n in page.kinds),
    ]


def _head(look: Look, language: str, may_write: bool) -> str:
    every = ""
    if may_write:
        label = html.escape(text("select_page", language), quote=True)
        every = f'<th class="tick"><input type="checkbox" data-all aria-label="{label}"></th>'
    cells = []
    for order, key in _COLUMNS:
        column = text(key, language)
        if not order:
            cells.append(f'<th scope="col">{column}</th>')
            continue
        is_sorted = look.order == order
        direction = "descending" if look.is_descending else "ascending"
        sort = f' aria-sort="{direction}"' if is_sorted else ""
        arrow = ("▾" if look.is_descending else "▴") if is_sorted else ""
        label = html.escape(text("sort_by", language, column=column), quote=True)
        cells.append(
            f'<th scope="col"{sort}><button type="button" data-do="sort" data-value="{order}" '
            f'aria-label="{label}">{column}<span aria-hidden="true">{arrow}</span></button></th>'
        )
    actions = f'<th scope="col"><span class="unseen">{text("col_actions", language)}</span></th>'
    return every + "".join(cells) + actions


def _place(source: Source, uploads: str, language: str) -> str:
    """Where a document comes from, for people."""
    if uploads and source.uri.startswith(f"{uploads}/"):
        name = source.uri.removeprefix(f"{uploads}/").partition("/")[2]
        return text("uploaded_as", language, name=name)
    return source.uri


def _row(  # noqa: PLR0917 - what a row shows
    source: Source,
    place: str,
    page: SourcePage,
    standing: Standing,
    language: str,
    may_write: bool,
) -> str:
    title = source.title or text("untitled_document", language)
    tick = ""
    if may_write:
        label = html.escape(text("select_row", language, title=title), quote=True)
        tick = (
            f'<td class="tick"><input type="checkbox" data-id="{source.id}" aria-label="{label}">'
            "</td>"
        )
    label = html.escape(text("chunks_of", language, title=title), quote=True)
    cells: Sequence[tuple[str, str, str]] = (
        ("kind", "col_kind", html.escape(source.kind)),
        ("number", "col_pages", _amount(source, page, language)),
        ("number", "col_size", size_text(source.size)),
        ("state", "col_state", _state(state_of(source, standing, language), language)),
        ("when", "col_changed", _when(source, standing, language)),
    )
    rest = "".join(
        f'<td class="{kind}" data-label="{text(key, language)}">{cell}</td>'
        for kind, key, cell in cells
    )
    return (
        f'<tr>{tick}<td class="title"><a href="/source/{source.id}" target="_blank" '
        f'rel="noopener">{_bdi(title)}</a><span class="address">{_bdi(_short(place))}</span>'
        f'</td>{rest}<td class="do"><button type="button" data-do="chunks" '
        f'data-value="{source.id}" aria-label="{label}">{text("show_chunks", language)}</button>'
        "</td></tr>"
    )


def _amount(source: Source, page: SourcePage, language: str) -> str:
    """Chunks, and pages where the document has them."""
    chunks = f"{source.chunks:,}"
    last = page.pages.get(source.id)
    if not last:
        return chunks
    return f'{chunks}<span class="address">{text("n_pages", language, n=f"{last:,}")}</span>'


def _state(state: State, language: str) -> str:
    said = text(f"state_{state.word}", language)
    if not state.advice:
        return f'<span class="mark {state.word}">{said}</span>'
    return (
        f'<details class="mark {state.word}"><summary>{said}</summary>'
        f"<p>{html.escape(state.advice)}</p></details>"
    )


def _when(source: Source, standing: Standing, language: str) -> str:
    changed = time_text(source.updated_at)
    checked = standing.checked_at(source.uri)
    if not checked or checked <= source.updated_at:
        return changed
    said = text("checked_at", language, at=time_text(checked))
    return f'{changed}<span class="address">{said}</span>'


def _bulk(language: str) -> str:
    count = html.escape(text("n_selected", language, n="{n}"), quote=True)
    return (
        f'<div class="bulk" hidden><span data-count="{count}" role="status"></span>'
        f'<button type="button" data-do="resync">{text("resync_selected", language)}</button>'
        f'<button type="button" data-do="ask" class="bad">{text("delete_selected", language)}'
        f'</button><button type="button" data-do="clear">{text("clear_selected", language)}'
        "</button></div>"
    )


def _pager(page: SourcePage, look: Look, language: str) -> str:
    last = look.first + len(page.shown)
    said = text(
        "page_of", language, first=f"{look.first + 1:,}", last=f"{last:,}", total=f"{page.total:,}"
    )
    if page.total <= look.count:
        return f'<nav class="pager"><span>{said}</span></nav>'
    return pager_html(
        said, look.first - look.count if look.first else None,
        last if last < page.total else None, language,
    )  # fmt: skip


def pager_html(said: str, before: int | None, after: int | None, language: str) -> str:
    """Buttons that lead to what begins ``before`` and ``after``; None: there is nothing there."""
    buttons = "".join(
        f'<button type="button" data-do="page" data-value="{"" if to is None else max(0, to)}"'
        f"{' disabled' * (to is None)}>{text(key, language)}</button>"
        for key, to in (("previous", before), ("next", after))
    )
    return f'<nav class="pager"><span>{said}</span>{buttons}</nav>'


def time_text(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _is_gone(uri: str) -> bool:
    path = Path(uri.partition(INSIDE)[0])
    try:
        return path.is_absolute() and not path.exists()
    except (OSError, ValueError):
        return True


def _short(uri: str) -> str:
    return uri if len(uri) <= LONGEST else f"…{uri[-LONGEST:]}"


def _bdi(said: Any) -> str:
    """Text of any direction, which turns nothing around it."""
    return f"<bdi>{html.escape(str(said))}</bdi>"

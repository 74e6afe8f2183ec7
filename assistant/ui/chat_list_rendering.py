"""The list of conversations as HTML: pure functions from what is known to what is drawn."""

from __future__ import annotations

import calendar
import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from urllib.parse import quote

from assistant.memory.conversation_list import Found, Held
from assistant.memory.records import ConversationInfo
from assistant.ui.memory_words import cleaned, marked
from assistant.ui.texts import text

AROUND = 36  # characters of an answer that are shown before what was searched for
EXCERPT = 110


@dataclass(frozen=True)
class Listed:
    """What the list shows.

    ``running``: ids of conversations that answer now. ``query``: what was searched for.
    """

    found: Sequence[Found]
    current: str = ""
    running: Collection[str] = ()
    held: Sequence[tuple[Held, float]] = ()
    query: str = ""
    has_more: bool = False
    is_away: bool = False
    can_share: bool = False
    links: Mapping[str, str] = field(default_factory=dict)  # of those that are shared


def list_html(listed: Listed, now: datetime, language: str) -> str:
    """Args:
    now: in the reader's zone.
    """
    parts = [_undo(held, left, language) for held, left in listed.held]
    if listed.query:
        rows = "".join(_row(one, listed, language) for one in listed.found)
        if rows:
            parts.append(_section(text("talks_found", language), rows))
        else:
            parts.append(_hint(text("talks_none_found", language, words=listed.query)))
    else:
        for title, infos in by_day([one.info for one in listed.found], now, language):
            rows = "".join(_row(Found(info), listed, language) for info in infos)
            parts.append(_section(title, rows))
        if not listed.found:
            parts.append(_hint(text("talks_away" if listed.is_away else "talks_none", language)))
    if listed.has_more:
        more = _text("talks_more", language)
        parts.append(f'<button type="button" class="more-talks" data-do="more">{more}</button>')
    naming = _text("talk_new_name", language)
    return f'<div class="talks" data-naming="{naming}">{"".join(parts)}</div>'


def by_day(
    infos: Iterable[ConversationInfo], now: datetime, language: str
) -> list[tuple[str, list[ConversationInfo]]]:
    """The conversations in groups, in the order given: those that are pinned, then by the day of
    the last turn."""
    groups: dict[str, list[ConversationInfo]] = {}
    for info in sorted(infos, key=lambda info: not info.pinned):
        name = "talks_pinned" if info.pinned else ""
        title = text(name, language) if name else day_name(info.updated_at, now, language)
        groups.setdefault(title, []).append(info)
    return list(groups.items())


def day_name(seconds: float, now: datetime, language: str) -> str:
    """How long ago that was, by the reader's calendar; of a time to come, today."""
    try:
        then = datetime.fromtimestamp(seconds, now.tzinfo)
    except (OverflowError, ValueError, OSError):
        then = now
    days = (now.date() - then.date()) // timedelta(days=1)
    for most, key in ((0, "day_today"), (1, "day_yesterday"), (7, "day_week"), (30, "day_month")):
        if days <= most:
            return text(key, language)
    name = str(then.month) if language == "zh" else calendar.month_name[then.month]
    return text("month_name", language, year=then.year, name=name)


def excerpt(found: Found, query: str) -> str:
    """Where what was searched for stands in the turn, as HTML; empty where it is in the title."""
    terms = [term for term in query.split() if term]
    is_title = found.question.startswith(found.info.title)  # which shows it already
    for said in (found.answer,) if is_title else (found.question, found.answer):
        plain = cleaned(said).replace("\n", " ")
        places = [place for term in terms if (place := plain.casefold().find(term.casefold())) >= 0]
        if places:
            begin = max(min(places) - AROUND, 0)
            cut = plain[begin : begin + EXCERPT]
            before = "…" if begin else ""
            after = "…" if begin + EXCERPT < len(plain) else ""
            return f"{before}{marked(cut, query)}{after}"
    return ""


def _row(found: Found, listed: Listed, language: str) -> str:
    info = found.info
    title = cleaned(info.title).replace("\n", " ") or info.id
    words = marked(title, listed.query) if listed.query else html.escape(title)
    is_current = info.id == listed.current
    more = excerpt(found, listed.query) if listed.query else ""
    below = f'<small dir="auto">{more}</small>' if more else ""
    current = ' aria-current="page"' if is_current else ""
    return (
        f'<li class="talk{" current" if is_current else ""}" data-id="{html.escape(info.id)}">'
        f'<a href="/?c={quote(info.id, safe="")}"{current} title="{html.escape(title)}">'
        f'{_state(info, listed, language)}<span class="title" dir="auto">{words}</span>{below}</a>'
        f"{_menu(info, title, listed, language)}</li>"
    )


def _state(info: ConversationInfo, listed: Listed, language: str) -> str:
    if info.id in listed.running:
        return f'<i class="running" role="img" aria-label="{_text("talk_running", language)}"></i>'
    if not info.turns:
        label = _text("talk_broken", language)
        return f'<i class="broken" role="img" aria-label="{label}" title="{label}">!</i>'
    return ""


def _menu(info: ConversationInfo, title: str, listed: Listed, language: str) -> str:
    label = html.escape(text("talk_actions", language, title=title))
    export = f"/conversation/{quote(info.id, safe='')}/export?format="
    share = _share(info.id, listed, language) if listed.can_share else ""
    pin = ("unpin", "talk_unpin") if info.pinned else ("pin", "talk_pin")
    return (
        f'<details class="talk-menu"><summary aria-label="{label}" title="{label}">'
        '<span aria-hidden="true">⋯</span></summary><div class="talk-panel">'
        f"{_button('rename', 'talk_rename', language)}{_button(*pin, language)}{share}"
        f'<a href="{export}md" download>{_text("talk_markdown", language)}</a>'
        f'<a href="{export}json" download>{_text("talk_json", language)}</a>'
        f"{_button('delete', 'talk_delete', language, 'bad')}</div></details>"
    )


def _share(id: str, listed: Listed, language: str) -> str:
    if id not in listed.links:
        return _button("share", "talk_share", language)
    link = html.escape(listed.links[id])
    opened = _text("talk_open_share", language)
    return (
        f'<a href="{link}" target="_blank" rel="noopener">{opened} ↗</a>'
        f"{_button('unshare', 'talk_unshare', language)}"
    )


def _undo(held: Held, left: float, language: str) -> str:
    said = html.escape(text("talk_deleted", language, title=cleaned(held.title) or held.id))
    return (
        f'<div class="undo" role="status" data-id="{html.escape(held.id)}" data-left="{left:.1f}">'
        f'<span dir="auto">{said}</span>{_button("undo", "talk_undo", language)}</div>'
    )


def _button(do: str, key: str, language: str, look: str = "") -> str:
    kind = f' class="{look}"' if look else ""
    return f'<button type="button"{kind} data-do="{do}">{_text(key, language)}</button>'


def _section(title: str, rows: str) -> str:
    return f"<section><h3>{html.escape(title)}</h3><ul>{rows}</ul></section>"


def _hint(said: str) -> str:
    return f'<p class="no-talks">{html.escape(said)}</p>'


def _text(key: str, language: str) -> str:
    return html.escape(text(key, language))


def checked_name(typed: str) -> str:
    """A conversation's title as typed, on one line."""
    return re.sub(r"\s+", " ", cleaned(typed)).strip()


def local_now(zone: tzinfo | None) -> datetime:
    """Now in ``zone``; None: as this machine has it."""
    return datetime.now(zone) if zone else datetime.now().astimezone()

"""The head of the memory page as HTML: what is remembered, where, how long, and what is wrong."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.errors import AssistantError
from assistant.ui.texts import text


@dataclass(frozen=True)
class Keeping:
    """Where memories are kept, and for how long: days (0: for ever), turns and facts at most."""

    is_embedded: bool
    days: int
    turns: int
    facts: int


def overview_html(
    keeping: Keeping, paused: bool | None, banners: Sequence[str], language: str
) -> str:
    """What is remembered and where, the switch (none where it isn't known), and what is wrong."""
    kept = text("memory_kept_ever", language)
    if keeping.days:
        kept = text("memory_kept_days", language, days=keeping.days)
    caps = text("memory_caps", language, turns=f"{keeping.turns:,}", facts=keeping.facts)
    where = "memory_where_embedded" if keeping.is_embedded else "memory_where_own"
    rows = (
        ("memory_where", text(where, language)),
        ("memory_keeping", f"{kept}{'；' if language == 'zh' else '; '}{caps}"),
        ("memory_used", text("memory_used_more", language)),
    )
    told = "".join(
        f"<div><dt>{text(key, language)}</dt><dd>{html.escape(value)}</dd></div>"
        for key, value in rows
    )
    return (
        f'<section class="about-memory"><header><h2>{text("memories", language)}</h2>'
        f"{_switch(paused, language)}</header><p>{text('memory_intro', language)}</p>"
        f"<dl>{told}</dl></section>{''.join(banners)}"
    )


def _switch(paused: bool | None, language: str) -> str:
    if paused is None:
        return ""
    state = text("remembering_paused" if paused else "remembering_on", language)
    return (
        f'<button type="button" class="switch" role="switch" aria-checked="{_bool(not paused)}" '
        f'data-do="{"resume" if paused else "pause"}"><span>{text("remembering", language)}</span>'
        f'<i aria-hidden="true"></i><b>{state}</b></button>'
    )


def paused_html(language: str) -> str:
    return (
        f'<div class="banner box" role="status">{text("remembering_paused_more", language)}</div>'
    )


def away_html(error: AssistantError, was_read: bool, language: str) -> str:
    """Redis can't be used; whether the page still shows what it read before."""
    more = text("memory_as_last_read" if was_read else "memory_not_read", language)
    return f'<div class="banner box" role="alert">{html.escape(error.text(language))}\n{more}</div>'


def held_html(held: int, language: str) -> str:
    said = text("memory_held", language, n=held)
    return f'<div class="banner box" role="status">{said}</div>'


def _bool(value: bool) -> str:
    return "true" if value else "false"

"""The memory page's lists as HTML: pure functions. Whatever was said stands there as text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from assistant.memory.records import ConversationInfo, Fact, Said
from assistant.ui.memory_words import marked, moment, version
from assistant.ui.texts import text

#: So many conversations are named where a memory was said in more.
MOST_SAID = 3
KINDS = {"fact": "memory_fact", "preference": "memory_preference"}


@dataclass(frozen=True)
class Found:
    """A memory of the list; ``near`` where it is there for its meaning and not for its words."""

    fact: Fact
    near: bool = False


@dataclass(frozen=True)
class Talk:
    """A conversation of the list, and what goes when it is forgotten.

    ``asked`` is the question in it that was searched for, if any; ``lost`` how many memories were
    said only there, ``back`` how many say again what they said before.
    """

    info: ConversationInfo
    asked: str = ""
    lost: int = 0
    back: int = 0


def unread_html(heading: str, language: str) -> str:
    """A list that could not be read."""
    return _heading(heading, "", language) + _hint("memory_not_read", language)


def facts_html(rows: Sequence[Found], left: int, query: str, empty: str, language: str) -> str:
    """The memories, and a button for those that are ``left`` out; ``empty`` is the key of what
    is said where there are none."""
    count = text("memory_count", language, n=len(rows) + left)
    heading = _heading("memories_heading", count, language)
    if not rows:
        return heading + _hint(empty, language)
    items = "".join(_fact(row, query, language) for row in rows)
    more = text("memory_more", language, n=left) if left else ""
    return f'{heading}{_editor(language)}<ul class="items">{items}</ul>{_more("more_facts", more)}'


def _heading(key: str, count: str, language: str) -> str:
    counted = f' <span class="count">{count}</span>' if count else ""
    return f"<h3>{text(key, language)}{counted}</h3>"


def _hint(key: str, language: str) -> str:
    return f'<p class="hint empty">{text(key, language)}</p>'


def _more(action: str, said: str) -> str:
    return (
        f'<button type="button" class="small more" data-do="{action}">{said}</button>'
        if said
        else ""
    )


def _fact(row: Found, query: str, language: str) -> str:
    fact = row.fact
    pinned = (
        f'<span class="tag pinned">{text("memory_pinned", language)}</span>' if fact.pinned else ""
    )
    near = f'<span class="tag near">{text("memory_near", language)}</span>' if row.near else ""
    kind = text(KINDS.get(fact.kind, "memory_fact"), language)
    return (
        f'<li class="item fact" data-id="{_attribute(fact.id)}" '
        f'data-version="{version(fact.text)}"><div class="about">'
        f'<p class="words" dir="auto">{marked(fact.text, query)}</p>'
        f'<p class="hint"><span class="tag kind">{kind}</span>{pinned}{near}'
        f"<span>{_said(fact, language)}</span></p>{_before(fact, language)}</div>"
        f'<div class="actions">{_actions(fact, language)}</div></li>'
    )


def _actions(fact: Fact, language: str) -> str:
    pin = ("unpin", "memory_unpin") if fact.pinned else ("pin", "memory_pin")
    edit = f'<button type="button" class="small edit">{text("memory_edit", language)}</button>'
    delete = _menu(
        fact.id,
        text("memory_delete", language),
        "",
        text("memory_delete_which", language),
        _button("delete", "memory_really_delete", language, "bad"),
    )
    return edit + _button(*pin, language, "pin") + delete


def _button(action: str, key: str, language: str, css: str) -> str:
    said = text(key, language)
    return f'<button type="button" class="small {css}" data-do="{action}">{said}</button>'


def _menu(id: str, summary: str, label: str, question: str, button: str) -> str:
    """A button that unfolds the question whether one means it; one is open at a time."""
    named = f' aria-label="{_attribute(label)}"' if label else ""
    return (
        f'<details class="menu" name="menu" data-key="{_attribute(id)}/menu">'
        f'<summary{named}>{summary}</summary><div class="panel"><p>{question}</p>{button}</div>'
        "</details>"
    )


def _said(fact: Fact, language: str) -> str:
    """Where and when the user said it, the last time first."""
    if not fact.said:
        return text("memory_written", language, at=moment(fact.updated))
    places: dict[str, Said] = {each.conversation_id: each for each in fact.said}
    newest = sorted(places.values(), key=lambda each: -each.time)[:MOST_SAID]
    links = (
        f'<a href="/?c={quote(each.conversation_id, safe="")}">{moment(each.time)}</a>'
        for each in newest
    )
    more = f" +{len(places) - len(newest)}" if len(places) > len(newest) else ""
    return f"{text('memory_said', language)} {' · '.join(links)}{more}"


def _before(fact: Fact, language: str) -> str:
    if not fact.history:
        return ""
    rows = "".join(
        f'<li><span dir="auto">{html.escape(each.text)}</span> '
        f"<small>{text('memory_until', language, at=moment(each.until))}</small></li>"
        for each in reversed(fact.history)
    )
    summary = text("memory_before", language, n=len(fact.history))
    return (
        f'<details class="before" data-key="{_attribute(fact.id)}/before">'
        f"<summary>{summary}</summary><ul>{rows}</ul></details>"
    )


def _editor(language: str) -> str:
    """What memory.js makes an editor of, once per list."""
    label = text("memory_edit_label", language)
    return (
        f'<template><div class="editor"><textarea rows="2" '
        f'aria-label="{label}"></textarea><div>{_button("save", "memory_save", language, "main")}'
        f'<button type="button" class="small leave">{text("memory_cancel", language)}</button>'
        f'<span class="hint">{text("memory_edit_hint", language)}</span></div></div></template>'
    )


def talks_html(rows: Sequence[Talk], has_more: bool, language: str, *, is_search: bool) -> str:
    """The conversations, each with what is lost with it."""
    heading = _heading("memory_conversations", "", language)
    if not rows:
        key = "memory_none_near" if is_search else "memory_no_conversations"
        return heading + _hint(key, language)
    items = "".join(_talk(row, language) for row in rows)
    more = text("memory_more_talks", language) if has_more else ""
    return f'{heading}<ul class="items">{items}</ul>{_more("more_talks", more)}'


def _talk(row: Talk, language: str) -> str:
    info = row.info
    title = info.title.strip() or text("memory_no_title", language)
    asked = ""
    if row.asked:
        asked = f'<p class="asked" dir="auto">{_filled("memory_asked", row.asked, language)}</p>'
    facts = [moment(info.updated_at), _turns(info, language)]
    menu = _menu(
        info.id,
        text("memory_forget", language),
        text("memory_forget_label", language, title=title),
        _lost(row, language),
        _button("forget", "memory_really_forget", language, "bad"),
    )
    return (
        f'<li class="item talk" data-id="{_attribute(info.id)}" data-version=""><div class="about">'
        f'<a class="title" dir="auto" href="/?c={quote(info.id, safe="")}">{html.escape(title)}</a>'
        f'{asked}<p class="hint">{" · ".join(facts)}</p></div>'
        f'<div class="actions">{menu}</div></li>'
    )


def _turns(info: ConversationInfo, language: str) -> str:
    return text("memory_turn" if info.turns == 1 else "memory_turns", language, n=info.turns)


def _lost(row: Talk, language: str) -> str:
    said = text("memory_forget_turns", language, turns=_turns(row.info, language))
    if row.lost:
        said += text("memory_forget_facts", language, n=row.lost)
    if row.back:
        said += text("memory_forget_back", language, n=row.back)
    return said + text("memory_no_undo", language)


def _attribute(value: str) -> str:
    return html.escape(value, quote=True)


def _filled(key: str, value: str, language: str) -> str:
    return text(key, language, text=html.escape(value))

"""The prompts' part of the admin page as HTML: pure functions."""

from __future__ import annotations

import html
from collections.abc import Sequence

from assistant.prompt_edits import PromptState
from assistant.prompt_files import Edit
from assistant.prompts import VARIABLES
from assistant.ui.admin_users_rendering import when
from assistant.ui.differences import difference_html
from assistant.ui.texts import text

#: name -> (what it is called, what it is for)
NAMES = {
    "answer": ("admin_prompt_answer", "admin_about_answer"),
    "rewrite": ("admin_prompt_rewrite", "admin_about_rewrite"),
    "smalltalk": ("admin_prompt_smalltalk", "admin_about_smalltalk"),
    "own": ("admin_prompt_own", "admin_about_own"),
}


def overview_html(states: Sequence[PromptState], language: str) -> str:
    """Those that are not as they ship, as buttons that open them."""
    items = "".join(
        f'<li><button type="button" class="small" data-do="open" data-value="{state.key}">'
        f"{_called(state, language)}</button>{_tags(state, language)}</li>"
        for state in states
        if state.edit or state.fault
    )
    about = f'<p class="hint">{text("admin_prompts_about", language)}</p>'
    return f'{about}<ul class="edited">{items}</ul>' if items else about


def _called(state: PromptState, language: str) -> str:
    return f"{text(NAMES[state.name][0], language)} · {text('language_name', state.language)}"


def _tags(state: PromptState, language: str) -> str:
    keys = [
        key
        for key, is_so in (
            ("admin_is_broken", state.fault is not None),
            ("admin_is_moved", state.has_moved),
            ("admin_is_edited", state.is_edited),
        )
        if is_so
    ] or ["admin_is_shipped"]
    return "".join(
        f'<span class="tag{"" if key in _CALM else " warn"}">{text(key, language)}</span>'
        for key in keys
    )


_CALM = ("admin_is_edited", "admin_is_shipped")


def prompt_html(state: PromptState, language: str, *, is_unsaved: bool) -> str:
    """About the prompt that is open: what it is for, and what is the matter with it."""
    names = ", ".join(f"{{{name}}}" for name in sorted(VARIABLES[state.name]))
    needs = html.escape(text("admin_needs", language, names=names))
    parts = [
        f"<h3>{_called(state, language)} {_tags(state, language)}</h3>",
        f'<p class="hint">{text(NAMES[state.name][1], language)} {needs}</p>',
    ]
    if state.edit:
        by = text("admin_edited_by", language, by=state.edit.by, at=when(state.edit.at))
        parts.append(f'<p class="hint">{html.escape(by)}</p>')
    if state.fault:
        parts.append(_banner("admin_fault", html.escape(state.fault.text(language)), language))
    elif state.edit and state.has_moved:
        parts.append(_moved(state, state.edit, language))
    if state.is_edited:
        difference = difference_html(state.shipped, state.text)
        parts.append(_folded(text("admin_diff_mine", language), difference))
    if is_unsaved:
        parts.append(f'<p class="unsaved" role="status">{text("admin_unsaved", language)}</p>')
    return "".join(parts)


def _moved(state: PromptState, edit: Edit, language: str) -> str:
    buttons = "".join(
        f'<button type="button" class="small" data-do="{do}" data-value="">'
        f"{text(key, language)}</button>"
        for do, key in (("keep", "admin_keep"), ("take", "admin_take"))
    )
    more = f'{difference_html(edit.shipped, state.shipped)}<p class="choices">{buttons}</p>'
    return _banner("admin_moved", more, language)


def _banner(key: str, more: str, language: str) -> str:
    return f'<div class="matter" role="alert"><p>{text(key, language)}</p>{more}</div>'


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def earlier_html(state: PromptState, language: str) -> str:
    """The versions before, each with how it differs from what is in use."""
    if not state.earlier:
        return ""
    same = f'<p class="hint">{text("admin_diff_same", language)}</p>'
    load = text("admin_earlier_load", language)
    rows = []
    for place, edit in enumerate(state.earlier):
        by = html.escape(text("admin_edited_by", language, by=edit.by, at=when(edit.at)))
        difference = difference_html(state.text, edit.text) or same
        rows.append(
            f"<li><div><span>{by}</span>"
            f'<button type="button" class="small" data-do="load" data-value="{place}" '
            f'aria-label="{load}: {by}">{load}</button></div>'
            f"{_folded(text('admin_earlier_diff', language), difference)}</li>"
        )
    title = text("admin_earlier", language, n=len(state.earlier))
    return f'<details class="earlier"><summary>{title}</summary><ul>{"".join(rows)}</ul></details>'

"""The small parts of the chat page that its script works with: the card of a citation, the list of
shortcuts, and the words that it needs."""

from __future__ import annotations

import hashlib
import html

from assistant.ui.source_panel import panel_html
from assistant.ui.texts import text

#: Keys -> what they do. "Ctrl" is the command key on a Mac.
KEYS = (
    ("Ctrl Shift O", "keys_new"),
    ("Ctrl K", "keys_search"),
    ("Shift Esc", "keys_ask"),
    ("Esc", "keys_stop"),
    ("↑ ↓", "keys_list"),
    ("F2", "talk_rename"),
    ("Delete", "talk_delete"),
    ("Ctrl /", "keys_help"),
)


def tools_html(user: str, language: str) -> str:
    """What is on every chat page of ``user``."""
    rows = "".join(
        f"<div><dt>{_keys(keys)}</dt><dd>{_text(key, language)}</dd></div>" for keys, key in KEYS
    )
    title, close = _text("keys", language), _text("keys_close", language)
    words = (
        f'data-open="{_text("open_passage", language)}" '
        f'data-copied="{_text("act_copied", language)}" '
        f'data-owner="{hashlib.sha256(user.encode()).hexdigest()[:16]}" '
        f'data-citation="{_text("citation", language)}"'
    )
    return (
        f'<button type="button" class="show-keys" title="{title}" aria-label="{title}">'
        f'<span aria-hidden="true">⌨</span></button><span class="words" hidden {words}></span>'
        f'<dialog class="keys" aria-label="{title}"><h2>{title}</h2><dl>{rows}</dl>'
        f'<button type="button" class="close-keys">{close}</button></dialog>'
        f'<div id="cite-card" role="group" aria-label="{_text("export_sources", language)}" '
        f"hidden></div>{panel_html(language)}"
    )


def _keys(keys: str) -> str:
    return " ".join(f"<kbd>{html.escape(key)}</kbd>" for key in keys.split())


def _text(key: str, language: str) -> str:
    """The text as it is, with the fields that the script fills in."""
    fields = {"n": "{n}"} if key == "citation" else {}
    return html.escape(text(key, language, **fields))

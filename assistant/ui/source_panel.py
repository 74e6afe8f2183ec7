"""The panel beside the chat, in which a citation is opened: its frame, filled by its script."""

from __future__ import annotations

import html

from assistant.ui.texts import text

#: Buttons of the head: class, key of the label, picture.
_BUTTONS = (
    ("previous", "panel_previous", "M14.5 6l-6 6 6 6"),
    ("next", "panel_next", "M9.5 6l6 6-6 6"),
    ("close", "panel_close", "M6 6l12 12M18 6L6 18"),
)
_TAB = "M14 5h5v5M19 5l-8 8M10 6H7a2 2 0 0 0-2 2v9a2 2 0 0 0 2 2h9a2 2 0 0 0 2-2v-3"


def panel_html(language: str) -> str:
    """What is on every chat page, closed."""
    said = {key: html.escape(text(key, language)) for key in _WORDS}
    previous, following, close = (_button(*each, said) for each in _BUTTONS)
    place = html.escape(text("panel_of", language, n="{n}", total="{total}"))
    tab = (
        f'<a class="tab" target="_blank" rel="noopener" title="{said["panel_tab"]}" '
        f'aria-label="{said["panel_tab"]}">{_icon(_TAB)}</a>'
    )
    return (
        f'<aside class="source-panel" aria-label="{said["panel"]}" data-of="{place}" hidden>'
        f'<header><span class="n"></span><div class="about"><h2 tabindex="-1"></h2>'
        f'<p class="where"></p></div><div class="ways"><span class="of" role="status"></span>'
        f"{previous}{following}{tab}{close}</div></header>"
        f'<p class="loading" role="status">{said["panel_loading"]}</p>'
        f'<div class="fault ended" role="alert" hidden><p>{said["panel_ended"]}</p>'
        f'<a class="login">{said["login_again"]}</a></div>'
        f'<div class="fault failed" role="alert" hidden><p>{said["panel_failed"]}</p>'
        f'<button type="button" class="again">{said["panel_retry"]}</button></div>'
        '<div class="stage"></div></aside>'
    )


_WORDS = (
    "panel", "panel_tab", "panel_loading", "panel_ended", "panel_failed", "panel_retry",
    "panel_previous", "panel_next", "panel_close", "login_again",
)  # fmt: skip


def _button(name: str, key: str, drawing: str, said: dict[str, str]) -> str:
    label = said[key]
    return (
        f'<button type="button" class="{name}" title="{label}" aria-label="{label}">'
        f"{_icon(drawing)}</button>"
    )


def _icon(drawing: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{drawing}"/></svg>'

"""The followed sources on the knowledge page: the form of a new one, and the list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.ui.followed import PLACEHOLDERS, FollowedPage
from assistant.ui.followed_form import BY_HAND, DEEPEST, DEPTH, KINDS, PAGES
from assistant.ui.followed_rendering import SCHEDULES
from assistant.ui.wiring import PRIVATE

#: Of lists whose buttons lead to the server.
CARDS = Path(__file__).with_name("cards.js")

_KIND_TEXTS = {"page": "choose_page", "site": "choose_site", "folder": "choose_folder"}
_SCHEDULE_TEXTS = {
    "manual": "by_hand",
    "hourly": "hourly",
    "every 6h": "every_6_hours",
    "daily 03:00": "daily_at_3",
    "weekly mon 03:00": "mondays_at_3",
}


@dataclass(frozen=True)
class SourceFormParts:
    """The form of a new source: its kind, and the events that add one."""

    kind: gr.Radio
    added: list[Any]


def build_form(page: FollowedPage, collection: gr.Dropdown, i18n: gr.I18n) -> SourceFormParts:
    """Lay out the form of a new source of ``collection``."""
    with gr.Column(min_width=320, elem_id="site"):
        kind = gr.Radio(
            [(i18n(_KIND_TEXTS[each]), each) for each in KINDS],
            value="page",
            label=i18n("add_source"),
            elem_id="kind",
        )
        with gr.Row(elem_id="address"):
            url = gr.Textbox(
                show_label=False,
                placeholder=PLACEHOLDERS["page"],
                elem_id="url",
                max_lines=1,
                scale=1,
                container=False,
            )
            add = gr.Button(i18n("add"), variant="primary", elem_id="add-site", scale=0)
        with gr.Accordion(i18n("more_options"), open=False, elem_id="options"):
            options = _options(i18n)
    schedule, depth, pages, include, exclude, languages, private = options
    kind.change(
        page.shown_for,
        kind,
        [url, depth, pages, languages, include, exclude, private],
        **PRIVATE,
    )
    fields = [collection, kind, url, schedule, depth, pages, include, exclude, languages, private]
    added = [event(page.add, fields, url, **PRIVATE) for event in (add.click, url.submit)]
    return SourceFormParts(kind, added)


def _options(i18n: gr.I18n) -> list[Any]:
    schedule = gr.Dropdown(
        [(i18n(_SCHEDULE_TEXTS[each]), each) for each in SCHEDULES],
        value=BY_HAND,
        allow_custom_value=True,
        label=i18n("schedule"),
        info=i18n("schedule_more"),
        elem_id="schedule",
    )
    with gr.Row():
        depth = gr.Number(
            DEPTH, minimum=1, maximum=DEEPEST, precision=0, visible=False, min_width=120,
            label=i18n("depth"), info=i18n("depth_more"), elem_id="depth",
        )  # fmt: skip
        pages = gr.Number(
            PAGES, minimum=1, precision=0, visible=False, min_width=120,
            label=i18n("most_pages"), info=i18n("most_pages_more"), elem_id="pages",
        )  # fmt: skip
    with gr.Row():
        include = gr.Textbox(
            label=i18n("include"), placeholder="/docs/**", visible=False, min_width=120,
            elem_id="include",
        )  # fmt: skip
        exclude = gr.Textbox(
            label=i18n("exclude"), placeholder="**/old/**, *.tmp", visible=False, min_width=120,
            elem_id="exclude",
        )  # fmt: skip
    languages = gr.Textbox(
        label=i18n("languages"), placeholder="zh, en", visible=False, elem_id="languages"
    )
    private = gr.Checkbox(label=i18n("allow_private"), elem_id="private", container=False)
    return [schedule, depth, pages, include, exclude, languages, private]


def build_list(page: FollowedPage, i18n: gr.I18n) -> tuple[gr.HTML, Any]:
    """Lay out the list; its component, and the event of its buttons."""
    with gr.Column(elem_id="followed-section"):
        gr.Markdown(i18n("followed_heading"), elem_classes="heading")
        gr.Markdown(i18n("followed_more"), elem_classes="hint")
        rows = gr.HTML(elem_id="followed", js_on_load=CARDS.read_text("utf-8"))
    return rows, rows.click(page.act, None, None, **PRIVATE)

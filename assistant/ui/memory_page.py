"""The memory page: components and which click leads to which handler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from assistant.ui.memory import MemoryPage, View
from assistant.ui.memory_clicks import KINDS, MemoryClicks
from assistant.ui.memory_export import EXPORT
from assistant.ui.wiring import PRIVATE

REFRESH_SECONDS = 3.0
LISTS = Path(__file__).with_name("memory.js")
KIND_TEXTS = {"fact": "memory_fact", "preference": "memory_preference"}
BEGIN_WRITING = """() => setTimeout(
  () => document.querySelector("#memory-draft textarea")?.focus(), 100)"""


def build_memory_page(
    demo: gr.Blocks, page: MemoryPage, clicks: MemoryClicks, i18n: gr.I18n
) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    view, seen = gr.State(View()), gr.State(None)
    with gr.Column(elem_id="memory-page"):
        overview = _list("memory-overview")
        with gr.Row(elem_id="memory-tools"):
            query, kind = _search(i18n)
            write = gr.Button(
                i18n("memory_write"), elem_id="memory-write", elem_classes="push", scale=0
            )
        form, draft, written = _form(clicks, i18n)
        facts, talks = _list("memories"), _list("memory-talks")
        forgotten = _data(clicks, i18n)
    looked = [view, query, kind, seen]
    shown = [overview, facts, talks, seen]
    gr.Timer(REFRESH_SECONDS).tick(page.refresh, looked, shown, **PRIVATE)
    demo.load(page.refresh, looked, shown, **PRIVATE)
    # Gradio's "input" of a text box is of key presses only: not of an input method, nor of pasting.
    query.change(page.refresh, looked, shown, **PRIVATE)
    kind.input(page.refresh, looked, shown, trigger_mode="always_last", **PRIVATE)
    write.click(lambda: gr.update(visible=True), None, form, **PRIVATE).then(
        None, None, None, js=BEGIN_WRITING
    )
    found = query.submit(page.find, [view, query], view, **PRIVATE)
    acted = [
        each.click(clicks.act, view, [view, draft, form], **PRIVATE)
        for each in (overview, facts, talks)
    ]
    for event in (found, *acted, *written, forgotten):  # the page follows at once
        event.then(page.refresh, looked, shown, **PRIVATE)


def _list(elem_id: str) -> gr.HTML:
    return gr.HTML(elem_id=elem_id, js_on_load=LISTS.read_text("utf-8"))


def _search(i18n: gr.I18n) -> tuple[gr.Textbox, gr.Radio]:
    query = gr.Textbox(
        label=i18n("memory_search"),
        placeholder=i18n("memory_search_hint"),
        show_label=False,
        container=False,
        max_lines=1,
        elem_id="memory-search",
        scale=1,
        min_width=220,
    )
    kind = gr.Radio(
        [(i18n("memory_all"), "all"), *_kinds(i18n)],
        value="all",
        label=i18n("memory_kind"),
        show_label=False,
        container=False,
        elem_id="memory-kinds",
        elem_classes="pills",
        scale=0,
        min_width=230,
    )
    return query, kind


def _kinds(i18n: gr.I18n) -> list[tuple[Any, str]]:
    return [(i18n(KIND_TEXTS[each]), each) for each in KINDS]


def _form(clicks: MemoryClicks, i18n: gr.I18n) -> tuple[gr.Column, gr.Textbox, list[Any]]:
    """Where one writes a memory oneself; its field, and the events that keep it."""
    with gr.Column(visible=False, elem_id="memory-form") as form:
        draft = gr.Textbox(
            label=i18n("memory_write"),
            placeholder=i18n("memory_write_hint"),
            lines=2,
            elem_id="memory-draft",
        )
        with gr.Row(elem_id="memory-form-buttons"):
            kind = gr.Radio(
                _kinds(i18n),
                value=KINDS[0],
                label=i18n("memory_kind"),
                show_label=False,
                container=False,
                elem_id="memory-new-kind",
                elem_classes="pills",
                scale=1,
            )
            cancel = gr.Button(i18n("memory_cancel"), elem_classes="push", scale=0)
            save = gr.Button(
                i18n("memory_save"),
                variant="primary",
                elem_classes="push",
                scale=0,
                elem_id="memory-save",
            )
    cancel.click(lambda: ("", gr.update(visible=False)), None, [draft, form], **PRIVATE)
    events = (save.click, draft.submit)
    return (
        form,
        draft,
        [event(clicks.add, [draft, kind], [draft, form], **PRIVATE) for event in events],
    )


def _data(clicks: MemoryClicks, i18n: gr.I18n) -> Any:
    """Export, and forgetting everything; the event of the latter."""
    with gr.Column(elem_id="memory-data"):
        gr.Markdown(i18n("memory_data_heading"), elem_classes="heading")
        with gr.Row(elem_classes="data-row"):
            gr.Markdown(i18n("memory_export_more"), elem_classes="hint")
            gr.Button(
                i18n("memory_export"),
                link=EXPORT,
                link_target="_self",
                elem_id="memory-export",
                elem_classes="push",
                scale=0,
            )
        with gr.Row(elem_classes="data-row"):
            gr.Markdown(i18n("memory_forget_all_more"), elem_classes="hint")
            ask = gr.Button(
                i18n("memory_forget_all"), elem_classes="push", scale=0, elem_id="memory-forget-all"
            )
        with gr.Column(visible=False, elem_id="memory-confirm") as confirm:
            lost = gr.HTML()
            word = gr.Textbox(label=i18n("memory_forget_all"), max_lines=1, elem_id="memory-word")
            with gr.Row(elem_id="memory-confirm-buttons"):
                cancel = gr.Button(i18n("memory_cancel"), elem_classes="push", scale=0)
                really = gr.Button(
                    i18n("memory_forget_all"),
                    variant="stop",
                    interactive=False,
                    elem_id="memory-really",
                    elem_classes="push",
                    scale=0,
                )
    ask.click(clicks.ask_to_forget_all, None, [confirm, lost, word, really], **PRIVATE)
    word.change(clicks.check, word, really, **PRIVATE)
    cancel.click(lambda: gr.update(visible=False), None, confirm, **PRIVATE)
    return really.click(clicks.forget_all, word, confirm, **PRIVATE)

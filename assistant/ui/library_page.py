"""The knowledge page: components and which click leads to which handler."""

from __future__ import annotations

import gradio as gr

from assistant.ui.followed import FollowedPage
from assistant.ui.followed_section import CARDS, build_form, build_list
from assistant.ui.library import LibraryPage
from assistant.ui.library_preview import PreviewPage
from assistant.ui.library_rendering import COLUMNS
from assistant.ui.wiring import PRIVATE

REFRESH_SECONDS = 1.0


def build_library_page(
    demo: gr.Blocks,
    page: LibraryPage,
    followed: FollowedPage,
    preview: PreviewPage,
    i18n: gr.I18n,
) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    with gr.Column(elem_id="library-page"):
        with gr.Row(elem_id="adding"):
            files = _upload(i18n)
            added = build_form(followed, i18n)
        _preview(preview, i18n)
        jobs = gr.HTML(elem_id="jobs", js_on_load=CARDS.read_text("utf-8"))
        rows, acted = build_list(followed, i18n)
        counts = gr.HTML(elem_id="counts")
        table = _table(page, i18n)
    seen = gr.State(None)
    shown = [jobs, rows, counts, table, seen]
    gr.Timer(REFRESH_SECONDS).tick(page.refresh, seen, shown, **PRIVATE)
    demo.load(page.refresh, seen, shown, **PRIVATE)
    uploaded = files.upload(page.upload, files, files, **PRIVATE)
    stopped = jobs.click(page.act, None, None, **PRIVATE)
    for event in (*added, acted, uploaded, stopped):  # the page follows at once
        event.then(page.refresh, seen, shown, **PRIVATE)


def _upload(i18n: gr.I18n) -> gr.File:
    with gr.Column(min_width=320, elem_id="files"):
        files = gr.File(
            label=i18n("add_files"), file_count="multiple", height=150, elem_id="upload"
        )
        gr.Markdown(i18n("add_files_more"), elem_classes="hint")
    return files


def _preview(preview: PreviewPage, i18n: gr.I18n) -> None:
    with gr.Accordion(i18n("preview"), open=False, elem_id="preview-section"):
        file = gr.File(label=i18n("preview_file"), height=130, elem_id="preview-file")
        chunks = gr.HTML(elem_id="preview")
    file.upload(preview.show, file, chunks, **PRIVATE)
    file.clear(lambda: "", None, chunks, **PRIVATE)


def _table(page: LibraryPage, i18n: gr.I18n) -> gr.Dataframe:
    table = gr.Dataframe(
        headers=list(COLUMNS),
        datatype=["number", "str", "str", "number", "str", "str"],
        column_widths=["8%", "42%", "10%", "10%", "12%", "18%"],
        interactive=False,
        visible=False,
        elem_id="sources",
        show_label=False,
        wrap=True,
        buttons=[],
        max_height=520,
    )
    with gr.Row(visible=False, elem_id="chosen") as chosen:
        line = gr.HTML()
        delete = gr.Button(i18n("delete_source"), size="sm", elem_id="delete-source")
        with gr.Row(visible=False, elem_id="confirm-source") as confirm:
            really = gr.Button(i18n("really_delete"), variant="stop", size="sm")
            cancel = gr.Button(i18n("cancel"), size="sm")
    source_id = gr.State(0)
    table.select(page.choose, None, [source_id, line, chosen], **PRIVATE)
    delete.click(lambda: gr.update(visible=True), None, confirm, **PRIVATE)
    for button in (really, cancel):
        button.click(lambda: gr.update(visible=False), None, confirm, **PRIVATE)
    really.click(page.delete, source_id, chosen, **PRIVATE)
    return table

"""The knowledge page: components and which click leads to which handler."""

from __future__ import annotations

import gradio as gr

from assistant.ui.library import LibraryPage
from assistant.ui.library_rendering import COLUMNS
from assistant.ui.wiring import PRIVATE

REFRESH_SECONDS = 1.0
DEEPEST = 5


def build_library_page(demo: gr.Blocks, page: LibraryPage, i18n: gr.I18n) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    with gr.Column(elem_id="library-page"):
        with gr.Row(elem_id="adding"):
            files = _upload(i18n)
            _site(page, i18n)
        jobs = gr.HTML(elem_id="jobs")
        stop = gr.Button(i18n("stop_jobs"), size="sm", visible=False, elem_id="stop-jobs")
        counts = gr.HTML(elem_id="counts")
        table = _table(page, i18n)
    seen = gr.State(None)
    shown = [jobs, counts, table, stop, seen]
    gr.Timer(REFRESH_SECONDS).tick(page.refresh, seen, shown, **PRIVATE)
    demo.load(page.refresh, seen, shown, **PRIVATE)
    files.upload(page.upload, files, files, **PRIVATE)
    stop.click(page.cancel, None, None, **PRIVATE)


def _upload(i18n: gr.I18n) -> gr.File:
    with gr.Column(min_width=300, elem_id="files"):
        files = gr.File(label=i18n("add_files"), file_count="multiple", elem_id="upload")
        gr.Markdown(i18n("add_files_more"), elem_classes="hint")
    return files


def _site(page: LibraryPage, i18n: gr.I18n) -> None:
    with gr.Column(min_width=300, elem_id="site"):
        url = gr.Textbox(
            label=i18n("add_site"),
            placeholder="https://example.org/docs/",
            elem_id="url",
            max_lines=1,
        )
        depth = gr.Slider(0, DEEPEST, value=0, step=1, label=i18n("depth"), info=i18n("depth_more"))
        private = gr.Checkbox(label=i18n("allow_private"), elem_id="private", container=False)
        add = gr.Button(i18n("add"), variant="primary", elem_id="add-site")
    for event in (add.click, url.submit):
        event(page.add_site, [url, depth, private], url, **PRIVATE)


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

"""The knowledge page: components and which click leads to which handler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.knowledge.collections import Look
from assistant.ui.followed_section import CARDS, build_form, build_list
from assistant.ui.library import LibraryPage
from assistant.ui.library_handlers import LibraryHandlers
from assistant.ui.library_health import HealthPage
from assistant.ui.library_preview import PreviewPage
from assistant.ui.library_shelf_form import build_shelf, wire_shelf
from assistant.ui.library_trying import SearchTrial
from assistant.ui.wiring import PRIVATE

REFRESH_SECONDS = 1.0
TABLE = Path(__file__).with_name("table.js")
DROP = Path(__file__).with_name("drop.js")
CHUNKS = Path(__file__).with_name("chunks.js")
#: While somebody types, only what stands there in the end is looked for.
TYPING: dict[str, Any] = {**PRIVATE, "trigger_mode": "always_last"}
FORGET = "() => { document.querySelector('#sources .documents')?.dispatchEvent("
FORGET += "new Event('forget', {bubbles: true})); }"


@dataclass(frozen=True)
class _Following:
    """What is drawn anew after each click."""

    inputs: list[Any]
    outputs: list[Any]
    page: LibraryPage

    def after(self, *events: Any) -> None:
        for event in events:
            event.then(self.page.refresh, self.inputs, self.outputs, **PRIVATE)


def build_library_page(demo: gr.Blocks, does: LibraryHandlers, i18n: gr.I18n) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    look, seen = gr.State(Look()), gr.State(None)
    with gr.Column(elem_id="library-page"):
        shelf = build_shelf(i18n)
        with gr.Row(elem_id="adding", visible=False) as adding:
            files, folder = _upload(i18n)
            form = build_form(does.followed, shelf.collection, i18n)
        preview = _preview(does.preview, i18n)
        largest = f"const LARGEST = {does.page.largest_file};\n"
        jobs = gr.HTML(elem_id="jobs", js_on_load=largest + _script(CARDS, DROP))
        rows, acted = build_list(does.followed, i18n)
        counts, kinds, find, table = _documents(i18n)
        doomed, question, confirm, decided = _question(i18n)
        chunks = gr.HTML(elem_id="chunks", js_on_load=_script(CARDS, CHUNKS))
        _trial(does.trial, shelf.collection, i18n)
        health, check = _health(does.health, i18n)
    shown = [jobs, rows, counts, table, kinds, shelf.collection, seen]
    following = _Following([shelf.collection, look, seen], shown, does.page)
    name = shelf.collection
    arrived = [*shelf.arrived, adding, preview, health, check, form.kind]
    gr.Timer(REFRESH_SECONDS).tick(does.page.refresh, following.inputs, shown, **PRIVATE)
    following.after(demo.load(does.shelf.open, None, arrived, **PRIVATE), *form.added, acted)
    following.after(*wire_shelf(shelf, does.shelf, arrived, look, chunks))
    for upload in (files, folder):
        following.after(upload.upload(does.page.upload, [upload, name], upload, **PRIVATE))
    following.after(jobs.click(does.page.act, name, None, **PRIVATE))
    following.after(
        find.change(does.table.find, [find, look], look, **TYPING),
        kinds.input(does.table.choose_kind, [kinds, look], look, **PRIVATE),
        table.click(
            does.table.act, [name, look], [look, chunks, doomed, question, confirm], **PRIVATE
        ),
        decided.click(does.table.delete, [doomed, name], confirm, **PRIVATE),
    )
    decided.click(None, None, None, js=FORGET)
    chunks.click(does.chunks.act, None, chunks, **PRIVATE)


def _script(*files: Path) -> str:
    """The scripts of one component, each with names of its own."""
    return "\n".join(f"{{\n{file.read_text('utf-8')}\n}}" for file in files)


def _upload(i18n: gr.I18n) -> Sequence[Any]:
    label: Any = i18n("add_folder")  # translated here as everywhere, whatever its type says
    with gr.Column(min_width=300, elem_id="files"):
        files = gr.File(
            label=i18n("add_files"), file_count="multiple", height=150, elem_id="upload"
        )
        with gr.Row(elem_id="upload-more"):
            gr.Markdown(i18n("add_files_more"), elem_classes="hint")
            folder = gr.UploadButton(
                label, file_count="directory", size="sm", elem_id="upload-folder"
            )
    return files, folder


def _preview(preview: PreviewPage, i18n: gr.I18n) -> Any:
    with gr.Accordion(
        i18n("preview"), open=False, elem_id="preview-section", visible=False
    ) as section:
        file = gr.File(label=i18n("preview_file"), height=130, elem_id="preview-file")
        chunks = gr.HTML(elem_id="preview")
    file.upload(preview.show, file, chunks, **PRIVATE)
    file.clear(lambda: "", None, chunks, **PRIVATE)
    return section


def _documents(i18n: gr.I18n) -> Sequence[Any]:
    with gr.Column(elem_id="documents-section"):
        gr.Markdown(i18n("documents_heading"), elem_classes="heading")
        counts = gr.HTML(elem_id="counts")
        with gr.Row(elem_id="filters"):
            find = gr.Textbox(
                show_label=False,
                label=i18n("find_documents"),
                placeholder=i18n("find_documents"),
                elem_id="find",
                max_lines=1,
                scale=3,
                container=False,
            )
            kinds = gr.Dropdown(
                [],
                label=i18n("kind_of_document"),
                show_label=False,
                elem_id="kinds",
                container=False,
                scale=1,
                min_width=140,
            )
        table = gr.HTML(elem_id="sources", js_on_load=_script(TABLE))
    return counts, kinds, find, table


def _question(i18n: gr.I18n) -> Sequence[Any]:
    """What is to be deleted, and the buttons that decide."""
    doomed = gr.State([])
    with gr.Column(visible=False, elem_id="confirm-sources") as confirm:
        question = gr.HTML()
        with gr.Row():
            decided = gr.Button(
                i18n("delete_n"), variant="stop", size="sm", elem_id="delete-sources"
            )
            cancel = gr.Button(i18n("cancel"), size="sm")
    cancel.click(lambda: gr.update(visible=False), None, confirm, **PRIVATE)
    return doomed, question, confirm, decided


def _trial(trial: SearchTrial, collection: gr.Dropdown, i18n: gr.I18n) -> None:
    with gr.Accordion(i18n("try_search"), open=False, elem_id="try-section"):
        gr.Markdown(i18n("try_search_more"), elem_classes="hint")
        with gr.Row(elem_id="try"):
            question = gr.Textbox(
                show_label=False,
                label=i18n("try_question"),
                placeholder=i18n("try_question"),
                elem_id="try-question",
                max_lines=1,
                container=False,
                scale=1,
            )
            search = gr.Button(i18n("search"), elem_id="try-search", scale=0, min_width=84)
        found = gr.HTML(elem_id="tried")
    for event in (search.click, question.submit):
        event(trial.search, [question, collection], found, **PRIVATE)


def _health(health: HealthPage, i18n: gr.I18n) -> Sequence[Any]:
    with gr.Accordion(
        i18n("health"), open=False, elem_id="health-section", visible=False
    ) as section:
        disk = gr.HTML(elem_id="disk")
        with gr.Column(visible=False) as check:
            gr.Markdown(i18n("health_more"), elem_classes="hint")
            with gr.Row(elem_id="health-buttons"):
                look = gr.Button(i18n("check_now"), size="sm", elem_id="check-health")
                repair = gr.Button(
                    i18n("repair"), size="sm", visible=False, elem_id="repair-health"
                )
            findings = gr.HTML(elem_id="findings")
    section.expand(health.sizes, None, disk, **PRIVATE)
    look.click(health.check, None, [findings, repair], **PRIVATE)
    repair.click(health.repair, None, [findings, repair], **PRIVATE)
    return section, check

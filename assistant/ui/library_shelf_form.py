"""The chooser of collections on the knowledge page and the form of one: components and wiring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.knowledge.collections import Look
from assistant.ui.library_shelf import AUDIENCES, ShelfPage, readers_for
from assistant.ui.wiring import PRIVATE

# The address names the collection, so that a reload or a bookmark finds it again.
KEEP_ADDRESS = """(name) => {
  const address = new URL(window.location);
  if (name && name !== "default") address.searchParams.set("collection", name);
  else address.searchParams.delete("collection");
  window.history.replaceState(null, "", address);
}"""
_AUDIENCE_TEXTS = {
    "everyone": "readers_everyone",
    "owner": "readers_owner",
    "some": "readers_some",
}


@dataclass(frozen=True)
class ShelfParts:
    """The components."""

    collection: gr.Dropdown
    facts: gr.HTML
    new: gr.Button
    manage: gr.Button
    box: gr.Column
    heading: gr.Markdown
    title: gr.Textbox
    audience: gr.Radio
    readers: gr.Dropdown
    save: gr.Button
    cancel: gr.Button
    drop: gr.Button
    question: gr.HTML
    confirm: gr.Row
    really: gr.Button
    keep: gr.Button
    of: gr.State

    @property
    def arrived(self) -> list[Any]:
        """The beginning of :class:`library_shelf.Arrived`."""
        return [self.collection, self.facts, self.new, self.manage]

    @property
    def form(self) -> list[Any]:
        """In the order of :class:`library_shelf.Form`."""
        return [
            *(self.box, self.heading, self.title, self.audience, self.readers),
            *(self.drop, self.of),
        ]


def build_shelf(i18n: gr.I18n) -> ShelfParts:
    """Lay it out inside the running Blocks context."""
    with gr.Row(elem_id="shelf"):
        collection = gr.Dropdown(
            [], label=i18n("choose_collection"), elem_id="collection", scale=1, min_width=200
        )
        new = gr.Button(
            i18n("new_collection"), size="sm", visible=False, scale=0, elem_id="new-collection"
        )
        manage = gr.Button(
            i18n("manage_collection"),
            size="sm",
            visible=False,
            scale=0,
            elem_id="manage-collection",
        )
    facts = gr.HTML(elem_id="shelf-facts")
    with gr.Column(visible=False, elem_id="shelf-form") as box:
        fields = _fields(i18n)
        with gr.Row(elem_id="shelf-buttons"):
            save = gr.Button(
                i18n("save"), variant="primary", size="sm", scale=0, elem_id="save-collection"
            )
            cancel = gr.Button(i18n("cancel"), size="sm", scale=0)
            drop = gr.Button(
                i18n("delete_collection"), size="sm", scale=0, elem_id="drop-collection"
            )
        question = gr.HTML()
        with gr.Row(visible=False, elem_id="confirm-collection") as confirm:
            really = gr.Button(i18n("really_delete"), variant="stop", size="sm")
            keep = gr.Button(i18n("cancel"), size="sm")
    return ShelfParts(
        collection, facts, new, manage, box, *fields, save, cancel, drop,
        question, confirm, really, keep, gr.State(""),
    )  # fmt: skip


def _fields(i18n: gr.I18n) -> tuple[Any, Any, Any, Any]:
    """The heading, the title, who reads it, and their names."""
    heading = gr.Markdown(elem_classes="heading")
    with gr.Row():
        title = gr.Textbox(
            label=i18n("collection_title"),
            max_lines=1,
            max_length=80,
            min_width=200,
            elem_id="collection-title",
        )
        audience = gr.Radio(
            [(i18n(_AUDIENCE_TEXTS[each]), each) for each in AUDIENCES],
            value="owner",
            label=i18n("collection_readers"),
            min_width=240,
            elem_id="collection-audience",
        )
    readers = gr.Dropdown(
        [],
        multiselect=True,
        allow_custom_value=True,
        visible=False,
        label=i18n("reader_names"),
        info=i18n("reader_names_more"),
        elem_id="collection-readers",
    )
    return heading, title, audience, readers


def wire_shelf(
    shelf: ShelfParts, page: ShelfPage, arrived: list[Any], look: gr.State, chunks: gr.HTML
) -> list[Any]:
    """Wire it; the events after which the rest of the page is to be drawn anew."""
    name = shelf.collection
    shelf.new.click(page.begin, None, shelf.form, **PRIVATE)
    shelf.manage.click(page.manage, name, shelf.form, **PRIVATE)
    shelf.audience.change(readers_for, shelf.audience, shelf.readers, **PRIVATE)
    for button in (shelf.cancel, shelf.new, shelf.manage):
        button.click(_nothing_asked, None, [shelf.question, shelf.confirm], **PRIVATE)
    shelf.cancel.click(lambda: gr.update(visible=False), None, shelf.box, **PRIVATE)
    shelf.keep.click(_nothing_asked, None, [shelf.question, shelf.confirm], **PRIVATE)
    shelf.drop.click(page.ask_drop, shelf.of, [shelf.question, shelf.confirm], **PRIVATE)
    next_shown = gr.State("")
    saved = shelf.save.click(
        page.save,
        [shelf.of, shelf.title, shelf.audience, shelf.readers, name],
        [shelf.box, next_shown],
        **PRIVATE,
    ).then(page.arrive, next_shown, arrived, **PRIVATE)
    dropped = shelf.really.click(
        page.drop, shelf.of, [shelf.box, shelf.confirm, next_shown], **PRIVATE
    ).then(page.arrive, next_shown, arrived, **PRIVATE)
    chosen = shelf.collection.input(page.arrive, name, arrived, **PRIVATE)
    name.change(None, name, None, js=KEEP_ADDRESS)
    return [
        event.then(_afresh, None, [look, chunks], **PRIVATE) for event in (saved, dropped, chosen)
    ]


def _nothing_asked() -> tuple[str, Any]:
    return "", gr.update(visible=False)


def _afresh() -> tuple[Look, str]:
    """Another collection is seen from its beginning."""
    return Look(), ""

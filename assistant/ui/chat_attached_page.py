"""The paper clip beside the question box and the files above it: components, and which click leads
to which handler of :class:`ChatFiles`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.ui.chat_attached import ChatFiles
from assistant.ui.wiring import PRIVATE, STREAMING

SCRIPT = Path(__file__).with_name("chat_attached.js")


@dataclass(frozen=True)
class FilePanel:
    """``target``: the conversation that the page showed when files were chosen, which may be
    another one when they have arrived."""

    clip: gr.UploadButton
    chips: gr.HTML
    target: gr.Textbox


def build_files() -> gr.HTML:
    """The files of the conversation."""
    return gr.HTML(elem_id="attached", js_on_load=SCRIPT.read_text("utf-8"))


def build_clip(i18n: gr.I18n, chips: gr.HTML) -> FilePanel:
    """The button, in the row of the question box."""
    label: Any = i18n("attached_add")  # translated here as everywhere, whatever its type says
    clip = gr.UploadButton(
        label, file_count="multiple", elem_id="attach", size="sm", scale=0, min_width=44
    )
    target = gr.Textbox(visible="hidden", elem_id="attach-to", label="t")
    return FilePanel(clip, chips, target)


def wire_files(
    panel: FilePanel, files: ChatFiles, composer: gr.Textbox, conversation_id: gr.Textbox
) -> None:
    known, chips = conversation_id, panel.chips
    taken = panel.clip.upload(
        files.attach, [panel.clip, panel.target], [panel.clip, known, chips], **PRIVATE
    )
    for changed in (taken.then, known.change):
        changed(files.show, known, chips, **STREAMING)
    chips.click(files.act, known, chips, **PRIVATE)
    composer.submit(files.remind, [composer, known], None, **PRIVATE)

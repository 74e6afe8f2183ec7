"""The prompts' part of the admin page: its components, and which click leads where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from assistant.prompts import LANGUAGES
from assistant.ui.admin_prompts import PromptsPart, View
from assistant.ui.admin_prompts_rendering import NAMES
from assistant.ui.admin_trial import TrialPart
from assistant.ui.texts import text
from assistant.ui.wiring import PRIVATE

LISTS = Path(__file__).with_name("admin.js")
TO_EDITOR = """() => document.querySelector("#admin-prompt-about")?.scrollIntoView(
  {block: "nearest"})"""


def build_prompts(demo: gr.Blocks, part: PromptsPart, trial: TrialPart, i18n: gr.I18n) -> list[Any]:
    """Lay the part out; the events that change something."""
    view = gr.State(View())
    lists = LISTS.read_text("utf-8")
    with gr.Column(elem_id="admin-prompts", elem_classes="part"):
        gr.Markdown(i18n("admin_prompts_heading"), elem_classes="heading")
        overview = gr.HTML(elem_id="admin-prompt-overview", padding=False, js_on_load=lists)
        name, language = _choice(i18n)
        about = gr.HTML(elem_id="admin-prompt-about", padding=False, js_on_load=lists)
        words = gr.Textbox(
            label=i18n("admin_text"),
            lines=10,
            max_lines=24,
            elem_id="admin-prompt-text",
        )
        reset, save = _buttons(i18n)
        earlier = gr.HTML(elem_id="admin-earlier", padding=False, js_on_load=lists)
        _trial(trial, words, view, i18n)
    shown = [overview, name, language, about, words, earlier, view]
    demo.load(part.show, view, shown, **PRIVATE)
    for each in (name, language):
        each.input(part.choose, [name, language, words, view], shown, **PRIVATE)
    acted = [each.click(part.act, [words, view], shown, **PRIVATE) for each in (about, overview)]
    loaded = earlier.click(part.act, [words, view], shown, **PRIVATE)
    loaded.then(None, None, None, js=TO_EDITOR)
    saved = save.click(part.save, [words, view], shown, **PRIVATE)
    return [*acted, saved, reset.click(part.reset, view, shown, **PRIVATE)]


def _choice(i18n: gr.I18n) -> tuple[gr.Radio, gr.Radio]:
    with gr.Row(elem_classes="fields"):
        name = gr.Radio(
            [(i18n(called), key) for key, (called, _) in NAMES.items()],
            label=i18n("admin_prompt"),
            elem_id="admin-prompt",
            elem_classes="pills",
            min_width=260,
        )
        language = gr.Radio(
            [(text("language_name", one), one) for one in LANGUAGES],
            label=i18n("admin_for_language"),
            elem_id="admin-language",
            elem_classes="pills",
            min_width=180,
        )
    return name, language


def _buttons(i18n: gr.I18n) -> tuple[gr.Button, gr.Button]:
    with gr.Row(elem_classes="buttons"):
        reset = gr.Button(i18n("admin_reset"), elem_id="admin-reset", elem_classes="push", scale=0)
        save = gr.Button(
            i18n("admin_save"),
            variant="primary",
            elem_id="admin-save",
            elem_classes="push",
            scale=0,
        )
    return reset, save


def _trial(part: TrialPart, words: gr.Textbox, view: gr.State, i18n: gr.I18n) -> None:
    with gr.Row(elem_classes="fields", elem_id="admin-trial"):
        question = gr.Textbox(
            label=i18n("admin_try"), max_lines=1, elem_id="admin-try-question", min_width=240
        )
        ask = gr.Button(i18n("admin_try_ask"), elem_id="admin-try", elem_classes="push", scale=0)
    answer = gr.HTML(elem_id="admin-try-answer", padding=False)
    for event in (ask.click, question.submit):
        event(part.ask, [question, words, view], answer, **PRIVATE)

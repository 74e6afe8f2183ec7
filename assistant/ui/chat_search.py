"""The panel below the conversation: how its questions are searched, in the user's hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.knowledge.records import Source
from assistant.ui.scope import scope_choices
from assistant.ui.screens import Screen

LONGEST_CHOICE = 120  # characters of a memory in the list


@dataclass(frozen=True)
class SearchPanel:
    """Its components. The first five are in the order of the end of ``chat.Frame``."""

    searched: gr.Textbox
    memories: gr.CheckboxGroup
    rewriting: gr.Checkbox
    use_memory: gr.Checkbox
    only: gr.Dropdown
    again: gr.Button

    @property
    def shown(self) -> list[gr.components.Component]:
        return [self.searched, self.memories, self.rewriting, self.use_memory, self.only]


def build_search_panel(i18n: gr.I18n) -> SearchPanel:
    """Lay the panel out inside the running Blocks context."""
    with gr.Accordion(i18n("searching"), open=False, elem_id="search-panel"):
        with gr.Row(equal_height=True):
            searched = gr.Textbox(
                label=i18n("searched_for"),
                info=i18n("searched_for_more"),
                elem_id="searched",
                max_lines=4,
                scale=5,
            )
            again = gr.Button(i18n("search_again"), elem_id="search-again", scale=1, min_width=120)
        memories = gr.CheckboxGroup(
            [], label=i18n("memories_used"), elem_id="memories-used", visible=False
        )
        with gr.Row():
            rewriting = gr.Checkbox(
                True, label=i18n("complete_questions"), elem_id="complete-questions", min_width=200
            )
            use_memory = gr.Checkbox(
                True, label=i18n("use_memory"), elem_id="use-memory", min_width=200
            )
        only = gr.Dropdown(
            [],
            multiselect=True,
            label=i18n("search_only"),
            info=i18n("search_only_more"),
            elem_id="search-only",
        )
    return SearchPanel(searched, memories, rewriting, use_memory, only, again)


def memories_of(screen: Screen) -> dict[str, str]:
    """The memories that the conversation's turns used: id -> text."""
    used = (memory for view in screen.views for memory in view.memories if memory.id)
    return {memory.id: memory.text for memory in used}


def panel(screen: Screen, sources: Sequence[Source], language: str) -> dict[str, Any]:
    """What the panel shows of a conversation; ``sources``: all documents that it may search."""
    last = screen.views[-1] if screen.views and not screen.turn else None
    choices = [(text[:LONGEST_CHOICE], id) for id, text in memories_of(screen).items()]
    ticked = [id for _, id in choices if id not in screen.choices.without]
    return {
        "searched": gr.update(
            value=last.standalone or last.question if last else "", interactive=last is not None
        ),
        "memories": gr.update(choices=choices, value=ticked, visible=bool(choices)),
        "rewriting": gr.update(value=screen.choices.rewriting),
        "use_memory": gr.update(value=screen.choices.memory),
        "only": gr.update(
            choices=scope_choices(sources, screen.choices.only, language),
            value=sorted(screen.choices.only),
        ),
    }

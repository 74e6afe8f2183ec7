"""The panel below the conversation: how and where its questions are searched, in the user's
hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import CollectionInfo, Source
from assistant.knowledge.sharing import readable
from assistant.knowledge.store import DEFAULT_COLLECTION
from assistant.library import open_library
from assistant.memory.records import Choices
from assistant.parts import Parts
from assistant.ui.collection_names import searched_choices
from assistant.ui.messages import inform, warn
from assistant.ui.scope import scope_choices
from assistant.ui.screens import Screen, Screens
from assistant.ui.visitor import Visitors
from assistant.ui.wiring import PRIVATE

LONGEST_CHOICE = 120  # characters of a memory in the list


@dataclass(frozen=True)
class SearchPanel:
    """Its components; ``shown`` are in the order of the end of ``chat_frames.Frame``."""

    searched: gr.Textbox
    memories: gr.CheckboxGroup
    rewriting: gr.Checkbox
    use_memory: gr.Checkbox
    collection: gr.Dropdown
    only: gr.Dropdown
    again: gr.Button
    section: gr.Accordion

    @property
    def shown(self) -> list[gr.components.Component]:
        return [
            *(self.searched, self.memories, self.rewriting, self.use_memory),
            *(self.collection, self.only),
        ]


def build_search_panel(i18n: gr.I18n) -> SearchPanel:
    """Lay the panel out inside the running Blocks context."""
    with gr.Accordion(i18n("searching"), open=False, elem_id="search-panel") as section:
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
        with gr.Row():
            collection = gr.Dropdown(
                [],
                label=i18n("search_collection"),
                elem_id="search-collection",
                visible=False,
                min_width=200,
                scale=1,
            )
            only = gr.Dropdown(
                [],
                multiselect=True,
                label=i18n("search_only"),
                info=i18n("search_only_more"),
                elem_id="search-only",
                min_width=200,
                scale=2,
            )
    return SearchPanel(searched, memories, rewriting, use_memory, collection, only, again, section)


class SearchChoices:
    """The handlers of the panel.

    Args:
        screen_of: the screen of a page that shows a conversation.
    """

    def __init__(
        self,
        parts: Parts,
        visitors: Visitors,
        screens: Screens,
        screen_of: Callable[[str, gr.Request], Screen],
    ) -> None:
        self._memory = parts.long_term
        self._knowledge = parts.knowledge
        self._visitors = visitors
        self._screens = screens
        self._screen_of = screen_of

    def choose(  # noqa: PLR0917 - what the panel's components hold
        self,
        rewriting: bool,
        use_memory: bool,
        ticked: list[str],
        only: list[str],
        conversation_id: str,
        request: gr.Request,
    ) -> None:
        """Keep how this conversation is searched; a new one keeps it with its first question."""
        screen = self._screen_of(conversation_id, request)
        without = (screen.choices.without | memories_of(screen).keys()) - set(ticked)
        choices = replace(
            screen.choices,
            rewriting=rewriting,
            memory=use_memory,
            without=frozenset(without),
            only=frozenset(only or ()),
        )
        self.keep(screen, choices, request)

    def choose_collection(self, name: str, conversation_id: str, request: gr.Request) -> Any:
        """Keep what this conversation searches; documents of another collection are no longer
        chosen. The turn itself asks whether the user may read it."""
        screen = self._screen_of(conversation_id, request)
        choices = replace(screen.choices, collection=name or "", only=frozenset())
        self.keep(screen, choices, request)
        return self.offer(conversation_id, request)

    def offer(self, conversation_id: str, request: gr.Request) -> Any:
        """The documents that can be chosen, loaded once somebody looks: they may be thousands."""
        identity, language = self._visitors.identity(request), self._visitors.language(request)
        choices = self._screen_of(conversation_id, request).choices
        try:
            library = open_library(self._knowledge, replace(choices, only=frozenset()), identity)
            return only_update(library.sources(), choices, language)
        except AssistantError as error:
            warn(error, language)
            return only_update((), choices, language)

    def keep(self, screen: Screen, choices: Choices, request: gr.Request) -> None:
        """Keep ``choices`` on the page, and in its conversation where there is one."""
        self._screens.put(request.session_hash or "", replace(screen, choices=choices))
        user, language = self._visitors.of(request)
        try:
            if screen.all_views:  # else its first question brings them along
                self._memory.set_choices(user, screen.conversation_id, choices)
        except AssistantError as error:
            warn(error, language)  # the next question brings them along
            return
        inform("chosen", language)


def wire_search_panel(
    panel: SearchPanel, search: SearchChoices, conversation_id: gr.Textbox
) -> None:
    """Which change leads to which handler, but for searching again, which begins a turn."""
    known = conversation_id
    choices: list[Any] = [panel.rewriting, panel.use_memory, panel.memories, panel.only]
    for chosen in choices:
        chosen.input(search.choose, [*choices, known], None, **PRIVATE)
    panel.collection.input(
        search.choose_collection, [panel.collection, known], panel.only, **PRIVATE
    )
    for looked in (panel.section.expand, panel.only.focus):
        looked(search.offer, known, panel.only, **PRIVATE)


def memories_of(screen: Screen) -> dict[str, str]:
    """The memories that the conversation's turns used: id -> text."""
    used = (memory for view in screen.views for memory in view.memories if memory.id)
    return {memory.id: memory.text for memory in used}


def panel(
    screen: Screen, collections: Collections, visitors: Visitors, request: gr.Request
) -> dict[str, Any]:
    """What the panel shows of a conversation."""
    identity, language = visitors.identity(request), visitors.language(request)
    infos = readable(collections.all(), identity)
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
        "collection": _collection(infos, screen.choices, language),
        "only": only_update(_chosen(screen.choices, collections, infos), screen.choices, language),
    }


def _collection(infos: Sequence[CollectionInfo], choices: Choices, language: str) -> Any:
    chosen = choices.collection or (infos[0].name if infos else "")
    offered = searched_choices(infos, choices.collection, language)
    is_only = [name for _, name in offered] == [DEFAULT_COLLECTION]
    return gr.update(choices=offered, value=chosen or None, visible=bool(offered) and not is_only)


def _chosen(
    choices: Choices, collections: Collections, infos: Sequence[CollectionInfo]
) -> list[Source]:
    """The documents that are chosen, for their names; of no collection that is closed."""
    if not choices.only:
        return []
    names = {info.name for info in infos}
    return [one for one in collections.by_uri(choices.only) if one.collection in names]


def only_update(sources: Sequence[Source], choices: Choices, language: str) -> Any:
    """The list of documents, with those chosen that are among them or not."""
    offered = scope_choices(sources, choices.only, language)
    return gr.update(choices=offered, value=sorted(choices.only))

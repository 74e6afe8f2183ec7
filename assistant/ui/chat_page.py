"""The chat page: components and which click leads to which handler of :class:`Chat`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from assistant.ui.chat import Chat
from assistant.ui.chat_attached import ChatFiles
from assistant.ui.chat_attached_page import build_clip, build_files, wire_files
from assistant.ui.chat_model import build_model_choice
from assistant.ui.chat_search import SearchPanel, build_search_panel, wire_search_panel
from assistant.ui.wiring import PRIVATE, STREAMING

LATEX: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
]
LIST_SCRIPT = Path(__file__).with_name("chat_list.js")
#: Joined: the panel goes on where the chat's script ends.
SCRIPTS = tuple(Path(__file__).with_name(f"{name}.js") for name in ("chat", "source_panel"))

# The address names the conversation, so that a reload or a bookmark finds it again.
KEEP_ADDRESS = """(id) => {
  const address = new URL(window.location);
  if (id) address.searchParams.set("c", id); else address.searchParams.delete("c");
  window.history.replaceState(null, "", address);
  document.dispatchEvent(new CustomEvent("conversation", { detail: id || "", bubbles: true }));
}"""


@dataclass(frozen=True)
class Components:
    """What the handlers of the chat page read and change."""

    chatbot: gr.Chatbot
    composer: gr.Textbox
    conversation_id: gr.Textbox
    talks: gr.HTML
    tools: gr.HTML
    find: gr.Textbox
    new: gr.Button
    model: gr.Dropdown
    search: SearchPanel

    @property
    def frame(self) -> list[gr.components.Component]:
        """In the order of :class:`assistant.ui.chat.Frame`."""
        return [
            self.chatbot,
            self.composer,
            self.conversation_id,
            self.talks,
            self.model,
            *self.search.shown,
        ]


def build_chat_page(demo: gr.Blocks, chat: Chat, files: ChatFiles, i18n: gr.I18n) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    gr.Button(i18n("show_conversations"), elem_id="show-side", size="sm")
    with gr.Row(elem_id="chat-page", equal_height=True):
        with gr.Column(elem_id="side", scale=0, min_width=264):
            new = gr.Button(i18n("new_conversation"), variant="primary", elem_id="new")
            find = gr.Textbox(
                placeholder=i18n("talks_search"),
                label=i18n("talks_search"),
                show_label=False,
                container=False,
                max_lines=1,
                elem_id="find-talk",
            )
            talks = gr.HTML(elem_id="talks", js_on_load=LIST_SCRIPT.read_text("utf-8"))
        with gr.Column(elem_id="main"):
            chatbot = _chatbot()
            model = build_model_choice(i18n)
            search = build_search_panel(i18n)
            chips = build_files()
            with gr.Row(elem_id="ask"):
                attached = build_clip(i18n, chips)
                composer = _composer(i18n)
    # Beside the list, which a phone hides: cards are shown everywhere.
    script = "\n".join(each.read_text("utf-8") for each in SCRIPTS)
    tools = gr.HTML(elem_id="chat-tools", js_on_load=script)
    conversation_id = gr.Textbox(visible="hidden", elem_id="conversation-id", label="c")
    page = Components(chatbot, composer, conversation_id, talks, tools, find, new, model, search)
    _wire(demo, chat, page)
    wire_files(attached, files, composer, conversation_id)


def _composer(i18n: gr.I18n) -> gr.Textbox:
    return gr.Textbox(
        placeholder=i18n("ask"),
        label=i18n("chat"),
        show_label=False,
        submit_btn=True,
        elem_id="composer",
        max_lines=8,
        autofocus=True,
    )


def _chatbot() -> gr.Chatbot:
    return gr.Chatbot(
        show_label=False,
        elem_id="chat",
        layout="panel",
        height="100%",
        buttons=[],
        latex_delimiters=LATEX,
        allow_tags=False,
        editable="user",
        allow_file_downloads=False,
    )


def _wire(demo: gr.Blocks, chat: Chat, page: Components) -> None:
    known = page.conversation_id
    beginnings = [
        demo.load(chat.open_from_url, None, page.frame, **PRIVATE),
        page.talks.select(chat.open_row, None, page.frame, **PRIVATE),
        page.composer.submit(chat.ask, [page.composer, known], page.frame, **PRIVATE),
        page.chatbot.example_select(chat.ask_example, known, page.frame, **PRIVATE),
        page.chatbot.option_select(chat.ask_next, known, page.frame, **PRIVATE),
        page.chatbot.edit(chat.edit, known, page.frame, **PRIVATE),
        page.tools.click(chat.retry, known, page.frame, **PRIVATE),
        page.search.again.click(
            chat.search_again, [page.search.searched, known], page.frame, **PRIVATE
        ),
        page.search.searched.submit(
            chat.search_again, [page.search.searched, known], page.frame, **PRIVATE
        ),
    ]
    for begun in beginnings:
        begun.then(chat.follow, None, page.frame, **STREAMING)
    page.model.input(chat.model.choose, [page.model, known], page.model, **PRIVATE)
    demo.load(chat.tools, None, page.tools, **PRIVATE)
    wire_search_panel(page.search, chat.search, known)
    page.talks.click(chat.act, known, page.frame, **PRIVATE)
    page.tools.input(chat.mark, known, page.frame, **PRIVATE)
    page.composer.stop(chat.stop, None, page.composer, **PRIVATE)
    page.new.click(chat.new, None, page.frame, **PRIVATE)
    page.find.change(
        chat.find, [page.find, known], page.talks, trigger_mode="always_last", **PRIVATE
    )
    known.change(None, known, None, js=KEEP_ADDRESS)

"""The chat page: components and which click leads to which handler of :class:`Chat`."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from assistant.ui.chat import Chat
from assistant.ui.chat_search import SearchPanel, build_search_panel
from assistant.ui.wiring import PRIVATE, STREAMING

LATEX: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
]

# The address names the conversation, so that a reload or a bookmark finds it again.
KEEP_ADDRESS = """(id) => {
  const address = new URL(window.location);
  if (id) address.searchParams.set("c", id); else address.searchParams.delete("c");
  window.history.replaceState(null, "", address);
}"""
# On a phone the list covers the page until something was chosen in it.
CLOSE_SIDE = '() => { document.querySelector("#side").classList.remove("open"); }'
TOGGLE_SIDE = '() => { document.querySelector("#side").classList.toggle("open"); }'


@dataclass(frozen=True)
class Components:
    """What the handlers of the chat page read and change."""

    chatbot: gr.Chatbot
    composer: gr.Textbox
    conversation_id: gr.Textbox
    conversations: gr.Radio
    new: gr.Button
    delete: gr.Button
    really: gr.Button
    cancel: gr.Button
    confirm: gr.Row
    toggle: gr.Button
    search: SearchPanel

    @property
    def frame(self) -> list[gr.components.Component]:
        """In the order of :class:`assistant.ui.chat.Frame`."""
        return [
            self.chatbot,
            self.composer,
            self.conversation_id,
            self.conversations,
            *self.search.shown,
        ]


def build_chat_page(demo: gr.Blocks, chat: Chat, i18n: gr.I18n) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    toggle = gr.Button(i18n("show_conversations"), elem_id="show-side", size="sm")
    with gr.Row(elem_id="chat-page", equal_height=True):
        with gr.Column(elem_id="side", scale=0, min_width=264):
            new = gr.Button(i18n("new_conversation"), variant="primary", elem_id="new")
            conversations = gr.Radio(
                [], label=i18n("conversations"), elem_id="conversations", container=False
            )
            delete = gr.Button(i18n("delete_conversation"), size="sm", elem_id="delete")
            with gr.Row(visible=False, elem_id="confirm") as confirm:
                really = gr.Button(i18n("really_delete"), variant="stop", size="sm")
                cancel = gr.Button(i18n("cancel"), size="sm")
        with gr.Column(elem_id="main"):
            chatbot = _chatbot()
            search = build_search_panel(i18n)
            composer = gr.Textbox(
                placeholder=i18n("ask"),
                label=i18n("chat"),
                show_label=False,
                submit_btn=True,
                elem_id="composer",
                max_lines=8,
                autofocus=True,
            )
    conversation_id = gr.Textbox(visible="hidden", elem_id="conversation-id", label="c")
    components = Components(
        chatbot, composer, conversation_id, conversations,
        new, delete, really, cancel, confirm, toggle, search,
    )  # fmt: skip
    _wire(demo, chat, components)


def _chatbot() -> gr.Chatbot:
    return gr.Chatbot(
        show_label=False,
        elem_id="chat",
        layout="panel",
        height="100%",
        buttons=["copy"],
        latex_delimiters=LATEX,
        allow_tags=False,
        feedback_options=("Like", "Dislike"),
        editable="user",
        allow_file_downloads=False,
    )


def _wire(demo: gr.Blocks, chat: Chat, page: Components) -> None:
    known = page.conversation_id
    beginnings = [
        demo.load(chat.open_from_url, None, page.frame, **PRIVATE),
        page.conversations.input(chat.open, page.conversations, page.frame, **PRIVATE),
        page.composer.submit(chat.ask, [page.composer, known], page.frame, **PRIVATE),
        page.chatbot.example_select(chat.ask_example, known, page.frame, **PRIVATE),
        page.chatbot.retry(chat.retry, known, page.frame, **PRIVATE),
        page.chatbot.edit(chat.edit, known, page.frame, **PRIVATE),
        page.search.again.click(
            chat.search_again, [page.search.searched, known], page.frame, **PRIVATE
        ),
        page.search.searched.submit(
            chat.search_again, [page.search.searched, known], page.frame, **PRIVATE
        ),
    ]
    for begun in beginnings:
        begun.then(chat.follow, None, page.frame, **STREAMING)
    search = page.search
    choices = [search.rewriting, search.use_memory, search.memories, search.only]
    for chosen in (search.rewriting, search.use_memory, search.memories, search.only):
        chosen.input(chat.choose, [*choices, known], None, **PRIVATE)
    page.chatbot.like(chat.rate, known, None, **PRIVATE)
    page.composer.stop(chat.stop, None, page.composer, **PRIVATE)
    page.new.click(chat.new, None, page.frame, **PRIVATE)
    page.really.click(chat.delete, known, page.frame, **PRIVATE)
    page.delete.click(lambda: gr.update(visible=True), None, page.confirm, **PRIVATE)
    for button in (page.really, page.cancel, page.new):
        button.click(lambda: gr.update(visible=False), None, page.confirm, **PRIVATE)
    known.change(None, known, None, js=KEEP_ADDRESS)
    page.toggle.click(None, None, None, js=TOGGLE_SIDE)
    for choice in (page.new.click, page.conversations.input):
        choice(None, None, None, js=CLOSE_SIDE)

"""Messages in a corner of the page."""

from __future__ import annotations

import html

import gradio as gr

from assistant.errors import AssistantError
from assistant.ui.texts import text


def inform(key: str, language: str, **fields: object) -> None:
    said = html.escape(text(key, language, **fields))
    gr.Info(said, title=text("app", language), duration=3)


def caution(key: str, language: str, **fields: object) -> None:
    """What was clicked did not happen, and why."""
    said = html.escape(text(key, language, **fields))
    gr.Warning(said, title=text("app", language))


def warn(error: AssistantError, language: str) -> None:
    gr.Warning(html.escape(error.text(language)), title=text("app", language))

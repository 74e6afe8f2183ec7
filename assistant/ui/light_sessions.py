"""What Gradio keeps of each open page, without the description of every component.

Gradio describes all components of all pages anew for each page that opens (417 kB, 15 ms), keeps
that for as long as the app runs, and brings it up to date with every change: for links that carry
a page's whole state, which this app does not offer.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI
from gradio.state_holder import SessionState, StateHolder
from starlette.routing import Mount

#: Pages that are known, of which the longest unused goes first. One that is used again after that
#: has forgotten which choices its lists were given: it is to be loaded again.
MOST_PAGES = 3000


class LightSession(SessionState):
    """A page's own components: those that a handler changed."""

    def __init__(self, blocks: gr.Blocks) -> None:
        undescribed = SimpleNamespace(default_config=blocks.default_config, blocks={})
        super().__init__(cast(Any, undescribed))
        self.blocks_config.config_for_block = _nothing  # type: ignore[method-assign]


class LightSessions(StateHolder):
    """All pages of an app."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LightSession(self.blocks)
        return super().__getitem__(session_id)


def lighten_sessions(app: FastAPI, demo: gr.Blocks) -> None:
    """Have the mounted app of ``demo`` keep its pages so."""
    [mount] = [route for route in app.routes if isinstance(route, Mount)]
    sessions = LightSessions()
    demo.state_session_capacity = MOST_PAGES
    sessions.set_blocks(demo)
    mount.app.state_holder = sessions  # type: ignore[attr-defined]


def _nothing(*_: object, **__: object) -> dict[str, object]:
    return {}

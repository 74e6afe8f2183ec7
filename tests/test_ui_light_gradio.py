"""What Gradio does for each page, made light: components that a handler skips cost nothing, nor
does a page that opens; and both behave as with Gradio's own."""

from __future__ import annotations

import abc
import asyncio
import copy
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio.state_holder import SessionState, StateHolder

from assistant.ui import light_sessions
from assistant.ui.light_sessions import LightSession, LightSessions, lighten_sessions
from assistant.ui.quick_blocks import QuickBlocks


@pytest.fixture(autouse=True)
def abc_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The crawler's packages, which the app never imports, give ABC an attribute that Gradio
    stumbles over where it makes a component."""
    monkeypatch.delattr(abc.ABC, "__provides__", raising=False)


# Frames

SKIPPED = gr.skip()


def told(kind: type[gr.Blocks], predictions: Any, outputs: int = 3) -> tuple[list[Any], int]:
    """What the page is told of a handler's predictions, and how many components were made."""
    made = 0

    def counted(box: gr.Textbox, *args: Any, **kwargs: Any) -> None:
        nonlocal made
        made += 1
        make(box, *args, **kwargs)

    async def processed() -> list[Any]:
        with kind() as demo:
            boxes = [gr.Textbox(f"old {n}") for n in range(outputs)]
            gr.Button().click(lambda: None, None, boxes)
        own = copy.deepcopy(predictions)  # Gradio takes updates apart
        [block_fn] = demo.fns.values()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gr.Textbox, "__init__", counted)
            data: list[Any] = await demo.postprocess_data(block_fn, own, SessionState(demo))
        return data

    make = gr.Textbox.__init__
    return asyncio.run(processed()), made  # Gradio would open a loop of its own, and leave it open


PREDICTIONS = [
    (SKIPPED, "new", SKIPPED),
    ["new", gr.update(value="newer", placeholder="more"), SKIPPED],
    ("a", "b", "c"),
    (SKIPPED, SKIPPED, SKIPPED),
    (gr.update(visible=False), SKIPPED, gr.update(interactive=True)),
    SKIPPED,
]


@pytest.mark.parametrize("predictions", PREDICTIONS, ids=repr)
def test_the_page_is_told_the_same(predictions: Any) -> None:
    data, made = told(QuickBlocks, predictions)
    own, _ = told(gr.Blocks, predictions)
    assert data == own and len(data) == 3
    listed = predictions if predictions is not SKIPPED else ()
    assert made == sum("__type__" in each and each != SKIPPED for each in listed)


@pytest.mark.parametrize("prediction", ["new", SKIPPED, gr.update(value="newer"), None], ids=repr)
def test_of_a_single_component_too(prediction: Any) -> None:
    assert told(QuickBlocks, prediction, 1)[0] == told(gr.Blocks, prediction, 1)[0]


def test_too_few_values_are_refused_as_ever() -> None:
    for kind in (QuickBlocks, gr.Blocks):
        with pytest.raises(ValueError, match="output"):
            told(kind, ("one", "two"))


# Sessions


def pages() -> gr.Blocks:
    with gr.Blocks() as demo:
        chosen = gr.Dropdown(["a"], value="a")
        box = gr.Textbox("old")
        gr.Button().click(lambda name: name, chosen, [chosen, box])
    demo.queue()
    built: gr.Blocks = demo
    return built


def used(kind: type[SessionState]) -> tuple[list[Any], list[Any], SessionState]:
    """What a page is told of new choices, and what a handler gets of one of them afterwards."""

    async def use() -> tuple[list[Any], list[Any], SessionState]:
        demo = pages()
        session = kind(demo)
        block_fn = next(fn for fn in demo.fns.values() if fn.inputs)
        told = await demo.postprocess_data(
            block_fn, [gr.update(choices=["b"], value="b"), "new"], session
        )
        got = await demo.preprocess_data(block_fn, ["b"], session)
        with pytest.raises(gr.Error, match="not in the list"):
            await demo.preprocess_data(block_fn, ["a"], session)
        return told, got, session

    return asyncio.run(use())


def test_a_page_keeps_what_its_components_were_changed_to() -> None:
    told, got, session = used(LightSession)
    assert (told, got) == used(SessionState)[:2]
    assert got == ["b"]
    assert not any(session.config_values.values()), "nothing is described"


def test_pages_do_not_see_each_other() -> None:
    async def opened() -> tuple[SessionState, SessionState, LightSessions]:
        demo = pages()
        sessions = LightSessions()
        sessions.set_blocks(demo)
        one, other = sessions["one"], sessions["other"]
        [id] = [id for id, block in demo.blocks.items() if isinstance(block, gr.Textbox)]
        one[id] = gr.Textbox("changed", render=False)
        assert other[id] is demo.blocks[id] is not one[id]
        return one, other, sessions

    one, other, sessions = asyncio.run(opened())
    assert sessions["one"] is one and sessions["other"] is other
    assert isinstance(one, LightSession)


def test_the_longest_unused_page_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_sessions, "MOST_PAGES", 2)

    async def kept() -> list[str]:
        demo = pages()
        app = gr.mount_gradio_app(FastAPI(), demo, path="/", ssr_mode=False)
        lighten_sessions(app, demo)
        sessions = demo.state_holder
        assert isinstance(sessions, LightSessions)
        for name in ("first", "second", "first", "third"):
            _ = sessions[name]
        return list(sessions.session_data)

    assert asyncio.run(kept()) == ["first", "third"]


def test_gradio_describes_components_where_this_leaves_them() -> None:
    """What is spared: should it be gone from Gradio, this module can go, too."""

    async def described() -> int:
        sessions = StateHolder()  # type: ignore[no-untyped-call]
        sessions.set_blocks(pages())
        return sum(map(bool, sessions["page"].config_values.values()))

    assert asyncio.run(described()) > 2

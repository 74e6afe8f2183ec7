"""Components that a handler skips cost nothing, and the page is told what Gradio would tell it."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from assistant.ui.quick_blocks import QuickBlocks

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

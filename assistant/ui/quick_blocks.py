"""Gradio's Blocks, without the work for components that a handler leaves as they are.

For each output that is ``gr.skip()`` Gradio makes its component anew and describes it three times,
to tell the page in the end that nothing has changed. A page of ten components whose stream changes
one of them pays for that with most of the server's time.
"""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState


class QuickBlocks(gr.Blocks):
    """Only what a handler changed is processed; the page is told the same as by Gradio's own."""

    async def postprocess_data(
        self,
        block_fn: BlockFunction,
        predictions: list[Any] | dict[Any, Any],
        state: SessionState | None,
    ) -> list[Any]:
        outputs = block_fn.outputs
        if _is_skipped(predictions):
            return [gr.skip() for _ in outputs]
        is_single = len(outputs) == 1 and not block_fn.batch
        values = [predictions] if is_single else predictions
        if not isinstance(values, list | tuple) or len(values) != len(outputs):
            whole: list[Any] = await super().postprocess_data(block_fn, predictions, state)
            return whole
        data: list[Any] = [gr.skip() for _ in outputs]
        changed = [n for n, each in enumerate(values) if not _is_skipped(each)]
        if changed:
            part = copy.copy(block_fn)
            part.outputs = [outputs[n] for n in changed]
            fresh = [values[n] for n in changed]
            # Gradio takes the value of a single output without a list around it.
            is_listed = len(fresh) > 1 or block_fn.batch
            processed = await super().postprocess_data(
                part, fresh if is_listed else fresh[0], state
            )
            for n, each in zip(changed, processed, strict=True):
                data[n] = each
        return data


def _is_skipped(prediction: Any) -> bool:
    return isinstance(prediction, dict) and prediction == gr.skip()

"""The encoder of multilingual-e5-small as an OpenVINO model, built from the packaged weights."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.models.embedding.e5_weights import Floats, Weights

#: Tokens, padding included, that are computed at once: enough to keep the cores busy, so few that
#: another thread's turn comes soon.
MOST_TOKENS = 1024
#: Lengths are rounded up to this, for the engine prepares itself for each shape that it meets.
STEP = 16
FAR = 1e4  # taken from the scores of padding: nothing is left of it after the softmax

_import_lock = threading.Lock()


class Encoder:
    """Means over the last layer of rows of tokens; threads take turns, ``MOST_TOKENS`` at once.

    Args:
        threads: the most that compute at once.
    Raises:
        ImportError: openvino is not installed, or not for this system.
        RuntimeError: it can't compile the model for this processor.
    """

    def __init__(self, weights: Weights, threads: int) -> None:
        with _quiet_import() as openvino:
            core = openvino.Core()
        self._weights = weights
        self._lock = threading.Lock()
        self.precision = _precision(core)
        settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Other processes use these cores, too: the chat model first of all.
            "ENABLE_CPU_PINNING": False,
        }
        compiled = core.compile_model(_model(weights, self.precision == "bf16"), "CPU", settings)
        self._request = compiled.create_infer_request()
        self._positions = weights.vector("emb.pos").reshape(-1, weights.shape.hidden)
        self._positions = self._positions + weights.vector("emb.type")[: weights.shape.hidden]

    def means(self, rows: Sequence[Sequence[int]]) -> Floats:
        """The mean vector of each of ``rows``, shape (n, hidden).

        Args:
            rows: tokens with the special ones, as many as the model has positions at the most.
        """
        out = np.empty((len(rows), self._weights.shape.hidden), dtype=np.float32)
        for batch in _batches([len(row) for row in rows]):
            out[batch] = self._compute([rows[index] for index in batch])
        return out

    def _compute(self, rows: Sequence[Sequence[int]]) -> Floats:
        length = min(_rounded(max(map(len, rows))), len(self._positions))
        padding = self._weights.vocabulary.padding
        tokens: NDArray[np.int64] = np.full((len(rows), length), padding, dtype=np.int64)
        real = np.zeros((len(rows), length), dtype=np.float32)
        for index, row in enumerate(rows):
            tokens[index, : len(row)] = row
            real[index, : len(row)] = 1
        vectors = self._weights.words(tokens) + self._positions[:length]
        with self._lock:
            # The result lies in the request's own memory, which the next turn writes over.
            return np.array(self._request.infer([vectors, real], share_inputs=True)[0])


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The indices of rows that are computed together: of similar length, so that little of it is
    padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and _rounded(lengths[index]) * (len(batch) + 1) > MOST_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _rounded(length: int) -> int:
    return -(-length // STEP) * STEP


@contextmanager
def _quiet_import() -> Iterator[ModuleType]:
    """The package, imported without its tools for converting models: they report every import to
    their maker over the network."""
    tools = "openvino.tools.ovc"
    with _import_lock:
        # None: a later import of them, by whomever, finds the reporting part missing, too.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        blocked = tools not in sys.modules
        if blocked:
            sys.modules[tools] = None  # type: ignore[assignment]
        try:
            import openvino
            import openvino.opset13

            yield openvino
        finally:
            if blocked:
                del sys.modules[tools]


def _precision(core: Any) -> str:
    """Half of the bits where the processor computes with them; it is twice as fast."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def _model(weights: Weights, keep_halves: bool) -> Any:
    """Embeddings (rows, length, hidden) and ones where they are no padding (rows, length) ->
    means (rows, hidden).

    Args:
        keep_halves: the engine may compute from the weights as they are; a copy of them in single
            precision would only take memory.
    """
    import openvino
    from openvino import opset13 as op

    words = op.parameter([-1, -1, weights.shape.hidden], np.float32)
    real = op.parameter([-1, -1], np.float32)
    layers = _Layers(weights, keep_halves)
    hidden = layers.normalised(words, "emb.ln")
    scores = op.unsqueeze(op.multiply(op.subtract(real, np.float32(1)), np.float32(FAR)), [1, 2])
    for number in range(weights.shape.layers):
        name = f"l{number}."
        attended = layers.linear(layers.attention(hidden, scores, name), name + "ao")
        hidden = layers.normalised(op.add(hidden, attended), name + "aln")
        inner = op.gelu(layers.linear(hidden, name + "fi"), "erf")
        hidden = layers.normalised(op.add(hidden, layers.linear(inner, name + "fo")), name + "oln")
    counted = op.unsqueeze(real, [2])
    total = op.reduce_sum(op.multiply(hidden, counted), [1])
    mean = op.divide(total, op.reduce_sum(counted, [1]))
    return openvino.Model([mean], [words, real], "multilingual-e5-small")


class _Layers:
    """The parts of a layer, each a node of OpenVINO's graph."""

    def __init__(self, weights: Weights, keep_halves: bool) -> None:
        from openvino import opset13

        self._op = opset13
        self._weights = weights
        self._keep_halves = keep_halves

    def linear(self, inputs: Any, name: str) -> Any:
        op, matrix = self._op, self._weights.matrices[name + ".w"]
        # All encoders share the array, as long as they don't widen it.
        widened = op.convert(op.constant(matrix, shared_memory=True), "f32")
        if self._keep_halves:
            widened.get_rt_info()["decompression_0"] = ""
        product = op.matmul(inputs, widened, transpose_a=False, transpose_b=True)
        return op.add(product, op.constant(self._weights.vector(name + ".b")))

    def normalised(self, inputs: Any, name: str) -> Any:
        op, weights = self._op, self._weights
        unit = op.mvn(inputs, [-1], True, weights.shape.epsilon, "inside_sqrt")
        scaled = op.multiply(unit, op.constant(weights.vector(name + ".w")))
        return op.add(scaled, op.constant(weights.vector(name + ".b")))

    def attention(self, inputs: Any, scores: Any, name: str) -> Any:
        op, shape = self._op, self._weights.shape
        width = shape.hidden // shape.heads
        query, key, value = (
            op.transpose(
                op.reshape(self.linear(inputs, name + part), [0, 0, shape.heads, width], True),
                [0, 2, 1, 3],
            )
            for part in "qkv"
        )
        scaled = op.multiply(query, np.float32(width**-0.5))
        likeness = op.add(op.matmul(scaled, key, False, True), scores)
        mixed = op.matmul(op.softmax(likeness, -1), value, False, False)
        return op.reshape(op.transpose(mixed, [0, 2, 1, 3]), [0, 0, shape.hidden], True)

"""The packaged weights of multilingual-e5-small in OpenVINO: the vectors of the package's own
engine, several times as fast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.models.embedding.e5_graph import Encoder
from assistant.models.embedding.e5_tokens import PASSAGE, PREFIX_TOKENS, SPECIAL_TOKENS, Tokenizer
from assistant.models.embedding.e5_weights import Weights, packaged_file
from assistant.models.embedding.model import Vectors

#: A text, and the first numbers of its vector by the package's engine.
PROBE = "passage: 水的沸点是多少？ Water boils at 100 °C."
KNOWN = (0.0162, 0.0069, -0.0470, -0.0363, 0.0911, 0.0069, -0.0454, 0.0421, 0.0917, -0.0086)
TOLERANCE = 0.005


class FastModel:
    """The weights and the tokenizer, for as many lanes as there are.

    Raises:
        ImportError: sentencepiece or the package with the weights is missing.
        OSError, ValueError: the file of weights is not as expected.
    """

    def __init__(self) -> None:
        self.weights = Weights(packaged_file())
        self.tokenizer = Tokenizer(self.weights.vocabulary)

    def count(self, text: str) -> int:
        """Tokens of ``text`` without the prefix and the special ones."""
        return len(self.tokenizer.tokens(PASSAGE + text)) - PREFIX_TOKENS


class FastLane:
    """Computes vectors of texts behind ``prefix``; threads that share a lane take turns, those on
    two lanes don't wait.

    Args:
        threads: the most that compute at once.
    Raises:
        ImportError: openvino is missing.
        RuntimeError: this processor can't run it, or gives other vectors than the package's engine.
    """

    def __init__(self, model: FastModel, prefix: str, threads: int) -> None:
        self._tokenizer = model.tokenizer
        self._encoder = Encoder(model.weights, threads)
        self._begin, self._end = model.weights.vocabulary.begin, model.weights.vocabulary.end
        self._window = model.weights.shape.positions - SPECIAL_TOKENS
        self._dimension = model.weights.shape.hidden
        self.name = f"openvino-{self._encoder.precision}"
        self._prefix = ""
        found = self.embed([PROBE])[0, : len(KNOWN)]
        if not np.allclose(found, KNOWN, rtol=0, atol=TOLERANCE):
            raise RuntimeError(f"wrong vectors on this processor: {found.round(4).tolist()}")
        self._prefix = prefix

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of ``texts``, shape (n, dimension). A text longer than the model's window is
        the mean of its windows, each as heavy as it has tokens."""
        total = np.zeros((len(texts), self._dimension), dtype=np.float32)
        if not texts:
            return total
        owners: list[int] = []
        windows: list[list[int]] = []
        for owner, text in enumerate(texts):
            tokens = self._tokenizer.tokens(self._prefix + text)
            for start in range(0, len(tokens), self._window):
                owners.append(owner)
                windows.append(tokens[start : start + self._window])
        means = self._encoder.means([[self._begin, *window, self._end] for window in windows])
        weights = np.array([len(window) for window in windows], dtype=np.float32)
        np.add.at(total, owners, means * weights[:, None])
        return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), dtype=np.float32)

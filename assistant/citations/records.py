"""What the check of an answer's citations gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Texts -> unit vectors, shape (texts, dimension), by which sentences are compared.
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SUPPORTED, UNSUPPORTED, NOTHING = "supported", "unsupported", "nothing"


@dataclass(frozen=True)
class Evidence:
    """Where passage ``n``'s quote bears a claim: characters ``start`` to ``end`` of it."""

    n: int
    start: int
    end: int


@dataclass(frozen=True)
class Claim:
    """A sentence, list item, table row or code block of an answer.

    ``text`` stands in the checked answer as it is, but for markers within; ``marks`` are the
    passages that bear it, as cited; ``support`` is the share of what it says that they hold, 0..1;
    ``kind`` is "supported", "unsupported", or "nothing" where nothing is claimed (a heading, a
    lead-in, an admission that the passages don't tell).
    """

    text: str
    marks: tuple[int, ...]
    support: float
    kind: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Checked:
    """An answer with its markers put right.

    ``unsupported``: the claims that no passage bears; ``support``: the share of the claims' words
    that is borne, 0..1, and 0 where nothing is claimed.
    """

    answer: str
    cited: tuple[int, ...]
    unsupported: tuple[str, ...]
    claims: tuple[Claim, ...] = ()
    support: float = 0.0

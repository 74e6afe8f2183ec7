"""How far a long job is, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

DELAY = 2.0  # seconds; what is done by then shows nothing
SECONDS = 30.0  # between two lines where nobody watches a bar


def progress(items: Sequence[T], label: str) -> Iterator[T]:
    """``items``, with a bar on a terminal and a line now and then in a log."""
    if sys.stderr.isatty():
        yield from tqdm(items, label, delay=DELAY)
    else:
        yield from tqdm(items, label, delay=DELAY, mininterval=SECONDS, miniters=1, ascii=True)

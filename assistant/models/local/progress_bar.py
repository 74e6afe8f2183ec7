"""The progress of a download in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assistant.models.local.files import Progress


@contextmanager
def terminal_bar() -> Iterator[Progress]:
    """A progress bar on standard error, which appears with the first bytes."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, delay=0.5) as bar:

        def show(done: int, total: int, source: str) -> None:
            bar.total = total
            bar.set_description(source, refresh=False)
            bar.update(done - bar.n)

        with logging_redirect_tqdm():
            yield show

"""Rows of an answer, each with the number of the text that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row")


def in_order(rows: Sequence[tuple[int | None, Row]], count: int) -> list[Row]:
    """The rows in the order of their ``count`` texts.

    Args:
        rows: (number of the text, row); numbers are None where the service gives none: then the
            order is that of the texts.

    Raises:
        ValueError: a text has no row or two, or a row no text.
    """
    if len(rows) != count:
        raise ValueError(f"{len(rows)} vectors for {count} texts")
    if all(number is None for number, _ in rows):
        return [row for _, row in rows]
    placed = dict(rows)
    if set(placed) != set(range(count)):
        raise ValueError(f"vectors numbered {[number for number, _ in rows]} for {count} texts")
    return [placed[number] for number in range(count)]

"""Grids of cells to blocks: what a sheet shows as separate tables becomes separate tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ingest.load.document import Block
from ingest.load.wrapping import markdown_rows

Row = list[str]

#: Bounds of one document; what is beyond them is left out and said.
MOST_CELLS = 300_000
MOST_COLUMNS = 200
# So that no block is endless; each repeats the header.
ROWS_A_BLOCK = 200

_NUMBER = re.compile(r"^[-+(]?[$€£¥￥]?\d[\d,.\-/: ]*%?\)?$")


class Bounded:
    """Rows until the bounds are reached; ``is_cut`` tells whether they were."""

    def __init__(self, left: int = MOST_CELLS) -> None:
        self.left = left
        self.is_cut = False

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows without empty cells at their end."""
        for row in rows:
            filled = len(row)
            while filled and not row[filled - 1].strip():
                filled -= 1
            if filled > MOST_COLUMNS:
                filled, self.is_cut = MOST_COLUMNS, True
            self.left -= filled
            if self.left < 0:
                self.is_cut = True
                return
            yield row[:filled]


def table_blocks(rows: list[Row]) -> Iterator[Block]:
    """One table, its first row the header; long ones in parts that repeat it."""
    header, *rest = rows
    for start in range(0, max(1, len(rest)), ROWS_A_BLOCK):
        yield Block(markdown_rows([header, *rest[start : start + ROWS_A_BLOCK]]), "table")


def sheet_blocks(rows: Iterable[Row]) -> Iterator[Block]:
    """A sheet: empty rows part its tables, lines above a table are its titles, a single column
    is text. Rows after a gap that go on as before belong to the table above."""
    table: list[Row] = []
    for region in _regions(rows):
        texts, body = _titled(region)
        if table and not texts and _goes_on(table, body):
            table += body
            continue
        yield from _written(table)
        table = body
        if texts:
            yield Block("\n".join(texts))
    yield from _written(table)


def _written(table: list[Row]) -> Iterator[Block]:
    left = min((_first(row) for row in table), default=0)
    table = [row[left:] for row in table]
    if max(map(len, table), default=0) > 1:
        yield from table_blocks(table)
    elif table:
        yield Block("\n".join(row[0] for row in table))


def _regions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    region: list[Row] = []
    for row in rows:
        if row:
            region.append(row)
        elif region:
            yield region
            region = []
    if region:
        yield region


def _titled(region: list[Row]) -> tuple[list[str], list[Row]]:
    """The lines above a table and the table."""
    start = 0
    if any(_count(row) > 1 for row in region):
        while _count(region[start]) == 1:
            start += 1
    lines = [row[-1] for row in region[:start]]
    return list(dict.fromkeys(lines)), region[start:]


def _goes_on(table: list[Row], rows: list[Row]) -> bool:
    """Whether rows after a gap have the columns of ``table`` and begin with data, not a header."""
    width = max(map(len, table))
    same = width > 1 and max(map(len, rows)) == width and _first(rows[0]) == _first(table[0])
    return same and any(_NUMBER.match(cell.strip()) for cell in rows[0])


def _first(row: Row) -> int:
    return next((number for number, cell in enumerate(row) if cell.strip()), 0)


def _count(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)

"""Tables where they are certain: by their ruled lines, or by columns that keep their places.

What is not certain stays as lines of text, with its parts in order.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingest.load.pdf.pieces import Line, Piece, Row, Table, joined, one_line, rows
from ingest.load.pdf.rules import Grid

# Of the size of the text: a gap that parts cells.
_CELL_GAP = 1.0
# How far the cells of a column may lie from its edge or middle, in points.
_ASTRAY = 3.0
# Of the cells: aligned in each column, and in all together.
_ALIGNED, _ALIGNED_TOGETHER = 0.6, 0.8
_LONGEST_CELL = 1500
_MARKER = re.compile(r"^(?:[•●▪■◦‣·\-–—*o]|[\(（\[]?(?:\d{1,3}|[a-zA-Z]|[ivx]+)[.)、）\]]?)$")
_LEADERS = re.compile(r"(?:[.·…]\s?){4,}")


def ruled_tables(found: Iterable[Grid], pieces: Sequence[Piece]) -> tuple[list[Table], list[Piece]]:
    """The tables in these grids, and the pieces that are in none."""
    tables: list[Table] = []
    rest = list(pieces)
    for grid in sorted(found, key=lambda grid: (-len(grid.parts), grid.xs[0] - grid.xs[-1])):
        left, right, top, bottom = grid.xs[0], grid.xs[-1], grid.ys[0], grid.ys[-1]
        inside = [
            piece
            for piece in rest
            if left < (piece.x0 + piece.x1) / 2 < right and top < piece.y - piece.size / 3 < bottom
        ]
        table = _ruled_table(grid, inside)
        if table:
            tables.append(table)
            taken = {id(piece) for piece in inside}
            rest = [piece for piece in rest if id(piece) not in taken]
    return tables, rest


def _ruled_table(grid: Grid, pieces: Sequence[Piece]) -> Table | None:
    bands: list[list[Piece]] = [[] for _ in grid.parts]
    for piece in pieces:
        bands[min(bisect_right(grid.ys, piece.y - piece.size / 3), len(bands)) - 1].append(piece)
    lines = [
        [_columns(row, part, grid.xs) for row in rows(band)]
        for band, part in zip(bands, grid.parts, strict=True)
    ]
    if sum(_in_parts(cell) for band in lines for row in band for cell in row.values()) > 1:
        return None  # columns without a line between them
    if len(lines) <= 2 and max(map(len, lines)) > 2:
        lines = [[row] for band in lines for row in band]
    return _table(
        [
            {at: one_line(joined(row[at]) for row in band if at in row) for at in _keys(band)}
            for band in lines
        ],
        (grid.xs[0], grid.xs[-1], grid.ys[0], pieces[0].size if pieces else 10.0),
    )


def _columns(row: Row, part: Sequence[float], xs: Sequence[float]) -> dict[int, Row]:
    """A row's pieces by the number of the column where their cell begins."""
    cells: dict[int, Row] = {}
    for piece in row:
        place = max(bisect_right(part, (piece.x0 + piece.x1) / 2) - 1, 0)
        cells.setdefault(xs.index(part[place]), []).append(piece)
    return cells


def _in_parts(cell: Row) -> bool:
    pairs = pairwise(cell)
    return any(piece.x0 - before.x1 > 2 * _CELL_GAP * piece.size for before, piece in pairs)


def _keys(band: Iterable[dict[int, Row]]) -> set[int]:
    return {at for row in band for at in row}


def _table(
    cells: Sequence[dict[int, str]], place: tuple[float, float, float, float]
) -> Table | None:
    """A table of two rows and two columns at least, without empty ones."""
    cells = [row for row in cells if row]
    columns = sorted({at for row in cells for at in row})
    if len(cells) < 2 or len(columns) < 2:
        return None
    if any(len(text) > _LONGEST_CELL for row in cells for text in row.values()):
        return None  # a frame around a page
    return Table([[row.get(at, "") for at in columns] for row in cells], *place)


def aligned_tables(lines: Sequence[Line]) -> Iterator[Line | Table]:
    """Lines of one zone from top to bottom, with those that make a table put together."""
    place = 0
    while place < len(lines):
        end = _run(lines, place)
        table = _aligned_table(lines[place:end]) if end - place >= 3 else None
        if table:
            yield table
            place = end
        else:
            yield lines[place]
            place += 1


def _run(lines: Sequence[Line], start: int) -> int:
    """Where the lines end that keep to the columns of those before them."""
    if len(_cells(lines[start])) < 2:
        return start
    columns: list[tuple[float, float]] = []
    pitch: list[float] = []
    for place in range(start, len(lines)):
        line, cells = lines[place], _cells(lines[place])
        if line.mono or _LEADERS.search(line.text):
            return place
        if place > start:
            step = line.y - lines[place - 1].y
            if step > 4 * line.size or (pitch and step > 2.2 * median(pitch)):
                return place
            if len(cells) == 1 and not _fits(cells[0], columns):
                return place
            pitch.append(step)
        wider = _widened(columns, cells)
        if wider is None or (len(wider) < len(columns)):
            return place
        columns = wider
    return len(lines)


def _cells(line: Line) -> list[Piece]:
    """The pieces of a line, those without a gap between them as one."""
    cells: list[Piece] = []
    for piece in line.pieces:
        if cells and piece.x0 - cells[-1].x1 < _CELL_GAP * piece.size:
            before = cells[-1]
            text = joined([before, piece])
            cells[-1] = before._replace(text=text, x1=piece.x1)
        else:
            cells.append(piece)
    return cells


def _fits(cell: Piece, columns: Sequence[tuple[float, float]]) -> bool:
    """Whether a cell alone in its line lies in one column and begins, ends or is centred there."""
    for x0, x1 in columns:
        if x0 - _ASTRAY <= cell.x0 and cell.x1 <= x1 + 4 * cell.size:
            ends = abs(cell.x0 - x0), abs(cell.x1 - x1), abs(cell.x0 + cell.x1 - x0 - x1) / 2
            if min(ends) <= _ASTRAY:
                return True
    return False


def _widened(
    columns: Sequence[tuple[float, float]], cells: Sequence[Piece]
) -> list[tuple[float, float]] | None:
    """The columns with these cells in them; None where two cells would fall into one."""
    spans = sorted([*columns, *((cell.x0, cell.x1) for cell in cells)])
    wider: list[tuple[float, float]] = []
    for x0, x1 in spans:
        if wider and x0 < wider[-1][1]:
            wider[-1] = (wider[-1][0], max(x1, wider[-1][1]))
        else:
            wider.append((x0, x1))
    begins = [x0 for x0, _ in wider]
    taken = [bisect_right(begins, cell.x0) for cell in cells]
    return wider if len(set(taken)) == len(taken) else None


def _aligned_table(lines: Sequence[Line]) -> Table | None:
    columns: list[tuple[float, float]] = []
    cells = [_cells(line) for line in lines]
    for row in cells:
        columns = _widened(columns, row) or columns
    begins = [x0 for x0, _ in columns]
    by_column: dict[int, list[Piece]] = {}
    numbered = []
    for row in cells:
        places = {bisect_right(begins, cell.x0) - 1: cell for cell in row}
        numbered.append({at: cell.text for at, cell in places.items()})
        for at, cell in places.items():
            by_column.setdefault(at, []).append(cell)
    if not _is_certain(by_column, len(lines)):
        return None
    return _table(numbered, (columns[0][0], columns[-1][1], lines[0].y, lines[-1].size))


def _is_certain(columns: dict[int, list[Piece]], height: int) -> bool:
    if len(columns) < 2 or any(len(column) < 2 for column in columns.values()):
        return False
    if all(_MARKER.match(cell.text) for cell in columns[min(columns)]):
        return False  # a list
    if len(columns) == 2 and min(len(column) for column in columns.values()) < 0.8 * height:
        return False
    aligned = [_aligned(column) for column in columns.values()]
    together = sum(len(column) for column in columns.values())
    if any(
        part < _ALIGNED * len(cells) for part, cells in zip(aligned, columns.values(), strict=True)
    ):
        return False
    return sum(aligned) >= _ALIGNED_TOGETHER * together


def _aligned(column: Sequence[Piece]) -> int:
    """How many cells begin, end or have their middle at one place."""
    ways = (
        [cell.x0 for cell in column],
        [cell.x1 for cell in column],
        [(cell.x0 + cell.x1) / 2 for cell in column],
    )
    return max(sum(abs(edge - median(edges)) <= _ASTRAY for edge in edges) for edges in ways)

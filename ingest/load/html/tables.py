"""HTML tables as rows of cells: spans filled, header rows joined into one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Element = Any  # lxml has no types

WIDEST = 100  # columns; more are dropped
LONGEST_SPAN = 50  # columns
# What cells of a table without headers hold if it is there for columns of text.
_STRUCTURE = ("ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6")
ADMONITIONS = frozenset(("note", "tip", "warning", "caution", "important", "admonitionblock"))


def is_layout(table: Element) -> bool:
    """Whether a table only arranges things that are better read one after the other."""
    if table.get("role") in ("presentation", "none"):
        return True
    parent = table.getparent()
    if parent is not None and not ADMONITIONS.isdisjoint(parent.get("class", "").split()):
        return True
    if next(table.iterdescendants("table"), None) is not None:
        # With headers of its own it is a table all the same, one cell of which holds another.
        own = (cell for row in own_rows(table) for cell in row if cell.tag == "th")
        return next(own, None) is None
    if next(table.iter("th"), None) is None and next(table.iter(*_STRUCTURE), None) is not None:
        return True
    return any("\n" in "".join(pre.itertext()).strip() for pre in table.iter("pre"))


def own_rows(table: Element) -> Iterator[Element]:
    """The <tr> of a table without those of tables inside it."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from child.iterchildren("tr")


def table_rows(table: Element, text_of: Callable[[Element], str]) -> list[list[str]]:
    """The texts of a table's cells, its header first; rows without text are left out.

    A cell that spans rows is said in each of them, so that a row can be read alone; one that spans
    columns is said once, but in all of them in the header, where several rows become one.
    """
    header: list[list[str]] = []
    body: list[list[str]] = []
    carried: dict[int, tuple[int, str]] = {}  # column: rows still to come, text
    for row in own_rows(table):
        cells, carried = _filled(row, carried, text_of)
        texts = [text for text, _ in cells]
        if not body and _is_header(row):
            header.append(texts)
        else:
            body.append([text if is_first else "" for text, is_first in cells])
    rows = [_joined(header), *body] if header else body
    return [row for row in rows if any(row)]


def _filled(
    row: Element, carried: dict[int, tuple[int, str]], text_of: Callable[[Element], str]
) -> tuple[list[tuple[str, bool]], dict[int, tuple[int, str]]]:
    """The texts of a row with those that come down from rows above, each with whether it is the
    first column of its cell; and what goes on to the next row."""
    cells: list[tuple[str, bool]] = []
    after: dict[int, tuple[int, str]] = {}

    def take_carried() -> None:
        while len(cells) in carried and len(cells) < WIDEST:
            left, text = carried[len(cells)]
            if left > 1:
                after[len(cells)] = (left - 1, text)
            cells.append((text, True))

    for cell in row.iterchildren("td", "th"):
        take_carried()
        text = text_of(cell)
        down = _span(cell, "rowspan", 1000)
        for column in range(_span(cell, "colspan", LONGEST_SPAN)):
            if len(cells) >= WIDEST:
                break
            if down > 1:
                after[len(cells)] = (down - 1, text if column == 0 else "")
            cells.append((text, column == 0))
    take_carried()
    return cells, after


def _span(cell: Element, name: str, most: int) -> int:
    value = str(cell.get(name, "1")).strip()
    return max(1, min(int(value), most)) if value.isascii() and value.isdigit() else 1


def _is_header(row: Element) -> bool:
    if row.getparent().tag == "thead":
        return True
    tags = {cell.tag for cell in row.iterchildren("td", "th")}
    return tags == {"th"}


def _joined(rows: list[list[str]]) -> list[str]:
    """Several header rows as one: the texts of each column, none twice."""
    width = max(map(len, rows))
    columns = (
        dict.fromkeys(row[column] for row in rows if column < len(row) and row[column])
        for column in range(width)
    )
    return [" ".join(texts) for texts in columns]

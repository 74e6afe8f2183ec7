"""Spreadsheets: XLSX by openpyxl, XLS by xlrd; each sheet a heading with its tables.

Cells are what people see: dates without an empty time of day, whole numbers without ".0",
percentages; formulas as their last result. A cell merged over several rows stands in each of
them. Hidden sheets are read too. Bounded by :mod:`ingest.load.tables`.
"""

from __future__ import annotations

import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, time
from typing import Any

from ingest.load.document import Block, Document, RawDocument
from ingest.load.faults import damage_said, encrypted, shortened
from ingest.load.package import slim_package
from ingest.load.tables import MOST_CELLS, MOST_COLUMNS, Bounded, Row, sheet_blocks

# Rows and columns passed over on the way, empty ones included.
MOST_PASSED = 20_000_000
TALLEST_MERGE = 1_000  # rows

_DEFAULT_NAME = re.compile(r"(?:Sheet|Tabelle|工作表|シート) ?1|Feuil1|Hoja1", re.I)
_PERCENT = re.compile(r"^[^;\"]*?0(?:\.(0+))?%")
_ZEROS = re.compile(r"0{2,}")
_MERGE = re.compile(rb'<mergeCell [^>]*ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')

#: (row, column) of the top of a merged cell, 1-based, to its last row.
Merges = Mapping[tuple[int, int], int]


def load_xlsx(raw: RawDocument) -> Document:
    """An Excel workbook; its title is the one in its properties.

    Raises:
        DocumentError: damaged, or unpacks to too much (a zip bomb).
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    with damage_said(raw, "Excel file", "Excel 文件", InvalidFileException):
        slim = slim_package(raw)
        with warnings.catch_warnings():  # of what it leaves out: styles, validation
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(slim, read_only=True, data_only=True, keep_links=False)
            with closing(book):
                sheets = ((sheet.title, _xlsx_rows(sheet, slim)) for sheet in book.worksheets)
                return _document(raw, str(book.properties.title or "").strip(), sheets)


def load_xls(raw: RawDocument) -> Document:
    """A workbook of Excel 97 to 2003, or older.

    Raises:
        DocumentError: damaged or encrypted.
    """
    import xlrd
    from xlrd.compdoc import CompDocError

    with damage_said(raw, "Excel file", "Excel 文件", xlrd.XLRDError, CompDocError):
        try:
            book = xlrd.open_workbook(
                file_contents=raw.data, formatting_info=True, logfile=io.StringIO()
            )
        except xlrd.XLRDError as error:
            if "encrypted" in str(error):
                raise encrypted(raw) from error
            raise
        return _document(raw, "", ((sheet.name, _xls_rows(book, sheet)) for sheet in book.sheets()))


def _document(
    raw: RawDocument, title: str, sheets: Iterable[tuple[str, Iterable[Row]]]
) -> Document:
    blocks: list[Block] = []
    bounded = Bounded()
    names = []
    for name, rows in sheets:
        names.append(name)
        if found := list(sheet_blocks(bounded.rows(rows))):
            blocks += [Block(name, "heading", 1), *found]
    if len(names) == 1 and blocks and _DEFAULT_NAME.fullmatch(names[0]):
        del blocks[0]
    cut = (shortened(raw, MOST_CELLS, "cells", "个单元格"),) if bounded.is_cut else ()
    return Document(title or raw.stem, "xlsx", tuple(blocks), warnings=cut)


def _xlsx_rows(sheet: Any, package: io.BytesIO) -> Iterator[Row]:
    merges = _xlsx_merges(sheet, package)
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    passed = 0

    def rows() -> Iterator[Row]:
        nonlocal passed
        for cells in sheet.iter_rows():
            passed += 1 + len(cells)
            if passed > MOST_PASSED:
                return
            yield [_xlsx_shown(cell) for cell in cells[: MOST_COLUMNS + 1]]

    return _filled(rows(), merges)


def _xlsx_shown(cell: Any) -> str:
    value = cell.value
    # Looking up the format takes longer than the rest.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return shown(value, cell.number_format if is_number else "")


def _xlsx_merges(sheet: Any, package: io.BytesIO) -> Merges:
    """Openpyxl doesn't tell them while it reads row by row."""
    from openpyxl.utils import column_index_from_string

    with zipfile.ZipFile(package) as archive:
        content = archive.read(sheet._worksheet_path)
    found = _MERGE.findall(content, max(0, content.rfind(b"<mergeCells")))
    return {
        (int(first), column_index_from_string(column.decode())): int(last)
        for column, first, last in found
        if int(first) < int(last) <= int(first) + TALLEST_MERGE
    }


def _xls_rows(book: Any, sheet: Any) -> Iterator[Row]:
    merges = {
        (top + 1, left + 1): bottom
        for top, bottom, left, _ in sheet.merged_cells
        if 1 < bottom - top <= TALLEST_MERGE
    }
    rows = (
        [_xls_shown(book, cell) for cell in sheet.row(number)[: MOST_COLUMNS + 1]]
        for number in range(sheet.nrows)
    )
    return _filled(rows, merges)


def _xls_shown(book: Any, cell: Any) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        when = xlrd.xldate_as_datetime(cell.value, book.datemode)
        return shown(when.time() if cell.value < 1 else when)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return shown(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    number_format = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    return shown(cell.value, number_format)


def _filled(rows: Iterable[Row], merges: Merges) -> Iterator[Row]:
    """Rows with the text of a cell that is merged over several in each of them."""
    open_merges: dict[int, tuple[str, int]] = {}  # by column: the text, the last row
    for number, row in enumerate(rows, start=1):
        for column, (text, last) in list(open_merges.items()):
            if number > last:
                del open_merges[column]
            elif column <= len(row) and not row[column - 1]:
                row[column - 1] = text
        if merges:
            for column, text in enumerate(row, start=1):
                if text and (number, column) in merges:
                    open_merges[column] = (text, merges[number, column])
        yield row


def shown(value: object, number_format: str = "") -> str:
    """A cell's value as people see it.

    >>> shown(3.0), shown(0.125, "0.0%"), shown(datetime(2024, 5, 1))
    ('3', '12.5%', '2024-05-01')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, int | float):
        return _number(value, number_format)
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: float, number_format: str) -> str:
    if not math.isfinite(value):
        return str(value)
    if percent := _PERCENT.match(number_format):
        return f"{value:.{len(percent[1] or '')}%}"
    if _ZEROS.fullmatch(number_format) and value == int(value):  # postcodes and the like
        return f"{int(value):0{len(number_format)}d}"
    # Long whole numbers (of an order, a card) are shown in full.
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e21 else f"{value:.12g}"

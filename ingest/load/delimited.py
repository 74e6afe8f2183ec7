"""CSV and TSV: one table. The separator is found by trying, the encoding as of any text."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ingest.load.document import Block, Document, RawDocument
from ingest.load.encoding import decode
from ingest.load.faults import shortened
from ingest.load.tables import MOST_CELLS, Bounded, Row, table_blocks

_SEPARATORS = ",;\t|"
_SAMPLE = 64 * 1024  # characters
# With more lines of unclosed quotes than this, quotes mean nothing in the file.
MOST_FAULTS = 100


def load_delimited(raw: RawDocument) -> Document:
    """A table whose first row is the header; its title is the file's name. At most
    ``MOST_CELLS`` cells are read."""
    text = decode(raw.data, raw.charset).replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    separator = ""
    if text[:4].lower() == "sep=" and text[4:5] in _SEPARATORS:  # Excel's own hint
        separator, text = text[4], text.partition("\n")[2]
    separator = separator or _separator(text)
    bounded = Bounded()
    rows = [row for row in bounded.rows(_rows(text, separator)) if row]
    blocks: tuple[Block, ...] = ()
    if rows and max(map(len, rows)) > 1:
        blocks = tuple(table_blocks(rows))
    elif rows:
        blocks = (Block("\n".join(row[0] for row in rows)),)
    cut = (shortened(raw, MOST_CELLS, "cells", "个单元格"),) if bounded.is_cut else ()
    return Document(raw.stem, "csv", blocks, warnings=cut)


def _separator(text: str) -> str:
    """The one that gives most rows the same number of columns, and the more columns the better."""
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample.rpartition("\n")[0] or sample
    scores = {}
    for separator in _SEPARATORS:
        widths = Counter(len(row) for row in _rows(sample, separator) if row)
        width, count = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        scores[separator] = (count / max(1, widths.total()), width) if width > 1 else (0.0, 0)
    best = max(scores.values())
    # Of those that fit nearly as well the one with most columns.
    fitting = [sep for sep, score in scores.items() if score[1] > 1 and score[0] >= best[0] * 0.9]
    return max(fitting, key=lambda sep: scores[sep][1], default=",")


def _rows(text: str, separator: str) -> Iterator[Row]:
    """The cells. A line whose quotes don't close is cut at each separator instead."""
    lines = text.split("\n")
    start = 0
    for _ in range(MOST_FAULTS):
        rest = (f"{line}\n" for line in islice(lines, start, None))
        reader = csv.reader(rest, delimiter=separator, strict=True)
        done = 0
        try:
            for row in reader:
                done = reader.line_num
                yield row
            return
        except csv.Error:
            yield lines[start + done].split(separator)
            start += done + 1
    for line in islice(lines, start, None):
        yield line.split(separator)

"""What text recognition saw in a picture, as pieces of a page."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ingest.load.ocr import Seen
from ingest.load.pdf.pieces import Piece

# Of the height of a box that text recognition puts around a line.
_SIZE, _BASELINE = 0.9, 0.8
# Sizes nearer to the usual one are the same: boxes are not exact.
_SAME_SIZE = 1.4


def ocr_pieces(seen: Sequence[Seen], scale: float) -> list[Piece]:
    """Pieces in points, from boxes in pixels of a picture at ``scale`` pixels a point."""
    usual = median([box.y1 - box.y0 for box in seen]) if seen else 0.0
    pieces = []
    for box in seen:
        height = box.y1 - box.y0
        size = usual if usual / _SAME_SIZE < height < usual * _SAME_SIZE else height
        y = box.y0 + _BASELINE * height
        places = box.x0 / scale, box.x1 / scale, y / scale, max(_SIZE * size / scale, 0.1)
        pieces.append(Piece(box.text, *places))
    return pieces

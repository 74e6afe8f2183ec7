"""Pictures (PNG, JPEG, TIFF, WebP, BMP) as documents, where text recognition is installed."""

from __future__ import annotations

import io
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument, UnknownType
from ingest.load.ocr import (
    MOST_PAGES,
    MOST_PIXELS,
    MOST_SECONDS,
    Budget,
    advice,
    is_installed,
    recognise,
)
from ingest.load.pdf.blocks import page_blocks
from ingest.load.pdf.pictures import ocr_pieces
from ingest.load.pdf.pieces import Page
from ingest.load.pdf.reading import arranged

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
# Points and pixels are one where nobody says how large a picture is.
_SCALE = 1.0


def load_image(raw: RawDocument) -> Document:
    """The text in a picture, frame by frame (a TIFF of several pages), each frame a page.

    Bounds: those of :mod:`ingest.load.ocr`, and Pillow's of 179 million pixels; larger pictures
    than ``MOST_PIXELS`` of them are made smaller before they are read.

    Raises:
        UnknownType: text recognition is not installed.
        DocumentError: damaged, too large, or without text.
    """
    if not is_installed():
        raise UnknownType(
            "{name} is a picture. {en}",
            "{name} 是图像。{zh}",
            name=raw.label,
            **advice(),
        )
    blocks, left_out = _read(raw)
    if not blocks:
        raise DocumentError(
            "{name} is a picture without text. {en}",
            "{name} 是没有文字的图像。{zh}",
            name=raw.label,
            **advice(),
        )
    warnings = (_too_many(raw, left_out),) if left_out else ()
    return Document(raw.stem, "image", blocks, warnings=warnings)


def _too_many(raw: RawDocument, count: int) -> DocumentError:
    return DocumentError(
        "The last {count} pages of {name} were not read: {most} pages or {seconds} seconds of text "
        "recognition are the most for one file; split it.",
        "{name} 的最后 {count} 页未读取：单个文件的文字识别上限为 {most} 页或 {seconds} 秒；"
        "请拆分。",
        name=raw.label,
        count=count,
        most=MOST_PAGES,
        seconds=MOST_SECONDS,
    )


def _read(raw: RawDocument) -> tuple[tuple[Block, ...], int]:
    """The blocks, and how many pages there was no time for."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(raw.data), formats=_FORMATS) as picture:
            return _frames(picture)
    except Image.DecompressionBombError as error:
        raise DocumentError(
            "{name} is too large a picture: make it smaller.",
            "{name} 的图像尺寸过大：请缩小后再添加。",
            name=raw.label,
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise DocumentError(
            "{name} is not a readable picture (broken or cut off): save it anew.",
            "{name} 不是可读的图像（已损坏或不完整）：请重新保存。",
            name=raw.label,
        ) from error


def _frames(picture: Any) -> tuple[tuple[Block, ...], int]:
    frames = getattr(picture, "n_frames", 1)
    budget = Budget()
    blocks: list[Block] = []
    for number in range(1, frames + 1):
        if not budget.take():
            return tuple(blocks), frames - number + 1
        picture.seek(number - 1)
        pieces = ocr_pieces(recognise(_pixels(picture)), _SCALE)
        page = Page(number, arranged(pieces, None), recognised=True)
        blocks += [block for block, _ in page_blocks(page, [])]
    return tuple(blocks), 0


def _pixels(picture: Any) -> Any:
    """Height x width x 3, blue first, upright and on white."""
    import numpy as np
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(picture)
    most = MOST_PIXELS / max(1, upright.width * upright.height)
    if most < 1:
        size = (int(upright.width * most**0.5) or 1, int(upright.height * most**0.5) or 1)
        upright = upright.resize(size)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright)
    return np.asarray(upright.convert("RGB"))[:, :, ::-1].copy()

"""A page of a PDF, or a frame of a picture, as PNG with the places of its characters.

What this does with a file from elsewhere it does in a process of its own: see :mod:`process`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from assistant.page_pictures.layout import Box, Layout, Picture

#: Pixels across, enough for half of a wide screen at two pixels a point.
WIDTH = 1240
#: Of one picture. A page of an ordinary document has 2.2 million.
MOST_PIXELS = 4_000_000
#: Of a picture that is made smaller: a photograph has 12 to 50 million.
MOST_PIXELS_READ = 80_000_000
#: A stamp of ten points is not drawn as wide as a page.
LARGEST_SCALE = 4.0
#: Characters of one page that are told.
MOST_CHARACTERS = 20_000
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")


class NoSuchPage(ValueError):
    """The file has no page of that number, or one without an extent."""


def drawn(kind: str, path: Path, page: int) -> Picture:
    """Page ``page`` (1-based) of the file.

    Args:
        kind: "pdf" or "image", as the knowledge base has it.

    Raises:
        NoSuchPage: there is no such page.
        Exception: whatever the libraries raise at a file that is broken.
    """
    return _pdf(path, page) if kind == "pdf" else _image(path, page)


def _pdf(path: Path, number: int) -> Picture:
    import pypdfium2

    pdf = pypdfium2.PdfDocument(path)
    try:
        if not 1 <= number <= len(pdf):
            raise NoSuchPage(f"page {number} of {len(pdf)}")
        if pdf.get_formtype():
            pdf.init_forms()
        page = pdf[number - 1]
        picture = page.render(scale=_scale(*page.get_size())).to_pil()
        return Picture(_png(picture), _layout(page, picture.width, picture.height))
    finally:
        pdf.close()


def _scale(width: float, height: float) -> float:
    if width <= 0 or height <= 0:
        raise NoSuchPage(f"{width} x {height} points")
    scale: float = min(WIDTH / width, (MOST_PIXELS / (width * height)) ** 0.5, LARGEST_SCALE)
    if scale * min(width, height) < 1:
        raise NoSuchPage(f"{width} x {height} points")
    return scale


def _layout(page: Any, width: int, height: int) -> Layout:
    """Each character that has a place, in pdfium's order."""
    import ctypes

    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    box = pdfium.FS_RECTF()
    x, y = ctypes.c_int(), ctypes.c_int()

    def pixel(at_x: float, at_y: float) -> tuple[int, int]:
        pdfium.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, at_x, at_y, x, y)
        return min(max(x.value, 0), width), min(max(y.value, 0), height)

    characters: list[str] = []
    boxes: list[Box] = []
    for place in range(min(text_page.count_chars(), MOST_CHARACTERS)):
        code = pdfium.FPDFText_GetUnicode(text_page.raw, place)
        if code <= 32 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
            continue
        if not pdfium.FPDFText_GetLooseCharBox(text_page.raw, place, box):
            continue
        (x0, y0), (x1, y1) = pixel(box.left, box.top), pixel(box.right, box.bottom)
        characters.append(chr(code))
        boxes.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return Layout(width, height, "".join(characters), tuple(boxes))


def _image(path: Path, number: int) -> Picture:
    """Made anew from its pixels: nothing else of the file is passed on."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=_FORMATS) as opened:
        if not 1 <= number <= getattr(opened, "n_frames", 1):
            raise NoSuchPage(f"frame {number}")
        opened.seek(number - 1)
        if opened.width * opened.height > MOST_PIXELS_READ:
            raise NoSuchPage(f"{opened.width} x {opened.height} pixels")
        scale = min(1.0, _scale(*opened.size))
        size = (max(1, round(opened.width * scale)), max(1, round(opened.height * scale)))
        opened.draft("RGB", size)
        small = opened.convert("RGBA" if opened.mode != "RGB" else "RGB").resize(size)
        small.getexif().update(opened.getexif())
        small = ImageOps.exif_transpose(small).convert("RGBA")
    picture = Image.new("RGB", small.size, "white")
    picture.paste(small, mask=small.getchannel("A"))
    return Picture(_png(picture), Layout(picture.width, picture.height))


def _png(picture: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()

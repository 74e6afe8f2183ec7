"""PDFs made here: text wherever a test wants it, drawings, pictures, outlines, forms."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

_CHINESE = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-{way} "
    "/DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 "
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>] >>"
)
_LATIN = "<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
# Glyph numbers without a word on what characters they are.
_UNMAPPED = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /AAAAAA+X /Encoding /Identity-H "
    "/DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /AAAAAA+X /DW 500 "
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>"
)
_FONTS = {
    "zh": _CHINESE.format(way="H"),
    "vertical": _CHINESE.format(way="V"),
    "unmapped": _UNMAPPED,
    "text": _LATIN.format(name="Helvetica"),
    "bold": _LATIN.format(name="Helvetica-Bold"),
    "mono": _LATIN.format(name="Courier"),
}
_TWO_BYTES = ("zh", "vertical", "unmapped")


@dataclass
class PdfPage:
    """A page being drawn; y is counted from the bottom, as in PDF.

    ``annotations`` are bodies of annotation dictionaries.
    """

    width: float = 595
    height: float = 842
    content: list[str] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    turned: int = 0

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float = 10,
        font: str = "",
        matrix: str = "1 0 0 1",
        mode: int = 0,
    ) -> PdfPage:
        font = font or ("text" if text.isascii() else "zh")
        code = text.encode("utf-16-be" if font in _TWO_BYTES else "cp1252", "replace").hex()
        self.content.append(f"BT /{font} {size} Tf {mode} Tr {matrix} {x} {y} Tm <{code}> Tj ET")
        return self

    def lines(
        self, lines: Sequence[str], x: float, y: float, size: float = 10, font: str = ""
    ) -> PdfPage:
        """Lines below each other, 1.2 times their size apart."""
        for number, line in enumerate(lines):
            self.text(line, x, y - 1.2 * size * number, size, font)
        return self

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> PdfPage:
        self.content.append(f"0.5 w {x0} {y0} m {x1} {y1} l S")
        return self

    def picture(self, pixels: bytes = b"\xff", width: int = 1, height: int = 1) -> PdfPage:
        """A grey picture over the whole page."""
        packed = zlib.compress(pixels).hex()
        self.content.append(
            f"q {self.width} 0 0 {self.height} 0 0 cm BI /W {width} /H {height} /BPC 8 /CS /G "
            f"/F [/AHx /Fl] ID {packed}> EI Q"
        )
        return self


def pdf(
    pages: Sequence[PdfPage],
    outline: Sequence[tuple[str, int, float]] = (),
    fields: Sequence[str] = (),
    title: str = "",
) -> bytes:
    """A PDF file.

    Args:
        outline: title, page (from 1) and y of bookmarks, all of the highest level.
        fields: bodies of form fields, all on the first page.
    """
    objects: list[str] = ["", "", "", ""]  # catalogue, pages, information, outline

    def add(body: str) -> int:
        objects.append(body)
        return len(objects)

    fonts = " ".join(f"/{name} {add(body)} 0 R" for name, body in _FONTS.items())
    numbers = []
    widgets = [add(f"<< /Type /Annot /Subtype /Widget {body} >>") for body in fields]
    for place, page in enumerate(pages):
        stream = "\n".join(page.content)
        content = add(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        notes = [add(f"<< /Type /Annot {body} >>") for body in page.annotations]
        notes += widgets if place == 0 else []
        numbers.append(
            add(
                "<< /Type /Page /Parent 2 0 R "
                f"/MediaBox [0 0 {page.width} {page.height}] /Rotate {page.turned} "
                f"/Resources << /Font << {fonts} >> >> /Contents {content} 0 R "
                f"/Annots [{' '.join(f'{note} 0 R' for note in notes)}] >>"
            )
        )
    _outline(objects, outline, numbers)
    kids = " ".join(f"{number} 0 R" for number in numbers)
    form = " ".join(f"{widget} 0 R" for widget in widgets)
    objects[0] = "<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R " + (
        f"/AcroForm << /Fields [{form}] >> >>" if fields else ">>"
    )
    objects[1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"
    objects[2] = f"<< /Title {_string(title)} >>"
    return written(objects, "/Root 1 0 R /Info 3 0 R")


def _outline(
    objects: list[str], outline: Sequence[tuple[str, int, float]], pages: Sequence[int]
) -> None:
    first = len(objects) + 1
    last = first + len(outline) - 1
    for place, (title, page, y) in enumerate(outline, start=first):
        ways = f"/Prev {place - 1} 0 R " if place > first else ""
        ways += f"/Next {place + 1} 0 R" if place < last else ""
        objects.append(
            f"<< /Title {_string(title)} /Parent 4 0 R {ways} "
            f"/Dest [{pages[page - 1]} 0 R /XYZ 0 {y} 0] >>"
        )
    ends = f"/First {first} 0 R /Last {last} 0 R" if outline else ""
    objects[3] = f"<< /Type /Outlines {ends} /Count {len(outline)} >>"


def _string(text: str) -> str:
    return f"<feff{text.encode('utf-16-be').hex()}>"


def written(objects: Sequence[str], trailer: str) -> bytes:
    """The file of these objects, numbered from 1."""
    data, places = "%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    end = f"trailer << /Size {len(objects) + 1} {trailer} >>\nstartxref\n{len(data)}\n%%EOF\n"
    return f"{data}{head}{table}{end}".encode("ascii")

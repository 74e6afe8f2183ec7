"""Documents for tests: files beside this one, and small ones made here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

SAMPLES = Path(__file__).parent

_CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"
_FONT = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H "
    "/DescendantFonts [4 0 R] >>"
)
_GLYPHS = (
    "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /CIDSystemInfo "
    "<< /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>"
)
_ENCRYPT = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >>"


def pdf_bytes(pages: Sequence[Sequence[str]], *, encrypted: bool = False) -> bytes:
    """A PDF of these pages of lines, in a Chinese font that readers have."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [_CATALOG, f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>", _FONT, _GLYPHS]
    for number, lines in enumerate(pages):
        shown = "".join(f"<{line.encode('utf-16-be').hex()}> Tj T*\n" for line in lines)
        content = f"BT /F 12 Tf 50 780 Td 16 TL\n{shown}ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << /F 3 0 R >> >> /Contents {6 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    data, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    trailer = f"/Size {len(objects) + 1} /Root 1 0 R /ID [<00> <00>]"
    trailer += f" {_ENCRYPT}" if encrypted else ""
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    end = f"trailer << {trailer} >>\nstartxref\n{len(data)}\n%%EOF\n"
    return f"{data}{head}{table}{end}".encode()


def docx_bytes() -> bytes:
    """A Word file with a title, headings, paragraphs, lists and a table with a merged cell."""
    import docx

    document = docx.Document()
    document.add_heading("员工手册", 0)
    document.add_heading("第一章 休假", 1)
    document.add_paragraph("每年有十天年假。")
    document.add_paragraph("病假", style="List Bullet")
    document.add_paragraph("事假", style="List Bullet")
    document.add_heading("Remote work", 2)
    document.add_paragraph("Two days a week.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table.rows[0].cells, ("Days", "天数"), strict=True):
        cell.text = text
    table.cell(1, 0).merge(table.cell(1, 1)).text = "Both"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zip_bytes(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()

"""DOCX by python-docx: headings by style, lists, tables; bombs refused before they are opened."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument, UnknownType, first_heading
from ingest.load.wrapping import markdown_rows

LARGEST_UNPACKED = 200 * 1024 * 1024  # bytes
LARGEST_RATIO = 100  # of unpacked to packed, where it is large at all
LARGE = 20 * 1024 * 1024

_HEADING = re.compile(r"^(?:heading|标题|標題) ?([1-9])$", re.I)
_BODY = (
    "./w:p | ./w:tbl | .//w:sdtContent/w:p[not(ancestor::w:tbl)] "
    "| .//w:sdtContent/w:tbl[not(ancestor::w:tbl)]"
)
# What python-docx, zipfile and lxml are seen to raise on damaged files.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, LookupError, AttributeError, TypeError,
    ValueError, SyntaxError, NotImplementedError, RuntimeError,
)  # fmt: skip


def load_docx(raw: RawDocument) -> Document:
    """A Word file; its title is that of the Title style, its properties, or the first heading.

    Raises:
        DocumentError: damaged, or unpacks to too much (a zip bomb).
        UnknownType: a zip file of another kind.
    """
    import docx
    from docx.opc.exceptions import OpcError

    try:
        _check_size(raw)
        document = docx.Document(io.BytesIO(raw.data))
        title, blocks = _convert(document)
    except (OpcError, *_DAMAGE) as error:
        raise DocumentError(
            "{name} is not a readable Word file (broken or cut off): open it in Word or "
            "LibreOffice and save it anew as .docx.",
            "{name} 不是可读的 Word 文件（已损坏或不完整）：请用 Word 或 LibreOffice 打开并"
            "另存为 .docx。",
            name=raw.label,
        ) from error
    return Document(title or first_heading(blocks) or raw.stem, "docx", tuple(blocks))


def _check_size(raw: RawDocument) -> None:
    with zipfile.ZipFile(io.BytesIO(raw.data)) as archive:
        members = archive.infolist()
    if not any(member.filename == "word/document.xml" for member in members):
        raise UnknownType(
            "{name} is a zip file, not a Word document: unpack it and add what is inside.",
            "{name} 是 zip 文件而不是 Word 文档：请解压后添加其中的文件。",
            name=raw.label,
        )
    unpacked = sum(member.file_size for member in members)
    ratio = unpacked / max(1, sum(member.compress_size for member in members))
    if unpacked > LARGEST_UNPACKED or (unpacked > LARGE and ratio > LARGEST_RATIO):
        raise DocumentError(
            "{name} would unpack to {size} MB (a zip bomb?): not opened.",
            "{name} 解压后将达 {size} MB（可能是压缩炸弹）：未打开。",
            name=raw.label,
            size=round(unpacked / 1024 / 1024),
        )


def _convert(document: Any) -> tuple[str, list[Block]]:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    blocks: list[Block] = []
    title = ""
    body = document.element.body
    for element in body.xpath(_BODY):
        if element.tag.endswith("}tbl"):
            rows = list(_rows(Table(element, document)))
            if rows:
                blocks.append(Block(markdown_rows(rows), "table"))
            continue
        paragraph = Paragraph(element, document)
        block = _block(paragraph)
        if not title and block and _style(paragraph) == "Title":
            title = block.text
        if block:
            blocks.append(block)
    return title or _property_title(document), list(_joined_lists(blocks))


def _style(paragraph: Any) -> str:
    style = paragraph.style
    return str(style.name or "") if style is not None else ""


def _block(paragraph: Any) -> Block | None:
    text = paragraph.text.strip()
    style = _style(paragraph)
    if not text or style.lower().startswith("toc "):
        return None
    if style == "Title":
        return Block(text, "heading", 1)
    if found := _HEADING.match(style):
        return Block(text, "heading", min(6, int(found[1])))
    if paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None:
        level = paragraph._p.pPr.numPr.ilvl
        return Block("  " * (level.val if level is not None else 0) + f"- {text}", "list")
    if style.startswith("List"):
        return Block(f"- {text}", "list")
    return Block(text)


def _joined_lists(blocks: list[Block]) -> Iterator[Block]:
    for is_list, group in groupby(blocks, key=lambda block: block.kind == "list"):
        if is_list:
            yield Block("\n".join(block.text for block in group), "list")
        else:
            yield from group


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.rows:
        # A cell merged over several columns comes once for each.
        cells = [cell.text for _, (cell, *_) in groupby(row.cells, key=lambda cell: cell._tc)]
        if any(text.strip() for text in cells):
            yield cells


def _property_title(document: Any) -> str:
    title = str(document.core_properties.title or "").strip()
    return "" if title == "Word Document" else title

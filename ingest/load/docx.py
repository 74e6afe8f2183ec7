"""DOCX: opened by python-docx, read element by element, so that nothing people see is lost:
text boxes, insertions, equations, notes, comments, merged cells. Headers and footers are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ingest.load.document import Block, Document, RawDocument, first_heading
from ingest.load.faults import damage_said
from ingest.load.package import parse_xml, slim_package
from ingest.load.word_styles import Numbered, Numbering, Styles, child, value
from ingest.load.word_text import Text, attribute, local_name, read_paragraph
from ingest.load.wrapping import fenced, markdown_rows

_DELETED = ("del", "moveFrom", "sectPr", "sdtPr", "sdtEndPr", "tcPr", "trPr", "tblPr", "pPr")
_MOST_SPANNED = 50  # columns of one cell

Notes = Mapping[tuple[str, str], str]


def load_docx(raw: RawDocument) -> Document:
    """A Word file; its title is that of the Title style, its properties, or the first heading.
    Footnotes and comments follow the paragraph that they belong to.

    Raises:
        DocumentError: damaged, or unpacks to too much (a zip bomb).
    """
    import docx
    from docx.opc.exceptions import OpcError

    with damage_said(raw, "Word file", "Word 文件", OpcError):
        document = docx.Document(slim_package(raw))
        reader = _Reader(document)
        blocks = tuple(_joined(reader.blocks(document.element.body)))
        properties = document.core_properties
        title = reader.title or str(properties.title or "").strip()
        language = str(properties.language or "").strip()
    # What python-docx calls a file that has no properties.
    title = "" if title == "Word Document" else title
    title = title or first_heading(blocks) or raw.stem
    return Document(title, "docx", blocks, language=language)


class _Reader:
    """Reads the body of one document. Code comes unfenced, a block a line."""

    def __init__(self, document: Any) -> None:
        parts = {rel.reltype.rpartition("/")[2]: rel for rel in document.part.rels.values()}
        self._styles = Styles(document.styles.element)
        self._numbering = Numbering(_root(parts.get("numbering")))
        self._notes = _notes(parts)
        self.title = ""

    def blocks(self, container: Any) -> Iterator[Block]:
        for node in container:
            name = local_name(node)
            if name == "p":
                yield from self._paragraph(node)
            elif name == "tbl":
                yield from self._table(node)
            elif name == "AlternateContent":
                yield from self.blocks(next(iter(node), ()))
            elif name not in _DELETED:
                yield from self.blocks(node)

    def _paragraph(self, node: Any) -> Iterator[Block]:
        found = read_paragraph(node)
        if found.text and (block := self._block(node, found)):
            yield block
        for box in found.boxes:
            yield from self.blocks(box)
        yield from self._notes_of(found)

    def _block(self, node: Any, found: Text) -> Block | None:
        style = self._styles.name(node)
        if style.lower().startswith("toc "):
            return None
        if style == "Title":
            self.title = self.title or " ".join(found.text.split())
            return Block(" ".join(found.text.split()), "heading", 1)
        if self._styles.is_code(node):
            return Block("".join(found.parts).rstrip(), "code")
        if level := self._styles.heading_level(node):
            return Block(" ".join(found.text.split()), "heading", level)
        item = self._styles.numbered(node)
        if item is not None or style.startswith("List"):
            return self._item(item, found.text)
        return Block(found.text)

    def _item(self, item: Numbered | None, text: str) -> Block:
        marker = self._numbering.marker(item) if item is not None else "- "
        indent = "  " * min(item.level, 8) if item is not None else ""
        return Block(f"{indent}{marker}" + text.replace("\n", f"\n{indent}  "), "list")

    def _notes_of(self, found: Text) -> Iterator[Block]:
        for kind, identity in found.notes:
            if text := self._notes.get((kind, identity)):
                yield Block(text if kind == "comment" else f"[{identity}] {text}")

    def _table(self, table: Any) -> Iterator[Block]:
        lines = [list(_below(row, "tc")) for row in _below(table, "tr")]
        if [len(cells) for cells in lines] == [1]:  # a frame around text
            yield from self.blocks(lines[0][0])
            return
        above: list[str] = []
        rows = []
        notes: list[Block] = []
        for cells in lines:
            above = list(self._row(cells, above, notes))
            if any(cell.strip() for cell in above):
                rows.append(above)
        if rows:
            yield Block(markdown_rows(rows), "table")
        yield from notes

    def _row(self, cells: list[Any], above: list[str], notes: list[Block]) -> Iterator[str]:
        """The texts of a row: one merged over several rows stands in each of them."""
        column = _number(cells[0].getparent(), "trPr", "gridBefore") if cells else 0
        yield from [""] * column
        for cell in cells:
            merged = child(cell, "tcPr", "vMerge")
            if merged is not None and attribute(merged, "val") != "restart":
                yield above[column] if column < len(above) else ""
            else:
                yield "\n".join(self._cell(cell, notes))
            span = max(1, _number(cell, "tcPr", "gridSpan"))
            yield from [""] * (span - 1)
            column += span

    def _cell(self, cell: Any, notes: list[Block]) -> Iterator[str]:
        for node in cell.iter("{*}p"):
            if any(local_name(each) in ("txbxContent", "del") for each in node.iterancestors()):
                continue
            found = read_paragraph(node)
            yield from filter(None, [found.text, *map(_plain, found.boxes)])
            notes += self._notes_of(found)


def _number(node: Any, *names: str) -> int:
    found = value(node, *names)
    return min(int(found), _MOST_SPANNED) if found.isdigit() else 0


def _below(node: Any, name: str) -> Iterator[Any]:
    """The rows of a table or the cells of a row, those in content controls included."""
    for each in node:
        kind = local_name(each)
        if kind == name:
            yield each
        elif kind in ("sdt", "sdtContent", "customXml", "ins"):
            yield from _below(each, name)


def _plain(node: Any) -> str:
    return "\n".join(read_paragraph(each).text for each in node.iter("{*}p"))


def _root(relation: Any) -> Any:
    """The tree of a part of the package, or None."""
    if relation is None or relation.is_external or not relation.target_part.blob:
        return None
    return parse_xml(relation.target_part.blob)


def _notes(parts: Mapping[str, Any]) -> Notes:
    notes: dict[tuple[str, str], str] = {}
    for kind in ("footnote", "endnote", "comment"):
        root = _root(parts.get(f"{kind}s"))
        for note in root if root is not None else ():
            text = " ".join(_plain(note).split())
            if kind == "comment" and text:
                author = attribute(note, "author")
                text = f"[Comment{' by ' + author if author else ''}: {text}]"
            notes[kind, attribute(note, "id")] = text
    return notes


def _joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """The items of a list as one block, and the lines of code."""
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        if kind in ("list", "code"):
            text = "\n".join(block.text for block in group)
            yield Block(fenced(text) if kind == "code" else text, kind)
        else:
            yield from group

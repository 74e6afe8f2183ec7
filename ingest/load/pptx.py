"""PPTX by python-pptx: each slide with its title, texts from top to bottom, tables, diagrams,
charts, what its pictures say of themselves, and the speaker's notes. ``page`` is the slide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.load.document import Block, Document, RawDocument
from ingest.load.faults import damage_said
from ingest.load.package import parse_xml, slim_package
from ingest.load.tables import MOST_COLUMNS
from ingest.load.wrapping import markdown_rows

MOST_SLIDES = 5_000
MOST_POINTS = 5_000  # of a chart
# Shapes this near in height stand side by side: English Metric Units, half a centimetre.
_LINE = 180_000
_DIAGRAM = "/relationships/diagramData"
_SPACES = {
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
}
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|tiff?|svg|emf|wmf)", re.I)
_PLACES = ("dt", "ftr", "sldNum", "hdr")  # placeholders of date, footer, number, header


def load_pptx(raw: RawDocument) -> Document:
    """A presentation; its title is the one in its properties, else the first slide's. Hidden
    slides are read too; at most ``MOST_SLIDES``.

    Raises:
        DocumentError: damaged, or unpacks to too much (a zip bomb).
    """
    import pptx
    from pptx.exc import PythonPptxError

    with damage_said(raw, "PowerPoint file", "PowerPoint 文件", PythonPptxError):
        deck = pptx.Presentation(slim_package(raw))
        blocks: list[Block] = []
        for number, slide in enumerate(deck.slides, start=1):
            if number <= MOST_SLIDES:
                blocks += _slide(slide, number)
        title = str(deck.core_properties.title or "").strip()
    if title.lower() in ("", "powerpoint presentation", "powerpoint 演示文稿"):
        title = next((block.text for block in blocks if block.kind == "heading"), "")
    return Document(title or raw.stem, "pptx", tuple(blocks))


def _slide(slide: Any, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    heading = " ".join(title.text_frame.text.split()) if title is not None else ""
    found = [block for shape in _ordered(slide.shapes) for block in _shape(shape, title)]
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.replace("\v", "\n").strip()
        found += [Block(f"Notes: {notes}")] if notes else []
    if heading or found:
        yield Block(heading or f"Slide {number}", "heading", 1, page=number)
    for block in found:
        yield Block(block.text, block.kind, page=number)


def _ordered(shapes: Any) -> list[Any]:
    """From top to bottom, and from left to right on one height."""
    return sorted(shapes, key=lambda shape: ((shape.top or 0) // _LINE, shape.left or 0))


def _shape(shape: Any, title: Any) -> Iterator[Block]:
    if title is not None and shape.shape_id == title.shape_id:
        return
    if shape.is_placeholder and shape.element.ph.get("type") in _PLACES:
        return
    if hasattr(shape, "shapes"):  # a group
        for inner in _ordered(shape.shapes):
            yield from _shape(inner, title)
    elif shape.has_text_frame:
        yield from _text(shape.text_frame)
    elif shape.has_table:
        yield from _table(shape.table)
    elif shape.has_chart:
        yield from _chart(shape.chart)
    else:
        yield from _picture(shape)


def _text(frame: Any) -> Iterator[Block]:
    lines = [
        (paragraph.level, paragraph.text.replace("\v", "\n").strip())
        for paragraph in frame.paragraphs
    ]
    lines = [(level, text) for level, text in lines if text]
    if len(lines) == 1:
        yield Block(lines[0][1])
    elif lines:
        items = ("  " * level + "- " + text.replace("\n", " ") for level, text in lines)
        yield Block("\n".join(items), "list")


def _table(table: Any) -> Iterator[Block]:
    rows = [["" if cell.is_spanned else cell.text for cell in row.cells] for row in table.rows]
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if rows:
        yield Block(markdown_rows(rows), "table")


def _chart(chart: Any) -> Iterator[Block]:
    """A chart's title, and its numbers as a table: read from what the file keeps of them, as any
    kind of chart does it alike."""
    space = parse_xml(chart.part.blob)
    title = "".join(_found(space, "c:chart/c:title//a:t/text()")).strip()
    if title:
        yield Block(title)
    series = [
        (
            "".join(_found(one, "c:tx//c:v/text()")),
            _points(one, "cat", "xVal"),
            _points(one, "val", "yVal"),
        )
        for one in _found(space, "c:chart/c:plotArea//c:ser")[:MOST_COLUMNS]
    ]
    labels: dict[int, str] = {}
    for _, names, values in series:
        labels |= dict.fromkeys(values, "") | labels | names
    if labels:
        header = ["", *(name for name, _, _ in series)]
        body = [
            [label, *(values.get(number, "") for _, _, values in series)]
            for number, label in sorted(labels.items())
        ]
        yield Block(markdown_rows([header, *body]), "table")


def _found(node: Any, path: str) -> list[Any]:
    return list(node.xpath(path, namespaces=_SPACES))


def _points(series: Any, *names: str) -> dict[int, str]:
    """The first values of a series by their number."""
    found = _found(series, "|".join(f"c:{name}//c:pt" for name in names))
    return {
        int(point.get("idx")): "".join(_found(point, "c:v/text()")) for point in found[:MOST_POINTS]
    }


def _picture(shape: Any) -> Iterator[Block]:
    """What a picture is said to show, and the words of a diagram (SmartArt)."""
    properties = shape.element.xpath(".//p:cNvPr")
    said = str(properties[0].get("descr") or "").strip() if properties else ""
    if said and not _FILE_NAME.fullmatch(said):
        yield Block(said)
    for identity in shape.element.xpath(".//*[local-name()='relIds']/@*[local-name()='dm']"):
        yield from _diagram(shape.part.rels[identity])


def _diagram(relation: Any) -> Iterator[Block]:
    if not relation.reltype.endswith(_DIAGRAM):
        return
    tree = parse_xml(relation.target_part.blob)
    points = tree.iterfind(".//{*}pt/{*}t")
    words = ("".join(_found(point, ".//a:t/text()")).strip() for point in points)
    lines = [f"- {word}" for word in words if word]
    if lines:
        yield Block("\n".join(lines), "list")

"""Office files for tests, made here: Word from its XML, Excel and PowerPoint by their packages,
old Excel byte by byte."""

from __future__ import annotations

import io
import struct
from datetime import date, datetime

from tests.samples import zip_bytes

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_SPACES = (
    f'xmlns:w="{_W}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)


def paragraph(text: str, style: str = "", properties: str = "") -> str:
    """A ``w:p`` of one run."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def word_bytes(body: str, **parts: str) -> bytes:
    """A Word file of this body; ``parts`` are the contents of others, such as ``styles``."""
    overrides, relations = [], []
    for number, name in enumerate(parts):
        overrides.append(
            f'<Override PartName="/word/{name}.xml" ContentType="{_WORD_TYPE}.{name}+xml"/>'
        )
        relations.append(
            f'<Relationship Id="r{number}" Type="{_OFFICE}/{name}" Target="{name}.xml"/>'
        )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
        f'"/word/document.xml" ContentType="{_WORD_TYPE}.document.main+xml"/>'
        f"{''.join(overrides)}</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {_SPACES}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{_RELATIONS}">{"".join(relations)}</Relationships>'
        ),
    }
    members |= {
        f"word/{name}.xml": f"<w:{name} {_SPACES}>{content}</w:{name}>"
        for name, content in parts.items()
    }
    return zip_bytes({name: content.encode() for name, content in members.items()})


def xlsx_bytes() -> bytes:
    """Two sheets: one with a title, merged cells, dates and gaps, one hidden."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "销售"
    rows: list[list[object]] = [
        ["2024 年销售报告"],
        ["地区", "季度", "金额", "日期", "占比"],
        ["华北", "Q1", 3.0, date(2024, 5, 1), 0.125],
        [None, "Q2", 0.1 + 0.2, datetime(2024, 5, 2, 13, 30), 1],
        [],
        [None, "单位", "代码"],
        [None, "元", 42],
    ]
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("A3:A4")
    sheet["E3"].number_format = "0.0%"
    sheet["E4"].number_format = "0%"
    sheet["C7"].number_format = "000000"
    hidden = book.create_sheet("备注")
    hidden.append(["隐藏但要找得到", None, None])
    hidden.sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def pptx_bytes() -> bytes:
    """Two slides: lists, notes and a group; a table and a chart without a title."""
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Cm

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "发布计划"
    frame = slide.placeholders[1].text_frame
    frame.text = "第一步"
    inner = frame.add_paragraph()
    inner.text, inner.level = "细节", 1
    slide.notes_slide.notes_text_frame.text = "讲慢一点"
    group = slide.shapes.add_group_shape()
    # The right one first: order is by place.
    for left, text in ((15, "右"), (2, "左")):
        box = group.shapes.add_textbox(Cm(left), Cm(16), Cm(5), Cm(1))
        box.text_frame.text = text
    plain = deck.slides.add_slide(deck.slide_layouts[6])
    table = plain.shapes.add_table(2, 2, Cm(1), Cm(1), Cm(10), Cm(2)).table
    for number, text in enumerate(("名称", "值", "端口", "8000")):
        table.cell(number // 2, number % 2).text = text
    data = CategoryChartData()
    data.categories = ["一月", "二月"]
    data.add_series("收入", (1.5, 2))
    plain.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(5), Cm(10), Cm(5), data
    )  # fmt: skip
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def ole_bytes(stream: str, content: bytes) -> bytes:
    """A file of the old Office container with one stream."""
    sector, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    content = content.ljust(max(4096, -(-len(content) // sector) * sector), b"\0")
    count = len(content) // sector
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H10x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 1, 1, 0, 4096, end, 0, end, 0, 0) + struct.pack(
        "<108I", *[free] * 108
    )
    chain = [0xFFFFFFFD, end, *range(3, 2 + count), end]
    table = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))

    def entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
        packed = name.encode("utf-16-le") + b"\0\0"
        start = packed.ljust(64, b"\0") + struct.pack(
            "<H2B3I", len(packed), kind, 1, free, free, child
        )
        return start + bytes(36) + struct.pack("<3I", first, size, 0)

    folder = entry("Root Entry", 5, 1, end, 0) + entry(stream, 2, free, 2, len(content))
    return header + table + folder.ljust(sector, b"\0") + content


def xls_bytes() -> bytes:
    """A workbook of Excel 97: one sheet "库存" with a text, a whole number, a date, a share."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<2H", kind, len(data)) + data

    def text(row: int, column: int, value: str) -> bytes:
        packed = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
        return record(0x0204, struct.pack("<3H", row, column, 0) + packed)

    def number(row: int, column: int, style: int, value: float) -> bytes:
        return record(0x0203, struct.pack("<3Hd", row, column, style, value))

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<4H2I", 0x0600, kind, 0x0DBB, 1996, 0, 6))

    font = record(0x0031, struct.pack("<5H4BBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 1, 0) + b"A")
    styles = b"".join(
        record(0x00E0, struct.pack("<2H", 0, shown) + bytes(16)) for shown in (0, 14, 9)
    )
    name = "库存"
    place = begin(5) + font * 5 + styles
    sheet_record = struct.pack("<2B", 0, 0) + struct.pack("<2B", len(name), 1)
    bound = 4 + 4 + len(sheet_record) + 2 * len(name)
    start = len(place) + bound + 4
    place += record(0x0085, struct.pack("<I", start) + sheet_record + name.encode("utf-16-le"))
    cells = [text(0, n, value) for n, value in enumerate(("品名", "数量", "入库", "占比"))]
    cells += [text(1, 0, "螺丝"), number(1, 1, 0, 12.0)]
    cells += [number(1, 2, 1, 45413.0), number(1, 3, 2, 0.5)]
    sheet = begin(0x10) + b"".join(cells) + record(0x0A, b"")
    return ole_bytes("Workbook", place + record(0x0A, b"") + sheet)

"""Word, PowerPoint, Excel and CSV become the right blocks."""

from __future__ import annotations

import pytest

from ingest.load.tables import MOST_CELLS, ROWS_A_BLOCK
from tests.loading import load, shown, texts
from tests.samples import docx_bytes
from tests.samples.office import paragraph, pptx_bytes, word_bytes, xls_bytes, xlsx_bytes

# Word


def test_docx_keeps_structure() -> None:
    document = load(docx_bytes(), "a.docx")
    assert (document.kind, document.title) == ("docx", "员工手册")
    assert [(b.kind, b.level, b.text) for b in document.blocks] == [
        ("heading", 1, "员工手册"),
        ("heading", 1, "第一章 休假"),
        ("paragraph", 0, "每年有十天年假。"),
        ("list", 0, "- 病假\n- 事假"),
        ("heading", 2, "Remote work"),
        ("paragraph", 0, "Two days a week."),
        ("table", 0, "| Days | 天数 |\n| --- | --- |\n| Both |  |"),
    ]


def test_docx_reads_what_word_hides_in_a_paragraph() -> None:
    box = "<w:txbxContent>" + paragraph("在文本框里") + "</w:txbxContent>"
    body = (
        "<w:p><w:r><w:t>保留</w:t></w:r><w:ins><w:r><w:t>新增</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>删除</w:delText></w:r></w:del>"
        '<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:commentReference w:id="0"/></w:r></w:p>'
        f"<w:p><w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        '<w:p><w:r><w:drawing><wp:docPr id="1" descr="一张架构图"/></w:drawing></w:r></w:p>'
    )
    notes = '<w:footnote w:id="2">' + paragraph("脚注内容") + "</w:footnote>"
    remarks = '<w:comment w:id="0" w:author="李雷">' + paragraph("请核对") + "</w:comment>"
    assert texts(load(word_bytes(body, footnotes=notes, comments=remarks), "a.docx")) == [
        "保留新增[2]",
        "[2] 脚注内容",
        "[Comment by 李雷: 请核对]",
        "在文本框里",
        "一张架构图",
    ]


def test_docx_headings_lists_and_code_by_their_styles() -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="a"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="b"><w:name w:val="Mine"/><w:basedOn w:val="a"/>'
        "</w:style>"
        '<w:style w:type="paragraph" w:styleId="c"><w:name w:val="Source Code"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="t"><w:name w:val="toc 1"/></w:style>'
    )
    numbering = (
        '<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="3"/>'
        '<w:numFmt w:val="decimal"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    )

    def item(text: str, level: int) -> str:
        deep = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>'
        return paragraph(text, properties=deep)

    body = (
        paragraph("目录 1", "t")
        + paragraph("按样式", "b")
        + paragraph("按大纲", properties='<w:outlineLvl w:val="2"/>')
        + item("三", 0)
        + item("点", 1)
        + item("四", 0)
        + paragraph("if x:", "c")
        + paragraph("    y()", "c")
    )
    document = load(word_bytes(body, styles=styles, numbering=numbering), "a.docx")
    assert [(b.kind, b.level, b.text) for b in document.blocks] == [
        ("heading", 2, "按样式"),
        ("heading", 3, "按大纲"),
        ("list", 0, "3. 三\n  - 点\n4. 四"),
        ("code", 0, "```\nif x:\n    y()\n```"),
    ]


def test_docx_cells_merged_over_rows_stand_in_each() -> None:
    def cell(text: str, merge: str = "") -> str:
        return f"<w:tc><w:tcPr>{merge}</w:tcPr>{paragraph(text)}</w:tc>"

    first, rest = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    table = (
        f"<w:tbl><w:tr>{cell('地区')}{cell('季度')}</w:tr>"
        f"<w:tr>{cell('华北', first)}{cell('Q1')}</w:tr>"
        f"<w:tr>{cell('', rest)}{cell('Q2')}</w:tr></w:tbl>"
    )
    frame = f"<w:tbl><w:tr>{cell('边框里的段落')}</w:tr></w:tbl>"
    assert shown(load(word_bytes(table + frame), "a.docx")) == [
        ("table", "| 地区 | 季度 |\n| --- | --- |\n| 华北 | Q1 |\n| 华北 | Q2 |"),
        ("paragraph", "边框里的段落"),
    ]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("<m:f><m:num>{a}{b}</m:num><m:den>{b}</m:den></m:f>", "ab/b"),
        ("<m:f><m:num>{a}{plus}{b}</m:num><m:den>{b}</m:den></m:f>", "(a+b)/b"),
        ("<m:sSubSup><m:e>{a}</m:e><m:sub>{b}</m:sub><m:sup>{a}{plus}{b}</m:sup></m:sSubSup>",
         "a_b^(a+b)"),
        ("<m:rad><m:deg/><m:e>{a}</m:e></m:rad>", "sqrt(a)"),
        ('<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{a}</m:sub><m:sup>{b}</m:sup>'
         "<m:e>{a}</m:e></m:nary>", "∑_a^b a"),
        ("<m:d><m:e>{a}</m:e></m:d>", "(a)"),
        ("<m:m><m:mr><m:e>{a}</m:e><m:e>{b}</m:e></m:mr><m:mr><m:e>{b}</m:e></m:mr></m:m>",
         "[a, b; b]"),
        ("<m:func><m:fName>{a}</m:fName><m:e>{b}</m:e></m:func>", "a b"),
        ("<m:limLow><m:e>{a}</m:e><m:lim>{b}</m:lim></m:limLow>", "a_b"),
        ('<m:acc><m:accPr><m:chr m:val="⃗"/></m:accPr><m:e>{a}</m:e></m:acc>', "vec(a)"),
    ],
)  # fmt: skip
def test_docx_equations_are_readable(formula: str, expected: str) -> None:
    signs = {
        name: f"<m:r><m:t>{sign}</m:t></m:r>"
        for name, sign in (("a", "a"), ("b", "b"), ("plus", "+"))
    }
    body = f"<w:p><w:r><w:t>若 </w:t></w:r><m:oMath>{formula.format(**signs)}</m:oMath></w:p>"
    assert texts(load(word_bytes(body), "a.docx")) == [f"若 {expected}"]


# PowerPoint


def test_pptx_slides_are_pages() -> None:
    document = load(pptx_bytes(), "a.pptx")
    assert (document.kind, document.title) == ("pptx", "发布计划")
    assert [(b.page, b.kind, b.text) for b in document.blocks] == [
        (1, "heading", "发布计划"),
        (1, "list", "- 第一步\n  - 细节"),
        (1, "paragraph", "左"),
        (1, "paragraph", "右"),
        (1, "paragraph", "Notes: 讲慢一点"),
        (2, "heading", "Slide 2"),
        (2, "table", "| 名称 | 值 |\n| --- | --- |\n| 端口 | 8000 |"),
        (2, "table", "|  | 收入 |\n| --- | --- |\n| 一月 | 1.5 |\n| 二月 | 2 |"),
    ]


# Tables


def test_xlsx_shows_what_people_see() -> None:
    document = load(xlsx_bytes(), "a.xlsx")
    assert (document.kind, document.title) == ("xlsx", "a")
    assert shown(document) == [
        ("heading", "销售"),
        ("paragraph", "2024 年销售报告"),
        ("table", "| 地区 | 季度 | 金额 | 日期 | 占比 |\n| --- | --- | --- | --- | --- |\n"
                  "| 华北 | Q1 | 3 | 2024-05-01 | 12.5% |\n"
                  "| 华北 | Q2 | 0.3 | 2024-05-02 13:30 | 100% |"),
        ("table", "| 单位 | 代码 |\n| --- | --- |\n| 元 | 000042 |"),
        ("heading", "备注"),
        ("paragraph", "隐藏但要找得到"),
    ]  # fmt: skip


def test_old_excel_files_are_read_as_well() -> None:
    document = load(xls_bytes(), "a.xls")
    assert document.kind == "xlsx"
    assert shown(document) == [
        ("heading", "库存"),
        ("table", "| 品名 | 数量 | 入库 | 占比 |\n| --- | --- | --- | --- |\n"
                  "| 螺丝 | 12 | 2024-05-01 | 50% |"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "encoding"),
    [
        ("名称,值\n端口,8000\n", "a.csv", "utf-8-sig"),
        ("名称;值\r\n端口;8000\r\n", "a.csv", "gb18030"),
        ("名称\t值\n端口\t8000\n", "a.tsv", "utf-16"),
        ("名称|值\n\n端口|8000\n", "a.csv", "utf-8"),
        ("sep=;\n名称;值\n端口;8000\n", "a.csv", "utf-8"),
    ],
)
def test_csv_in_any_separator_and_encoding(text: str, name: str, encoding: str) -> None:
    document = load(text.encode(encoding), name)
    assert document.kind == "csv"
    assert shown(document) == [("table", "| 名称 | 值 |\n| --- | --- |\n| 端口 | 8000 |")]


def test_csv_in_japanese() -> None:
    assert (
        "| 佐藤 | 大阪 |"
        in load("名前,住所\n佐藤,大阪\n".encode("shift_jis"), "a.csv").blocks[0].text
    )


def test_csv_quotes() -> None:
    text = 'name,text\na,"x, ""y"", z\nnext"\nb,"never closed\nc,1\n'
    assert texts(load(text, "a.csv")) == [
        '| name | text |\n| --- | --- |\n| a | x, "y", z next |\n| b | "never closed |\n| c | 1 |'
    ]


def test_long_tables_come_in_parts_with_their_header_and_are_bounded() -> None:
    text = "k,v\n" + "".join(f"k{n},{n}\n" for n in range(MOST_CELLS // 2 + 5))
    document = load(text, "a.csv")
    assert document.blocks[1].text.startswith("| k | v |\n| --- | --- |\n| k200 | 200 |\n")
    assert len(document.blocks) == -(-(MOST_CELLS // 2 - 1) // ROWS_A_BLOCK)
    assert [error.text("zh") for error in document.warnings] == [
        "a.csv 太长：只读取了前 300,000 个单元格；如需其余部分请拆分。"
    ]

"""PDF: reading order, headings, tables, lists and code, scans, and files that are not whole."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from assistant.errors import DocumentError
from ingest.load import Block, Document, RawDocument, load_raw, ocr
from ingest.load.image import load_image
from ingest.load.pdf.loader import ranges
from ingest.load.pdf.signs import reads_as_words
from tests.pdf_words import words_missing
from tests.samples import SAMPLES, pdf_bytes
from tests.samples.pdf import PdfPage, pdf

LEFT = [f"The left column has its line number {n} and then" for n in range(1, 13)]
RIGHT = [f"What the right column says in line {n} comes after" for n in range(1, 13)]
WITHOUT_OCR = "install text recognition"


@pytest.fixture(autouse=True)
def no_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests see a machine without the extra."""
    monkeypatch.setattr(ocr, "find_spec", lambda name: None)


def load(data: bytes, name: str = "/x/a.pdf") -> Document:
    return load_raw(RawDocument(name, data))


def texts(document: Document, kind: str = "") -> list[str]:
    return [block.text for block in document.blocks if kind in ("", block.kind)]


def page(*lines: str, x: float = 50, y: float = 780, size: float = 10, font: str = "") -> PdfPage:
    return PdfPage().lines(lines, x, y, size, font)


# Paragraphs


def test_pdf_of_a_browser_has_pages_headings_and_whole_paragraphs() -> None:
    document = load((SAMPLES / "manual-zh.pdf").read_bytes())
    assert (document.kind, document.title) == ("pdf", "备份手册")
    assert [(b.kind, b.level, b.page) for b in document.blocks] == [
        ("heading", 1, 1),
        ("paragraph", 0, 1),
        ("heading", 2, 2),
        ("paragraph", 0, 2),
    ]
    assert document.blocks[1].text == (
        "所有数据都在数据目录中。备份时先停止程序，再复制目录；目录可以复制到另一块磁盘，"
        "也可以复制到另一台机器。"
    )


def test_pdf_lines_join_as_their_language_asks() -> None:
    pages = [
        ["第一段的文字在这里换行，没有", "空格地接上下一行"],
        ["A know-", "ledge base", "of words"],
    ]
    document = load(pdf_bytes(pages), "/x/book.pdf")
    assert [(b.page, b.text) for b in document.blocks] == [
        (1, "第一段的文字在这里换行，没有空格地接上下一行"),
        (2, "A knowledge base of words"),
    ]
    assert document.title == "book"


def test_paragraphs_end_at_gaps_indents_and_short_lines() -> None:
    full = "This line of the paragraph is as long as the column is wide, so"
    drawn = page(full, "it goes on here.", full, "the second one ends.")
    drawn.lines([full, "third."], 50, 780 - 4 * 12 - 8)  # after a gap
    drawn.lines([full], 62, 780 - 6 * 12 - 8)  # indented
    drawn.lines(["fourth."], 50, 780 - 7 * 12 - 8)
    assert texts(load(pdf([drawn]))) == [
        f"{full} it goes on here.",
        f"{full} the second one ends.",
        f"{full} third.",
        f"{full} fourth.",
    ]


def test_ligatures_radicals_and_private_bullets_are_plain_text() -> None:
    from ingest.load.pdf.signs import clean

    assert clean("o\ufb03ce \u2f42\u2f00 \uf0b7 x\0") == "office 文一 • x"


def test_what_is_drawn_twice_is_read_once() -> None:
    drawn = page("A shadow lies below these words.").text(
        "A shadow lies below these words.", 50.5, 779.5
    )
    assert texts(load(pdf([drawn]))) == ["A shadow lies below these words."]


def test_text_beside_the_page_is_left_out() -> None:
    drawn = page("What stands on the page.").text("Crop marks", 700, 500)
    assert texts(load(pdf([drawn]))) == ["What stands on the page."]


# Reading order


@pytest.mark.parametrize("by_rows", [False, True])
def test_two_columns_are_read_one_after_the_other(by_rows: bool) -> None:
    drawn = PdfPage().text("A title over both columns, as wide as they", 50, 790, 20)
    rows = list(zip(LEFT, RIGHT, strict=True))
    if by_rows:
        for n, (left, right) in enumerate(rows):
            drawn.text(left, 50, 700 - 12 * n).text(right, 310, 700 - 12 * n)
    else:
        drawn.lines(LEFT, 50, 700).lines(RIGHT, 310, 700)
    drawn.text(
        "A line under the figure crosses the whole page, from here to the margin at the",
        50,
        500,
        12,
    )
    drawn.lines(LEFT, 50, 460).lines(RIGHT, 310, 460)
    text = "\n".join(texts(load(pdf([drawn]))))
    order = [
        "A title over", LEFT[0], LEFT[11], RIGHT[0], RIGHT[11], "crosses the whole page",
        LEFT[0], RIGHT[0], RIGHT[11],
    ]  # fmt: skip
    place = 0
    for part in order:
        place = text.index(part, place) + 1


def test_three_columns() -> None:
    columns = [[f"{name} column line {n} of the text" for n in range(9)] for name in "ABC"]
    drawn = PdfPage()
    for n, lines in enumerate(columns):
        drawn.lines(lines, 50 + 170 * n, 700)
    text = " ".join(texts(load(pdf([drawn]))))
    assert text == " ".join(line for lines in columns for line in lines)


def test_lines_written_in_any_order_are_read_from_the_top() -> None:
    drawn = PdfPage()
    for n in (3, 1, 2, 0):
        drawn.text(f"This is sentence {n} of the page, and it is of some length.", 50, 700 - 12 * n)
    text = " ".join(texts(load(pdf([drawn]))))
    assert [text.index(f"sentence {n}") for n in range(4)] == sorted(
        text.index(f"sentence {n}") for n in range(4)
    )


def test_turned_text_is_not_mixed_in_and_turned_pages_are_read() -> None:
    drawn = page("The text of the page is here, in two lines that", "belong together.")
    drawn.text("Printed for one reader", 20, 300, matrix="0 1 -1 0")
    assert texts(load(pdf([drawn]))) == [
        "The text of the page is here, in two lines that belong together.",
        "Printed for one reader",
    ]
    turned = PdfPage(turned=90)
    for n, line in enumerate(["The page lies on its side and goes", "on here."]):
        turned.text(line, 100 + 12 * n, 50, matrix="0 1 -1 0")
    assert texts(load(pdf([turned]))) == ["The page lies on its side and goes on here."]


def test_vertical_writing_is_read_from_the_right() -> None:
    drawn = PdfPage()
    for n, line in enumerate(["竖排文字从右边的一行开始，向下读，", "再读左边的一行。"]):
        drawn.text(line, 500 - 20 * n, 700, 12, "vertical")
    assert texts(load(pdf([drawn]))) == ["竖排文字从右边的一行开始，向下读，再读左边的一行。"]


# Running heads


def test_running_heads_and_page_numbers_are_dropped() -> None:
    pages = [["年度报告", f"正文的第 {n} 部分在这里。", f"- {n} -"] for n in range(1, 5)]
    document = load(pdf_bytes(pages))
    assert texts(document) == [f"正文的第 {n} 部分在这里。" for n in range(1, 5)]


def test_heads_of_left_and_right_pages_and_of_chapters_are_dropped() -> None:
    pages = []
    for n in range(1, 25):
        head = "The Whole Book" if n % 2 else f"Chapter {(n + 11) // 12}"
        drawn = page(f"Words {n * 7919} stand on this page alone.", y=600)
        pages.append(drawn.text(f"{head}  {n + 3}", 50, 800).text(f"{n + 3}", 300, 30))
    document = load(pdf(pages))
    assert texts(document) == [f"Words {n * 7919} stand on this page alone." for n in range(1, 25)]
    assert [block.page for block in document.blocks] == list(range(1, 25))


def test_titles_of_slides_that_come_again_are_kept() -> None:
    pages = [
        page(f"Point {n * 7919} of the result", "is explained here at some length.", y=600).text(
            "Results", 50, 750, 24
        )
        for n in range(4)
    ]
    assert texts(load(pdf(pages)), "heading") == ["Results"] * 4


# Headings


def test_headings_by_the_outline() -> None:
    drawn = page("1 Setup ........ 1", "2 Running it ........ 1", y=780)
    drawn.lines(["Chapter 1", "Setup"], 50, 700, 10)
    drawn.lines(["Install the packages, then set the folder."], 50, 660)
    drawn.lines(["2 Running it"], 50, 600).lines(["Start the program."], 50, 570)
    outline = [("Setup", 1, 715.0), ("Running it", 1, 612.0), ("Not on the page", 1, 20.0)]
    document = load(pdf([drawn], outline, title="Guide"))
    assert texts(document, "heading") == ["Not on the page", "Chapter 1 Setup", "2 Running it"]
    assert document.title == "Guide"
    assert texts(document, "list") == ["1 Setup … 1\n2 Running it … 1"]


def test_headings_by_size_and_weight_where_there_is_no_outline() -> None:
    body = ["The text of a section is in the size that most of the file is in, and so this is."] * 6
    drawn = PdfPage().text("The Name of the Book", 50, 800, 24, "bold")
    drawn.text("1 A section", 50, 750, 14, "bold").lines(body, 50, 730)
    drawn.text("2 Another section", 50, 620, 14, "bold").lines(body, 50, 600)
    drawn.text("Bold and alone", 50, 500, 10, "bold").lines(body, 50, 484)
    drawn.text("In bold letters this is a sentence.", 50, 380, 10, "bold")
    document = load(pdf([drawn]))
    assert [(b.level, b.text) for b in document.blocks if b.kind == "heading"] == [
        (1, "The Name of the Book"),
        (2, "1 A section"),
        (2, "2 Another section"),
        (3, "Bold and alone"),
    ]
    assert document.title == "The Name of the Book"


# Lists, code, tables


def test_lists_keep_their_entries_and_depth() -> None:
    drawn = page("Three things are needed:")
    drawn.lines(["• A first entry that goes on over the end", "  of its line"], 50, 760)
    drawn.text("– below the first", 70, 736).text("• second", 50, 724)
    drawn.lines(["1. one", "2. two"], 50, 690)
    assert texts(load(pdf([drawn])), "list") == [
        "- A first entry that goes on over the end of its line\n  - below the first\n- second\n"
        "1. one\n2. two"
    ]


def test_code_keeps_its_lines_and_indentation() -> None:
    drawn = page("Write this function into a file of its own, then run it:")
    drawn.lines(["def run():", "    # twice", "    return 2"], 50, 750, font="mono")
    drawn.lines(["", "print(run())"], 50, 714, font="mono")
    drawn.text("It prints the number two, as every one would think.", 50, 650)
    document = load(pdf([drawn]))
    assert texts(document, "code") == [
        "```\ndef run():\n    # twice\n    return 2\n\nprint(run())\n```"
    ]
    assert len(texts(document, "paragraph")) == 2


def ruled(rows: Sequence[Sequence[str]], drawn: PdfPage, top: float) -> None:
    for n, row in enumerate(rows):
        drawn.rule(50, top - 20 * n, 350, top - 20 * n)
        for column, cell in enumerate(row):
            drawn.text(cell, 54 + 100 * column, top - 20 * n - 13)
    bottom = top - 20 * len(rows)
    drawn.rule(50, bottom, 350, bottom)
    for column in range(4):
        drawn.rule(50 + 100 * column, top, 50 + 100 * column, bottom)


def test_a_ruled_table_is_a_table_with_its_empty_cells() -> None:
    drawn = page("Prices of this year:")
    ruled([["Name", "Price", "Note"], ["Pear", "", "sold out"], ["Plum", "3", ""]], drawn, 760)
    drawn.text("All of them are in euro.", 50, 650)
    document = load(pdf([drawn]))
    assert [block.kind for block in document.blocks] == ["paragraph", "table", "paragraph"]
    assert texts(document, "table") == [
        "| Name | Price | Note |\n| --- | --- | --- |\n| Pear |  | sold out |\n| Plum | 3 |  |"
    ]


def test_aligned_columns_are_a_table() -> None:
    drawn = page("Readings of the week:")
    rows = [
        ("Day", "Low", "High"),
        ("Monday", "3", "11"),
        ("Tuesday", "", "12"),
        ("Friday", "5", "9"),
    ]
    for n, row in enumerate(rows):
        for x, cell in zip((50, 150, 250), row, strict=True):
            if cell:
                drawn.text(cell, x, 750 - 14 * n)
    assert texts(load(pdf([drawn])), "table") == [
        "| Day | Low | High |\n| --- | --- | --- |\n| Monday | 3 | 11 |\n| Tuesday |  | 12 |\n"
        "| Friday | 5 | 9 |"
    ]


def test_a_list_with_wide_gaps_is_no_table() -> None:
    drawn = PdfPage()
    for n, entry in enumerate(["apples", "pears", "plums", "nuts"], start=1):
        drawn.text(f"{n}.", 50, 780 - 14 * n).text(f"some {entry}", 80, 780 - 14 * n)
    document = load(pdf([drawn]))
    assert texts(document) == ["1. some apples\n2. some pears\n3. some plums\n4. some nuts"]
    assert document.blocks[0].kind == "list"


# Forms and notes


def test_values_of_fields_and_notes_are_kept() -> None:
    drawn = page("Please fill in this form:")
    drawn.annotations.append(
        "/Subtype /FreeText /Rect [50 600 200 620] /DA (/Helv 9 Tf) /Contents (Seen by the board)"
    )
    drawn.annotations.append("/Subtype /Link /Rect [0 0 9 9] /Contents (no text)")
    name = "/FT /Tx /T (name) /TU (Full name) /V (Ada) /Rect [50 700 200 720]"
    empty = "/FT /Tx /T (other) /Rect [50 640 200 660]"
    document = load(pdf([drawn], fields=[name, empty]))
    assert texts(document) == ["Please fill in this form:", "Seen by the board", "Full name: Ada"]


# Scans


def test_pages_that_are_pictures_are_named() -> None:
    pages = [page("This page has words, not pictures of words.") for _ in range(8)]
    for n in (2, 4, 5, 6):
        pages[n] = PdfPage().picture()
    pages[7] = PdfPage()  # empty, not a picture
    document = load(pdf(pages))
    [warning] = document.warnings
    assert warning.text("en").startswith("Pages 3, 5-7 of a.pdf hold no text (pictures).")
    assert WITHOUT_OCR in warning.text("en").lower()
    assert "第 3, 5-7 页没有文字" in warning.text("zh")
    assert {block.page for block in document.blocks} == {1, 2, 4}


@pytest.mark.parametrize(
    "scan",
    [
        PdfPage().picture(),
        PdfPage().picture().text("CamScan", 500, 20),  # a stamp
        PdfPage().picture().lines(["\ue001\ue002\ue003\ue004\ue005" * 9], 50, 700, font="zh"),
        PdfPage()
        .picture()
        .lines(["these are glyphs without characters"], 50, 700, font="unmapped"),
    ],
)
def test_a_file_of_pictures_alone_is_an_error_with_advice(scan: PdfPage) -> None:
    with pytest.raises(DocumentError) as caught:
        load(pdf([scan] * 3))
    assert "no text layer (3 pages" in caught.value.text("en")
    assert WITHOUT_OCR in caught.value.text("en").lower()
    assert "requirements-ocr.txt" in caught.value.text("zh")


def test_a_text_layer_over_a_scan_is_used_and_not_doubled() -> None:
    line = "What text recognition saw in the picture of the page."
    scan = PdfPage().picture().text(line, 50, 700, mode=3)
    assert texts(load(pdf([scan]))) == [line]
    both = page(line, y=700).text("What text recogmtion saw in the p1cture.", 50, 701, mode=3)
    assert texts(load(pdf([both]))) == [line]


# Files that are not whole


def test_damage() -> None:
    whole = pdf([page(f"Words of page {n} are here to be read.") for n in range(3)])
    for data in (whole[: len(whole) // 3], b"%PDF-1.7\n" + bytes(500), pdf([])):
        with pytest.raises(DocumentError, match="broken or cut off"):
            load(data)
    with pytest.raises(DocumentError, match="encrypted"):
        load(pdf_bytes([["x"]], encrypted=True))
    without_table = whole[: whole.rindex(b"xref\n0")]
    wrong_places = whole.replace(b"0000000", b"0000009")
    for data in (without_table + b"trailer << /Root 1 0 R >>", wrong_places):
        assert len(texts(load(data))) == 3


def test_a_damaged_page_is_left_out_and_named() -> None:
    whole = pdf([page(f"Words of page {n} are here to be read.") for n in range(3)])
    second = whole.index(b"/Type /Page /", whole.index(b"/Type /Page /") + 9)
    broken = whole[:second] + b"/Type /Pgae /" + whole[second + 13 :]
    document = load(broken)
    if document.warnings:  # pdfium may read it in spite of its type
        assert document.warnings[0].text("en").startswith("Pages 2 of a.pdf are damaged")
    assert texts(document)[0].startswith("Words of page 0")


def test_a_huge_page_and_empty_pages_are_no_trouble() -> None:
    huge = PdfPage(14_400, 14_400).text(
        "A plan of the whole town, with its streets.", 50, 14_000, 40
    )
    document = load(pdf([PdfPage(), huge, PdfPage()]))
    assert [(b.page, b.text) for b in document.blocks] == [
        (2, "A plan of the whole town, with its streets.")
    ]


def test_hundreds_of_pages() -> None:
    lines = [f"Line {n} of a page that is like all the others of the file." for n in range(30)]
    started = time.process_time()
    document = load(pdf([page(*lines, f"on page {n * 7919}.") for n in range(400)]))
    assert document.blocks[-1].page == 400
    assert time.process_time() - started < 20


def test_ranges() -> None:
    assert ranges([1, 2, 3, 9, 11, 12]) == "1-3, 9, 11-12"


# The check that others use


def test_words_of_a_chunk_are_looked_for_on_its_page() -> None:
    path = SAMPLES / "manual-zh.pdf"
    blocks: tuple[Block, ...] = load(path.read_bytes()).blocks
    for block in blocks:
        assert words_missing(path, block.text, block.page or 0) == []
    assert words_missing(path, "先停止程序 zebra", 1) == ["zebra"]
    assert words_missing(path, blocks[1].text, 2)


# Text recognition


def test_pictures_need_the_extra() -> None:
    with pytest.raises(DocumentError, match=r"is a picture\. Install text recognition"):
        load_image(RawDocument("/x/a.png", b"\x89PNG\r\n\x1a\n"))


def test_recognition_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ocr.scale(595, 842) == pytest.approx(200 / 72)
    assert ocr.scale(14_400, 14_400) ** 2 * 14_400**2 == pytest.approx(ocr.MOST_PIXELS)
    budget = ocr.Budget(pages=2)
    assert [budget.take() for _ in range(3)] == [True, True, False]
    monkeypatch.setattr(ocr, "find_spec", lambda name: name)
    monkeypatch.setattr(ocr.Budget, "take", lambda self: False)
    document = load(pdf([page("This page has words, not pictures."), PdfPage().picture()]))
    assert "too much for one file" in document.warnings[0].text("en")


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("The manual is not available.", True),
        ("Das Handbuch ist nicht verfügbar.", True),
        ("7KH PDQXDO LV QRW DYDLODEOH", False),
        ("!\"#$ %&'( )*+,", False),
        ("", False),
    ],
)
def test_unmapped_glyphs_that_read_as_words(text: str, reads: bool) -> None:
    assert reads_as_words(text) is reads

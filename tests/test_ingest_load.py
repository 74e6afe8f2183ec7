"""Every format, every encoding and every bad input becomes the right text or one clear error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.errors import DocumentError
from ingest.load import Block, Document, RawDocument, UnknownType, load_file, load_raw
from ingest.load.encoding import decode
from tests.samples import SAMPLES, docx_bytes, pdf_bytes, zip_bytes

SIMPLIFIED = "第一章 安装。先安装依赖，然后运行程序，接着打开浏览器就可以提问了。"
TRADITIONAL = "第一章 安裝。先安裝這個程式，然後打開瀏覽器就可以開始提問了。"


def load(data: bytes, name: str = "/x/a.txt", content_type: str = "") -> Document:
    return load_raw(RawDocument(name, data, content_type))


def of_kind(document: Document, kind: str) -> list[Block]:
    return [block for block in document.blocks if block.kind == kind]


def headings(document: Document) -> list[tuple[int, str, str | None]]:
    return [(b.level, b.text, b.anchor) for b in of_kind(document, "heading")]


def all_text(document: Document) -> str:
    return "\n".join(block.text for block in document.blocks)


# Markdown


def test_markdown_keeps_structure() -> None:
    document = load_file(SAMPLES / "guide.md", 1)
    assert (document.kind, document.title) == ("md", "知识库指南")
    assert document.size == (SAMPLES / "guide.md").stat().st_size
    assert headings(document) == [
        (1, "安装", "安装"),
        (2, "Using it", "usage"),
        (2, "C++ & Rust", "c--rust"),
        (2, "C++ & Rust", "c--rust-1"),
        (2, "Setext heading", "setext-heading"),
        (3, "HTML part", "html-part"),
    ]
    assert [block.text for block in of_kind(document, "code")] == [
        '```python\n# not a heading\nanswer = ask("...")\n```'
    ]
    assert of_kind(document, "table")[0].text.endswith("| PORT | 端口 |")
    assert of_kind(document, "list")[0].text == "- 第一步：下载\n  - 校验文件\n- 第二步：启动"
    paragraphs = [block.text for block in of_kind(document, "paragraph")]
    assert paragraphs[:2] == [
        "先安装 Python 3.11，再运行 `make run`。",
        "Ask a question. The answer cites its sources.",
    ]
    assert paragraphs[-2:] == ["架构图", "Inside HTML"]
    assert "不应出现" not in all_text(document)


def test_markdown_without_front_matter_is_called_by_its_first_heading() -> None:
    assert load(b"intro\n\n# Title\n\ntext", "/x/a.md").title == "Title"
    assert load(b"no heading", "/x/notes.md").title == "notes"


# HTML


def test_html_keeps_the_content_and_nothing_else() -> None:
    document = load_file(SAMPLES / "page.html", 1)
    assert (document.kind, document.title) == ("html", "threading — 并行")
    assert headings(document) == [
        (1, "threading — 并行", "threading"),
        (2, "Own id", "own"),
        (2, "Inside", "inside"),
        (3, "Parent", "parent"),
        (2, "No anchor of its own", "later"),
    ]
    text = all_text(document)
    for gone in ("脚本", "color", "页眉", "导航", "侧栏", "隐藏", "注释", "页脚", "¶"):
        assert gone not in text
    paragraphs = [block.text for block in of_kind(document, "paragraph")]
    assert paragraphs[0] == "这一模块在底层之上构建。 See Thread for details.\nNext line."
    assert of_kind(document, "code")[0].text == "```python\ndef f():\n    return  1\n```"
    assert "表格一" in paragraphs
    assert of_kind(document, "table")[0].text == (
        "| 名称 | 值 \\| 说明 |\n| --- | --- |\n| 超时 | 10 秒 |\n| 合并 |  |"
    )
    assert of_kind(document, "list")[0].text == "1. 第一项\n  - 子项\n2. 第二项"
    assert "一张流程图" in paragraphs


def test_html_without_main_is_read_whole() -> None:
    document = load(b"<body><div class=footer>no</div><p>one<p>two<div>three</div>", "/x/a.html")
    assert [block.text for block in document.blocks] == ["one", "two", "three"]


def test_html_code_with_fences_and_line_breaks() -> None:
    document = load(b"<pre><code class='language-sh'>a<br>```\nb</code></pre>", "/x/a.html")
    assert document.blocks[0].text == "````sh\na\n```\nb\n````"


def test_layout_tables_are_read_as_text() -> None:
    page = "<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td></tr></table>"
    assert load(page.encode(), "/x/a.html").blocks == (Block("| a | b |\n| --- | --- |", "table"),)


@pytest.mark.parametrize("tag", ["div", "ul><li", "table><tr><td", "span", "h2"])
def test_deep_nesting_is_no_trouble(tag: str) -> None:
    page = "<body><p>start</p>" + f"<{tag}>" * 3000 + "deep"
    assert "start" in all_text(load(page.encode(), "/x/a.html"))


# Plain text and encodings


def test_text_is_kept_in_paragraphs() -> None:
    document = load(b"one\r\n  two\r\n\r\n \r\nthree\r\n", "/x/notes.txt")
    assert [block.text for block in document.blocks] == ["one\n  two", "three"]
    assert (document.title, document.kind) == ("notes", "txt")


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gb2312"],
)
def test_simplified_chinese_in_any_encoding(encoding: str) -> None:
    assert all_text(load(SIMPLIFIED.encode(encoding))) == SIMPLIFIED


@pytest.mark.parametrize("encoding", ["big5", "big5hkscs", "utf-16"])
def test_traditional_chinese_in_any_encoding(encoding: str) -> None:
    assert all_text(load(TRADITIONAL.encode(encoding))) == TRADITIONAL


@pytest.mark.parametrize("text", ["你好，世界", "谢谢大家。"])
def test_short_chinese_is_not_taken_for_korean(text: str) -> None:
    assert decode(text.encode("gb18030")) == text


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("gb18030", "gb2312"),  # the declared set is too small
        ("gb18030", "utf-8"),  # wrong
        ("gb18030", "iso-8859-1"),  # what servers say by default
        ("utf-8", "gb2312"),  # wrong
        ("gb18030", "no-such-encoding"),
    ],
)
def test_a_wrong_declaration_is_not_believed(encoding: str, declared: str) -> None:
    page = f"<meta charset={declared}><p>{SIMPLIFIED} 镕</p>"
    assert f"{SIMPLIFIED} 镕" in all_text(load(page.encode(encoding), "/x/a.html"))


def test_a_right_declaration_is_believed() -> None:
    text = "まず設定を確認してください"
    page = f"<p>{text}</p>".encode("shift_jis")
    assert all_text(load(page, "http://h/a", "text/html; charset=Shift_JIS")) == text


def test_nul_characters_are_dropped() -> None:
    assert all_text(load(b"<p>a\0b" + b"x" * 300, "/x/a.html")).startswith("ab")


# PDF


def test_pdf_of_a_browser_has_pages_headings_and_whole_paragraphs() -> None:
    document = load_file(SAMPLES / "manual-zh.pdf", 1)
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


def test_running_heads_and_page_numbers_are_dropped() -> None:
    pages = [["年度报告", f"正文的第 {n} 部分在这里。", f"- {n} -"] for n in range(1, 5)]
    document = load(pdf_bytes(pages), "/x/a.pdf")
    assert [b.text for b in document.blocks] == [f"正文的第 {n} 部分在这里。" for n in range(1, 5)]


# DOCX


def test_docx_keeps_structure() -> None:
    document = load(docx_bytes(), "/x/a.docx")
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


# The type is told from the content


def test_content_goes_before_the_name() -> None:
    assert load(pdf_bytes([["这里有足够多的文字可以读取"]]), "/x/report.txt").kind == "pdf"
    assert load(docx_bytes(), "/x/report").kind == "docx"
    assert load(b"<!DOCTYPE html><p>text", "/x/page.txt").kind == "html"
    assert load("<html><p>文".encode("utf-16"), "/x/page.txt").kind == "html"


def test_the_header_goes_before_the_name_on_the_web() -> None:
    assert load(b"<p>text", "http://h/page.php?x=1", "text/html").kind == "html"
    assert load(b"# T", "http://h/README.md", "text/plain; charset=utf-8").kind == "md"
    assert load(b"plain", "http://h/page", "text/plain").kind == "txt"


def test_a_markdown_file_that_begins_with_html_stays_markdown() -> None:
    assert load(b"<div align=center>x</div>\n\n# T", "/x/README.md").kind == "md"


# Bad input: one clear error each


def truncated(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


BOMB = zip_bytes({"word/document.xml": bytes(30_000_000)})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("name", "data", "english", "chinese"),
    [
        ("a.txt", b"", "empty", "空文件"),
        ("a.pdf", b" \n", "empty", "空文件"),
        ("a.html", b"<html><script>x</script></html>", "no text", "没有可读取的文字"),
        ("a.pdf", pdf_bytes([["x"]], encrypted=True), "encrypted", "已加密"),
        ("a.pdf", truncated(pdf_bytes([["很多文字" * 9]])), "broken or cut off", "已损坏"),
        ("a.pdf", pdf_bytes([]), "broken or cut off", "已损坏"),
        ("a.pdf", pdf_bytes([[], ["3"]]), "scan", "扫描件"),
        ("a.pdf", b"just text", "not what its name says", "与其名称不符"),
        ("a.docx", truncated(docx_bytes()), "broken or cut off", "已损坏"),
        ("a.docx", zip_bytes({"word/document.xml": b"<w"}), "broken or cut off", "已损坏"),
        ("a.docx", BOMB, "zip bomb", "压缩炸弹"),
        ("a.docx", OLE, "password", "密码"),
        ("a.docx", b"just text", "not what its name says", "与其名称不符"),
    ],
)
def test_bad_files(name: str, data: bytes, english: str, chinese: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        load_file(path, 100)
    assert not isinstance(caught.value, UnknownType)
    assert english in caught.value.text("en")
    assert chinese in caught.value.text("zh")
    assert name in caught.value.text("en")
    assert "\n" not in caught.value.text("en")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.bin", bytes(range(256)) * 8),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100)),
        ("a.py", b"print()"),
        ("a.zip", zip_bytes({"a.txt": b"x"})),
        ("a.docx", zip_bytes({"a.txt": b"x"})),
        ("empty.py", b""),
    ],
)
def test_unknown_types(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnknownType):
        load_file(path, 100)


def test_a_file_that_is_gone_too_large_or_closed(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file"):
        load_file(tmp_path / "gone.txt", 1)
    big = tmp_path / "big.txt"
    big.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(DocumentError, match="MAX_FILE_MB"):
        load_file(big, 1)
    assert load_file(big, 2).kind == "txt"
    if os.geteuid() != 0:
        big.chmod(0)
        with pytest.raises(DocumentError, match="Permission denied"):
            load_file(big, 2)


def test_the_hash_covers_what_chunks_are_made_of() -> None:
    first = load(b"# A\n\ntext", "/x/a.md")
    assert first.content_hash == load(b"# A\n\n\ntext\n", "/x/a.md").content_hash
    for other in (b"# B\n\ntext", b"# A\n\ntext.", b"## A\n\ntext"):
        assert load(other, "/x/a.md").content_hash != first.content_hash

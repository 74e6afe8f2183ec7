"""JSON, books, mails, notebooks, reStructuredText and code become the right blocks; broken and
encrypted files of any format become one clear error."""

from __future__ import annotations

import json
from email.message import EmailMessage

import pytest

from assistant.errors import DocumentError
from ingest.load import Block
from ingest.load.source_code import LANGUAGES
from tests.loading import error_of, load, shown, texts
from tests.samples import docx_bytes, zip_bytes
from tests.samples.office import ole_bytes, pptx_bytes, xls_bytes, xlsx_bytes

# Plain text

NOVEL = """前言

第一章 出发
第一段。
第二段说到第三章的事情。

第二章：归来
第三段。
第 3 节
末段。
"""


def test_chapters_of_a_chinese_book_are_headings() -> None:
    document = load(NOVEL.encode("gb18030"), "书.txt")
    assert [(b.kind, b.level, b.text) for b in document.blocks] == [
        ("paragraph", 0, "前言"),
        ("heading", 1, "第一章 出发"),
        ("paragraph", 0, "第一段。\n第二段说到第三章的事情。"),
        ("heading", 1, "第二章：归来"),
        ("paragraph", 0, "第三段。"),
        ("heading", 2, "第 3 节"),
        ("paragraph", 0, "末段。"),
    ]


@pytest.mark.parametrize(
    "text",
    ["第一章 安装\n正文", "第一章讲了安装，第二章讲了使用。\n第三节课\n第四回合\n第五节课"],
)
def test_other_lines_are_no_chapters(text: str) -> None:
    assert [block.kind for block in load(text, "a.txt").blocks] == ["paragraph"]


# JSON


def test_json_records_that_are_alike_are_a_table() -> None:
    records = [{"id": n, "价格": 1.50, "active": True} for n in (1, 2)]
    assert shown(load(json.dumps({"items": records, "total": 2}), "a.json")) == [
        ("heading", "items"),
        ("table", "| id | 价格 | active |\n| --- | --- | --- |\n| 1 | 1.5 | true |\n"
                  "| 2 | 1.5 | true |"),
        ("list", "- total: 2"),
    ]  # fmt: skip


def test_json_records_stay_together_with_their_paths() -> None:
    records = [
        {"name": "甲", "tags": ["x", "y"], "at": {"city": "北京", "none": None}},
        {"name": "乙", "parts": [{"n": 1}, {"n": 12345678901234567890}]},
    ]
    assert shown(load(json.dumps(records), "a.json")) == [
        ("heading", "甲"),
        ("list", "- name: 甲\n- tags: x, y\n- at.city: 北京"),
        ("heading", "乙"),
        ("list", "- name: 乙\n- parts[0].n: 1\n- parts[1].n: 12345678901234567890"),
    ]


def test_json_lines_tell_which_are_bad() -> None:
    text = '{"q": "问", "a": {"b": 1}}\n\n{broken\n{"q": "答", "c": [[1], 2]}\n'
    for name in ("a.jsonl", "a.json"):
        document = load(text if name == "a.jsonl" else text.replace("{broken\n", ""), name)
        assert document.kind == "json"
        assert texts(document) == ["- q: 问\n- a.b: 1", "- q: 答\n- c[0]: 1\n- c[1]: 2"]
        assert [w.text("en").partition(" (")[0] for w in document.warnings] == (
            ["a.jsonl: line 3 is not JSON"] if name == "a.jsonl" else []
        )


def test_deep_json_is_one_clear_error() -> None:
    assert "nested too deeply" in str(error_of("[" * 100_000 + "]" * 100_000, "a.json"))
    deep = json.dumps({"a": json.loads("[" * 300 + '"内"' + "]" * 300)}, ensure_ascii=False)
    assert load(deep, "a.json").blocks[-1].text.endswith(": 内")


# Books, mails, notebooks

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/b.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>一本书</dc:title><dc:language>zh-CN</dc:language></metadata>
<manifest><item id="1" href="ch%201.xhtml" media-type="application/xhtml+xml"/>
<item id="2" href="two.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>
<spine toc="n"><itemref idref="2"/><itemref idref="1"/></spine></package>"""
CONTENTS = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel>
<text>第一章</text></navLabel><content src="two.xhtml#top"/></navPoint></navMap></ncx>"""


def epub(**more: str) -> bytes:
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/b.opf": PACKAGE,
        "OPS/toc.ncx": CONTENTS,
        "OPS/two.xhtml": "<html><body><p>先读这里</p></body></html>",
        "OPS/ch 1.xhtml": "<html><body><h1 id='x'>第二章</h1><p>再读这里</p></body></html>",
    }
    return zip_bytes({name: text.encode() for name, text in (members | more).items()})


def test_epub_chapters_come_in_reading_order_with_their_titles() -> None:
    document = load(epub(), "a.epub")
    assert (document.kind, document.title, document.language) == ("epub", "一本书", "zh-CN")
    assert document.blocks == (
        Block("第一章", "heading", 1),
        Block("先读这里"),
        Block("第二章", "heading", 1),
        Block("再读这里"),
    )


def test_epub_with_encrypted_text_says_so_and_with_encrypted_fonts_is_read() -> None:
    entry = (
        '<encryption><EncryptedData><EncryptionMethod Algorithm="{0}"/><CipherData>'
        '<CipherReference URI="OPS/two.xhtml"/></CipherData></EncryptedData></encryption>'
    )
    drm = entry.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    assert "DRM" in str(error_of(epub(**{"META-INF/encryption.xml": drm}), "a.epub"))
    fonts = entry.format("http://www.idpf.org/2008/embedding")
    assert load(epub(**{"META-INF/encryption.xml": fonts}), "a.epub").title == "一本书"


def mail(plain: str, rich: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "李雷 <li@example.org>"
    message["Date"] = "Wed, 01 May 2024 13:30:00 +0800"
    message["Subject"] = "会议纪要"
    message.set_content(plain)
    if rich:
        message.add_alternative(rich, subtype="html")
    return message


def test_mail_begins_with_who_when_and_what_about() -> None:
    message = mail("第一段\n\n第二段", "<p>第一段</p>")
    message.add_attachment(b"x", maintype="text", subtype="csv", filename="表格.csv")
    document = load(message.as_bytes(), "a.eml")
    assert (document.kind, document.title) == ("eml", "会议纪要")
    assert texts(document) == [
        "From: 李雷 <li@example.org>\nDate: 2024-05-01 13:30+08:00\nSubject: 会议纪要\n"
        "Attachments: 表格.csv",
        "第一段",
        "第二段",
    ]


def test_mail_whose_plain_text_is_a_stub_is_read_as_html() -> None:
    page = "<table><tr><td>名称</td><td>值</td></tr><tr><td>端口</td><td>8000</td></tr></table>"
    assert load(mail("see web", page).as_bytes(), "a.eml").blocks[1].kind == "table"


def test_mail_in_raw_bytes_of_an_old_program() -> None:
    raw = "From: a@b.c\nSubject: 关于安装程序的说明\n\n先安装程序，然后打开浏览器就可以提问了。\n"
    document = load(raw.encode("gb18030"), "a.eml")
    assert document.title == "关于安装程序的说明"
    assert document.blocks[-1].text == "先安装程序，然后打开浏览器就可以提问了。"


def notebook(**more: object) -> str:
    outputs = [
        {"output_type": "stream", "text": ["\x1b[31m", "red\x1b[0m\n"]},
        {"output_type": "execute_result", "data": {"image/png": "xx", "text/plain": "<Figure>"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["..."]},
        {"output_type": "stream", "text": "x" * 5000},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# 数据 分析\n", "说明"]},
        {"cell_type": "code", "source": "print(1)", "outputs": outputs},
    ]
    return json.dumps({"metadata": {"language_info": {"name": "julia"}}, "cells": cells, **more})


def test_notebook_cells_and_their_output() -> None:
    document = load(notebook(nbformat=4), "a.ipynb")
    assert (document.kind, document.title) == ("ipynb", "数据 分析")
    assert document.blocks[0] == Block("数据 分析", "heading", 1, anchor="数据-分析")
    assert texts(document)[1:-1] == [
        "说明",
        "```julia\nprint(1)\n```",
        "```\nred\n```",
        "```\n<Figure>\n```",
        "```\nValueError: bad\n```",
    ]
    assert 1500 < len(document.blocks[-1].text) < 2010
    assert load(notebook(nbformat=4), "a.json").kind == "ipynb"


# reStructuredText

RST = """
.. _start:

安装 guide
==========

Read `the site <http://x>`_ and :ref:`this page <x>`, call :func:`~os.path.join`, :pep:`8`,
``code``,
中文换行
继续 [1]_.

.. toctree::

   other

.. note:: Careful.

.. code-block:: sh
   :caption: 命令
   :emphasize-lines: 1

   make run

.. versionadded:: 3.4
   It works.

.. class:: Thread(group=None)

   A thread.

.. unheard-of:: Shown
   :option: 1

   Kept :weird:`text`.

Details
-------

1. one

   - inner

2. two

term
   meaning

.. list-table:: Sizes

   * - A
     - B
   * - 1
     - 2

.. include:: /etc/hostname

.. raw:: html
   :file: /etc/hostname

.. [1] A note.

.. image:: x.png
   :alt: 流程图

.. figure:: x.png
   :width: very

   Kept caption.

Unclosed *emphasis and |missing|
"""


def test_rst_keeps_structure_text_and_anchors(capfd: pytest.CaptureFixture[str]) -> None:
    document = load(RST, "a.rst")
    assert (document.kind, document.title) == ("rst", "安装 guide")
    assert [(b.kind, b.level, b.anchor, b.text) for b in document.blocks if b.level] == [
        ("heading", 1, "guide", "安装 guide"),
        ("heading", 2, "details", "Details"),
    ]
    assert [text for kind, text in shown(document) if kind != "heading"] == [
        "Read the site and this page, call `join`, PEP 8, `code`,中文换行继续 [1].",
        "Note: Careful.",
        "命令",
        "```sh\nmake run\n```",
        "New in version 3.4: It works.",
        "Thread(group=None)",
        "A thread.",
        "Shown",
        "Kept `text`.",
        "1. one\n  - inner\n2. two",
        "term: meaning",
        "Sizes",
        "| A | B |\n| --- | --- |\n| 1 | 2 |",
        "[1] A note.",
        "流程图",
        "```rst\n.. figure:: x.png\n   :width: very\n\n   Kept caption.\n```",
        "Unclosed *emphasis and |missing|",
    ]
    assert capfd.readouterr() == ("", "")


def test_rst_headings_without_latin_letters_have_the_anchors_of_sphinx() -> None:
    document = load("安装\n====\n\n一\n\n使用\n----\n\n二\n", "a.rst")
    assert [b.anchor for b in document.blocks if b.level] == ["id1", "id2"]


# Code

PYTHON = '''"""What it is for."""

import os

# A constant.
X = 1


# Adds.
@cache
def add(a, b):
    return a + b


class Shape:
    """A shape."""

    sides = 4

    def area(self):
        def inner():
            pass
        return 1

    class Part:
        x = 1


X = 2
'''


def test_python_is_cut_at_functions_and_methods() -> None:
    document = load(PYTHON, "shape.py")
    assert (document.kind, document.title) == ("code", "shape.py")
    assert [(b.level, b.text) for b in document.blocks if b.level] == [
        (1, "add"),
        (1, "Shape"),
        (2, "Shape.area"),
        (2, "Shape.Part"),
    ]
    assert texts(document)[:4] == [
        "What it is for.",
        "```python\nimport os\n\n# A constant.\nX = 1\n```",
        "add",
        "```python\n# Adds.\n@cache\ndef add(a, b):\n    return a + b\n```",
    ]
    assert texts(document)[-1] == "```python\nX = 2\n```"
    code = "".join(text.removeprefix("```python") for text in texts(document))
    for line in PYTHON.splitlines()[1:]:
        assert line in code


def test_python_that_does_not_parse_is_kept() -> None:
    assert texts(load("def broken(:\n    pass\n", "a.py")) == [
        "```python\ndef broken(:\n    pass\n```"
    ]


FILLER = "\n".join("//" for _ in range(12))


@pytest.mark.parametrize(
    ("name", "code", "headings"),
    [
        ("a.java", "@A\npublic class Shape<T> {\n  int x = f(1);\n  /** Doc */\n  @Override\n"
                   "  public double area(int a) {\n    if (a) {\n    }\n    return f(a);\n  }\n}",
         ["Shape", "Shape.area"]),
        ("a.ts", "export default class App {\n  async load(x: X) {\n    const y = () => 1;\n"
                 "  }\n}\nexport const add = (a) => a;\nfunction run() {\n  function in() {}\n}",
         ["App", "App.load", "add", "run"]),
        ("a.go", "type Server struct {\n\tA int\n}\nfunc (s *Server) Run() error {\n\treturn 1\n}",
         ["Server", "Run"]),
        ("a.rs", "impl fmt::Display for Point {\n    fn fmt(&self) {\n    }\n}\npub fn run() {}",
         ["Point", "Point.fmt", "run"]),
        ("a.c", "static int add(int a);\nint main(int argc,\n     char **argv)\n{\n  run(1);\n}",
         ["main"]),
        ("a.rb", "module M\n  class Foo\n    def ok?\n    end\n  end\nend",
         ["M", "M.Foo", "M.Foo.ok?"]),
        ("a.sh", "set -e\nhello() {\n  echo\n}\nfunction bye {\n  echo\n}", ["hello", "bye"]),
        ("a.sql", "CREATE TABLE IF NOT EXISTS users (\n id int\n);\nselect 1;", ["users"]),
        ("a.toml", "a = 1\n[tool.x]\nb = 1\n[[y]]", ["tool.x", "y"]),
        ("a.yaml", "version: 1\nservices:\n  web:\n    image: x", ["services"]),
        ("Makefile", "all: a b\n\tmake\nX := 1", ["all"]),
    ],
)  # fmt: skip
def test_other_languages_are_cut_at_their_definitions(
    name: str, code: str, headings: list[str]
) -> None:
    document = load(f"{FILLER}\n{code}\n", name)
    assert document.kind == "code"
    assert [b.text for b in document.blocks if b.level] == headings
    kept = "\n".join(b.text for b in document.blocks if b.kind == "code")
    for line in code.expandtabs(4).splitlines():
        assert line in kept


def test_lines_of_a_program_do_not_hold_up_the_reader() -> None:
    lines = ["a " * 190, "*" * 390, "a<" * 190, "x" * 300_000, *["y"] * 20]
    for suffix in sorted(set(LANGUAGES)):
        assert load("\n".join(lines), f"a{suffix}").kind == "code"


# Broken files: one clear error each

WHOLE = {
    "a.docx": docx_bytes,
    "a.pptx": pptx_bytes,
    "a.xlsx": xlsx_bytes,
    "a.xls": xls_bytes,
    "a.epub": epub,
}


@pytest.mark.parametrize("name", WHOLE)
def test_broken_packages(name: str) -> None:
    data = WHOLE[name]()
    cut = error_of(data[: len(data) // 2], name)
    assert "broken or cut off" in cut.text("en")
    assert "已损坏" in cut.text("zh")
    # A few bytes changed here and there: read all the same, or one clear error.
    for place in range(40, len(data), len(data) // 25):
        spoilt = bytearray(data)
        spoilt[place : place + 8] = b"\xff\x00<w:p>&#"
        try:
            assert load(bytes(spoilt), name).blocks
        except DocumentError as error:
            assert name in error.text("zh")


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("a.docx", "word/document.xml"),
        ("a.pptx", "ppt/presentation.xml"),
        ("a.xlsx", "xl/workbook.xml"),
        ("a.epub", "META-INF/container.xml"),
    ],
)
def test_bombs_and_empty_shells(name: str, member: str) -> None:
    assert "zip bomb" in str(error_of(zip_bytes({member: bytes(30_000_000)}), name))
    assert "broken or cut off" in str(error_of(zip_bytes({member: b"<a/>"}), name))


@pytest.mark.parametrize(
    ("name", "stream", "english"),
    [
        ("a.doc", "WordDocument", "save it as .docx"),
        ("a.ppt", "PowerPoint Document", "save it as .docx"),
        ("a.xlsx", "EncryptedPackage", "password"),
        ("a.xls", "Workbook", "broken or cut off"),
    ],
)
def test_old_and_encrypted_office_files(name: str, stream: str, english: str) -> None:
    assert english in str(error_of(ole_bytes(stream, b"\1" * 900), name))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.json", "{'a': 1}"), ("a.jsonl", "no\nno"), ("a.ipynb", '{"cells": 3}'), ("a.ipynb", "[]")],
)
def test_text_that_is_not_what_its_name_says(name: str, data: str) -> None:
    assert "not" in str(error_of(data, name))

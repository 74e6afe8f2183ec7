"""Pages of every tool keep their content with its structure, and nothing of what is around it."""

from __future__ import annotations

import time

import pytest

from assistant.errors import DocumentError
from ingest.load import Block, Document, RawDocument, load_file, load_raw
from ingest.load.html import html_blocks
from tests.samples import SAMPLES


def load(page: str) -> Document:
    return load_raw(RawDocument("/x/a.html", page.encode()))


def texts(page: str, kind: str = "") -> list[str]:
    return [block.text for block in load(page).blocks if kind in ("", block.kind)]


def headings(document: Document) -> list[tuple[int, str, str | None]]:
    return [(b.level, b.text, b.anchor) for b in document.blocks if b.kind == "heading"]


def test_a_page_is_its_content_and_nothing_else() -> None:
    document = load_file(SAMPLES / "page.html", 1)
    assert (document.kind, document.title) == ("html", "threading — 并行")
    assert document.language == "zh"
    assert headings(document) == [
        (1, "threading — 并行", "threading"),
        (2, "Own id", "own"),
        (2, "Inside", "inside"),
        (3, "Parent", "parent"),
        (2, "No anchor of its own", "later"),
    ]
    text = "\n".join(block.text for block in document.blocks)
    for gone in ("脚本", "color", "页眉", "导航", "侧栏", "隐藏", "注释", "页脚", "¶"):
        assert gone not in text
    paragraphs = [block.text for block in document.blocks if block.kind == "paragraph"]
    assert paragraphs[0] == "这一模块在底层之上构建。 See Thread for details.\nNext line."
    assert [b.text for b in document.blocks if b.kind == "code"] == [
        "```python\ndef f():\n    return  1\n```"
    ]
    assert "表格一" in paragraphs
    assert [b.text for b in document.blocks if b.kind == "table"] == [
        "| 名称 | 值 \\| 说明 |\n| --- | --- |\n| 超时 | 10 秒 |\n| 合并 |  |"
    ]
    assert [b.text for b in document.blocks if b.kind == "list"] == [
        "1. 第一项\n  - 子项\n2. 第二项"
    ]
    assert "一张流程图" in paragraphs


# Headings and anchors


@pytest.mark.parametrize(
    "heading",
    [
        "<h2 id=x>H</h2>",
        "<h2><a name=x></a>H</h2>",
        "<h2><span id=.E4></span><span class=mw-headline id=x>H</span></h2>",
        "<section id=x><h2>H</h2><p>b</p></section>",
        "<div class=section id=x><span id=alias></span><h2>H</h2></div>",
        "<a name=x></a><h2>H</h2>",
        "<p><a id=x></a></p><h2>H</h2>",
        "<div><h2>H</h2><a id=user-content-x class=anchor href=#x></a></div>",
        "<h2><a id=user-content-x class=anchor href=#x></a>H</h2>",
        "<div role=heading aria-level=2 id=x>H</div>",
    ],
)
def test_anchors_of_headings(heading: str) -> None:
    document = load(f"<div id=other><p>before</p>{heading}<p>text</p></div>")
    assert headings(document) == [(2, "H", "x")]


def test_an_anchor_that_text_follows_belongs_to_the_text() -> None:
    document = load("<p><a name=x></a>text</p><h2>H</h2><p>b</p>")
    assert headings(document) == [(2, "H", None)]


REFERENCE = """
<h2 id=usage>Usage</h2><p>Intro.</p>
<dl class="py function"><dt class="sig sig-object py" id="json.dumps">
<span class="sig-prename descclassname">json.</span><span class="sig-name descname">dumps</span>
<span class="sig-paren">(</span><em class=sig-param>obj</em>, <em>*</em><span class="sig-paren">)
</span><a class=headerlink href="#json.dumps">¶</a></dt><dd><p>Serialize.</p>
<dl class="field-list"><dt>Parameters</dt><dd><p>obj – any</p></dd></dl></dd></dl>
<dl class="py class"><dt class="sig" id="json.E"><em class=property>class </em>
<span class=sig-prename>json.</span><span class=sig-name>E</span><span class=sig-paren>(</span>x)
</dt><dt class="sig">second form</dt>
<dd><p>A class.</p><dl class="py method"><dt class=sig id="json.E.run">
<span class=sig-name>run</span>
<span class=sig-paren>(</span>)</dt><dd><p>Runs.</p></dd></dl><p>Still the class.</p></dd></dl>
<p>Usage again.</p><h3 id=deep>Deep</h3><p>d</p>
<dl class=glossary><dt id=term-a>a word</dt><dd>Meaning.</dd></dl><h3>Next</h3><p>n</p>
"""


def test_the_entries_of_a_reference_are_headings_and_end_with_their_list() -> None:
    rows = [(b.kind, b.level, b.anchor, b.text) for b in load(REFERENCE).blocks]
    assert rows == [
        ("heading", 2, "usage", "Usage"),
        ("paragraph", 0, None, "Intro."),
        ("heading", 3, "json.dumps", "json.dumps()"),
        ("paragraph", 0, None, "json.dumps (obj, *)"),
        ("paragraph", 0, None, "Serialize."),
        ("list", 0, None, "- Parameters: obj – any"),
        ("heading", 3, "json.E", "class json.E"),
        ("paragraph", 0, None, "class json.E(x)"),
        ("paragraph", 0, None, "second form"),
        ("paragraph", 0, None, "A class."),
        ("heading", 4, "json.E.run", "run()"),
        ("paragraph", 0, None, "run ()"),
        ("paragraph", 0, None, "Runs."),
        ("heading", 3, None, ""),
        ("paragraph", 0, None, "Still the class."),
        ("heading", 2, None, ""),
        ("paragraph", 0, None, "Usage again."),
        ("heading", 3, "deep", "Deep"),
        ("paragraph", 0, None, "d"),
        ("heading", 4, "term-a", "a word"),
        ("paragraph", 0, None, "Meaning."),
        ("heading", 3, None, "Next"),
        ("paragraph", 0, None, "n"),
    ]


def test_definitions_without_anchors_and_footnotes_are_no_headings() -> None:
    page = (
        "<dl><dt>Term:</dt><dd>Meaning.</dd><dd>Another.</dd><dt>Code</dt><dd><pre>x</pre></dd></dl>"
        "<dl class=footnote><dt class=label id=f1>1</dt><dd>A note.</dd></dl>"
        "<aside class=footnote id=f2><span class=label>[2]</span><p>New style.</p></aside>"
    )
    assert texts(f"<main>{page}</main>") == [
        "- Term: Meaning.\n  Another.\n- Code",
        "```\nx\n```",
        "- 1: A note.",
        "[2] New style.",
    ]


# Code, tables, lists, formulas


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("<pre><code class='language-sh'>{}</code></pre>", "sh"),
        ("<div class='highlight-python3 notranslate'><div><pre>{}</pre></div></div>", "python3"),
        ("<div class='highlight-default'><div><pre>{}</pre></div></div>", ""),
        ("<div class='highlight highlight-source-c++'><pre>{}</pre></div>", "c++"),
        ("<pre class='brush: java; gutter: false'>{}</pre>", "java"),
        ("<div class=sourceCode><pre class='sourceCode python'>{}</pre></div>", "python"),
        ("<figure class='highlight ruby'><table><tr><td class=gutter><pre>1\n2</pre></td><td class="
         "code><pre>{}</pre></td></tr></table></figure>", "ruby"),
        ("<div class=language-js><button>Copy</button><span class=lang>js</span><pre class=shiki>"
         "<code>{}</code></pre><div class=line-numbers-wrapper>1<br>2</div></div>", "js"),
        ("<div class=highlight><table class=lntable><tr><td><pre><code><span class=lnt>1\n</span>"
         "</code></pre></td><td><pre><code data-lang=go>{}</code></pre></td></tr></table></div>",
         "go"),
    ],
)  # fmt: skip
def test_code_has_its_language_and_no_line_numbers(code: str, language: str) -> None:
    page = f"<main>{code.format('a = 1' + chr(10) + '  b')}</main>"
    assert [t for t in texts(page) if t != "js"] == [f"```{language}\na = 1\n  b\n```"]


def test_code_with_fences_and_every_kind_of_line_break() -> None:
    page = "<pre><code class='language-sh'>a<br>```\nb</code></pre>"
    assert texts(page) == ["````sh\na\n```\nb\n````"]
    assert texts("<pre><div>a</div><div>b</div>c</pre>") == ["```\na\nb\nc\n```"]
    fragment = "<div class=line><span class=lineno>1</span>a</div><div class=line>  b</div>"
    assert texts(f"<div class=fragment>{fragment}</div>") == ["```\na\n  b\n```"]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("<tr><th>k<th>v<tr><td rowspan=2>a<td>1<tr><td>2", ["k | v", "a | 1", "a | 2"]),
        ("<tr><th>k<th>v<tr><td colspan=2>all<tr><td>a<td>1", ["k | v", "all | ", "a | 1"]),
        (
            "<thead><tr><th rowspan=2>k<th colspan=2>size<tr><th>min<th>max</thead>"
            "<tr><td>a<td>1<td>2",
            ["k | size min | size max", "a | 1 | 2"],
        ),
        ("<tr><td>a<td>1|2<tr><td><p>b</p><p>c</p><td>", ["a | 1\\|2", "b c | "]),
        ("<tr><th>k<th>v<tr><td>a<td><table><tr><td>x<td>y</table>", ["k | v", "a | x y"]),
        ("<tr><th>k<th>v<tr><td>a<td><pre>one line</pre>", ["k | v", "a | one line"]),
    ],
)
def test_tables(table: str, rows: list[str]) -> None:
    lines = load(f"<table>{table}</table>").blocks[0].text.splitlines()
    assert [line[2:-2] for line in [lines[0], *lines[2:]]] == rows


def test_tables_for_layout_are_read_as_text() -> None:
    page = "<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td></tr></table>"
    assert load(page).blocks == (Block("| a | b |\n| --- | --- |", "table"),)
    assert texts("<table><tr><td><pre>a\nb</pre></td><td>c</td></tr></table>")[1] == "c"
    note = "<div class=note><table><tr><td rowspan=2><img alt='[Note]'></td><th>Note</th></tr><tr>"
    assert texts(f"{note}<td><p>Mind the gap.</p></td></tr></table></div>") == [
        "Note",
        "Mind the gap.",
    ]


def test_a_table_of_spans_stays_small() -> None:
    row = "<tr>" + "<td rowspan=65534 colspan=1000>x" * 50
    began = time.process_time()
    block = load(f"<table>{row * 300}</table>").blocks[0]
    assert max(line.count("|") for line in block.text.splitlines()) <= 101
    assert time.process_time() - began < 5


def test_lists_pictures_and_marks() -> None:
    page = (
        "<ul><li><input type=checkbox checked>done<li><p>two</p><p>lines</p><ol><li>x</ol></ul>"
        "<p>A<sup>2</sup> 10<sup>-3</sup> word<sup><a href=#f>1</a></sup> 1<sup>st</sup></p>"
        "<p><img alt='A flow'><img alt=_images/a.png><img><ruby>漢<rt>kan</rt></ruby></p>"
    )
    assert texts(page) == [
        "- [x] done\n- two\n  lines\n  1. x",
        "A^2 10^-3 word[1] 1st",
        "A flow 漢",
    ]


def test_formulas_are_tex() -> None:
    page = (
        "<p>So <span class=katex><span class=katex-mathml><math><semantics><mi>x</mi><annotation "
        "encoding='application/x-tex'>x^2</annotation></semantics></math></span><span class="
        "katex-html aria-hidden=true>x2</span></span> is.</p>"
        "<p><span class=mwe-math-element><span style='display: none;'>"
        "<math alttext='{\\displaystyle E=mc^2}'><mi>E</mi></math></span>"
        "<img aria-hidden=true alt='{E=mc^2}'></span></p>"
        "<script type='math/tex; mode=display'>a\n+b</script><p><math><mi>y</mi></math></p>"
        "<p><img class=math alt='\\pi'></p>"
    )
    assert texts(page) == ["So $x^2$ is.", "$E=mc^2$", "$$a +b$$", "y", "$\\pi$"]


# What a page says of itself


@pytest.mark.parametrize(
    ("page", "language"),
    [
        ("<html lang=zh-CN><p>x", "zh-CN"),
        ("<html xml:lang='en'><p>x", "en"),
        ("<meta http-equiv=Content-Language content='de, en'><p>x", "de"),
        ("<meta property=og:locale content=pt_BR><p>x", "pt-BR"),
        ("<html lang='no language'><p>x", ""),
        ("<p>x", ""),
    ],
)
def test_language(page: str, language: str) -> None:
    assert load(page).language == language


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>T – Site</title><h1>T</h1>", "T"),
        ("<title>Other</title><h1>T</h1>", "Other"),
        ("<meta property=og:title content='Open'><p>x", "Open"),
        ("<p>x<h1>T</h1>", "T"),
        ("<p>x", "a"),
    ],
)
def test_title(page: str, title: str) -> None:
    assert load(page).title == title


# Broken pages


@pytest.mark.parametrize(
    "page",
    [
        "<div id=root></div><script src=app.js></script>",
        "<noscript>You need to enable JavaScript to run this app.</noscript><script>x</script>",
        "<div id=app>Loading…</div><script src=app.js></script>",
        "<div id=app>正在加载，请稍候</div><script src=app.js></script>",
    ],
)
def test_a_page_that_only_a_script_fills_says_so(page: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(f"<html><title>App</title><body>{page}</body></html>")
    assert "JavaScript" in caught.value.text("en")
    assert "脚本" in caught.value.text("zh")


def test_a_short_page_with_a_script_is_a_page() -> None:
    assert texts("<p>Hello.</p><script>x</script><noscript>Enable JavaScript</noscript>") == [
        "Hello."
    ]


@pytest.mark.parametrize("tag", ["div", "ul><li", "table><tr><td", "span", "h2", "dl><dt><dd", "b"])
def test_deep_nesting_is_no_trouble(tag: str) -> None:
    page = "<body><p>start</p>" + f"<{tag}>" * 3000 + "deep"
    assert "start" in "\n".join(texts(page))


@pytest.mark.parametrize(
    "page",
    [
        "<p>text</b></i></div></p>",
        "<table><p>text",
        "</body></html><p>text",
        "<p <p>text",
        "<li>text<li>",
        "<dd>text",
        "<dt>text",
        "<!-- unclosed <p>no</p> --> text",
        "<?xml version='1.0' encoding='gb2312'?><html xmlns='http://www.w3.org/1999/xhtml'>"
        "<body><a id='x'/><p>text</p></body></html>",
        "<![CDATA[x]]><p>text",
    ],
)
def test_broken_markup_keeps_its_text(page: str) -> None:
    assert "text" in " ".join(texts(page)).replace("- ", "")


def test_markup_that_the_parser_gives_up_on_is_read_as_text() -> None:
    # An unclosed comment is all that lxml finds here.
    assert "words" in " ".join(texts("<!-- <p>some words</p>"))


def test_fragments() -> None:
    assert html_blocks("<p>a</p><h2 id=x>b</h2>") == [
        Block("a"),
        Block("b", "heading", 2, None, "x"),
    ]
    assert html_blocks("") == []
    assert html_blocks("<!-- x -->") == []


def test_nesting_beyond_the_parser_is_read_flat() -> None:
    deep = "<h2 id=a>Part</h2><div><p>" * 3000 + "the <b>deep</b> text<![CDAT2A[x]]><p>the end"
    document = load_raw(RawDocument("/x/a.html", f"<body>{deep}".encode()))
    kinds = {(block.kind, block.text, block.anchor) for block in document.blocks}
    assert ("heading", "Part", "a") in kinds
    assert document.blocks[-1].text == "the end"
    assert "the deep text" in document.blocks[-2].text

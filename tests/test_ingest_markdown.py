"""Markdown of every dialect keeps its structure and loses its marks."""

from __future__ import annotations

import pytest

from ingest.load import Block, Document, RawDocument, load_file, load_raw
from tests.samples import SAMPLES


def load(text: str, name: str = "/x/a.md") -> Document:
    return load_raw(RawDocument(name, text.encode()))


def texts(text: str) -> list[str]:
    return [block.text for block in load(text).blocks]


def of_kind(document: Document, kind: str) -> list[str]:
    return [block.text for block in document.blocks if block.kind == kind]


def headings(document: Document) -> list[tuple[int, str, str | None]]:
    return [(b.level, b.text, b.anchor) for b in document.blocks if b.kind == "heading"]


def test_a_guide_keeps_its_structure() -> None:
    document = load_file(SAMPLES / "guide.md", 1)
    assert (document.kind, document.title, document.language) == ("md", "知识库指南", "zh-CN")
    assert document.size == (SAMPLES / "guide.md").stat().st_size
    assert headings(document) == [
        (1, "安装", "安装"),
        (2, "Using it", "usage"),
        (2, "C++ & Rust", "c--rust"),
        (2, "C++ & Rust", "c--rust-1"),
        (2, "Setext heading", "setext-heading"),
        (3, "HTML part", "html-part"),
    ]
    assert of_kind(document, "code") == ['```python\n# not a heading\nanswer = ask("...")\n```']
    assert of_kind(document, "table")[0].endswith("| PORT | 端口 |")
    assert of_kind(document, "list")[0] == "- 第一步：下载\n  - 校验文件\n- 第二步：启动"
    paragraphs = of_kind(document, "paragraph")
    assert paragraphs[:2] == [
        "先安装 Python 3.11，再运行 `make run`。",
        "Ask a question. The answer cites its sources.",
    ]
    assert paragraphs[-2:] == ["架构图", "Inside HTML"]
    assert "不应出现" not in "".join(block.text for block in document.blocks)


def test_without_front_matter_it_is_called_by_its_first_heading() -> None:
    assert load("intro\n\n# Title\n\ntext").title == "Title"
    assert load("no heading", "/x/notes.md").title == "notes"


@pytest.mark.parametrize(
    ("front", "title", "language"),
    [
        ('---\ntitle: "A \\"B\\"" # why\nlang: zh_CN\n---', 'A "B"', "zh-CN"),
        ("---\ntitle: 'It''s'\nlocale: en\n---", "It's", "en"),
        ("---\ntitle: 指南: 安装\nlanguage: not a language\n---", "指南: 安装", ""),
        ('+++\ntitle = "TOML"\nlanguage = "de"\n+++', "TOML", "de"),
        ("+++\nnot toml\n+++", "a", ""),
    ],
)
def test_front_matter(front: str, title: str, language: str) -> None:
    document = load(f"{front}\n\ntext")
    assert (document.title, document.language) == (title, language)
    assert [block.text for block in document.blocks] == ["text"]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (":::note[Heads *up*]\nText.\n:::", ["Note: Heads up", "Text."]),  # Docusaurus
        ("::: tip 提示\nText.\n:::", ["Tip: 提示", "Text."]),  # VitePress
        (":::\n::: details\nText.\n:::", ["Details:", "Text."]),
        ('!!! warning "Danger"\n    Text.\n\nMore.', ["Warning: Danger", "Text.", "More."]),
        ("??? note\n    Text.\n\n    Two.", ["Note:", "Text.", "Two."]),  # MkDocs
        ('=== "Linux"\n    apt', ["Linux", "apt"]),
        ("> [!NOTE]\n> Text.", ["> Note:\n> Text."]),  # GitHub
        ("> [!tip]+ Title\n> Text.", ["> Tip: Title\n> Text."]),  # Obsidian
    ],
)
def test_boxes_are_said_in_words(box: str, expected: list[str]) -> None:
    assert texts(box) == expected


def test_code_inside_boxes_and_boxes_inside_code() -> None:
    box = '!!! note\n    ```python title="a.py"\n    if x:\n        y\n    ```\n'
    assert texts(box) == ["Note:", "a.py", "```python\nif x:\n    y\n```"]
    assert texts("```\n!!! note\n:::tip\n[^1]: x\nimport a from 'b'\n```") == [
        "```\n!!! note\n:::tip\n[^1]: x\nimport a from 'b'\n```"
    ]


@pytest.mark.parametrize(
    ("info", "language", "title"),
    [
        ("js {1,3}", "js", None),
        ("{.python .numberLines}", "python", None),
        ('ts title="src/a.ts"', "ts", "src/a.ts"),
        ("js [app.js]", "js", "app.js"),
        ("", "", None),
    ],
)
def test_what_stands_beside_a_fence(info: str, language: str, title: str | None) -> None:
    expected = ([title] if title else []) + [f"```{language}\nx\n```"]
    assert texts(f"```{info}\nx\n```") == expected


def test_mdx_keeps_its_text() -> None:
    page = (
        "import Tabs from '@theme/Tabs';\nimport './a.css'\n\nexport const x = {\n  a: 1,\n};\n\n"
        "# Title {/* why */}\n\n<Tabs>\n<TabItem value='a'>\n\nInside.\n\n</TabItem>\n</Tabs>\n"
    )
    assert texts(page) == ["Title", "Inside."]


def test_links_of_all_kinds_are_reduced_to_their_text() -> None:
    page = (
        "[[Page]] [[Page|shown]] [[Page#Part]] ![[image.png]] `[[ -f x ]]` [ref] [text][ref]\n\n"
        "- [[Page|shown]] `[[ -f x ]]` [ref] [text][ref] [other] [x](y) ![alt](z)\n"
        "- [x] done <b>bold</b><br>next `<b>` <img src=a alt='pic'>\n\n[ref]: http://h\n"
    )
    assert texts(page) == [
        "Page shown Page › Part image.png `[[ -f x ]]` ref text",
        "- shown `[[ -f x ]]` ref text [other] x alt\n- [x] done bold next `<b>` pic",
    ]


def test_footnotes_are_kept() -> None:
    page = "Text[^1] and[^two].\n\n[^1]: One\n[^two]: Two words\n    go on.\n\n    More.\n\nEnd."
    assert texts(page) == [
        "Text[^1] and[^two].",
        "[^1] One",
        "[^two] Two words go on.",
        "More.",
        "End.",
    ]


@pytest.mark.parametrize(
    ("tool", "anchors"),
    [
        ("", ["中文-标题", "中文-标题-1", "21-whats-new_x"]),
        ("!!! note\n    x\n", ["_1", "_2", "21-whats-new_x"]),
        ("::: tip\nx\n:::\n", ["中文-标题", "中文-标题-1", "_2-1-what-s-new-x"]),
    ],
)
def test_anchors_are_those_of_the_tool_whose_syntax_is_used(tool: str, anchors: list[str]) -> None:
    page = f"{tool}\n## 中文 标题！\n\n## 中文 标题！\n\n## 2.1 What's new_x?\n"
    assert [anchor for _, _, anchor in headings(load(page))] == anchors


def test_headings_in_html_have_anchors_too() -> None:
    page = "<h1 align=center>The Title</h1>\n\n## The Title\n\n### Own {#own}\n"
    assert headings(load(page)) == [
        (1, "The Title", "the-title"),
        (2, "The Title", "the-title-1"),
        (3, "Own", "own"),
    ]


def test_tables_without_outer_bars() -> None:
    assert load("a | b\n--- | ---\n[x](y) | 2\n").blocks == (
        Block("a | b\n--- | ---\nx | 2", "table"),
    )

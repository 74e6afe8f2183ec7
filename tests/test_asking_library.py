"""What is said about the library: readable with any number of documents, whatever their titles."""

from __future__ import annotations

import time

import pytest

from assistant.asking import library_answer
from assistant.asking.overview import LONGEST, SHOWN, plain
from assistant.knowledge.records import Hit, Source
from assistant.ui.markdown import safe_markdown


def source(
    number: int, title: str = "", uri: str = "", kind: str = "md", chunks: int = 2
) -> Source:
    title = title or f"Document {number:04}"
    uri = uri or f"/files/{number}/{number:04}.{kind}"
    return Source(number, "default", uri, title, kind, chunks, 100, "hash", 0.0, 0.0)


@pytest.mark.parametrize(("language", "said"), [("zh", "知识库还是空的"), ("en", "still empty")])
def test_an_empty_library(language: str, said: str) -> None:
    assert said in library_answer([], language)
    assert said in library_answer([], language, "报销")


def test_one_document() -> None:
    told = library_answer([source(3, "用户手册", kind="pdf", chunks=12)], "zh")
    assert told.startswith("知识库中共有 **1** 篇文档（12 个段落）。")
    assert "**PDF 文件**（1）" in told
    assert "- [用户手册](/source/3)" in told
    assert "**1** document (" in library_answer([source(3)], "en")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("count", [30, 3000])
def test_many_documents(language: str, count: int) -> None:
    sources = [source(n, kind="pdf" if n % 3 else "docx") for n in range(count - 5)]
    sources += [source(9000 + n, uri=f"https://docs.example.com/{n}") for n in range(5)]
    start = time.process_time()
    told = library_answer(sources, language)
    assert time.process_time() - start < 0.1
    assert told.count("](/source/") == SHOWN
    assert f"**{count:,}**" in told
    assert told.count("docs.example.com") == 1
    assert told.count("/source/900") == 5  # a small group is not crowded out
    assert len(told.splitlines()) < 60
    hidden = {"zh": "另外", "en": "more"}[language]
    assert (hidden in told) == (count > SHOWN)
    page = {"zh": "“知识库”页面", "en": "Knowledge page"}[language]
    assert (page in told) == (count > SHOWN)


def test_more_sites_than_are_shown_are_counted() -> None:
    sources = [source(n, uri=f"https://site{n}.example/a") for n in range(40)]
    assert "32 more in 32 other groups." in library_answer(sources, "en")


def test_equal_titles_are_told_apart() -> None:
    sources = [source(1, "Index", "/a/one/index.md"), source(2, "Index", "/a/two/index.md")]
    told = library_answer(sources, "en")
    assert "[Index](/source/1) · one/index.md" in told
    assert "[Index](/source/2) · two/index.md" in told


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/p.png)",
        "a\n\n# Heading\n- item",
        "[1] cite me 【2】",
        "`code` ```js\nx\n```",
        "](/source/99) [x",
        "https://evil.example and www.evil.example",
        "| a | b |\n|---|---|",
        "[a]: https://evil.example",
        "me@evil.example",
        "\u202egnp.exe \ue000mark\ue001",
    ],
)
def test_a_title_stays_text(title: str) -> None:
    from markdown_it import MarkdownIt

    told = safe_markdown(library_answer([source(7, title)], "en"))
    tokens = MarkdownIt("commonmark", {"html": True}).parse(told)
    inline = [child for token in tokens for child in token.children or ()]
    links = [child.attrs["href"] for child in inline if child.type == "link_open"]
    assert links == ["/source/7"]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {
        "html_block",
        "html_inline",
        "image",
        "fence",
        "code_inline",
        "heading_open",
    }
    assert "\ue000" not in told
    assert "\u202e" not in told
    assert "https://e" not in told


def test_a_very_long_title_is_cut() -> None:
    assert len(plain("长" * 5000)) == LONGEST
    assert len(library_answer([source(1, "x" * 9000)], "en")) < 400


def test_documents_about_a_topic() -> None:
    sources = [source(1, "报销制度"), source(2, "请假制度"), source(3, "财务手册")]
    hit = Hit("c", "报销须在月底前提交。", 0.9, sources[2], 4, ("第二章", "费用报销"))
    told = library_answer(sources, "zh", "报销", [hit])
    assert "[报销制度](/source/1)" in told
    assert "[财务手册](/source/3#chunk-4) · 第二章 &gt; 费用报销" in told
    assert "请假制度" not in told
    assert "没有找到" in library_answer(sources, "zh", "火星")
    assert "No document" in library_answer(sources, "en", "*Mars*")

"""The splitter: whole sections and blocks where they fit, sentences where they don't."""

from __future__ import annotations

import functools
from itertools import pairwise

import pytest

from assistant.knowledge.records import NewChunk
from ingest.load import Block, Document
from ingest.split import Splitter, sentences


def count(text: str) -> int:
    """A token for each Chinese character and each other word."""
    wide = sum(1 for char in text if char >= "\u2e80")
    return wide + len("".join(" " if char >= "\u2e80" else char for char in text).split())


def split(
    *blocks: Block, size: int = 40, overlap: int = 0, title: str = "Doc", count_tokens=count
) -> list[NewChunk]:
    return Splitter(count_tokens, size, overlap).split(Document(title, "md", blocks))


def heading(text: str, level: int = 1, **place: object) -> Block:
    return Block(text, "heading", level, **place)  # type: ignore[arg-type]


def words(number: int, name: str = "w") -> str:
    return " ".join(f"{name}{n}" for n in range(number))


def sentence(number: int, name: str = "s") -> str:
    return words(number - 1, name) + f" {name}end."


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("先安装。再运行！好吗？好；", ["先安装。", "再运行！", "好吗？", "好；"]),
        ("他说：“走吧。”然后走了……再见", ["他说：“走吧。”", "然后走了……", "再见"]),
        ("One. Two! Three? v3.11 is out", ["One. ", "Two! ", "Three? ", "v3.11 is out"]),
        ('He said "go." Then left.', ['He said "go." ', "Then left."]),
        ("line one\nline two", ["line one\n", "line two"]),
        ("  ", ["  "]),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts
    assert "".join(sentences(text)) == text


def test_a_section_with_its_small_subsections_is_one_chunk() -> None:
    chunks = split(
        heading("Setup", anchor="setup"),
        Block("Install it."),
        heading("Linux", 2, anchor="linux"),
        Block("Use make."),
        heading("macOS", 2, anchor="macos"),
        Block("Use make too."),
    )
    text = "Install it.\n\n## Linux\n\nUse make.\n\n## macOS\n\nUse make too."
    assert chunks == [NewChunk(text, ("Doc", "Setup"), None, "setup")]


def test_headings_start_new_chunks_where_the_whole_does_not_fit() -> None:
    chunks = split(
        heading("Setup", anchor="setup"),
        Block(words(20, "a")),
        heading("Linux", 2, anchor="linux"),
        Block(words(20, "b")),
        heading("macOS", 2),
        Block(words(20, "c")),
    )
    assert [(c.heading_path, c.anchor, c.text[:2]) for c in chunks] == [
        (("Doc", "Setup"), "setup", "a0"),
        (("Doc", "Setup", "Linux"), "linux", "b0"),
        # A heading without an anchor is reached by the nearest one above it.
        (("Doc", "Setup", "macOS"), "setup", "c0"),
    ]


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Guide", ("Guide",)),  # not said twice
        ("Guide - My Site", ("Guide",)),
        ("manual", ("manual", "Guide")),
    ],
)
def test_the_title_stands_first_unless_the_first_heading_repeats_it(
    title: str, path: tuple[str, ...]
) -> None:
    assert split(heading("Guide"), Block("text"), title=title)[0].heading_path == path


def test_headings_without_text_are_not_lost() -> None:
    chunks = split(heading("A"), heading("B", 2), heading("C", 2), Block(words(36)))
    assert [(c.heading_path, c.text.split()[0]) for c in chunks] == [
        (("Doc", "A"), "B"),
        (("Doc", "A", "C"), "w0"),
    ]


def test_levels_may_be_skipped_and_come_back() -> None:
    chunks = split(
        heading("Deep", 3),
        Block(words(30, "a")),
        heading("Top", 1),
        Block(words(30, "b")),
        heading("Low", 4),
        Block(words(30, "c")),
    )
    assert [c.heading_path for c in chunks] == [
        ("Doc", "Deep"),
        ("Doc", "Top"),
        ("Doc", "Top", "Low"),
    ]


def test_whole_paragraphs_are_packed_and_long_ones_cut_at_sentences() -> None:
    chunks = split(
        Block(sentence(15, "a")),
        Block(sentence(15, "b")),
        Block(sentence(15, "c") + " " + sentence(15, "d") + " " + sentence(15, "e")),
    )
    texts = [c.text for c in chunks]
    assert texts[0] == f"{sentence(15, 'a')}\n\n{sentence(15, 'b')}"
    assert texts[1] == f"{sentence(15, 'c')} {sentence(15, 'd')}"
    assert texts[2] == sentence(15, "e")


def test_chinese_is_cut_at_its_sentence_ends() -> None:
    text = "今天天气很好。" * 20
    chunks = split(Block(text), title="天气")
    assert "".join(c.text for c in chunks) == text
    assert all(c.text.endswith("。") for c in chunks)
    assert len(chunks) == 4


def test_no_chunk_is_larger_than_asked() -> None:
    blocks = [
        Block("字" * 500),
        Block("，".join(["一二三四五六七八"] * 60)),
        Block(words(300)),
        Block("```\n" + "\n".join(words(9) for _ in range(40)) + "\n```", "code"),
        Block("- " + "\n- ".join(words(9) for _ in range(40)), "list"),
        Block(
            "| a | b |\n| --- | --- |\n" + "\n".join(f"| {n} | x y z |" for n in range(60)), "table"
        ),
    ]
    for block in blocks:
        chunks = split(heading("H"), block, size=40, overlap=10)
        assert len(chunks) > 3
        for chunk in chunks:
            assert count(chunk.embedding_text) <= 40, chunk


def test_code_and_tables_are_whole_where_they_fit_and_framed_where_they_dont() -> None:
    code = "```sh\n" + "\n".join(words(5, f"l{n}_") for n in range(14)) + "\n```"
    table = "| k | v |\n| --- | --- |\n" + "\n".join(f"| key{n} | val{n} |" for n in range(14))
    small = Block("```\nx = 1\n```", "code")
    assert split(Block("before"), small)[0].text == "before\n\n```\nx = 1\n```"
    for part in split(Block(code, "code"))[:2]:
        assert part.text.startswith("```sh\nl") and part.text.endswith("\n```")
    parts = split(Block(table, "table"))
    assert len(parts) > 1
    assert all(part.text.startswith("| k | v |\n| --- | --- |\n| key") for part in parts)
    rows = [line for part in parts for line in part.text.splitlines()[2:]]
    assert rows == table.splitlines()[2:]


def test_running_text_overlaps_by_whole_sentences() -> None:
    text = " ".join(f"Sentence number {n} is here." for n in range(30))
    for before, after in pairwise(split(Block(text), size=40, overlap=10)):
        assert after.text.startswith("".join(sentences(before.text)[-2:]))
    for before, after in pairwise(split(Block(text), size=40, overlap=0)):
        assert not after.text.startswith(sentences(before.text)[-1])


def test_code_does_not_overlap() -> None:
    code = "```\n" + "\n".join(f"line {n}" for n in range(40)) + "\n```"
    chunks = split(Block(code, "code"), size=40, overlap=16)
    lines = [line for c in chunks for line in c.text.splitlines() if line.startswith("line")]
    assert lines == [f"line {n}" for n in range(40)]


def test_no_chunk_spans_pages() -> None:
    chunks = split(
        heading("A", page=1),
        Block(words(5, "a"), page=1),
        Block(words(5, "b"), page=2),
        heading("B", page=2),
        Block(words(5, "c"), page=3),
        overlap=4,
    )
    assert [(c.page, c.text[:2]) for c in chunks] == [(1, "a0"), (2, "b0"), (3, "c0")]


def test_a_change_in_one_section_touches_only_its_chunks() -> None:
    def document(changed: str) -> list[NewChunk]:
        return split(
            Block("Preamble."),
            heading("One"),
            *(Block(sentence(20, f"o{n}")) for n in range(5)),
            heading("Two"),
            *(Block(sentence(20, f"t{n}")) for n in range(3)),
            Block(changed),
            heading("Three"),
            *(Block(sentence(20, f"h{n}")) for n in range(5)),
            overlap=8,
        )

    before, after = document("Short."), document(sentence(25, "new") + " " + sentence(25, "more"))
    assert before == document("Short.")
    gone = set(before) - set(after)
    came = set(after) - set(before)
    assert gone and came
    assert {chunk.heading_path for chunk in gone | came} == {("Doc", "Two")}


def test_an_endless_heading_is_a_paragraph() -> None:
    chunks = split(heading("字" * 300), Block("text"))
    assert {c.heading_path for c in chunks} == {("Doc",)}
    assert "".join(c.text for c in chunks).count("字") == 300


def test_headings_longer_than_a_chunk_leave_room_for_text() -> None:
    deep = [heading(words(15, f"h{level}"), level) for level in range(1, 5)]
    chunks = split(*deep, Block(sentence(15, "a") + " " + sentence(15, "b")))
    assert [count(c.text) for c in chunks] == [15, 15]


def test_tokens_are_counted_about_once_a_sentence() -> None:
    calls = []

    @functools.wraps(count)
    def counting(text: str) -> int:
        calls.append(len(text))
        return count(text)

    text = " ".join(f"Sentence number {n} is here." for n in range(2000))
    chunks = split(Block(text), size=200, overlap=20, count_tokens=counting)
    assert len(chunks) > 40
    assert sum(calls) < 4 * len(text)

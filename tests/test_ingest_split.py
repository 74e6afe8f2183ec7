"""The splitter: whole sections and blocks where they fit, sentences where they don't."""

from __future__ import annotations

import functools
import random
import re
from itertools import chain, pairwise

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
        (
            "Use pip, e.g. this. See Fig. 3, i.e. that.",
            ["Use pip, e.g. this. ", "See Fig. 3, i.e. that."],
        ),
        ("By J. Smith et al. in vol. 2. Next", ["By J. Smith et al. in vol. 2. ", "Next"]),
        ("a, b, etc. and more. Cats etc. Then", ["a, b, etc. and more. ", "Cats etc. ", "Then"]),
        ("1. First\n- 2.1. Second", ["1. First\n", "- 2.1. Second"]),
        ("Wait... what? Done... Now", ["Wait... what? ", "Done... ", "Now"]),
        ("版本 3.11 发布。见 e.g. 下文。", ["版本 3.11 发布。", "见 e.g. 下文。"]),
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


def test_an_empty_heading_ends_the_sections_below_its_level() -> None:
    chunks = split(
        heading("Usage", 2, anchor="usage"),
        Block(words(20, "a")),
        heading("run()", 3, anchor="run"),
        Block(words(20, "b")),
        heading("", 2),
        Block(words(20, "c")),
        heading("Deep", 4, anchor="deep"),
        Block(words(20, "d")),
        heading("", 0),
        Block(words(20, "e")),
    )
    assert [(c.heading_path, c.anchor, c.text[:2]) for c in chunks] == [
        (("Doc", "Usage"), "usage", "a0"),
        (("Doc", "Usage", "run()"), "run", "b0"),
        (("Doc", "Usage"), "usage", "c0"),
        (("Doc", "Usage", "Deep"), "deep", "d0"),
        (("Doc",), None, "e0"),
    ]
    small = split(heading("A"), Block("a"), heading("B", 2), Block("b"), heading("", 1), Block("c"))
    assert [c.text for c in small] == ["a\n\n## B\n\nb\n\nc"]


def test_small_neighbours_are_put_together_and_large_ones_stay_alone() -> None:
    names = [f"n{number}" for number in range(20)]
    small = [block for name in names for block in (heading(name, 2, anchor=name), Block("tiny"))]
    big = [heading("Big", 2, anchor="big"), Block(words(50))]
    *groups, last = split(heading("All"), *small, *big, size=60)
    assert (last.heading_path, last.anchor) == (("Doc", "All", "Big"), "big")
    assert len(groups) < 8
    assert "\n\n".join(
        c.text if c.text[0] == "#" else f"## {c.heading_path[-1]}\n\n{c.text}" for c in groups
    ) == "\n\n".join(f"## {name}\n\ntiny" for name in names)
    for chunk in groups:
        assert chunk.text[0] != "#" or f"## {chunk.anchor}\n" in chunk.text[: len("## n10\n")]


def test_small_neighbours_on_two_pages_stay_apart() -> None:
    blocks = [
        block
        for number in range(8)
        for page in [number // 4 + 1]
        for block in (heading(f"n{page}", 2, page=page), Block("tiny tiny", page=page))
    ]
    chunks = split(heading("All", page=1), *blocks, size=60)
    assert len(chunks) < 8
    assert {c.page for c in chunks} == {1, 2}
    for chunk in chunks:
        assert f"n{3 - (chunk.page or 0)}" not in chunk.embedding_text


def test_a_tiny_rest_joins_what_is_before_it() -> None:
    # 37 tokens beside the title; the rest of 3 takes a sentence over.
    text = " ".join(sentence(9, name) for name in "abcd") + " The very end."
    chunks = split(Block(text), size=38)
    assert [count(c.text) for c in chunks] == [27, 12]
    assert chunks[1].text.endswith("The very end.")
    # Without the overlap before it there is room for it.
    texts = [c.text for c in split(Block(text), overlap=9, size=31)]
    assert texts[-1].endswith("The very end.") and count(texts[-1]) > 10


def test_a_line_that_introduces_goes_along_with_what_it_introduces() -> None:
    code = "```\n" + "\n".join(words(5, f"l{n}_") for n in range(5)) + "\n```"
    chunks = split(Block(sentence(20)), Block("For example:"), Block(code, "code"))
    assert [c.text.split("\n")[0] for c in chunks] == [sentence(20), "For example:"]


def test_long_code_is_cut_before_definitions_and_long_lists_between_items() -> None:
    functions = "\n\n".join(
        f"def f{n}(a, b):\n    x = a\n\n    y = b\n    return x" for n in range(8)
    )
    for chunk in split(Block(f"```python\n{functions}\n```", "code")):
        assert chunk.text.startswith("```python\ndef f")
    items = "\n".join(f"- {words(6, f'i{n}_')}\n  {words(6, f'j{n}_')}" for n in range(9))
    for chunk in split(Block(items, "list")):
        assert chunk.text.startswith("- i") and chunk.text.count("- i") == chunk.text.count("  j")


SECTIONS = {f"Section {number}" for number in range(60)}


def random_document(chance: random.Random) -> list[list[Block]]:
    """The sections of a document; each begins with its heading."""
    sections = []
    level = 0
    for number in range(chance.randrange(5, 60)):
        level = chance.randint(1, min(level + 1, 5))
        body = [
            Block(" ".join(sentence(chance.randint(3, 15), f"s{number}_{n}_") for n in range(size)))
            for size in chance.choices((1, 1, 2, 6), k=chance.randrange(4))
        ]
        sections.append([heading(f"Section {number}", level, anchor=f"a{number}"), *body])
    return sections


def sections_in(chunk: NewChunk) -> set[str]:
    """The sections whose text a chunk holds; "Doc" is the text before the first heading."""
    inside = set(re.findall(r"^#+ (Section \d+)$", chunk.text, re.M))
    if chunk.text in SECTIONS:  # a heading without text
        return {chunk.text}
    return inside if chunk.text.startswith("#") else inside | {chunk.heading_path[-1]}


@pytest.mark.parametrize("seed", range(60))
def test_an_edit_touches_no_chunk_of_other_sections(seed: int) -> None:
    """Nothing changes but the chunks that hold the section or what shares a chunk with it, before
    the edit or after."""
    chance = random.Random(seed)
    sections = random_document(chance)
    number = chance.randrange(len(sections))
    change = chance.choice(([], [Block("A word.")], [Block(sentence(90, "new"))]))
    edited = list(sections)
    edited[number] = [sections[number][0], *change]
    before, after = (split(*chain(*each), size=60, overlap=8) for each in (sections, edited))
    name = sections[number][0].text
    shared = {name}.union(*(sections_in(c) for c in [*before, *after] if name in sections_in(c)))
    changed = set(before) ^ set(after)
    assert all(sections_in(chunk) & shared for chunk in changed)
    for old, new in ((before, after), (after, before)):
        kept = [chunk for chunk in old if not sections_in(chunk) & shared]
        assert kept == [chunk for chunk in new if not sections_in(chunk) & shared]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_and_no_chunk_too_large(seed: int) -> None:
    chance = random.Random(seed)
    blocks = list(chain(*random_document(chance)))
    chunks = split(*blocks, size=60, overlap=8)
    assert all(count(c.embedding_text) <= 60 for c in chunks)
    found = " ".join(c.embedding_text for c in chunks).split()
    assert set(" ".join(block.text for block in blocks).split()) <= set(found)


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

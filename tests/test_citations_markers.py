"""Markers of all shapes become [n] or vanish; what only looks like one is left alone."""

import time

import pytest

from assistant.citations import check_citations
from assistant.citations.markers import Aside, numbers_of, unmarked, without_marks
from tests.passages import passage

TOLD = [
    passage(1, "保修期为三年。The warranty lasts 3 years."),
    passage(2, "Use a[1] to read the second element of the list."),
]


@pytest.mark.parametrize(
    ("marker", "numbers"),
    [
        ("[1]", {1}),
        ("［1］", {1}),
        ("【1】", {1}),
        ("【1†source】", {1}),
        ("[[1]]", {1}),
        ("[^1]", {1}),
        ("[1,3]", {1, 3}),
        ("[1, 3]", {1, 3}),
        ("[1、3]", {1, 3}),
        ("[1; 3]", {1, 3}),
        ("[1 and 3]", {1, 3}),
        ("[1-3]", {1, 2, 3}),
        ("[1][3]", {1, 3}),
        ("[1]、[3]", {1, 3}),
        ("[[1],[3]]", {1, 3}),
        ("[1[3]]", {1, 3}),
        ("[(1)]", {1}),
        ("【【3】】", {3}),
        ("[99]", {99}),
        ("[0]", {0}),
        ("[编号1]", {1}),
        ("[资料1、资料3]", {1, 3}),
        ("(资料1)", {1}),
        ("（来源：1）", {1}),
        ("（见[1]、[3]）", {1, 3}),
        ("(source: 1, 3)", {1, 3}),
        ("[passage 2]", {2}),
        ("[Source: 2]", {2}),
        ("(see passage 2)", {2}),
        ("[1](https://evil.example/?q=1)", {1}),
    ],
)
def test_every_shape_is_one(marker: str, numbers: set[int]) -> None:
    for before, after in (("保修期为三年", "。"), ("It lasts 3 years ", ".")):
        plain = Aside().plain(f"{before}{marker}{after}")
        assert numbers_of(plain) == numbers
        assert unmarked(plain) == f"{before.rstrip()}{after}"
        assert len(without_marks(marker)) == len(marker)
    checked = check_citations(f"保修期为三年{marker}。", TOLD)
    assert checked.answer == "保修期为三年[1]。"
    gone = check_citations(f"电池由远山公司制造{marker}。", TOLD)
    assert gone.answer == "电池由远山公司制造。"


@pytest.mark.parametrize(
    "text",
    [
        "(1) 第一步",
        "（2022年）",
        "[2023] 12号",
        "`a[1]` 和 ``b[2] ` c``",
        "a[1] = 3",
        "x[0].name",
        "a[1]",  # as a passage has it
        "[说明](https://example.org/a[1].html)",
        "![1](picture.png)",
        "$x_{a[1]}$",
        r"\(a[1]\)",
        "- [ ] 未完成\n- [x] 完成",
        "文字[^注]\n\n[^注]: 脚注",
        "文字[^1]\n\n[^1]: 脚注",
    ],
)
def test_what_only_looks_like_a_marker_is_left_alone(text: str) -> None:
    aside = Aside(["Use a[1] to read."])
    assert aside.back(aside.plain(text)) == text
    checked = check_citations(text, TOLD)
    assert checked.answer.replace("[2]", "").startswith(text.rstrip("。")[:4])


def test_fences_are_left_alone() -> None:
    for fence in ("```", "~~~~"):
        answer = f"{fence}\nrows[1] = a[99]\n【1】\n{fence}"
        assert check_citations(answer, TOLD).answer == answer
    assert check_citations("```\nrows[1] = a[99]", TOLD).answer == "```\nrows[1] = a[99]"


def test_a_passage_named_in_the_text_loses_its_number() -> None:
    checked = check_citations("根据资料9，保修期为三年。", TOLD)
    assert checked.answer == "根据资料，保修期为三年[1]。"
    checked = check_citations("According to passage 7, the warranty lasts 3 years.", TOLD)
    assert checked.answer == "According to the passage, the warranty lasts 3 years[1]."
    told = [passage(1, "Open Source 1 is the name of the room.")]
    assert "Source 1" in check_citations("Open Source 1 is the name of the room.", told).answer


def test_a_list_of_addresses_that_the_model_made_up_goes() -> None:
    answer = "保修期为三年[1]。\n\n[1]: https://made.up/page\n"
    assert check_citations(answer, TOLD).answer == "保修期为三年[1]。"


def test_private_characters_of_an_answer_do_no_harm() -> None:
    assert check_citations("保修期\U000f0000为三年\U000f0009。", TOLD).answer == "保修期为三年[1]。"


@pytest.mark.parametrize(
    "text", ["[" * 20000, "[1" * 10000, "[1," * 7000, "(资料" * 9000, "`" * 9999]
)
def test_endless_markers_take_no_time(text: str) -> None:
    start = time.perf_counter()
    Aside().plain(text)
    assert time.perf_counter() - start < 3

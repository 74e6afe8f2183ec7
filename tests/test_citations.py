"""Citations: right ones stay, wrong ones go, missing ones are added, the unsupported is told."""

import pytest

from assistant.citations import check_citations
from tests.passages import passage

PASSAGES = [
    passage(1, "星河7000是一款便携式光谱仪，重量为1.8千克，电池可用12小时。", "星河7000"),
    passage(2, "FAISS builds an inverted file index with IndexIVFFlat for large collections."),
    passage(3, "北京大学创办于1898年，位于北京市海淀区。", "北京大学"),
]


@pytest.mark.parametrize(
    ("answer", "corrected", "cited"),
    [
        # none written
        ("北京大学创办于1898年。", "北京大学创办于1898年[3]。", (3,)),
        # a wrong one
        ("北京大学创办于1898年[1]。", "北京大学创办于1898年[3]。", (3,)),
        # a right one stays; forms are made one
        ("北京大学创办于1898年【3】。", "北京大学创办于1898年[3]。", (3,)),
        ("北京大学创办于1898年。[3]", "北京大学创办于1898年[3]。", (3,)),
        ("北京大学创办于1898年[1, 3]。", "北京大学创办于1898年[3]。", (3,)),
        (
            "北京大学创办于1898年。[1,3] 星河7000重1.8千克。",
            "北京大学创办于1898年[3]。 星河7000重1.8千克[1]。",
            (1, 3),
        ),
        ("北京大学创办于1898年[编号3]。", "北京大学创办于1898年[3]。", (3,)),
        ("根据资料[3]，北京大学创办于1898年。", "根据资料，北京大学创办于1898年[3]。", (3,)),
        # a list's own numbers are no claims, brackets stay whole
        ("1. 北京大学（创办于1898年）", "1. 北京大学（创办于1898年）[3]", (3,)),
        # one that doesn't exist
        ("北京大学创办于1898年[99]。", "北京大学创办于1898年[3]。", (3,)),
        # each sentence by itself
        (
            "星河7000重1.8千克。北京大学位于海淀区。",
            "星河7000重1.8千克[1]。北京大学位于海淀区[3]。",
            (1, 3),
        ),
        (
            "IndexIVFFlat builds an inverted file index.",
            "IndexIVFFlat builds an inverted file index[2].",
            (2,),
        ),
    ],
)
def test_markers_are_put_right(answer: str, corrected: str, cited: tuple[int, ...]) -> None:
    checked = check_citations(answer, PASSAGES)
    assert (checked.answer, checked.cited, checked.unsupported) == (corrected, cited, ())


@pytest.mark.parametrize(
    "answer",
    [
        "北京大学创办于1899年[3]。",  # a number changed
        "上海交通大学的校训是饮水思源[3]。",  # not there at all
        "HNSW uses layered proximity graphs for logarithmic search [2].",
    ],
)
def test_an_unsupported_sentence_loses_its_marker_and_is_told(answer: str) -> None:
    checked = check_citations(answer, PASSAGES)
    assert checked.cited == ()
    assert "[" not in checked.answer
    assert len(checked.unsupported) == 1


def test_empty_talk_about_the_passages_is_dropped() -> None:
    checked = check_citations("三年。根据资料[1]中的信息。", [passage(1, "保修期为三年。")])
    assert (checked.answer, checked.unsupported) == ("三年[1]。", ())


def test_what_the_question_said_needs_no_support() -> None:
    checked = check_citations("好的。", PASSAGES, "好的吗？")
    assert (checked.answer, checked.unsupported) == ("好的。", ())


def test_numbers_of_the_question_do_not_count_as_claims() -> None:
    checked = check_citations("2026年时北京大学位于海淀区。", PASSAGES, "2026年北京大学位于哪里？")
    assert checked.cited == (3,)


def test_an_answer_without_passages_is_unsupported() -> None:
    checked = check_citations("地球是圆的[1]。", [])
    assert checked.answer == "地球是圆的。"
    assert checked.unsupported == ("地球是圆的。",)


def test_layout_survives() -> None:
    answer = "要点：\n\n- 北京大学创办于1898年\n- 星河7000重1.8千克\n"
    checked = check_citations(answer, PASSAGES)
    assert checked.answer == "要点：\n\n- 北京大学创办于1898年[3]\n- 星河7000重1.8千克[1]"

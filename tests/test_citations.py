"""Citations: right ones stay, wrong ones go, missing ones are added, the unsupported is told."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.citations import check_citations
from assistant.citations.ground import Ground
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import Settings
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
        "北京大学创办于1898天前[3]。",  # its unit
        "星河7000重1.8吨[1]。",
        "北京大学不位于海淀区[3]。",  # denied
        "清华大学的图书馆创办于1898年[3]。",  # another name
        "上海交通大学的校训是饮水思源[3]。",  # not there at all
        "HNSW uses layered proximity graphs for logarithmic search [2].",
        "FAISS builds an inverted file index with IndexIVFPQ [2].",  # another identifier
        "FAISS never builds an inverted file index [2].",
        "《红楼梦》的作者毕业于北京大学[3]。",
    ],
)
def test_an_unsupported_sentence_loses_its_marker_and_is_told(answer: str) -> None:
    checked = check_citations(answer, PASSAGES)
    assert checked.cited == ()
    assert "[" not in checked.answer
    assert len(checked.unsupported) == 1
    assert checked.unsupported[0] in checked.answer
    assert checked.claims[0].kind == "unsupported"
    assert checked.support <= 0.5


def test_empty_talk_about_the_passages_is_dropped() -> None:
    told = [passage(1, "保修期为三年。")]
    for talk in ("根据资料[1]中的信息。", "根据资料[1]和[3]。", "（资料1）"):
        checked = check_citations(f"三年。{talk}", told, "保修期多久？")
        assert (checked.answer, checked.unsupported) == ("三年[1]。", ()), talk


def test_what_the_question_said_needs_no_support() -> None:
    checked = check_citations("好的。", PASSAGES, "好的吗？")
    assert (checked.answer, checked.unsupported) == ("好的。", ())
    assert checked.support == 0


def test_a_year_of_the_question_is_not_borne_by_a_passage_of_another() -> None:
    told = [passage(1, "2022年春运将于1月17日开始，共计40天。")]
    question = "2023年春运什么时候开始？"
    assert check_citations("2023年春运将于1月17日开始。", told, question).cited == ()
    assert check_citations("春运将于1月17日开始。", told, "2022年春运什么时候开始？").cited == (1,)
    undated = [passage(1, "春运将于1月17日开始，共计40天。")]
    assert check_citations("2023年春运将于1月17日开始。", undated, question).cited == (1,)


def test_a_repeated_question_is_an_answer_only_where_it_asks_whether() -> None:
    told = [passage(1, "星河7000支持蓝牙连接和无线充电。", "星河7000")]
    supported = check_citations("是的，星河7000支持无线充电。", told, "星河7000支持无线充电吗？")
    assert supported.cited == (1,)
    denied = check_citations("不，星河7000不支持无线充电。", told, "星河7000支持无线充电吗？")
    assert (denied.cited, len(denied.unsupported)) == ((), 1)
    lead_in = check_citations("星河7000支持的功能有：", told, "星河7000支持的功能有哪些？")
    assert (lead_in.cited, lead_in.unsupported, lead_in.claims[0].kind) == ((), (), "nothing")


def test_an_answer_without_passages_is_unsupported() -> None:
    checked = check_citations("地球是圆的[1]。", [])
    assert checked.answer == "地球是圆的。"
    assert checked.unsupported == ("地球是圆的。",)


def test_layout_survives() -> None:
    answer = "# 要点：\n\n- 北京大学创办于1898年\n- 星河7000重1.8千克\n"
    checked = check_citations(answer, PASSAGES)
    assert checked.answer == "# 要点：\n\n- 北京大学创办于1898年[3]\n- 星河7000重1.8千克[1]"


@pytest.mark.parametrize(
    "answer",
    [
        "资料中没有提到它的价格。",
        "抱歉，我无法回答这个问题。",
        "The provided passages do not mention its price.",
        "I'm sorry, there is no information about this.",
        "希望这对您有帮助！",
        "Let me know if you have any questions.",
    ],
)
def test_admissions_and_courtesies_claim_nothing(answer: str) -> None:
    checked = check_citations(answer, PASSAGES, "它多少钱？")
    assert (checked.cited, checked.unsupported) == ((), ())
    assert [claim.kind for claim in checked.claims] == ["nothing"]


def test_neighbouring_sentences_bear_a_claim_together_and_are_shown() -> None:
    text = "本馆周一闭馆。开放时间为9点。门票价格是30元，学生半价。停车免费。"
    checked = check_citations("门票价格是30元，停车免费。", [passage(1, text)])
    assert checked.cited == (1,)
    (evidence,) = checked.claims[0].evidence
    assert text[evidence.start : evidence.end] == "门票价格是30元，学生半价。停车免费。"


def test_a_number_of_another_thing_nearby_bears_nothing() -> None:
    told = [passage(1, "甲型的重量为1.8千克。乙型的重量为2.4千克。丙型的重量为3千克。")]
    assert check_citations("乙型的重量为2.4千克。", told).cited == (1,)
    assert check_citations("乙型的重量为1.8千克。", told).cited == ()
    assert check_citations("甲型重1.8千克，乙型重2.4千克。", told).cited == (1,)
    told = [passage(1, "Anna was born in 1901. Her brother Carl was born in 1905.")]
    assert check_citations("Carl was born in 1905.", told).cited == (1,)
    assert check_citations("Her brother Carl was born in 1901.", told).cited == ()


def test_two_passages_bear_a_claim_between_them() -> None:
    answer = "星河7000的重量为1.8千克，北京大学位于北京市海淀区。"
    checked = check_citations(answer, PASSAGES)
    assert checked.cited == (1, 3)
    assert [one.n for one in checked.claims[0].evidence] == [1, 3]
    assert checked.claims[0].support > 0.75


TABLE = "| 型号 | 重量(千克) | 保修(年) |\n|---|---|---|\n| 星河A | 1.8 | 3 |\n| 星河B | 2.4 | 5 |"


def test_a_table_bears_sentences_and_rows() -> None:
    told = [passage(1, TABLE)]
    checked = check_citations("星河B的重量为2.4千克。", told)
    (evidence,) = checked.claims[0].evidence
    assert TABLE[evidence.start : evidence.end] == "| 星河B | 2.4 | 5 |"
    assert check_citations("星河B的重量为1.8千克。", told).cited == ()
    rows = check_citations("| 型号 | 重量 |\n|---|---|\n| 星河A | 1.8 |\n| 星河C | 9 |\n", told)
    assert rows.answer == "| 型号 | 重量 |\n|---|---|\n| 星河A | 1.8 [1] |\n| 星河C | 9 |"
    assert rows.unsupported == ("| 星河C | 9 |",)


def test_a_row_after_left_out_rows_has_its_columns_heading_too() -> None:
    first, _, *rows = TABLE.splitlines()
    told = [passage(1, f"{first}\n|---|---|---|\n…\n{rows[1]}")]
    assert check_citations("星河B重2.4千克。", told).cited == (1,)
    assert Ground(told, "").quoted[0].lines[-1].context == first


CODE = "Build it so:\n```python\nindex = faiss.IndexFlatL2(64)\nindex.add(vectors)\n```"


def test_code_bears_code_and_is_left_as_it_is() -> None:
    told = [passage(1, CODE)]
    answer = "```python\nindex = faiss.IndexFlatL2(64)\nindex.add(vectors)\n```\nThen go on."
    checked = check_citations(answer, told)
    assert checked.answer.startswith(answer.partition("\nThen")[0] + "\n[1]\n")
    other = check_citations("```python\nindex = faiss.IndexHNSWFlat(128)\n```", told)
    assert (other.cited, "[" in other.answer) == ((), False)


def unit(*places: int) -> NDArray[np.float32]:
    vector = np.zeros(8, dtype=np.float32)
    vector[list(places)] = 1
    return vector / np.linalg.norm(vector)


def test_meaning_decides_where_words_do_not() -> None:
    told = [
        passage(1, "The warranty lasts 3 years. It covers the battery too. Shipping is slow."),
    ]
    known = {"保修期为3年。": unit(0, 1), "The warranty lasts 3 years.": unit(0, 1, 2)}
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return np.vstack([known.get(text, unit(0, 5)) for text in texts])

    assert check_citations("保修期为3年。", told).cited == ()
    near = [unit(0, 1), unit(0, 1)]
    assert float(near[0] @ near[1]) == pytest.approx(1)
    known["The warranty lasts 3 years."] = unit(0, 1)
    checked = check_citations("保修期为3年。", told, embed=embed)
    assert checked.cited == (1,)
    (evidence,) = checked.claims[0].evidence
    assert (evidence.start, evidence.end) == (0, 27)
    # However near it is, a number must be there.
    known["保修期为5年。"] = unit(0, 1)
    assert check_citations("保修期为5年。", told, embed=embed).cited == ()
    asked.clear()
    check_citations("The warranty lasts 3 years.", told, embed=embed)
    assert asked == []


ZH = "本馆门票价格为30元，学生半价。每周一闭馆。停车场在南门外。馆内禁止使用闪光灯。"
EN = (
    "The telescope has a carbon fibre tube. The battery lasts 12 hours in cold weather. "
    "It can be controlled by a phone app."
)


def test_an_answer_in_another_language_by_the_real_model(tmp_path: Path) -> None:
    embeddings = open_embeddings(Settings.load({"DATA_DIR": str(tmp_path)}, None))
    try:
        for text, claim, is_borne in (
            (ZH, "The ticket costs 30 yuan and students pay half.", True),
            (ZH, "The ticket costs 40 yuan and students pay half.", False),
            (ZH, "The museum was designed by a famous architect.", False),
            (EN, "可以用手机应用控制它。", True),
            (EN, "电池在低温下可用12小时。", True),
            (EN, "电池在低温下可用13小时。", False),
            (EN, "包装里有一个三脚架。", False),
        ):
            told = [passage(1, text, "")]
            checked = check_citations(claim, told, embed=embeddings.embed_questions)
            assert bool(checked.cited) is is_borne, claim
    finally:
        embeddings.close()


@pytest.mark.parametrize(
    "answer", ["", " ", "\n", "。", "好", "[1]", "[1][2]\n\n[3]", "[[1]]。", "…"]
)
def test_an_empty_or_tiny_answer_does_no_harm(answer: str) -> None:
    checked = check_citations(answer, PASSAGES, "什么？")
    assert checked.cited == ()
    assert "[" not in checked.answer
    assert check_citations(answer, [], "").cited == ()


def test_html_and_a_document_full_of_markers_do_no_harm() -> None:
    told = [passage(1, "[1] cite me [1] cite me [2] cite me. The fee is 30 yuan [7].")]
    checked = check_citations(
        "<b>The fee is 30 yuan</b> [7]. <script>alert([1])</script> [99]", told
    )
    assert "[7]" not in checked.answer
    assert "[99]" not in checked.answer
    assert "<b>The fee is 30 yuan</b>[1]." in checked.answer
    assert check_citations("The fee is 7 yuan.", told).cited == ()  # the number of a marker
    copied = check_citations("[1] cite me [1] cite me [2] cite me.", told)
    assert set(copied.cited) <= {1}


def test_passages_of_nothing_do_no_harm() -> None:
    checked = check_citations("北京大学创办于1898年。", [passage(1, "", ""), passage(2, "|", "")])
    assert (checked.cited, len(checked.unsupported)) == ((), 1)

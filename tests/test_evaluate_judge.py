"""The judge of citations on cases whose truth is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.evaluate.dataset import Dataset, Passage, Question
from assistant.evaluate.judge import judge
from assistant.evaluate.judge_cases import agreement, cases, statement

TEXT = "2022年全国硕士研究生报名人数为457万人，比上年增长80万人。考试没有推迟。"
EN = "The warranty of the telescope lasts 3 years. The battery isn't covered."


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("2022年的报名人数为457万。", TEXT),
        ("报名人数比上年增长80万人[1]。", TEXT),
        ("考试没有推迟。", TEXT),
        ("The warranty lasts 3 years.", EN),
        ("The battery isn't covered.", EN),
        ("報名人數為457萬人。", TEXT),
    ],
)
def test_what_is_borne(sentence: str, quote: str) -> None:
    assert judge(sentence, [quote]).is_borne


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("2022年的报名人数为458万。", TEXT),
        ("2022年的报名人数不是457万。", TEXT),
        ("报名人数比上年增长80名。", TEXT),
        ("星河7000由远山公司制造。", TEXT),
        ("The warranty lasts 4 years.", EN),
        ("The warranty does not last 3 years.", EN),
        ("Guinea pigs eat grass and hay.", EN),
        ("报名人数为457万。", ""),
    ],
)
def test_what_is_not_borne(sentence: str, quote: str) -> None:
    assert not judge(sentence, [quote]).is_borne


def test_the_sets_own_judgement_decides() -> None:
    sentence, quote = "答案：四百五十七万", "人数是四百五十七万"
    judged = judge(sentence, [quote], "多少人？", ["四百五十七万"], is_relevant=True)
    assert (judged.is_borne, judged.by) == (True, "set")
    assert judge(sentence, [quote], "多少人？", ["四百五十七万"]).by == "text"


def test_statements() -> None:
    assert statement("报名人数是多少？", "457万") == "报名人数是457万。"
    assert statement("地震造成多少人遇难？", "93人") == "地震造成93人遇难。"
    assert statement("RCEP包括哪些国家", "中国") == "RCEP包括中国国家。"
    assert statement("上市时间", "2021年") == "上市时间：2021年。"


def test_cases_of_known_truth() -> None:
    questions = [
        Question(str(n), asked, {str(n): 1.0}, {"answers": [answer]})
        for n, (asked, answer) in enumerate(
            [("报名人数是多少？", "457万"), ("谁是冠军？", "山东泰山队"), ("没有的？", "不在此")]
        )
    ]
    told = [TEXT, "冠军是山东泰山队。", "别的。"]
    passages = [Passage(str(n), "", text) for n, text in enumerate(told)]
    made = list(cases(Dataset("tiny", Path(), passages, questions)))
    assert [(case.kind, case.is_borne) for case in made] == [
        ("original", True),
        ("swapped", False),
        ("number", False),
        ("negated", False),
        ("original", True),
        ("swapped", False),
        ("negated", False),
    ]
    assert made[0].sentence == "报名人数是457万。"
    assert made[1].sentence == "报名人数是山东泰山队。"
    for case in made:
        assert judge(case.sentence, case.quotes, case.asked).is_borne is case.is_borne, case
    found = agreement(Dataset("tiny", Path(), passages, questions))
    assert all(row["accuracy"] == 1 for row in found.values())

"""What a claim can't do without: numbers with units, names, denials; and passages that differ."""

import pytest

from assistant.citations import contradictions
from assistant.citations.figures import figures, is_borne
from assistant.citations.names import are_borne, names
from assistant.citations.polarity import denies
from assistant.passages import Passage
from tests.passages import hit, passage


@pytest.mark.parametrize(
    ("claimed", "text"),
    [
        ("1.2万人", "12,000 people"),
        ("12000人", "一万二千人"),
        ("百分之五", "5%"),
        ("5％", "5 percent"),
        ("三年", "3 years"),
        ("2021年1月3日", "January 3, 2021"),
        ("2021年1月3日", "2021-01-03"),
        ("二〇二一年", "2021"),
        ("1.8千克", "1.8 kg"),
        ("1.80公斤", "1.8千克"),
        ("61:83", "61：83"),
        ("3.11.7", "version 3.11.7"),
        ("$5 million", "5,000,000美元"),
        ("two years", "2年"),
        ("十二个月", "12 months"),
        ("第六任", "第6任"),
        ("周一", "closed on Mondays"),
        ("星期天", "周日"),
        ("13657亿斤", "1365700000000斤"),
    ],
)
def test_the_same_number_is_found_in_another_form(claimed: str, text: str) -> None:
    assert all(is_borne(one, figures(text)) for one in figures(claimed) if one.sure)


@pytest.mark.parametrize(
    ("claimed", "text"),
    [
        ("5公斤", "5米"),
        ("5%", "5年"),
        ("457万", "457"),
        ("1898年", "1989年"),
        ("3.11.7", "3.11.8"),
        ("1.8千克", "18千克"),
        ("三年", "五年"),
        ("2万", "二千"),
        ("第六任", "第五任"),
        ("5 m", "5 minutes"),
        ("周一闭馆", "周二闭馆，1月1日闭馆"),
    ],
)
def test_another_number_or_unit_is_none(claimed: str, text: str) -> None:
    assert not all(is_borne(one, figures(text)) for one in figures(claimed) if one.sure)


@pytest.mark.parametrize(
    "text", ["一起", "十分重要", "万一", "千万别", "E1234", "统一", "第一", ""]
)
def test_what_is_no_count_is_asked_of_nobody(text: str) -> None:
    assert [one for one in figures(text) if one.sure] == []


def test_names() -> None:
    assert names("Use IndexIVFFlat of FAISS, see add_texts and COVID-19.") == {
        "IndexIVFFlat",
        "FAISS",
        "add_texts",
        "COVID-19",
    }
    assert names("The cat sat. It slept.") == frozenset()
    assert are_borne(names("It is in Berlin."), "BERLIN is the capital")
    assert are_borne(names("An old German city."), "a city of Germany")
    assert are_borne(names("见《向量 检索》"), "《向量检索》一书")
    assert not are_borne(names("It is in Berlin."), "It is in Bern.")
    assert not are_borne(names("error E1235"), "error E1234")


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("它不支持中文。", "它支持中文。"),
        ("它支持中文。", "它不支持中文。"),
        ("粮食总产量不是1308亿斤。", "粮食总产量为1308亿斤。"),
        ("他没有获奖。", "他获奖两次，没有结婚。"),
        ("销量下降了5%。", "销量增长了5%。"),
        ("重量在5公斤以下。", "重量在5公斤以上。"),
        ("It does not support X.", "It supports X."),
        ("It supports Windows.", "It doesn't support Windows."),
        ("Insulin isn't used.", "Insulin is used. It is not a vitamin."),
        ("The price fell by 5%.", "The price rose by 5%."),
    ],
)
def test_a_denial_is_seen(claim: str, text: str) -> None:
    assert denies(claim, text)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("它不支持中文。", "它目前不支持中文。"),
        ("它没有电池。", "这款产品没有内置电池。"),
        ("不仅支持中文。", "它支持中文。"),
        ("不同的颜色。", "颜色有多种。"),
        ("未来支持中文。", "未来将支持中文。"),
        ("北京大学位于海淀区。", "北京大学位于海淀区，没有分校。"),
        ("It does not support X.", "X isn't supported by it, it doesn't support X."),
        ("Not only X is supported.", "X is supported."),
    ],
)
def test_no_denial_is_seen_where_there_is_none(claim: str, text: str) -> None:
    assert not denies(claim, text)


def test_a_denial_of_the_question_is_not_the_claims() -> None:
    claim, text = "不支持中文的原因是字库。", "字库太小是原因。"
    assert denies(claim, text)
    assert not denies(claim, text, "为什么不支持中文？")


def pair(one: str, other: str) -> list[Passage]:
    return [passage(1, one, "星河7000"), passage(2, other, "星河7000 手册")]


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("星河7000的重量是多少？", "星河7000的重量为1.8千克。", "星河7000的重量为2.4千克。"),
        ("星河7000是哪一年上市的？", "星河7000于2021年上市。", "星河7000于2022年上市。"),
        (
            "How long is the warranty?",
            "The warranty lasts 3 years. Call us.",
            "Note: the warranty lasts 5 years.",
        ),
    ],
)
def test_passages_that_tell_different_numbers(question: str, one: str, other: str) -> None:
    assert contradictions(question, pair(one, other)) == [(1, 2)]
    assert contradictions(question, pair(one, one)) == []
    same = [Passage(n, hit(text, 1), text) for n, text in enumerate((one, other), 1)]
    assert contradictions(question, same) == []  # one document may tell both


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        # of another year, another thing, something not asked, rounded, in another unit
        ("销量是多少？", "2021年销量为5万辆。", "2022年销量为7万辆。"),
        ("甲型的重量？", "甲型的重量为1.8千克。", "乙型的颜色有2.4千种，重量为1.8千克。"),
        ("它的颜色？", "星河7000的重量为1.8千克。", "星河7000的重量为2.4千克。"),
        ("报名人数？", "报名人数为457万人。", "报名人数为457.2万人。"),
        ("保修期多久？", "保修期为3年。", "保修期为36个月。"),
        ("", "重量为1.8千克。", "重量为2.4千克。"),
    ],
)
def test_what_differs_otherwise_is_no_contradiction(question: str, one: str, other: str) -> None:
    assert contradictions(question, pair(one, other)) == []

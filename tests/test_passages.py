"""Sentence selection: within the budget, the sentences that the question asks for."""

from dataclasses import replace

import pytest

from assistant.knowledge.records import Part
from assistant.models.embedding.model import estimate_tokens
from assistant.passages import GAP, Passage, Place, places_in_document, select_passages
from assistant.sentences import split_sentences
from tests.passages import hit

LONG = (
    "星河7000由远山公司制造。它的外壳是铝合金。产品颜色有黑色和银色两种。"
    "电池在低温下可以使用12小时。包装内有充电器。保修期为三年。"
)


def test_the_sentence_asked_for_is_chosen_when_room_is_short() -> None:
    (chosen,) = select_passages([hit(LONG)], "电池可以使用多久？", 32, estimate_tokens)
    assert "12小时" in chosen.quote
    assert estimate_tokens(chosen.quote) <= 32


def test_everything_is_given_when_there_is_room() -> None:
    (chosen,) = select_passages([hit(LONG)], "电池可以使用多久？", 500, estimate_tokens)
    assert chosen.quote == LONG


def test_gaps_are_marked_and_order_is_kept() -> None:
    (chosen,) = select_passages([hit(LONG)], "制造公司和保修期是什么？", 45, estimate_tokens)
    assert GAP.strip() in chosen.quote
    assert chosen.quote.index("远山") < chosen.quote.index("保修")


def test_passages_are_numbered_in_order_of_their_hits() -> None:
    hits = [hit("光谱仪的重量是2千克。", 1), hit("光谱仪的电池可用12小时。", 2)]
    chosen = select_passages(hits, "光谱仪的电池", 500, estimate_tokens)
    assert [(one.n, one.hit.id) for one in chosen] == [(1, "c1"), (2, "c2")]


@pytest.mark.parametrize("budget", [1, 5, 40, 200, 1000])
def test_the_budget_holds(budget: int) -> None:
    hits = [hit(LONG, n, score=1 / n) for n in range(1, 7)]
    chosen = select_passages(hits, "电池", budget, estimate_tokens)
    assert chosen
    assert sum(estimate_tokens(one.quote) for one in chosen) <= max(budget, 1) + 1


def test_no_hits_no_passages() -> None:
    assert select_passages([], "电池", 100, estimate_tokens) == []


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("一。二！三？", ["一。", "二！", "三？"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("Version 3.11.7 is out. Get it!", ["Version 3.11.7 is out. ", "Get it!"]),
        ("Dr. Li wrote e.g. this. Next.", ["Dr. Li wrote e.g. this. ", "Next."]),
        ("一行\n\n二行", ["一行\n\n", "二行"]),
        ("步骤：\n1. 打开。\n2. 关闭。", ["步骤：\n", "1. 打开。\n", "2. 关闭。"]),
        ("See https://a.b/c?d=e for it. OK!", ["See https://a.b/c?d=e for it. ", "OK!"]),
        ("From 4:00 a.m. to noon.", ["From 4:00 a.m. to noon."]),
        ("好吗?好的", ["好吗?", "好的"]),
        ("   ", []),
        ("没有句号", ["没有句号"]),
        ("有出处。[1] 下一句。[2]", ["有出处。[1] ", "下一句。[2]"]),
        ("两处。[1, 3] 下一句。【2】", ["两处。[1, 3] ", "下一句。【2】"]),
        (
            "Cited.[1] So is this. [passage 2] End.",
            ["Cited.[1] ", "So is this. [passage 2] ", "End."],
        ),
    ],
)
def test_split_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences
    assert "".join(sentences) == text or not text.strip()


TABLE = "| 型号 | 重量. 千克 |\n|---|---|\n| A. 型 | 1.8 |\n| B. 型 | 2.4 |\n\n说明。完。"
CODE = "先导入。\n```python\nx = 1. \ny! z\n\nq\n```\n后。来"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            TABLE,
            [
                "| 型号 | 重量. 千克 |\n",
                "|---|---|\n",
                "| A. 型 | 1.8 |\n",
                "| B. 型 | 2.4 |\n\n",
                "说明。",
                "完。",
            ],
        ),
        (
            CODE,
            ["先导入。\n", "```python\n", "x = 1. \n", "y! z\n\n", "q\n", "```\n", "后。", "来"],
        ),
        ("```\nunclosed. a\nb. c", ["```\n", "unclosed. a\n", "b. c"]),
        ("\n\n| a. b |\nx. y", ["\n\n| a. b |\n", "x. ", "y"]),
        ("II. Work. III. Rest.", ["II. Work. ", "III. Rest."]),
    ],
)
def test_rows_and_lines_of_code_are_whole(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences
    assert "".join(sentences) == text


def test_rows_of_a_table_stay_lines() -> None:
    (chosen,) = select_passages([hit(TABLE)], "A. 型的说明", 44, estimate_tokens)
    assert chosen.quote.splitlines()[0].startswith("|")
    assert all(line.endswith("|") for line in chosen.quote.splitlines() if line.startswith("|"))


PRICES = (
    "| 型号 | 价格（元） | 重量（克） |\n| --- | ---: | --- |\n"
    + "".join(f"| 星河{n} | {n}9 | {n}1 |\n" for n in range(10, 40))
    + "以上含税。"
)


def test_a_row_brings_the_heading_of_its_columns() -> None:
    (chosen,) = select_passages([hit(PRICES)], "星河27的价格", 70, estimate_tokens)
    rows = chosen.quote.splitlines()
    assert rows[:2] == PRICES.splitlines()[:2]
    assert "| 星河27 | 279 | 271 |" in rows
    assert estimate_tokens(chosen.quote) <= 70
    places = places_in_document(chosen, 0, len(chosen.quote))
    assert "".join(PRICES[start:end] for _, start, end in places).count("价格") == 1


def test_the_best_row_is_given_also_without_room_for_its_heading() -> None:
    (chosen,) = select_passages([hit(PRICES)], "星河27的价格", 16, estimate_tokens)
    assert chosen.quote == "| 星河27 | 279 | 271 |"


def test_a_sentence_too_long_for_the_budget_ends_with_a_clause() -> None:
    text = "第一部分说明电池的容量，第二部分说明电池的重量，第三部分说明电池的价格和保修期限"
    (chosen,) = select_passages([hit(text)], "电池", 20, estimate_tokens)
    assert chosen.quote.endswith("，")
    assert text.startswith(chosen.quote)
    words = "The first part tells of the battery and of the charger which comes with it always"
    (chosen,) = select_passages([hit(words)], "battery", 9, estimate_tokens)
    assert words.split()[: len(chosen.quote.split())] == chosen.quote.split()


def test_places_of_a_quote_in_its_chunk() -> None:
    (chosen,) = select_passages([hit(LONG)], "制造公司和保修期是什么？", 45, estimate_tokens)
    whole = places_in_document(chosen, 0, len(chosen.quote))
    assert len(whole) == chosen.quote.count(GAP) + 1
    assert GAP.join(LONG[start:end] for _, start, end in whole) == chosen.quote
    start = chosen.quote.index("保修期")
    ((_, first, last),) = places_in_document(chosen, start, start + 3)
    assert LONG[first:last] == "保修期"
    assert places_in_document(Passage(1, hit("别的。"), "没有。"), 0, 3) == []


def test_places_of_a_quote_in_the_chunks_of_a_section() -> None:
    section = replace(hit("甲乙丙。\n\n丙。丁戊。"), parts=(Part(4, 0, 4), Part(5, 6, 11)))
    passage = Passage(1, section, section.text)
    assert places_in_document(passage, 1, 8) == [Place(4, 1, 4), Place(5, 0, 2)]
    overlapping = replace(hit("甲乙丙。丁戊。"), parts=(Part(4, 0, 4), Part(5, 4, 7, 3)))
    passage = Passage(1, overlapping, overlapping.text)
    assert places_in_document(passage, 2, 6) == [Place(4, 2, 4), Place(5, 3, 5)]

"""Whether the documents hold the answer: what is looked at, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from assistant.answerability import after, before
from assistant.answerability.admission import admission, admits
from assistant.answerability.answered import NAMES, answer_features, is_no_answer
from assistant.answerability.calibration import BEFORE, BEFORE_ANY, shipped
from assistant.answerability.retrieved import retrieval_features
from assistant.answerability.verdict import ADMITTED
from assistant.answerability.words import asked_terms, held, holds_answer, plain
from assistant.citations import Checked, check_citations
from assistant.knowledge.keywords import matching_terms, query_terms
from assistant.knowledge.records import Hit
from tests.passages import hit, passage

E5 = "multilingual-e5-small;q4;384;cosine;query:/passage:"
BRIDGE = "星湖大桥全长3120米，于2009年5月1日建成通车。大桥由林海设计院设计。"
OTHERS = (
    "星湖湿地公园有三百种鸟类，每年冬天游客最多。",
    "城南大桥正在维修，预计明年恢复通行。",
    "图书馆周一闭馆，其余时间九点开门。",
    "滨江步道连接了两座码头。",
)


@dataclass(frozen=True)
class Found:
    candidates: Sequence[Hit]


def found(*texts: str, best: float = 0.92, step: float = 0.02) -> Found:
    """A search whose legs rank ``texts`` in their order."""
    return Found(
        [
            replace(
                hit(text, n, title="", score=1 / n),
                dense_score=best - step * (n - 1),
                keyword_score=12 / n,
            )
            for n, text in enumerate(texts, 1)
        ]
    )


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("星湖大桥什么时候通车？", BRIDGE),
        ("資料庫的向量索引", "数据库和向量索引；资料库 FAISS 也是。"),
        (
            "How were the embeddings stored in KnowledgeBase.add_texts?",
            "add_texts embeds and stores.",
        ),
        ("E1234 错误码与 v3.11.7", "错误码E1234出现在3.11中"),
        ("桥", "大桥"),
        ("ＦＡＩＳＳ的版本", "faiss 版本"),
    ],
)
def test_terms_are_held_by_the_rules_of_the_keyword_index(question: str, text: str) -> None:
    terms = query_terms(question)
    assert held(terms, plain(text)) == matching_terms(terms, text)


def test_what_stands_for_the_answer_is_no_term() -> None:
    assert asked_terms("星湖大桥是什么时候通车的？") == asked_terms("星湖大桥 通车")
    assert asked_terms("谁？")  # nothing else is asked


@pytest.mark.parametrize(
    ("question", "sentence", "holds"),
    [
        ("星湖大桥什么时候通车？", "于2009年5月1日通车。", True),
        ("星湖大桥什么时候通车？", "大桥由林海设计院设计。", False),
        ("2009年建成的大桥什么时候维修？", "2009年的大桥正在维修。", False),
        ("有多少人参加？", "共有三百人参加。", True),
        ("有多少人参加？", "许多人参加了。", False),
        ("When did it open?", "It opened in May.", True),
        ("When did it open?", "It is open to all.", False),
        ("How many votes were cast?", "Two thousand votes were cast.", True),
        ("谁设计了大桥？", "大桥由林海设计院设计。", True),
    ],
)
def test_a_date_or_number_is_looked_for_where_one_is_asked(
    question: str, sentence: str, holds: bool
) -> None:
    assert holds_answer(question, sentence) is holds


@pytest.mark.parametrize(
    "text",
    [
        "资料中没有提到大桥的造价。",
        "根据提供的资料，无法确定大桥的造价。",
        "資料中並未說明造價。",
        "文档未涉及该问题。",
        "抱歉，我不知道。",
        "没有找到相关信息。",
        "目前尚不清楚。",
        "The passages do not mention the cost.",
        "The provided context doesn't contain that information.",
        "I could not find anything about it.",
        "There is no information about the cost in the documents.",
        "It is not specified in the given passages.",
        "I’m sorry, but I don’t have that information.",
        "The cost is unknown.",
    ],
)
def test_an_admission_is_known_in_many_forms(text: str) -> None:
    assert admits(text)
    assert admission(text) > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "星湖大桥全长3120米。",
        "他没有参加2009年的比赛。",
        "大桥未收费。",
        "这座桥不能通行卡车。",
        "No, the bridge was not built in 1900.",
        "Trucks can't cross the bridge.",
        "You do not need a permit.",
    ],
)
def test_a_denial_is_no_admission(text: str) -> None:
    assert not admits(text)


def test_a_search_that_holds_the_question_has_higher_features() -> None:
    there = retrieval_features("星湖大桥什么时候通车？", found(BRIDGE, *OTHERS).candidates)
    away = retrieval_features("云顶隧道什么时候通车？", found(*OTHERS, BRIDGE).candidates)
    assert set(there) < set(BEFORE)
    for name in ("terms", "terms_all", "together", "together_thing"):
        assert there[name] > away[name], name
    assert there["terms"] == 1.0
    assert set(retrieval_features("?", ()).values()) == {0.0}


def test_features_for_any_embedding_model_have_no_scale_of_cosines() -> None:
    question = "How long is the bridge?"
    many = [f"Chapter {n} tells of bridge {n}." for n in range(30)]
    one = retrieval_features(question, found(*many, best=0.9, step=0.002).candidates)
    other = retrieval_features(question, found(*many, best=0.7, step=0.01).candidates)
    assert tuple(sorted(one)) == tuple(sorted(BEFORE))
    for name in BEFORE_ANY:
        assert one[name] == pytest.approx(other[name]), name
    assert one["similarity"] != other["similarity"]


@pytest.mark.parametrize("fingerprint", [E5, "another"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_small_knowledge_base_answers_too(fingerprint: str, count: int) -> None:
    """It has nothing that the best could stand out from."""
    few = found(*(BRIDGE, *OTHERS)[:count], step=0.001)
    verdict = before("星湖大桥什么时候通车？", few, shipped(fingerprint))
    assert verdict.answered
    assert verdict.probability > 0.5


def test_words_are_not_compared_across_languages() -> None:
    """The best by meaning stands out; that no word is shared tells nothing."""
    many = [f"Chapter {n} tells of the weather." for n in range(28)]
    bridge = "The Xinghu bridge was opened to traffic on 1 May 2009."
    seen = found(bridge, *many, best=0.9, step=0.003)
    verdict = before("星湖大桥什么时候通车？", seen, shipped(E5))
    assert set(verdict.reasons) <= {"similarity", "lead", "alike"}
    assert verdict.answered
    passages = [passage(1, bridge, "")]
    checked = check_citations("星湖大桥于2009年5月1日通车。", passages, "星湖大桥什么时候通车？")
    assert after("星湖大桥什么时候通车？", seen, passages, checked, shipped(E5)).answered


def answered(question: str, answer: str) -> tuple[Checked, dict[str, float]]:
    passages = [passage(n, text, "") for n, text in enumerate((BRIDGE, *OTHERS), 1)]
    checked = check_citations(answer, passages, question)
    seen = found(BRIDGE, *OTHERS).candidates
    return checked, answer_features(question, seen, passages, checked)


def test_a_borne_answer_has_higher_features_than_an_invented_one() -> None:
    question = "星湖大桥什么时候通车？"
    _, right = answered(question, "星湖大桥于2009年5月1日通车。")
    _, wrong = answered(question, "星湖大桥于1987年10月3日通车。")
    assert tuple(right) == NAMES
    assert all(right[name] > wrong[name] for name in ("support", "borne", "asked_there"))
    assert right["thing_there"] == right["owns"] == 1.0


def test_an_answer_borne_by_another_thing_is_told_by_its_evidence() -> None:
    """What the passages say of another thing bears the words, but not the question."""
    _, asked = answered("星湖大桥由谁设计？", "由林海设计院设计。")
    _, other = answered("云顶隧道由谁设计？", "由林海设计院设计。")
    assert asked["asked_there"] > other["asked_there"]


def test_an_answer_that_admits_is_none() -> None:
    question = "星湖大桥的造价是多少？"
    none, _ = answered(question, "资料中没有提到星湖大桥的造价。")
    partly, _ = answered(
        question, "星湖大桥全长3120米，由林海设计院设计，于2009年5月1日通车。资料未提及造价。"
    )
    assert is_no_answer(none)
    assert not is_no_answer(partly)
    verdict = after(question, found(BRIDGE, *OTHERS), [], none)
    assert not verdict.answered
    assert verdict.reasons == {ADMITTED: 1.0}


def test_empty_and_short_answers_are_judged_too() -> None:
    for answer in ("", "5", "。", "[1]"):
        checked, features = answered("星湖大桥什么时候通车？", answer)
        assert all(0 <= value <= 1 for value in features.values())
        assert after("星湖大桥什么时候通车？", Found(()), [], checked).probability < 0.5


def test_the_verdict_rises_with_what_was_found_and_says_why() -> None:
    question = "星湖大桥什么时候通车？"
    calibration = shipped(E5)
    there = before(question, found(BRIDGE, *OTHERS), calibration)
    away = before("云顶隧道的造价", found(*OTHERS, best=0.83, step=0.001), calibration)
    nothing = before(question, Found(()), calibration)
    assert there.answered
    assert there.probability > away.probability > nothing.probability
    assert not nothing.answered
    strengths = [abs(part) for part in there.reasons.values()]
    assert strengths == sorted(strengths, reverse=True)
    assert set(there.reasons) <= set(BEFORE)


def test_support_decides_between_two_answers_of_one_search() -> None:
    question = "星湖大桥什么时候通车？"
    seen = found(BRIDGE, *OTHERS)
    passages = [passage(1, BRIDGE, "")]
    right, wrong = (
        after(question, seen, passages, check_citations(answer, passages, question), shipped(E5))
        for answer in ("星湖大桥于2009年5月1日通车。", "星湖大桥于1987年10月3日通车。")
    )
    assert right.answered
    assert right.probability > wrong.probability
    assert right.reasons["borne"] > wrong.reasons["borne"]

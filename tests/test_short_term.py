"""Short-term memory: the window, the summary of what is before it, and branches."""

import pytest

from assistant.memory.records import Turn, branch, text_parts
from assistant.memory.short_term import SUMMARY_TOKENS, ShortTermMemory


def turn(id: str, question: str, answer: str = "好。", parent: str = "") -> Turn:
    return Turn(id, text_parts(question), answer, question, 1.0, parent=parent)


def chain(*questions: str) -> list[Turn]:
    """Turns that follow one another: t1, t2, ..."""
    return [
        turn(f"t{n}", question, parent=f"t{n - 1}" if n > 1 else "")
        for n, question in enumerate(questions, 1)
    ]


@pytest.fixture
def memory() -> ShortTermMemory:
    return ShortTermMemory(len, tokens=40, conversations=2)


def texts(memory: ShortTermMemory, before: str = "") -> list[str]:
    return [turn.text for turn in memory.history("u", "c", before=before).turns]


def test_an_unknown_conversation_is_not_an_empty_one(memory: ShortTermMemory) -> None:
    assert memory.head("u", "c") is None
    memory.fill("u", "c", [])
    assert memory.head("u", "c") == ""
    assert memory.history("u", "c").parent == ""


def test_the_newest_turns_are_the_window_and_the_rest_is_folded(memory: ShortTermMemory) -> None:
    questions = ["怎么安装 FAISS？" * 2, "它要多少内存？", "支持 GPU 吗？", "速度呢？"]
    memory.fill("u", "c", chain(*questions))
    history = memory.history("u", "c")
    assert [each.text for each in history.turns] == questions[1:]
    assert history.summary == "怎么安装 FAISS？" * 2
    assert history.parent == "t4"


def test_the_last_turn_is_in_the_window_however_long(memory: ShortTermMemory) -> None:
    memory.fill("u", "c", chain("短", "长" * 1000))
    assert texts(memory) == ["长" * 1000]


def test_the_summary_keeps_the_subject_and_the_newest(memory: ShortTermMemory) -> None:
    questions = [f"第 {n} 个问题" + "，再说说" * 6 for n in range(20)]
    memory.fill("u", "c", chain(*questions))
    lines = memory.history("u", "c").summary.splitlines()
    assert lines[0] == questions[0]
    assert lines[1:] == questions[19 - len(lines[1:]) - 1 : 18] or lines[-1] == questions[18]
    assert sum(map(len, lines)) <= SUMMARY_TOKENS + len(questions[0])


def test_a_folded_question_is_one_line_and_not_said_twice(memory: ShortTermMemory) -> None:
    memory.fill("u", "c", chain("第一行\n第二行", "第一行\n第二行", "长" * 50))
    assert memory.history("u", "c").summary == "第一行 第二行"


def test_a_question_asked_again_leaves_nothing_of_its_first_answer(
    memory: ShortTermMemory,
) -> None:
    memory.fill("u", "c", chain("甲是什么？", "它多大？", "还有呢？"))
    history = memory.history("u", "c", before="t2")
    assert [each.text for each in history.turns] == ["甲是什么？"]
    assert history.parent == "t1"
    memory.add("u", "c", turn("t2b", "乙多大？", parent="t1"))
    assert texts(memory) == ["甲是什么？", "乙多大？"]
    assert memory.head("u", "c") == "t2b"
    assert memory.turn("u", "c", "t3") is None


def test_the_first_question_edited_begins_anew(memory: ShortTermMemory) -> None:
    memory.fill("u", "c", chain("甲？", "它呢？"))
    assert memory.history("u", "c", before="t1").turns == ()
    memory.add("u", "c", turn("n1", "乙？"))
    assert texts(memory) == ["乙？"]


def test_an_abandoned_folded_turn_leaves_the_summary(memory: ShortTermMemory) -> None:
    memory.fill("u", "c", chain("一" * 30, "二" * 30, "三" * 30))
    assert memory.history("u", "c", before="t3").summary == "一" * 30
    assert memory.history("u", "c", before="t2").summary == ""


def test_conversations_and_users_are_apart_and_bounded(memory: ShortTermMemory) -> None:
    for user, conversation in (("u", "c"), ("v", "c"), ("u", "d")):
        memory.add(user, conversation, turn("t", f"{user}{conversation}"))
    assert memory.head("u", "c") is None  # the longest unused
    assert [each.text for each in memory.history("v", "c").turns] == ["vc"]
    memory.forget_all("v")
    assert memory.head("v", "c") is None
    assert memory.head("u", "d") == "t"


def test_a_branch_is_read_from_its_head() -> None:
    turns = {each.id: each for each in [*chain("一", "二", "三"), turn("t2b", "二改", parent="t1")]}
    assert [each.text for each in branch(turns, "t2b")] == ["一", "二改"]
    assert [each.text for each in branch(turns, "t3")] == ["一", "二", "三"]
    assert branch(turns, "gone") == []


def test_turns_that_follow_each_other_in_a_circle_end() -> None:
    turns = {"a": turn("a", "甲", parent="b"), "b": turn("b", "乙", parent="a")}
    assert [each.id for each in branch(turns, "a")] == ["b", "a"]

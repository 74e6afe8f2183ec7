"""Rewriting: what the guards let through, and what is searched where they don't."""

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage

from assistant.models.embedding.model import estimate_tokens
from assistant.prompts import load_prompts
from assistant.rewriting import Rewriter, clean, history_aware_retriever, points, recalls

HISTORY = [HumanMessage("北京大学是哪年建校的？"), AIMessage("北京大学创办于1898年。")]


def rewriter(*replies: str) -> Rewriter:
    """A rewriter whose model gives ``replies`` in turn (and fails when asked once more)."""
    model = FakeListChatModel(responses=list(replies) or ["unused"])
    return Rewriter(lambda: model, load_prompts(), estimate_tokens)


def test_a_first_question_needs_no_model() -> None:
    def no_model() -> FakeListChatModel:
        raise AssertionError("the model was asked")

    alone = Rewriter(no_model, load_prompts(), estimate_tokens).rewrite("北京大学在哪？", [])
    assert (alone.text, alone.changed, alone.background) == ("北京大学在哪？", False, "")


def test_a_follow_up_is_completed_and_carries_the_conversation() -> None:
    done = rewriter("改写：“北京大学有多少个学院？”").rewrite("它有多少个学院？", HISTORY)
    assert done.text == "北京大学有多少个学院？"
    assert done.changed
    assert "1898" in done.background


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "北京大学有55个直属院系。",  # answers
        "How many schools does Peking University have?",  # another language
        "北京大学在2024年有多少个学院？",  # a number nobody said
        "清华大学计算机系的分数线和就业率是多少？",  # another subject
        "北京大学有多少个学院？" * 30,
    ],
)
def test_an_unsound_rewrite_falls_back_to_the_last_question(reply: str) -> None:
    done = rewriter(reply).rewrite("它有多少个学院？", HISTORY)
    assert done.text == "北京大学是哪年建校的？ 它有多少个学院？"


def test_a_complete_question_stays_and_is_searched_alone() -> None:
    done = rewriter("Python 的列表怎么排序？").rewrite("Python 的列表怎么排序？", HISTORY)
    assert (done.changed, done.background) == (False, "")


def test_a_copied_follow_up_is_searched_with_its_conversation() -> None:
    done = rewriter("它有多少个学院？").rewrite("它有多少个学院？", HISTORY)
    assert not done.changed
    assert "北京大学" in done.background


def test_recollections_stand_before_the_conversation() -> None:
    told = rewriter().render_history(HISTORY, ["Redis 怎么备份？"], "zh")
    assert told.splitlines()[0] == "用户（以前的对话）：Redis 怎么备份？"


def test_long_messages_and_long_conversations_are_bounded() -> None:
    history = [HumanMessage(f"第{n}个问题" + "很长" * 4000) for n in range(30)]
    told = rewriter().render_history(history, [], "zh")
    assert len(told) < 800
    assert "第29个问题" in told
    assert "第3个问题" not in told


def test_the_prefix_read_ahead_is_the_prefix_of_the_next_prompt() -> None:
    one = rewriter("北京大学有多少个学院？")
    ahead = one.prompt_prefix(HISTORY)
    told = one.render_history(HISTORY, [], "zh")
    asked = one.prompts.get("rewrite", "zh").messages(history=told, question="它在哪？")
    assert ahead[:-1] == asked[:-1]
    assert str(asked[-1].content).startswith(str(ahead[-1].content))


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("Rewritten question: Who is he?\nBecause...", "Who is he?"),
        ("《红楼梦》的作者是谁？", "《红楼梦》的作者是谁？"),
        ("「它是什么？」", "它是什么？"),
        ("\n\n", ""),
    ],
)
def test_clean(reply: str, line: str) -> None:
    assert clean(reply) == line


def test_pointing_and_recalling_words() -> None:
    assert all(points(text) for text in ("那第二个呢？", "Who made it?", "该方法的优点"))
    assert not any(points(text) for text in ("北京大学在哪？", "What is item retrieval?"))
    assert recalls("上次说的数据库怎么备份？") and recalls("What did we discuss last time?")


def test_as_langchain_history_aware_retriever() -> None:
    from langchain_core.documents import Document

    retriever = history_aware_retriever(
        rewriter("北京大学有多少个学院？"), lambda asked: [Document(page_content=asked.text)]
    )
    (found,) = retriever.invoke({"input": "它有多少个学院？", "chat_history": HISTORY})
    assert found.page_content == found.metadata["standalone"] == "北京大学有多少个学院？"

"""Rewriting: what the guards let through, and what is searched where they don't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatResult
from pydantic import Field

from assistant.models.embedding.model import estimate_tokens
from assistant.prompts import load_prompts
from assistant.rewriting.context import Context
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.rewriting.subject import with_subject
from assistant.rewriting.validation import parsed

HISTORY = (HumanMessage("北京大学是哪年建校的？"), AIMessage("北京大学创办于1898年。"))
ENGLISH = (HumanMessage("When was Redis 6.2 released?"), AIMessage("Redis 6.2 came out in 2021."))


class Recorder(FakeListChatModel):
    """Keeps what it was asked."""

    asked: list[str] = Field(default_factory=list)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append(messages[-1].text)
        return super()._generate(messages, *args, **kwargs)


def rewriter(*replies: str) -> Rewriter:
    """A rewriter whose model gives ``replies`` in turn."""
    model = FakeListChatModel(responses=list(replies) or ["unused"])
    return Rewriter(lambda: model, load_prompts(), estimate_tokens)


def no_rewriter() -> Rewriter:
    """A rewriter that must not ask its model."""

    def no_model() -> FakeListChatModel:
        raise AssertionError("the model was asked")

    return Rewriter(no_model, load_prompts(), estimate_tokens)


def said(*turns: str) -> Sequence[BaseMessage]:
    return [(AIMessage if n % 2 else HumanMessage)(text) for n, text in enumerate(turns)]


def test_a_first_question_needs_no_model() -> None:
    alone = no_rewriter().rewrite("北京大学在哪？", Context())
    assert alone == Standalone("北京大学在哪？", "北京大学在哪？", (), "typed")
    assert not alone.changed


@pytest.mark.parametrize(
    ("question", "context"),
    [
        ("《红楼梦》的作者是谁？", Context(HISTORY)),
        ("那《红楼梦》这部小说的作者是谁？", Context(HISTORY)),
        ("How does the FAISS index of Acme Search store vectors?", Context(ENGLISH)),
        ("faiss 的 IndexIDMap2 和 IVF 能一起用吗？", Context(HISTORY)),
        ("下面这段代码为什么报错？\n" + "x = 1\n" * 200, Context(HISTORY)),
        ("Python 的列表怎么排序？", Context(memories=["我用的是 H20"])),
    ],
)
def test_a_question_that_stands_alone_needs_no_model(question: str, context: Context) -> None:
    alone = no_rewriter().rewrite(question, context)
    assert (alone.text, alone.way) == (question, "typed")


@pytest.mark.parametrize(
    ("question", "context"),
    [
        ("作者是谁？", Context(HISTORY)),
        ("主演除了《红楼梦》的那位，还有谁？", Context(HISTORY)),
        ("Windows 上怎么安装？", Context(HISTORY)),
        ("And on Windows?", Context(ENGLISH)),
        ("Which other versions of Redis Stack were released in 2021?", Context(ENGLISH)),
        ("我的显卡能跑 72B 吗？", Context(memories=["我用的是 H20，96GB"])),
        ("它能跑吗？", Context(memories=["我用的是 H20，96GB"])),
        ("上次说的怎么备份？", Context(recollections=[("Redis 怎么备份？", "")])),
    ],
)
def test_a_question_that_may_lean_on_something_is_rewritten(
    question: str, context: Context
) -> None:
    model = Recorder(responses=[""])
    Rewriter(lambda: model, load_prompts(), estimate_tokens).rewrite(question, context)
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "reply",
    ["改写：“北京大学有多少个学院？”", "北京大学｜北京大学有多少个学院", "北京大学有多少个学院？"],
)
def test_a_follow_up_is_completed_and_carries_the_conversation(reply: str) -> None:
    done = rewriter(reply).rewrite("它有多少个学院？", Context(HISTORY))
    assert (done.text, done.way) == ("北京大学有多少个学院？", "model")
    assert done.changed
    assert "1898" in done.background[-1]


BAD_REPLIES = [
    "",
    "北京大学有55个直属院系。",  # answers
    "北京大学是1898年建校的。北京大学有多少个学院呢，它有55个",
    "How many schools does Peking University have?",  # another language
    "北京大学在2024年有多少个学院？",  # a number nobody said
    "清华大学计算机系的分数线和就业率是多少？",  # another subject
    "北京大学有多少个《学院》和 GPT_4？",  # a code nobody said
    "北京大学是哪年建校的？",  # the question before
    "北京大学有多少个学院？" * 30,
    "北京大学北京大学北京大学有多少个学院？",
    "北京大学有多少个<img src=x onerror=alert(1)>学院？",
    "北京大学有多少个[学院](http://x)？",
]


@pytest.mark.parametrize("reply", BAD_REPLIES)
def test_an_unsound_rewrite_falls_back_to_the_last_question(reply: str) -> None:
    done = rewriter(reply).rewrite("它有多少个学院？", Context(HISTORY))
    assert (done.text, done.way) == ("北京大学是哪年建校的？ 它有多少个学院？", "joined")


@pytest.mark.parametrize("reply", BAD_REPLIES)
def test_an_unsound_rewrite_with_a_sound_topic_is_joined_with_it(reply: str) -> None:
    done = rewriter(f"北京大学｜{reply}").rewrite("它有多少个学院？", Context(HISTORY))
    assert (done.text, done.way) == ("北京大学有多少个学院？", "joined")


@pytest.mark.parametrize("topic", ["清华大学", "北京大学1999", "<b>北京大学</b>", "北京大学" * 30])
def test_a_topic_that_nobody_named_is_not_taken(topic: str) -> None:
    done = rewriter(f"{topic}｜").rewrite("它有多少个学院？", Context(HISTORY))
    assert done.text == "北京大学是哪年建校的？ 它有多少个学院？"


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("那它支持 io-threads 吗？", "Redis 支持多线程吗？"),
        ("那它的 E1042 怎么处理？", "Redis 的错误怎么处理？"),
        ("3 个节点够吗？", "Redis 的节点够吗？"),
        ("它和“哨兵”有什么区别？", "Redis 有什么区别？"),
    ],
)
def test_names_and_numbers_of_the_question_are_kept(question: str, reply: str) -> None:
    history = Context(said("Redis 集群怎么搭？", "用 redis-cli --cluster create。"))
    done = rewriter(reply).rewrite(question, history)
    assert done.way == "joined"
    assert question in done.text


@pytest.mark.parametrize("question", ["那第二个呢？", "第二个呢", "后者呢？"])
def test_a_question_that_only_points_may_change_wholly(question: str) -> None:
    history = Context(said("Redis 怎么安装？", "用 apt 或者 Docker。"))
    done = rewriter("Docker｜Docker 怎么安装 Redis？").rewrite(question, history)
    assert (done.text, done.way) == ("Docker 怎么安装 Redis？", "model")


def test_talk_before_the_question_may_go() -> None:
    question = "2004年的，我看过。那它的导演是谁？"
    history = Context(said("你看过《幸福终点站》吗？", "看过。"))
    done = rewriter("《幸福终点站》｜《幸福终点站》的导演是谁？").rewrite(question, history)
    assert (done.text, done.way) == ("《幸福终点站》的导演是谁？", "model")


def test_a_complete_question_stays() -> None:
    done = rewriter("Python｜Python 的列表怎么排序？").rewrite(
        "Python 的列表怎么排序？", Context(HISTORY)
    )
    assert (done.changed, done.way) == (False, "typed")


@pytest.mark.parametrize(
    ("question", "reply"), [("B1?", "DN65 的 B1 封装是什么？"), ("B1", "DN65 的 B1 封装是什么？")]
)
def test_a_bare_name_is_completed_in_the_conversation_language(question: str, reply: str) -> None:
    history = Context(said("DN65 的封装是什么？", "有 A1 和 B1 两种，您问哪一种？"))
    assert rewriter(reply).rewrite(question, history).text == reply


def test_a_copied_question_takes_what_its_topic_names() -> None:
    memories = Context(memories=["我们的项目是用 Django 写的"])
    question = "我们的项目怎么部署？"
    done = rewriter(f"Django 项目｜{question}").rewrite(question, memories)
    assert (done.text, done.way) == (f"Django 项目 {question}", "joined")
    done = rewriter("北京大学｜它有多少个学院？").rewrite("它有多少个学院？", Context(HISTORY))
    assert done.text == "北京大学有多少个学院？"


def test_a_memory_is_shown_only_to_a_question_that_speaks_of_its_user() -> None:
    model = Recorder(responses=["unused"])
    one = Rewriter(lambda: model, load_prompts(), estimate_tokens)
    memories = ["我住在杭州"]
    one.rewrite("它有多少个学院？", Context(HISTORY, memories=memories))
    one.rewrite("我家离它多远？", Context(HISTORY, memories=memories))
    assert ["杭州" in asked for asked in model.asked] == [False, True]


@pytest.mark.parametrize(
    ("subject", "question", "text"),
    [
        ("苏轼", "那他们的作品呢？", "那苏轼的作品呢？"),
        ("苏轼", "其他人怎么看？", "苏轼 其他人怎么看？"),
        ("Acme", "How did they start?", "How did Acme start?"),
        ("Acme", "Where are their shops?", "Where are Acme's shops?"),
        ("Acme", "Is it true that shops close?", "Acme Is it true that shops close?"),
        ("Acme", "It's where?", "Acme It's where?"),
    ],
)
def test_a_subject_takes_the_place_of_the_pronoun(subject: str, question: str, text: str) -> None:
    assert with_subject(subject, question) == text


def test_without_the_model_the_question_is_joined_with_the_last_one() -> None:
    done = no_rewriter().joined("它在哪？", Context(HISTORY))
    assert (done.text, done.way) == ("北京大学是哪年建校的？ 它在哪？", "joined")
    recalled = Context(recollections=[("Redis 怎么备份？", "用 RDB。")])
    assert no_rewriter().joined("上次那个呢？", recalled).text == "Redis 怎么备份？ 上次那个呢？"
    assert no_rewriter().joined("它在哪？", Context()).text == "它在哪？"
    owned = Context(memories=["我用的是 H20"])
    assert no_rewriter().joined("我的显卡能跑吗？", owned).text == "我用的是 H20 我的显卡能跑吗？"
    assert no_rewriter().joined("北京大学在哪？", owned).text == "北京大学在哪？"


@pytest.mark.parametrize(
    ("reply", "pair"),
    [
        ("Rewritten question: Who is he?\nBecause...", ("", "Who is he?")),
        ("《红楼梦》的作者是谁？", ("", "《红楼梦》的作者是谁？")),
        ("《红楼梦》｜《红楼梦》的作者是谁？", ("《红楼梦》", "《红楼梦》的作者是谁？")),
        ("black tea | Is black tea good?", ("black tea", "Is black tea good?")),
        ("「它是什么？」", ("", "它是什么？")),
        ("\n\n", ("", "")),
    ],
)
def test_a_reply_is_read_as_topic_and_question(reply: str, pair: tuple[str, str]) -> None:
    assert parsed(reply) == pair


def test_a_way_is_one_of_those_known() -> None:
    with pytest.raises(ValueError, match="typed, model, joined, edited, off"):
        Standalone("?", "?", way="guessed")


def test_as_langchain_history_aware_retriever() -> None:
    from langchain_core.documents import Document

    from assistant.rewriting.langchain_retriever import history_aware_retriever

    documents = [Document("文", metadata={"n": 1})]
    retriever = history_aware_retriever(
        rewriter("北京大学有多少个学院？", "H20 96GB 能跑 72B 吗？"), lambda asked: documents
    )
    (found,) = retriever.invoke({"input": "它有多少个学院？", "chat_history": HISTORY})
    assert found.metadata == {"n": 1, "standalone": "北京大学有多少个学院？"}
    asked = {"input": "我的显卡能跑 72B 吗？", "memories": ["我用的是 H20，96GB"]}
    assert retriever.invoke(asked)[0].metadata["standalone"] == "H20 96GB 能跑 72B 吗？"
    assert documents[0].metadata == {"n": 1}, "the caller's documents stay as they are"
    pairs = {"input": "Python 列表排序？", "chat_history": [("human", "你好")]}
    assert retriever.invoke(pairs)

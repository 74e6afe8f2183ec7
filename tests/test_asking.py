"""Kinds of messages: what is small talk, about the library, a summary, a comparison, unclear."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant import prompts
from assistant.asking import Kind, asking
from assistant.asking.naming import named
from assistant.asking.smalltalk import is_smalltalk, without_greeting
from assistant.models.embedding.e5 import E5Engine, open_e5

NAMES = [
    "用户手册",
    "manual-zh.pdf",
    "员工手册",
    "User manual X100",
    "User manual X200",
    "Refund policy",
]


@cache
def engine() -> E5Engine:
    return open_e5(1)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return engine().queries(list(texts))


def kind_of(message: str, *, earlier: str = "", previous: str = "") -> Kind:
    found = asking(message, message, lambda: NAMES, previous=previous, earlier=earlier)
    return found.kind


@pytest.mark.parametrize(
    "message",
    [
        "Hi!", "hello there", "thanks, that helped", "Ok bye", "omg.", "You're the best!",
        "hi, can you help me", "How are you today?", "No, that's all for now.", "👍", "???",
        "你好", "谢谢，很有帮助！", "好的，明白了", "再见", "你是谁？", "哈哈哈", "在吗",
        "辛苦啦～",
        "你答错了", "不用了，谢谢", "好的 thanks",
    ],
)  # fmt: skip
def test_small_talk_is_told(message: str) -> None:
    assert kind_of(message) is Kind.SMALLTALK


@pytest.mark.parametrize(
    "message",
    [
        "Hi! how do I install it on Linux?", "Thanks. And what about pricing of the Pro plan?",
        "thanks, but what about the second invoice", "Support", "VPN keeps disconnecting",
        "Thank You for Smoking director", "good morning, my order has not arrived yet",
        "你好，怎么安装 Redis？", "谢谢，那标准版的价格是多少", "《你好，李焕英》的导演是谁？",
        "退款政策",
        "哦，那 IP67 是什么", "感谢信怎么写",
    ],
)  # fmt: skip
def test_a_message_that_asks_is_looked_up(message: str) -> None:
    assert asking(message, message, lambda: NAMES, earlier="x", embed=embed).kind is Kind.LOOKUP


def test_yes_answers_a_question_of_the_assistant() -> None:
    assert kind_of("yes") is Kind.SMALLTALK
    for asked in ("Do you mean A or B?", "您问的是 A 还是 B？", "**Which one?**"):
        assert kind_of("yes", previous=asked, earlier="How much?") is Kind.LOOKUP
        assert kind_of("好的，谢谢", previous=asked, earlier="How much?") is Kind.SMALLTALK


def test_statements_are_told_by_their_vector() -> None:
    told = ["Your explanation was much clearer than the manual", "跟你聊天真让人放松，心情都变好了"]
    kept = ["The washing machine stops in the middle of the cycle", "合同里的通知期写得不清楚"]
    for message, kind in [(told[0], Kind.SMALLTALK), (told[1], Kind.SMALLTALK)]:
        assert asking(message, message, lambda: [], embed=embed).kind is kind
        assert asking(message, message, lambda: []).kind is Kind.LOOKUP
    for message in kept:
        assert asking(message, message, lambda: [], embed=embed).kind is Kind.LOOKUP


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        ("你有哪些文档？", ()), ("知识库里有什么", ()), ("一共有多少篇文档", ()), ("列出所有文档",
        ()),
        ("你好，你有哪些文档？", ()), ("有没有关于报销的文档？", ("报销",)),
        ("我可以问你哪些问题", ()),
        ("which documents do you have?", ()), ("How many documents are there", ()),
        ("What is in the knowledge base?", ()), ("list all documents", ()),
        ("Is there a document about travel expenses?", ("travel expenses",)),
        ("Do you have the user manual?", ("user manual",)), ("有用户手册吗？", ("用户手册",)),
    ],
)  # fmt: skip
def test_questions_about_the_library(message: str, topic: tuple[str, ...]) -> None:
    found = asking(message, message, lambda: NAMES)
    assert (found.kind, found.subjects) == (Kind.LIBRARY, topic)


@pytest.mark.parametrize(
    "message",
    [
        "Which documents are required for registration?", "办签证需要哪些文件？",
        "备份里包含哪些文件",
        "How do I delete a document from the knowledge base?", "怎么从知识库里删除文档",
        "How many pages can the scanner take?", "Do you have any name?", "有没有学生优惠",
        "list the steps to reset the device", "what do you know about the 1998 merger?",
    ],
)  # fmt: skip
def test_what_only_speaks_of_documents_is_looked_up(message: str) -> None:
    assert kind_of(message) is Kind.LOOKUP


@pytest.mark.parametrize(
    ("message", "subjects"),
    [
        ("总结一下《用户手册》", ("用户手册",)), ("总结一下", ()), ("这篇文档讲了什么？", ()),
        ("用三句话概括全文", ()), ("员工手册的主要内容是什么？", ("员工手册",)), ("总结所有文档",
        ()),
        ("summarise this document", ()), ("Summarize the docs", ()), ("tl;dr", ()),
        ("Could you summarise manual-zh.pdf in three sentences?", ("manual-zh.pdf",)),
        ("What is the refund policy about?", ("Refund policy",)),
        ("give me a summary of the user manual", ("User manual X100", "User manual X200")),
        ("thanks! now give me a short summary of the user manual X200", ("User manual X200",)),
    ],
)  # fmt: skip
def test_summaries(message: str, subjects: tuple[str, ...]) -> None:
    found = asking(message.replace("now ", ""), message, lambda: NAMES)
    assert (found.kind, found.subjects) == (Kind.SUMMARY, subjects)


def test_a_summary_may_be_named_by_the_rewrite_only() -> None:
    found = asking("总结一下它", "总结一下《员工手册》", lambda: NAMES)
    assert (found.kind, found.subjects) == (Kind.SUMMARY, ("员工手册",))


@pytest.mark.parametrize("message", ["怎么写好一份工作总结？", "How do I write a good summary?",
                                     "Summarize the causes of the war",
                                     "概括法国大革命的起因"])  # fmt: skip
def test_a_summary_of_a_topic_is_looked_up(message: str) -> None:
    assert kind_of(message) is Kind.LOOKUP


@pytest.mark.parametrize(
    ("message", "things"),
    [
        ("Redis 和 Valkey 有什么区别？", ("Redis", "Valkey")),
        ("比较一下标准版和专业版", ("标准版", "专业版")),
        ("《劳动法》和《劳动合同法》有什么区别", ("《劳动法》", "《劳动合同法》")),
        ("标准版、专业版和旗舰版有什么不同", ("标准版", "专业版", "旗舰版")),
        ("铜线好还是铝线好？", ("铜线", "铝线")),
        ("Compare the 2022 manual with the 2023 manual", ("the 2022 manual", "the 2023 manual")),
        ("Postgres vs MySQL", ("Postgres", "MySQL")),
        ("Which is faster, Docker or Podman?", ("Docker", "Podman")),
        ("How does the S3 differ from the S5?", ("the S3", "the S5")),
    ],
)  # fmt: skip
def test_comparisons(message: str, things: tuple[str, ...]) -> None:
    found = asking(message, message, lambda: NAMES)
    assert (found.kind, found.subjects) == (Kind.COMPARE, things)


@pytest.mark.parametrize(
    "message",
    ["它们有什么区别？", "What is the difference between them?", "2021年销量同比增长多少？",
     "how do I compare two reports in the tool?", "what is a vs code extension",
     "北京和上海的人口"],
)  # fmt: skip
def test_what_names_no_two_things_is_no_comparison(message: str) -> None:
    assert kind_of(message, earlier="x") is Kind.LOOKUP


@pytest.mark.parametrize(
    "message",
    ["多少钱？", "怎么申请？", "How much is it?", "How do I apply for it?", "How do I do that?",
     "What services does this library offer?", "What is the purpose of that NASA mission?"],
)  # fmt: skip
def test_a_first_question_without_a_subject_is_unclear(message: str) -> None:
    assert kind_of(message) is Kind.UNCLEAR
    assert kind_of(message, earlier="Tell me about visas") is Kind.LOOKUP


def test_a_later_question_is_unclear_where_it_points_off_the_subject() -> None:
    def kind(question: str, earlier: str) -> Kind:
        return asking(question, question, lambda: [], earlier=earlier, embed=embed).kind

    earlier = "How do I set up a virtual server?"
    assert kind("When was the actor born and where did he grow up?", earlier) is Kind.UNCLEAR
    assert kind("How much memory does it have?", earlier) is Kind.LOOKUP


def test_names_are_read_only_where_they_matter() -> None:
    def names() -> list[str]:
        raise AssertionError("not needed")

    for message in ("How do I install Redis?", "谢谢", "怎么安装 Redis？", "A vs B"):
        asking(message, message, names)


def test_it_takes_milliseconds_even_on_hostile_input() -> None:
    names = [f"第{n}号产品说明书 v{n % 7}" for n in range(3000)]
    hostile = [
        "看看" * 90,
        "的和" * 95,
        "please " * 28,
        "ha" * 99,
        "a b " * 49 + "?",
        "《" * 199,
        "。" * 8000,
    ]
    named("第12号产品说明书", names)
    start = time.process_time()
    for message in hostile:
        asking(message, message, lambda: names)
    assert time.process_time() - start < 0.35
    found = asking("总结一下第12号产品说明书", "", lambda: names)
    assert found.subjects[0] == "第12号产品说明书 v5"


def test_a_greeting_is_left_out() -> None:
    assert without_greeting("你好，谢谢！多少钱？") == "多少钱？"
    assert without_greeting("谢谢，《手册》讲了什么") == "《手册》讲了什么"
    assert without_greeting("Hello") == "Hello"
    assert is_smalltalk("")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_small_talk_prompt_can_be_used(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "VARIABLES", {"smalltalk": frozenset({"question"})})
    messages = prompts.load_prompts().get("smalltalk", language).messages(question="谢谢 {x}")
    assert messages[-1].text == "谢谢 {x}"
    assert sum(len(message.text) for message in messages) < 600

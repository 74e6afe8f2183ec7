"""What a turn may use: the collection that was chosen, if its user may read it, and in it the
documents that were chosen; for every kind of question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from assistant import events
from assistant.knowledge.collections import Collections
from assistant.memory.records import Choices
from assistant.parts import Parts
from assistant.users.identity import AccessDenied, Identity, Role
from tests.openai_server import OpenAIServer, openai_server
from tests.question_parts import add_documents, parts_over

LI, DU = Identity("li", Role.EDITOR), Identity("du", Role.READER)
OPEN = {
    "/docs/rice.md": ("青禾一号", "青禾一号是一种水稻品种，亩产900公斤，生长期为120天。"),
    "/docs/x7.md": ("星河7000手册", "星河7000是便携式光谱仪，重量为1.8千克，保修期为三年。"),
}
CLOSED = {
    "/law/lease.md": ("租赁合同", "租赁合同的押金为两个月租金，提前三十天通知方可解除。"),
    "/law/labour.md": ("劳动合同", "劳动合同的试用期为三个月，试用期工资为八成。"),
}
SUMMARY, WHICH = "请总结一下这些文档。", "知识库里有哪些文档？"
COMPARE = "租赁合同和劳动合同有什么区别？"


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running


@pytest.fixture(scope="module")
def parts(server: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    opened = parts_over(server, tmp_path_factory.mktemp("data"))
    law = Collections(opened.knowledge).make("law", "li", []).name
    for name, documents in (("default", OPEN), (law, CLOSED)):
        add_documents(opened, opened.knowledge.collection(name), documents)
    yield opened
    opened.close()


def ask(
    parts: Parts, server: OpenAIServer, question: str, identity: Identity, choices: Choices
) -> tuple[set[str], events.Done]:
    """The titles of the sources, and the end."""
    server.clear()
    server.say(*["好的。"] * 3)
    conversation = f"{identity.user}-{abs(hash((question, choices)))}"
    seen: Sequence[events.Event] = list(
        parts.conversation.turn(
            identity.user, conversation, question,
            language="zh", choices=choices, identity=identity,
        )
    )  # fmt: skip
    done = seen[-1]
    assert isinstance(done, events.Done), done
    return {one.title for one in seen if isinstance(one, events.Source)}, done


@pytest.mark.parametrize("question", ["押金是多少？", SUMMARY, COMPARE])
def test_a_turn_uses_the_collection_that_was_chosen(
    parts: Parts, server: OpenAIServer, question: str
) -> None:
    titles, _ = ask(parts, server, question, LI, Choices(collection="law"))
    assert titles and titles <= {"租赁合同", "劳动合同"}
    titles, _ = ask(parts, server, question, LI, Choices())
    assert titles <= {"青禾一号", "星河7000手册"}
    titles, _ = ask(parts, server, question, DU, Choices(collection="*"))
    assert titles <= {"青禾一号", "星河7000手册"}, "all that this reader may read"


def test_which_documents_there_are_depends_on_who_asks(parts: Parts, server: OpenAIServer) -> None:
    _, done = ask(parts, server, WHICH, LI, Choices(collection="law"))
    assert "**2** 篇" in done.answer and "租赁合同" in done.answer and "青禾" not in done.answer
    _, done = ask(parts, server, WHICH, LI, Choices(collection="*"))
    assert "**4** 篇" in done.answer
    _, done = ask(parts, server, WHICH, DU, Choices(collection="*"))
    assert "**2** 篇" in done.answer and "合同" not in done.answer
    _, done = ask(parts, server, WHICH, DU, Choices(only=frozenset({"/docs/rice.md"})))
    assert "**1** 篇" in done.answer and "星河" not in done.answer


def test_all_that_a_user_may_read_is_searched_as_one(parts: Parts, server: OpenAIServer) -> None:
    every = Choices(collection="*")
    assert "租赁合同" in ask(parts, server, "租赁合同的押金是多少？", LI, every)[0]
    assert "星河7000手册" in ask(parts, server, "星河7000有多重？", LI, every)[0]


@pytest.mark.parametrize("question", [SUMMARY, COMPARE, "试用期有多久？"])
def test_only_the_chosen_documents_are_used(
    parts: Parts, server: OpenAIServer, question: str
) -> None:
    only = Choices(collection="law", only=frozenset({"/law/labour.md"}))
    assert ask(parts, server, question, LI, only)[0] == {"劳动合同"}


@pytest.mark.parametrize("question", ["押金是多少？", SUMMARY, WHICH, "你好！"])
@pytest.mark.parametrize("name", ["law", "no-such", "../law", "\x00"])
def test_what_may_not_be_read_is_refused(
    parts: Parts, server: OpenAIServer, question: str, name: str
) -> None:
    server.clear()
    with pytest.raises(AccessDenied, match="no collection"):
        ask(parts, server, question, DU, Choices(collection=name))
    assert server.requests == []


def test_the_server_of_turns_says_so_and_keeps_nothing(parts: Parts) -> None:
    turn = parts.turns.start("du", "c9", "押金是多少？", language="zh", identity=DU,
                             choices=Choices(collection="law"))  # fmt: skip
    *_, last = turn.events()
    assert isinstance(last, events.Error) and last.kind == "access"
    assert "没有您可以阅读的知识库 law" in last.message
    assert parts.long_term.turns("du", "c9") == []
    turn = parts.turns.start("du", "c8", "押金是多少？", choices=Choices(collection="law"))
    *_, last = turn.events()
    assert isinstance(last, events.Error), "without an identity a user has a reader's rights"

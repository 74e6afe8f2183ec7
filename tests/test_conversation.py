"""Whole turns on real parts: real store, embeddings and Redis server; the chat model's replies come
from a queue over the real wire format."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant import events
from assistant.errors import ConversationError, ModelError
from assistant.knowledge.records import NewChunk
from assistant.memory.records import Choices
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, Reply, openai_server

GUIDE = {
    "星河7000手册": "星河7000是远山公司制造的便携式光谱仪，重量为1.8千克。"
    "它的电池可用12小时，保修期为三年。",
    "青禾一号": "青禾一号是一种水稻品种，亩产900公斤，生长期为120天。",
    "FAISS notes": "IndexIVFFlat divides the vectors into cells and probes nprobe of them.",
}


@dataclass
class Desk:
    """The parts and the queue of the chat model's replies."""

    parts: Parts
    server: OpenAIServer

    def ask(
        self, question: str, conversation: str = "c1", user: str = "local", **options: Any
    ) -> list[events.Event]:
        return list(self.parts.conversation.turn(user, conversation, question, **options))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with openai_server() as server:
        parts = open_parts(_settings(tmp_path_factory.mktemp("data"), server))
        for title, text in GUIDE.items():
            chunk = NewChunk(text, (title,))
            vectors = parts.embeddings.embed_passages([chunk.embedding_text])
            uri = f"/docs/{title}.md"
            parts.knowledge.add_embedded(uri, title, "md", len(text), title, [chunk], vectors)
        yield Desk(parts, server)
        parts.close()


def _settings(folder: Path, server: OpenAIServer) -> Settings:
    return Settings.load(
        {
            "DATA_DIR": str(folder),
            "VLLM_BASE_URL": server.url,
            "CHAT_MODEL": "vllm:test",
            "GRACE_SECONDS": "0",
        },
        None,
    )


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.server.replies.clear()
    shared.server.requests.clear()
    for user in ("local", "wang"):
        for info in shared.parts.long_term.conversations(user):
            shared.parts.memory.forget(user, info.id)
    return shared


def only(kind: type[events.Event], seen: list[events.Event]) -> list[events.Event]:
    return [event for event in seen if isinstance(event, kind)]


def done_of(seen: list[events.Event]) -> events.Done:
    assert isinstance(seen[-1], events.Done), seen[-1]
    return seen[-1]


def test_a_question_is_answered_with_a_citation(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。")
    seen = desk.ask("星河7000有多重？")
    assert [event.name for event in seen if event.name != "token"] == [
        "rewrite",
        "step",
        "source",  # the other documents are too far off
        "step",
        "source",  # with the words marked that bear the answer out
        "revise",
        "done",
    ]
    (done,) = only(events.Done, seen)
    assert isinstance(done, events.Done)
    assert done.answer == "星河7000重1.8千克[1]。"
    assert not done.refused
    first = only(events.Source, seen)[0]
    assert isinstance(first, events.Source)
    assert (first.n, first.title) == (1, "星河7000手册")
    assert "1.8千克" in first.quote
    assert {"retrieve", "answer", "first_token", "total"} <= set(done.timings)
    prompt = desk.server.requests[0]["messages"]
    assert prompt[0]["role"] == "system" and "星河7000有多重？" in prompt[-1]["content"]


def test_a_follow_up_is_rewritten_from_the_history(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。", "星河7000的保修期是多久？", "保修期为三年。")
    desk.ask("星河7000有多重？")
    seen = desk.ask("它的保修期是多久？")
    (rewrite,) = only(events.Rewrite, seen)
    assert isinstance(rewrite, events.Rewrite)
    assert (rewrite.standalone, rewrite.changed) == ("星河7000的保修期是多久？", True)
    asked = desk.server.requests[1]["messages"][-1]["content"]
    assert "助手：星河7000重1.8千克。" in asked, "markers are not sent back"
    done = seen[-1]
    assert isinstance(done, events.Done) and not done.refused
    assert (done.answer, done.model) == ("保修期为三年[1]。", "vllm:test")
    assert done.tokens == {"prompt": 7, "answer": 3}


def test_another_process_goes_on_with_the_conversation(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。")
    desk.ask("星河7000有多重？")
    desk.parts.memory.short_term.forget("local", "c1")  # as after a restart
    desk.server.say("星河7000的电池能用多久？", "电池可用12小时。")
    seen = desk.ask("那它的电池能用多久？")
    (rewrite,) = only(events.Rewrite, seen)
    assert isinstance(rewrite, events.Rewrite) and rewrite.changed
    assert [turn.text for turn in desk.parts.long_term.turns("local", "c1")] == [
        "星河7000有多重？",
        "那它的电池能用多久？",
    ]


def test_an_earlier_conversation_is_recalled_when_the_question_leans_on_it(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。")
    desk.ask("星河7000光谱仪有多重？", "old")
    desk.server.say("星河7000光谱仪的保修期是多久？", "保修期为三年。")
    seen = desk.ask("上次问的那个光谱仪，保修期是多久？", "new")
    (memory,) = only(events.Memory, seen)
    assert isinstance(memory, events.Memory)
    assert (memory.text, memory.conversation_id) == ("星河7000光谱仪有多重？", "old")
    assert "用户（以前的对话）：星河7000光谱仪有多重？" in str(desk.server.requests[1]["messages"])


def test_nobody_recalls_another_users_questions(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。", "保修期为三年。")
    desk.ask("星河7000光谱仪有多重？", "old", "wang")
    seen = desk.ask("上次问的那个光谱仪，保修期是多久？", "new", "local")
    assert not only(events.Memory, seen)


def test_an_unsupported_sentence_is_told_and_remembered(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。它在月球上也很受欢迎。")
    (revise,) = only(events.Revise, desk.ask("星河7000有多重？"))
    assert isinstance(revise, events.Revise)
    assert revise.unsupported == ("它在月球上也很受欢迎。",)
    (turn,) = desk.parts.long_term.turns("local", "c1")
    assert turn.unsupported == revise.unsupported


def test_a_question_asked_again_takes_the_place_of_its_first_answer(desk: Desk) -> None:
    desk.server.say("不知道。", "星河7000重1.8千克。")
    first = done_of(desk.ask("星河7000有多重？"))
    again = done_of(desk.ask("星河7000有多重？", replaces=first.turn_id))
    (turn,) = desk.parts.long_term.turns("local", "c1")
    assert (turn.id, turn.answer) == (again.turn_id, "星河7000重1.8千克[1]。")
    assert len(desk.server.requests) == 2, "a retried first question has no history to rewrite from"
    assert set(desk.parts.long_term.all_turns("local", "c1")) == {first.turn_id, again.turn_id}


def test_an_edited_question_leaves_nothing_of_what_followed_in_the_next_rewrite(
    desk: Desk,
) -> None:
    desk.server.say("星河7000重1.8千克。")
    first = done_of(desk.ask("星河7000有多重？"))
    desk.server.say("青禾一号的亩产是多少？", "亩产900公斤。")
    second = done_of(desk.ask("那青禾一号呢，它亩产多少？"))
    desk.server.say("星河7000的电池能用多久？", "电池可用12小时。")
    desk.ask("它的电池能用多久？", replaces=second.turn_id)
    desk.server.say("星河7000的保修期多久？", "保修期为三年。")
    desk.ask("它的保修期多久？")
    assert "青禾" not in str(desk.server.requests[-2:])
    assert [turn.parent for turn in desk.parts.long_term.turns("local", "c1")][:2] == [
        "",
        first.turn_id,
    ]


def test_what_to_search_for_can_be_said(desk: Desk) -> None:
    desk.server.say("青禾一号亩产900公斤。")
    seen = desk.ask("产量呢？", standalone="青禾一号的亩产是多少？")
    (rewrite,) = only(events.Rewrite, seen)
    assert isinstance(rewrite, events.Rewrite)
    assert (rewrite.standalone, rewrite.way) == ("青禾一号的亩产是多少？", "edited")
    (turn,) = desk.parts.long_term.turns("local", "c1")
    assert (turn.text, turn.standalone, turn.rewriting) == (
        "产量呢？",
        "青禾一号的亩产是多少？",
        "edited",
    )


def test_rewriting_switched_off_stays_off_in_its_conversation(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。", "保修期为三年。", "三年。")
    desk.ask("星河7000有多重？", choices=Choices(rewriting=False))
    for _ in range(2):
        (rewrite,) = only(events.Rewrite, desk.ask("它的保修期多久？"))
        assert isinstance(rewrite, events.Rewrite)
        assert (rewrite.standalone, rewrite.way) == ("它的保修期多久？", "off")
        desk.parts.memory.short_term.forget("local", "c1")  # as after a restart
    assert len(desk.server.requests) == 3


def learn(desk: Desk, said: str, user: str = "local") -> None:
    desk.server.say("好的。")
    desk.ask(said, "facts", user)
    assert desk.parts.memory.remembering.wait(10)


def test_a_fact_completes_a_question_in_another_conversation(desk: Desk) -> None:
    learn(desk, "我们用的光谱仪是星河7000。")
    desk.server.say("星河7000光谱仪有多重？", "星河7000重1.8千克。")
    seen = desk.ask("我们的光谱仪有多重？", "new")
    (memory,) = only(events.Memory, seen)
    assert isinstance(memory, events.Memory)
    assert (memory.kind, memory.conversation_id) == ("fact", "facts")
    assert "星河7000" in memory.text
    (turn,) = desk.parts.long_term.turns("local", "new")
    assert turn.memories[0]["id"] == memory.id


def test_a_memory_switched_off_is_not_used(desk: Desk) -> None:
    learn(desk, "我们用的光谱仪是星河7000。")
    (fact,) = desk.parts.long_term.facts("local")
    desk.server.say("不知道。", "不知道。")
    off = Choices(without=frozenset({f"f/{fact.id}"}))
    assert not only(events.Memory, desk.ask("我们的光谱仪有多重？", "new", choices=off))
    none = Choices(memory=False)
    assert not only(events.Memory, desk.ask("我们的光谱仪有多重？", "other", choices=none))
    assert (
        "星河7000"
        not in str([r["messages"][-1] for r in desk.server.requests[-2:]]).split("资料：")[0]
    )


def test_a_wish_is_told_to_the_model_and_shown(desk: Desk) -> None:
    learn(desk, "以后回答请用英文，尽量简短。")
    desk.server.say("It weighs 1.8 kg.")
    seen = desk.ask("星河7000有多重？", "new")
    kinds = {event.kind for event in seen if isinstance(event, events.Memory)}
    assert kinds == {"preference"}
    assert "以后回答请用英文" in desk.server.requests[-1]["messages"][-1]["content"]


def test_facts_of_one_user_are_not_another_ones(desk: Desk) -> None:
    learn(desk, "我们用的光谱仪是星河7000。", user="wang")
    desk.server.say("不知道。")
    assert not only(events.Memory, desk.ask("我们的光谱仪有多重？", "new"))


def test_a_forgotten_conversation_takes_its_facts_along(desk: Desk) -> None:
    learn(desk, "我们用的光谱仪是星河7000。")
    desk.parts.memory.forget("local", "facts")
    assert desk.parts.long_term.facts("local") == []
    assert desk.parts.memory.short_term.head("local", "facts") is None


def test_stop_keeps_what_came(desk: Desk) -> None:
    hold = threading.Event()
    desk.server.replies = [Reply(tuple("星河7000重1.8千克。"), hold=hold)]
    turn = desk.parts.turns.start("local", "c1", "星河7000有多重？", ahead=False)
    for event in turn.events():
        if isinstance(event, events.Token):
            turn.stop()
            hold.set()
    done = list(turn.events())[-1]
    assert isinstance(done, events.Done) and done.stopped
    assert desk.parts.long_term.turns("local", "c1")[0].stopped


def test_a_page_can_attach_to_a_running_turn_again(desk: Desk) -> None:
    hold = threading.Event()
    desk.server.replies = [Reply(tuple("三年。"), hold=hold)]
    turn = desk.parts.turns.start("local", "c1", "星河7000的保修期？", ahead=False)
    assert desk.parts.turns.current("local", "c1") is turn
    with pytest.raises(ConversationError, match="still answering"):
        desk.parts.turns.start("local", "c1", "另一个问题？")
    hold.set()
    first, second = list(turn.events()), list(turn.events())
    assert first == second and first[-1].name == "done"
    assert desk.parts.turns.current("local", "c1") is None


def test_a_model_that_is_away_is_an_error_and_nothing_is_stored(desk: Desk) -> None:
    desk.server.replies = [Reply(status=401, error="no")] * 3
    turn = desk.parts.turns.start("local", "c1", "星河7000有多重？", language="zh")
    last = list(turn.events())[-1]
    assert isinstance(last, events.Error)
    assert (last.kind, "密钥" in last.message) == ("key_refused", True)
    assert desk.parts.long_term.turns("local", "c1") == []


def test_an_empty_answer_is_asked_again_and_then_an_error(desk: Desk) -> None:
    desk.server.say("", "星河7000重1.8千克。")
    done = desk.ask("星河7000有多重？")[-1]
    assert isinstance(done, events.Done) and done.answer == "星河7000重1.8千克[1]。"
    desk.server.say("", "")
    with pytest.raises(ModelError, match="empty answer"):
        desk.ask("星河7000有多重？", "c2")


@pytest.mark.parametrize("question", ["", "  \n ", "长" * 9000])
def test_an_empty_or_endless_question_is_refused(desk: Desk, question: str) -> None:
    with pytest.raises(ConversationError):
        desk.ask(question)
    assert desk.server.requests == []


def test_what_the_model_says_of_missing_passages_is_a_refusal(desk: Desk) -> None:
    desk.server.say("资料中没有提到价格。")
    done = desk.ask("星河7000卖多少钱？")[-1]
    assert isinstance(done, events.Done) and done.refused


def test_an_empty_knowledge_base_is_said_to_be_empty(desk: Desk, tmp_path: Path) -> None:
    parts = open_parts(_settings(tmp_path, desk.server))
    try:
        seen = list(parts.conversation.turn("local", "c1", "What is FAISS?"))
    finally:
        parts.close()
    done = seen[-1]
    assert isinstance(done, events.Done) and done.refused
    assert "knowledge base is still empty" in done.answer
    assert desk.server.requests == []


def test_without_redis_the_chat_goes_on_and_says_so(tmp_path: Path, desk: Desk) -> None:
    settings = Settings.load(
        {
            "DATA_DIR": str(tmp_path),
            "VLLM_BASE_URL": desk.server.url,
            "CHAT_MODEL": "vllm:test",
            "REDIS_URL": "redis://127.0.0.1:9/0",
        },
        None,
    )
    parts = open_parts(settings)
    text = GUIDE["星河7000手册"]
    vectors = parts.embeddings.embed_passages([text])
    parts.knowledge.add_embedded("/a.md", "手册", "md", 1, "h", [NewChunk(text)], vectors)
    desk.server.say("星河7000重1.8千克。", "星河7000的保修期多久？", "保修期为三年。")
    try:
        first = list(parts.conversation.turn("local", "c1", "星河7000有多重？", language="zh"))
        second = list(parts.conversation.turn("local", "c1", "它保修多久？", language="zh"))
    finally:
        parts.close()
    (notice, *_) = only(events.Notice, first)
    assert isinstance(notice, events.Notice) and "REDIS_URL" in notice.message
    assert first[-1].name == second[-1].name == "done"
    (rewrite,) = only(events.Rewrite, second)
    assert isinstance(rewrite, events.Rewrite) and rewrite.changed, "short-term memory still works"


def test_an_embedded_redis_that_cannot_start_does_not_stop_the_chat(
    tmp_path: Path, desk: Desk
) -> None:
    (tmp_path / "redis").write_text("a file where the server's folder belongs")
    parts = open_parts(_settings(tmp_path, desk.server))
    try:
        seen = list(parts.conversation.turn("local", "c1", "What is FAISS?", language="zh"))
    finally:
        parts.close()
    notices = only(events.Notice, seen)
    assert notices and seen[-1].name == "done"
    assert isinstance(notices[0], events.Notice) and "DATA_DIR" in notices[0].message


def test_the_next_rewrite_is_read_ahead(desk: Desk) -> None:
    desk.server.say("星河7000重1.8千克。")
    desk.ask("星河7000有多重？")
    ((chat, messages),) = desk.parts.conversation.next_prompts("local", "c1")
    assert chat is desk.parts.chat
    assert "用户：星河7000有多重？" in str(messages[-1].content)
    assert len(list(desk.parts.conversation.fixed_prompts())) == 4
    assert list(desk.parts.conversation.next_prompts("local", "unknown")) == []

"""Long-term memory on a real Redis server: what is stored comes back, and goes where it should."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from assistant.memory.long_term import FactChanges, LongTermMemory
from assistant.memory.records import Choices, Fact, Turn, as_chat_history
from assistant.memory.store.keys import Keys, decoded, encoded, user_of
from tests.memories import embedded, fact, turn, unit
from tests.redis_servers import CountingProxy, RedisServer

pytest_plugins = ["tests.memory_fixtures"]


def put(memory: LongTermMemory, *facts: Fact, user: str = "u") -> None:
    memory.update_facts(user, lambda known: FactChanges(facts), embedded)


def said(memory: LongTermMemory, place: int = 0, user: str = "u", text: str = "") -> list[str]:
    return [one.text for one in memory.search(user, text, unit(place), 5)]


def test_a_conversation_comes_back_whole(memory: LongTermMemory) -> None:
    first, second = turn("第一个问题", at=1.0), turn("second?", "It is \u2028 so.", at=2.0)
    second = replace(second, parent=first.id, memories=({"id": "f/1", "text": "x"},))
    for one in (first, second):
        assert memory.add("u", "c1", one, unit(0), text=one.standalone)
    assert memory.turns("u", "c1") == [first, second]
    opened = memory.open("u", "c1")
    assert (opened.head, opened.turns) == (second.id, {first.id: first, second.id: second})
    assert memory.open("u", "c1", second.id).turns is None
    (info,) = memory.conversations("u")
    assert (info.id, info.title, info.updated_at, info.turns) == ("c1", "第一个问题", 2.0, 2)


def test_a_new_user_has_nothing(memory: LongTermMemory, redis: Redis) -> None:
    opened = memory.open("nobody", "c")
    assert (opened.turns, opened.head, opened.facts, opened.paused) == ({}, "", (), False)
    assert memory.open("nobody", "c", "").turns is None
    assert memory.recall("nobody", "x", unit(0), k=3) == []
    assert memory.export("nobody") == {"conversations": [], "facts": [], "paused": False}
    assert redis.dbsize() == 0, "reading leaves no trace"


def test_newest_conversations_come_first_and_can_be_renamed(memory: LongTermMemory) -> None:
    memory.add("u", "old", turn("旧", at=1.0), unit(0), text="旧")
    memory.add("u", "new", turn("新", at=2.0), unit(0), text="新")
    memory.list.rename("u", "old", "重命名")
    memory.list.rename("u", "none", "不存在")
    assert [(c.id, c.title) for c in memory.conversations("u")] == [
        ("new", "新"),
        ("old", "重命名"),
    ]
    assert [c.id for c in memory.conversations("u", 1)] == ["new"]


def test_an_edited_question_makes_a_branch_and_loses_nothing(memory: LongTermMemory) -> None:
    for one in (
        turn("a", id="a", at=1.0),
        turn("b", id="b", at=2.0, parent="a"),
        turn("b2", id="b2", at=3.0, parent="a"),
    ):
        memory.add("u", "c", one, unit(0), text=one.standalone)
    assert [one.id for one in memory.turns("u", "c")] == ["a", "b2"]
    memory.set_head("u", "c", "b")
    memory.set_head("u", "c", "unknown")
    assert [one.id for one in memory.turns("u", "c")] == ["a", "b"]
    assert set(memory.all_turns("u", "c")) == {"a", "b", "b2"}


def test_a_turn_written_twice_is_there_once(memory: LongTermMemory, redis: Redis) -> None:
    for _ in range(2):
        memory.add("u", "c", turn("a", id="a"), unit(0), text="a")
    assert redis.hget(Keys("u").control, "seq") == b"1"
    assert memory.conversations("u")[0].turns == 1


def test_a_turn_is_one_round_trip_to_read_and_one_to_write(
    server: RedisServer, redis: Redis, tmp_path: Path
) -> None:
    proxy = CountingProxy(server.socket, tmp_path)
    memory = LongTermMemory(lambda: proxy.url)
    writer = LongTermMemory(lambda: server.url)
    put(writer, fact("f", "用 H20"))
    memory.open("u", "c")
    memory.add("u", "c", turn("0", id="0"), unit(0), text="0")
    for number in range(1, 4):
        before = proxy.trips
        opened = memory.open("u", "c", str(number - 1))
        assert proxy.trips == before + 1
        assert opened.turns is None and [one.id for one in opened.facts] == ["f"]
        memory.recall("u", "x", unit(0), k=3)
        memory.add("u", "c", turn("q", id=str(number)), unit(0), text="q")
        assert proxy.trips == before + 2
        # What another process writes comes in the same round trip.
        writer.add("u", "d", turn("别处", id=f"d{number}"), unit(5), text="别处")
        writer.pin_fact("u", "f", number % 2 == 1)
    before = proxy.trips
    opened = memory.open("u", "c", "none")
    assert proxy.trips == before + 1 and len(opened.turns or ()) == 4 and opened.facts[0].pinned
    assert memory.recall("u", "", unit(5), k=1)[0].id.startswith("t/d/")
    for one in (memory, writer, proxy):
        one.close()


def test_own_writes_are_not_read_again(memory: LongTermMemory) -> None:
    memory.open("u", "c")
    memory.add("u", "c", turn("a", id="a"), unit(0), text="a")
    put(memory, fact("f", "x"))
    mirror = memory._mirrors.of("u")
    assert mirror.since == 2 and mirror.revision == 1
    assert [one.id for one in memory.recall("u", "", unit(0), k=1)] == ["t/c/a"]


def test_recall_finds_by_meaning_words_and_kind(memory: LongTermMemory) -> None:
    memory.open("u", "now")
    for place, text in enumerate(("Redis 怎么备份？", "红烧肉怎么做？", "现在的")):
        name = "now" if place == 2 else f"c{place}"
        one = turn(text, "用 AOF 文件。", at=place)
        memory.add("u", name, one, unit(place), text=f"{text}\n{one.answer}")
    put(memory, fact("f", "我用 H20 显卡"))
    found = memory.recall("u", "Redis 怎么备份", unit(0, 0.1), k=1, without_conversation="now")
    assert [(one.text, one.answer, one.conversation_id) for one in found] == [
        ("Redis 怎么备份？", "用 AOF 文件。", "c0")
    ]
    (one,) = memory.recall("u", "H20", unit(9), k=3, kinds={"fact"})
    assert (one.id, one.kind, one.text) == ("f/f", "fact", "我用 H20 显卡")
    assert "现在的" not in [
        one.text for one in memory.recall("u", "", unit(2), k=9, without_conversation="now")
    ]


def test_vectors_of_another_model_do_no_harm(memory: LongTermMemory) -> None:
    memory.add("u", "c", turn("旧模型", id="a"), np.ones(3, dtype=np.float32), text="旧模型")
    memory.add("u", "c", turn("新模型", id="b"), unit(0), text="新模型")
    assert said(memory, 0)[0] == "新模型"


@pytest.mark.parametrize(
    "names", [("wang", "li"), ("a", "a}:t:c"), ("a:b", "a"), ("", "%"), ("甲", "乙"), ("a", "A")]
)
def test_users_never_see_each_other(memory: LongTermMemory, names: tuple[str, str]) -> None:
    mine, yours = names
    memory.add(mine, "c", turn("机密", id="a"), unit(0), text="机密")
    put(memory, fact("f", "我的秘密"), user=mine)
    memory.pause(mine, True)
    opened = memory.open(yours, "c")
    assert (opened.turns, opened.facts, opened.paused) == ({}, (), False)
    assert memory.conversations(yours) == [] and memory.turns(yours, "c") == []
    assert said(memory, 0, yours, "机密") == []
    memory.forget(yours, "c")
    memory.delete_fact(yours, "f")
    memory.forget_all(yours)
    assert [one.text for one in memory.turns(mine, "c")] == ["机密"]
    assert [one.text for one in memory.facts(mine)] == ["我的秘密"]


def test_any_name_becomes_a_key_and_comes_back() -> None:
    for name in ("", "%", "a b", "甲}乙:{", "\ud800", "a/b", "..", "\n*?[x]"):
        assert decoded(encoded(name)) == name
        assert user_of(Keys(name).control.encode()) == name
        assert not set(encoded(name)) & set("{}:/*?[]")


def test_choices_and_pause_are_kept(memory: LongTermMemory, other: LongTermMemory) -> None:
    choices = Choices(rewriting=False, without=frozenset({"f/1", "t/a/b"}))
    memory.set_choices("u", "c", choices)
    memory.pause("u", True)
    opened = other.open("u", "c")
    assert (opened.choices, opened.paused) == (choices, True)
    assert other.open("u", "d").choices == Choices()
    memory.pause("u", False)
    assert not other.paused("u")


def test_a_rating_is_kept_and_can_be_withdrawn(memory: LongTermMemory) -> None:
    memory.add("u", "c", turn("a", id="a"), unit(0), text="a")
    memory.rate("u", "c", "a", -1, "答非所问")
    memory.rate("u", "c", "unknown", 1)
    (one,) = memory.turns("u", "c")
    assert (one.rating, one.reason) == (-1, "答非所问")
    memory.rate("u", "c", "a", 0)
    assert memory.turns("u", "c") == [turn("a", id="a")]


def test_the_export_is_all_there_is(memory: LongTermMemory) -> None:
    memory.add("u", "c", turn("问", id="a"), unit(0), text="问")
    memory.add("u", "c", turn("再问", id="b", at=2.0), unit(0), text="再问")
    put(memory, fact("f", "事实", ("c", "a", 1.0)))
    data = json.loads(json.dumps(memory.export("u")))
    (conversation,) = data["conversations"]
    assert (conversation["title"], conversation["head"]) == ("问", "b")
    assert [Turn.from_json(row).id for row in conversation["turns"]] == ["a", "b"]
    assert [Fact.from_json(row).text for row in data["facts"]] == ["事实"]


def test_fields_of_a_newer_version_are_left_out() -> None:
    data = json.loads(json.dumps(turn("q").as_json())) | {"mood": "new"}
    assert Turn.from_json(data) == turn("q")


def test_chat_history_alternates() -> None:
    messages = as_chat_history([turn("a", "b"), turn("c", "d")])
    assert [(one.type, one.text) for one in messages] == [
        ("human", "a"),
        ("ai", "b"),
        ("human", "c"),
        ("ai", "d"),
    ]

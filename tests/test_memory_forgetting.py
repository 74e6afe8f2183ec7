"""What goes from long-term memory, and what goes with it; and the copies that processes keep."""

from dataclasses import replace

import numpy as np
import pytest
from redis import Redis

from assistant.memory.long_term import FactChanges, LongTermMemory, Retention
from assistant.memory.mirror import Mirrors
from assistant.memory.records import Choices, Fact, Version
from assistant.memory.store.keys import Keys
from tests.memories import embedded, fact, turn, unit
from tests.redis_servers import RedisServer
from tests.waiting import wait_for

pytest_plugins = ["tests.memory_fixtures"]


def put(memory: LongTermMemory, *facts: Fact, user: str = "u") -> None:
    memory.update_facts(user, lambda known: FactChanges(facts), embedded)


def said(memory: LongTermMemory, place: int = 0, user: str = "u", text: str = "") -> list[str]:
    return [one.text for one in memory.search(user, text, unit(place), 5)]


def test_facts_are_edited_pinned_and_deleted(memory: LongTermMemory, other: LongTermMemory) -> None:
    put(memory, fact("a", "用 H20", ("c", "t", 1.0)), fact("b", "住上海", updated=2.0))
    other.open("u", "c")
    memory.pin_fact("u", "a", True)
    memory.edit_fact("u", "a", " 用 H800 ")
    memory.edit_fact("u", "unknown", "x")
    memory.edit_fact("u", "a", "  ")
    first, second = other.facts("u")
    assert (first.text, first.pinned, first.said) == ("用 H800", True, ())
    assert [(one.text, one.said) for one in first.history] == [
        ("用 H20", fact("", "", ("c", "t", 1.0)).said)
    ]
    assert second.text == "住上海"
    assert [one.text for one in other.recall("u", "H800", unit(8), k=1)] == ["用 H800"]
    memory.delete_fact("u", "a")
    assert [one.id for one in other.facts("u")] == ["b"]
    assert "用 H800" not in said(other, 0, text="H800")


def test_a_new_version_is_found_by_its_own_vector(memory: LongTermMemory) -> None:
    put(memory, fact("a", "x"))
    put(memory, fact("a", "y", updated=2.0))
    item = memory._mirrors.of("u").index.get("f/a")
    assert item is not None and item.text.startswith("y")
    assert np.array_equal(item.vector, embedded(["y"])[0].astype(np.float16))
    assert memory.open("u", "").facts[0].text == "y"


def test_a_turn_asked_again_leaves_recall_with_what_was_said_there(
    memory: LongTermMemory, other: LongTermMemory
) -> None:
    for one in (
        turn("留", id="a", at=1.0),
        turn("弃", id="b", at=2.0, parent="a"),
        turn("随", id="c", at=3.0, parent="b"),
    ):
        memory.add("u", "c", one, unit(int(one.time)), text=one.standalone)
    put(
        memory,
        fact("only", "只在那里说", ("c", "c", 3.0)),
        fact("both", "两处都说", ("c", "a", 1.0), ("c", "b", 2.0)),
    )
    other.open("u", "c")
    memory.replace("u", "c", "b")
    for one in (memory, other):
        assert [(f.text, len(f.said)) for f in one.facts("u")] == [("两处都说", 1)]
        assert set(said(one, 2)) == {"留", "两处都说"}
    assert set(memory.all_turns("u", "c")) == {"a", "b", "c"}, "the transcript keeps them"


def test_forgetting_a_conversation_takes_what_was_learned_from_it(
    memory: LongTermMemory, other: LongTermMemory, server: RedisServer
) -> None:
    memory.add("u", "keep", turn("留下", id="k"), unit(1), text="留下")
    memory.add("u", "gone", turn("绝密的问题", "绝密的答案", id="g"), unit(0), text="绝密的问题")
    old = fact("moved", "住北京", ("keep", "k", 1.0))
    put(memory, old, fact("lost", "绝密的事", ("gone", "g", 2.0)))
    new = fact("moved", "住绝密之处", ("gone", "g", 2.0), updated=2.0)
    history = (replace(old, history=()),)
    put(memory, replace(new, history=(Version(history[0].text, history[0].said, 2.0),)))
    memory.set_choices("u", "gone", Choices(memory=False))
    other.open("u", "gone")
    memory.forget("u", "gone")
    everything = server.everything()
    assert "绝密".encode() not in everything
    assert unit(0).astype(np.float16).tobytes() not in everything
    for one in (memory, other):
        assert [f.text for f in one.facts("u")] == ["住北京"]
        assert set(said(one, 0)) <= {"留下", "住北京"}
        assert [info.id for info in one.conversations("u")] == ["keep"]
        assert one.open("u", "gone").choices == Choices()
    assert memory.recall("u", "", embedded(["住北京"])[0], k=1)[0].text == "住北京"


def test_nothing_learned_late_comes_back_from_a_forgotten_conversation(
    memory: LongTermMemory,
) -> None:
    memory.add("u", "c", turn("我用 H20", id="a"), unit(0), text="我用 H20")
    memory.add("u", "d", turn("x", id="x"), unit(0), text="x")
    memory.forget("u", "c")
    put(memory, fact("late", "我用 H20", ("c", "a", 1.0)), fact("good", "住上海", ("d", "x", 1.0)))
    assert [one.text for one in memory.facts("u")] == ["住上海"]


def test_nothing_learned_late_comes_from_a_turn_that_is_asked_again(
    memory: LongTermMemory,
) -> None:
    memory.add("u", "c", turn("我用 H20", id="a"), unit(0), text="我用 H20")
    put(memory, fact("f", "住上海", ("c", "z", 0.5)))
    memory.replace("u", "c", "a")
    memory.add("u", "c", turn("我用 H800", id="b"), unit(0), text="我用 H800")
    said_there = ("c", "a", 1.0)
    put(
        memory,
        fact("late", "我用 H20", said_there),
        fact("f", "住上海", ("c", "z", 0.5), said_there),
        fact("now", "我用 H800", ("c", "b", 2.0), updated=2.0),
    )
    assert [(one.id, len(one.said)) for one in memory.facts("u")] == [("now", 1), ("f", 1)]


def test_traces_of_what_is_gone_are_bounded(
    memory: LongTermMemory, other: LongTermMemory, redis: Redis
) -> None:
    memory.add("u", "c", turn("a", id="a"), unit(0), text="a")
    put(memory, fact("f", "x"))
    other.open("u", "c")
    keys = Keys("u")
    redis.zadd(keys.name("changed"), {f"t/gone/{n}": 3 + n for n in range(9000)})
    redis.hset(keys.control, "seq", 9002)
    memory.delete_fact("u", "f")
    memory.sweep(0.0)
    memory.sweep(0.0)
    assert redis.zcard(keys.name("changed")) == 2001, "the newest, and what is there"
    # Who was away meanwhile begins anew instead of missing what is gone.
    opened = other.open("u", "c")
    mirror = other._mirrors.of("u")
    assert opened.facts == () and mirror.since == 9003
    wait_for(lambda: mirror.is_whole)
    assert len(mirror.index) == 1


def test_a_damaged_user_does_not_stop_the_sweep_of_others(
    server: RedisServer, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    memory = LongTermMemory(lambda: server.url, Retention(days=1))
    for user in ("a", "b", "c"):
        memory.add(user, "c", turn("alt", id="a"), unit(0), text="alt")
    redis.delete(Keys("b").name("order"))
    redis.set(Keys("b").name("order"), "x")
    memory.sweep(99 * 86400.0)
    assert [len(memory.conversations(user)) for user in "abc"] == [0, 1, 0]
    assert Keys("b").name("order") in caplog.text
    memory.close()


def test_forgetting_everything_leaves_no_key_and_no_copy(
    memory: LongTermMemory, other: LongTermMemory, redis: Redis
) -> None:
    memory.add("u", "c", turn("a", id="a"), unit(0), text="a")
    memory.set_choices("u", "never used", Choices(memory=False))
    memory.pause("u", True)
    put(memory, fact("f", "x", ("c", "a", 1.0)))
    assert said(other, 0) and other.facts("u")
    memory.forget_all("u")
    assert redis.dbsize() == 0
    for one in (memory, other):
        assert one.open("u", "c").facts == () and said(one, 0) == []
        assert one.recall("u", "a", unit(0), k=3) == []
    # A fact that was being learned meanwhile is of a memory that is no more.
    stale = other._mirrors.of("u")
    stale.born, stale.revision, stale.is_known = "old", 7, True
    put(other, fact("f", "x", ("c", "a", 1.0)))
    assert redis.dbsize() == 0


def test_retention_keeps_the_newest_and_what_is_pinned(server: RedisServer, redis: Redis) -> None:
    memory = LongTermMemory(lambda: server.url, Retention(days=10, turns=5, facts=3))
    for number in range(8):
        memory.add(
            "u",
            f"c{number // 2}",
            turn(f"{number}", id=f"{number}", at=number * 86400.0),
            unit(number),
            text=f"{number}",
        )
    assert [info.id for info in memory.conversations("u")] == ["c3", "c2", "c1"]
    assert set(memory.all_turns("u", "c1")) == {"3"}
    assert len(memory._mirrors.of("u").index) == 5
    put(memory, *(fact(f"f{n}", f"事 {n}", updated=n * 86400.0) for n in range(3)))
    memory.pin_fact("u", "f0", True)
    put(memory, fact("f3", "事 3", updated=3 * 86400.0))
    assert {one.id for one in memory.facts("u")} == {"f0", "f2", "f3"}
    memory.sweep(now=15.5 * 86400.0)
    assert [info.id for info in memory.conversations("u")] == ["c3"]
    assert {one.id for one in memory.facts("u")} == {"f0"}
    index = memory._mirrors.of("u").index
    assert len(index) == 3 and index.get("t/c3/6") and index.get("t/c3/7") and index.get("f/f0")
    memory.sweep(now=99 * 86400.0)
    assert memory.conversations("u") == []
    assert redis.keys(Keys("u").name("[ct]:*")) == []
    memory.close()


def test_a_large_memory_is_read_behind_the_turns(
    server: RedisServer, memory: LongTermMemory, other: LongTermMemory
) -> None:
    for number in range(1200):
        memory.add(
            "u",
            f"c{number % 7}",
            turn("q", id=f"{number}", at=number),
            unit(number),
            text=f"编号 {number}",
        )
    put(memory, fact("f", "x"))
    opened = other.open("u", "c0", "0")
    assert len(opened.facts) == 1
    found = other.recall("u", "编号 1199", unit(1199), k=1)
    assert found[0].id == "t/c2/1199", "the newest are there at once"
    memory.forget("u", "c3")
    mirror = other._mirrors.of("u")
    wait_for(lambda: mirror.is_whole)
    other.open("u", "c0", "0")
    wait_for(lambda: mirror.is_whole)
    assert len(mirror.index) == 1200 - 171 + 1
    assert other.recall("u", "编号 0", unit(0), k=1)[0].id == "t/c0/0"
    # And as many changes by others are caught up with.
    for number in range(700):
        memory.add("u", "late", turn("q", id=f"l{number}", at=number), unit(3), text=f"新 {number}")
    put(memory, fact("f2", "y"))
    assert len(other.open("u", "c0", "0").facts) == 2, "facts are never behind"
    wait_for(lambda: mirror.is_whole)
    assert len(mirror.index) == 1200 - 171 + 1 + 700 + 1


def test_copies_of_users_are_bounded(server: RedisServer, redis: Redis) -> None:
    mirrors = Mirrors(most_items=10, most_users=3)
    first = mirrors.of("a")
    for name in "bcd":
        mirrors.of(name)
    mirrors.shrink()
    assert first.is_dropped and mirrors.peek("a") is not first
    assert mirrors.of("d") is mirrors.peek("d")

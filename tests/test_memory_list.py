"""The list of conversations on a real Redis server: pins, what is held back, what was begun, and
the search."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from redis import Redis

from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Begun
from assistant.memory.store.keys import Keys
from tests.memories import turn, unit

pytest_plugins = ["tests.memory_fixtures"]


def add(memory: LongTermMemory, conversation: str, question: str, answer: str = "好。") -> None:
    number = int(time.monotonic_ns() % 1_000_000_000)
    made = replace(turn(question, id=f"t{number}", at=time.time()), answer=answer)
    memory.add("u", conversation, made, unit(number % 100), text=question)


def ids(memory: LongTermMemory, most: int = 10) -> list[str]:
    return [info.id for info in memory.list.infos("u", most)]


def test_a_pinned_one_is_there_beyond_the_most(memory: LongTermMemory) -> None:
    for name in ("a", "b", "c"):
        add(memory, name, name)
    assert memory.list.pin("u", "a", True)
    assert ids(memory, 1) == ["c", "a"]
    assert [info.pinned for info in memory.list.infos("u", 9)] == [False, False, True]
    assert memory.list.pin("u", "a", False)
    assert ids(memory, 1) == ["c"]
    assert not memory.list.pin("u", "none", True)


def test_what_is_held_back_is_in_no_list(memory: LongTermMemory, other: LongTermMemory) -> None:
    add(memory, "a", "甲")
    add(memory, "b", "乙")
    assert memory.list.hold("u", "a")
    assert ids(other) == ["b"]
    assert [(held.id, held.title) for held in other.list.held("u")] == [("a", "甲")]
    assert abs(other.list.held("u")[0].since - time.time()) < 5
    assert other.list.release("u", "a")
    assert not other.list.release("u", "a")
    assert ids(memory) == ["b", "a"]
    assert not memory.list.hold("u", "none")
    assert memory.list.held("u") == [] and memory.list.held("v") == []


def test_a_new_turn_lets_it_live(memory: LongTermMemory) -> None:
    add(memory, "a", "甲")
    memory.list.hold("u", "a")
    add(memory, "a", "还有呢")
    assert ids(memory) == ["a"] and memory.list.held("u") == []


@pytest.mark.parametrize("everything", [False, True])
def test_forgetting_leaves_no_trace(memory: LongTermMemory, redis: Redis, everything: bool) -> None:
    add(memory, "a", "甲")
    memory.list.pin("u", "a", True)
    memory.list.hold("u", "a")
    memory.list.begin("u", "a", Begun("乙", time.time()))
    if everything:
        memory.forget_all("u")
    else:
        memory.forget("u", "a")
    keys = Keys("u")
    assert redis.exists(keys.name("pinned"), keys.name("deleting"), keys.name("begun")) == 0
    assert memory.list.infos("u", 9) == [] and memory.list.begun("u", "a") is None


def test_what_was_begun_is_listed_until_it_is_stored(
    memory: LongTermMemory, other: LongTermMemory
) -> None:
    memory.list.begin("u", "a", Begun("极光多重？", 5.0, replaces="t1"))
    (info,) = other.list.infos("u", 9)
    assert (info.id, info.title, info.turns) == ("a", "极光多重？", 0)
    assert other.list.begun("u", "a") == Begun("极光多重？", 5.0, "t1")
    assert other.list.begun("u", "b") is None and other.list.begun("v", "a") is None
    assert memory.list.hold("u", "a") and ids(memory) == []
    memory.list.release("u", "a")
    add(memory, "a", "极光多重？")
    assert memory.list.begun("u", "a") is None
    assert [info.turns for info in memory.list.infos("u", 9)] == [1]


def test_what_was_begun_long_ago_goes_where_there_is_much(memory: LongTermMemory) -> None:
    now = time.time()
    for number in range(100):
        memory.list.begin("u", f"c{number}", Begun("q", now - 8 * 86400 * (number % 2)))
    memory.list.begin("u", "new", Begun("q", now))
    assert len(memory.list.infos("u", 9)) == 51


def test_broken_values_are_left_out(memory: LongTermMemory, redis: Redis) -> None:
    redis.hset(Keys("u").name("begun"), "a", "[]")
    redis.hset(Keys("u").name("begun"), "b", '{"question": "q", "time": "x"}')
    add(memory, "c", "q")
    redis.hset(Keys("u").turns("c"), "bad", "{ 极光")
    assert ids(memory) == ["c"]
    assert memory.list.begun("u", "a") is None
    assert memory.list.find("u", "极光", 9) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("极光", ["b", "a"]),
        ("极光 千克", ["a"]),
        ("KETTLE", ["c"]),
        ("red kettle", ["c"]),
        ('"quoted" \\', ["c"]),
        ("被引用的资料", []),
        ("nothing", []),
        ("%a .*", []),
        ("  ", ["c", "b", "a"]),
        ("improved", ["c"]),
    ],
)
def test_titles_and_texts_are_searched(
    memory: LongTermMemory, words: str, found: list[str]
) -> None:
    add(memory, "a", "极光多重？", "两千克。")
    add(memory, "b", "它多长？", "极光长一米。")
    add(memory, "c", 'The Red Kettle? "quoted" \\', "It boils.")
    memory.list.rename("u", "c", "Improved title")
    assert [one.info.id for one in memory.list.find("u", words, 9)] == found


def test_the_search_gives_the_newest_turn_that_holds_the_words(memory: LongTermMemory) -> None:
    add(memory, "a", "极光多重？", "两千克。")
    add(memory, "a", "极光多长？", "一米。")
    add(memory, "a", "青禾？", "水稻。")
    memory.list.hold("u", "b")
    (one,) = memory.list.find("u", "极光", 9)
    assert (one.question, one.answer) == ("极光多长？", "一米。")
    assert [found.info.id for found in memory.list.find("u", "青禾", 1)] == ["a"]

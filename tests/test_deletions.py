"""Deletion that can be taken back, on a real Redis server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from redis import Redis

from assistant.deletions import Deletions
from assistant.errors import ConversationError, MemoryUnavailable
from assistant.memory.long_term import LongTermMemory
from assistant.memory.store.keys import Keys
from tests.memories import turn, unit
from tests.waiting import wait_for

pytest_plugins = ["tests.memory_fixtures"]


def add(memory: LongTermMemory, conversation: str) -> None:
    memory.add("u", conversation, turn("q", id=conversation, at=time.time()), unit(1), text="q")


def wait_until_gone(memory: LongTermMemory, conversation: str) -> None:
    wait_for(lambda: not memory.all_turns("u", conversation))


def test_it_is_final_after_a_while(memory: LongTermMemory, redis: Redis) -> None:
    deletions = Deletions(memory.list, memory.forget, seconds=0.2)
    add(memory, "a")
    assert deletions.hold("u", "a")
    ((held, left),) = deletions.held("u")
    assert held.id == "a" and 0 < left <= 0.2
    assert memory.all_turns("u", "a"), "it can be taken back"
    wait_until_gone(memory, "a")
    assert deletions.held("u") == []
    assert redis.keys(Keys("u").name("[ct]:*")) == []
    assert not deletions.undo("u", "a"), "it is too late"
    assert not deletions.hold("u", "a")
    deletions.close()


def test_it_can_be_taken_back(memory: LongTermMemory) -> None:
    deletions = Deletions(memory.list, memory.forget, seconds=0.2)
    add(memory, "a")
    deletions.hold("u", "a")
    assert deletions.undo("u", "a")
    time.sleep(0.3)
    deletions.close()
    assert [info.id for info in memory.conversations("u")] == ["a"]


def test_what_is_held_at_the_end_is_deleted(memory: LongTermMemory) -> None:
    deletions = Deletions(memory.list, memory.forget)
    add(memory, "a")
    add(memory, "b")
    deletions.hold("u", "a")
    deletions.close()
    assert memory.all_turns("u", "a") == {} and memory.all_turns("u", "b")


@pytest.mark.parametrize("ago", [0.0, 3600.0, -3600.0])
def test_what_a_killed_app_left_is_deleted_by_the_next(
    memory: LongTermMemory, redis: Redis, ago: float
) -> None:
    add(memory, "a")
    memory.list.hold("u", "a")
    redis.zadd(Keys("u").name("deleting"), {"a": time.time() - ago})
    deletions = Deletions(memory.list, memory.forget, seconds=0.1)
    deletions.start()
    if ago >= 0:
        wait_until_gone(memory, "a")
    else:
        time.sleep(0.3)
        assert deletions.held("u")[0][1] <= 0.1, "the clock was set back: it is asked again"
    deletions.close()
    assert memory.all_turns("u", "a") == {}


def test_one_that_answers_again_lives(memory: LongTermMemory) -> None:
    def forget(user: str, conversation_id: str) -> None:
        raise ConversationError("It answers.", "正在回答。")

    deletions = Deletions(memory.list, forget, seconds=0.05)
    add(memory, "a")
    deletions.hold("u", "a")
    wait_for(lambda: not memory.list.held("u"))
    deletions.close()
    assert [info.id for info in memory.conversations("u")] == ["a"]


def test_without_redis_nothing_is_held(tmp_path: Path) -> None:
    away = LongTermMemory(lambda: f"unix://{tmp_path}/none.sock")
    deletions = Deletions(away.list, away.forget)
    deletions.start()
    with pytest.raises(MemoryUnavailable):
        deletions.hold("u", "a")
    with pytest.raises(MemoryUnavailable):
        deletions.undo("u", "a")
    deletions.close()

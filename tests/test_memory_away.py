"""Redis that is gone, slow, full or read-only, also in mid-turn: the chat goes on, nothing is lost,
nothing is there twice."""

import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import MemoryUnavailable
from assistant.memory import outbox
from assistant.memory.long_term import FactChanges, LongTermMemory
from assistant.memory.outbox import Held, Outbox
from assistant.memory.records import Choices, Version
from assistant.memory.store import connection
from assistant.memory.store.faults import MemoryRefused
from assistant.memory.store.keys import Keys
from tests.memories import embedded, fact, turn, unit
from tests.redis_servers import RedisServer
from tests.waiting import wait_for

Start = Callable[..., LongTermMemory]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "no")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def start(server: RedisServer) -> Iterator[Start]:
    """Memories of processes that share a data folder."""
    started: list[LongTermMemory] = []

    def start(spill: Path | None = None) -> LongTermMemory:
        started.append(LongTermMemory(lambda: server.url, spill=spill, embed=embedded))
        return started[-1]

    yield start
    for memory in started:
        memory.close()


def add(
    memory: LongTermMemory, id: str, parent: str = "", at: float = 1.0, talk: str = "c"
) -> bool:
    one = turn(f"问 {id}", id=id, parent=parent, at=at)
    return memory.add("u", talk, one, unit(int(at)), text=one.standalone)


def put(memory: LongTermMemory, *facts: object) -> None:
    memory.update_facts("u", lambda known: FactChanges(facts), embedded)  # type: ignore[arg-type]


def test_a_restart_in_mid_conversation_loses_nothing(server: RedisServer, start: Start) -> None:
    memory = start()
    memory.open("u", "c")
    assert add(memory, "1")
    server.kill()
    with pytest.raises(MemoryUnavailable, match="REDIS_URL"):
        memory.open("u", "c", "1")
    # Recall goes on from what this process has.
    assert [one.text for one in memory.recall("u", "问 1", unit(1), k=1)] == ["问 1"]
    assert not add(memory, "2", "1", 2.0)
    assert not add(memory, "3", "2", 3.0)
    memory.rate("u", "c", "2", 1, "好")
    put(memory, fact("f", "用 H20", ("c", "2", 2.0)))
    memory.set_choices("u", "c", Choices(memory=False))
    assert memory.held == 5
    assert {one.text for one in memory.recall("u", "问", unit(2), k=5)} >= {"问 2", "问 3"}
    server.start()
    opened = memory.open("u", "c", "1")
    assert (opened.head, memory.held, opened.choices.memory) == ("3", 0, False)
    assert [(one.id, one.rating) for one in memory.turns("u", "c")] == [
        ("1", 0),
        ("2", 1),
        ("3", 0),
    ]
    assert [one.text for one in opened.facts] == ["用 H20"]
    assert memory.conversations("u")[0].turns == 3


def test_what_is_held_is_written_without_another_turn(server: RedisServer, start: Start) -> None:
    memory = start()
    add(memory, "1")
    server.kill()
    assert not add(memory, "2", "1")
    server.start()
    wait_for(lambda: memory.held == 0)
    assert [one.id for one in memory.turns("u", "c")] == ["1", "2"]


def test_a_write_whose_answer_was_lost_is_there_once(server: RedisServer, start: Start) -> None:
    memory = start()
    add(memory, "1")
    real = memory._commands.add

    def lost(*args: object, **kw: object) -> None:
        real(*args, **kw)  # type: ignore[arg-type]
        raise MemoryUnavailable("Lost.", "丢了。")

    memory._commands.add = lost  # type: ignore[method-assign,assignment]
    assert not add(memory, "2", "1", 2.0)
    memory._commands.add = real  # type: ignore[method-assign]
    # Meanwhile the conversation went on elsewhere.
    assert add(start(), "3", "2", 3.0)
    assert memory.open("u", "c").head == "3"
    assert memory.held == 0 and memory.conversations("u")[0].turns == 3


def test_a_late_write_does_not_turn_the_conversation_back(
    server: RedisServer, start: Start
) -> None:
    memory, other = start(), start()
    add(memory, "1")
    address = server.url
    memory._link._address = lambda: "unix:///nowhere/redis.sock"
    memory._link.close()
    assert not add(memory, "2", "1", 2.0)
    assert add(other, "3", "1", 3.0)
    memory._link._address = lambda: address
    assert memory.open("u", "c").head == "3"
    assert set(memory.all_turns("u", "c")) == {"1", "2", "3"} and memory.held == 0


def test_a_hung_redis_is_waited_for_once(
    server: RedisServer, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(connection, "REST_SECONDS", 1.0)
    memory = start()
    memory.open("u", "c")
    add(memory, "1")
    with server.hanging():
        with pytest.raises(MemoryUnavailable, match="in time") as late:
            memory.open("u", "c", "1")
        assert "没有及时应答" in late.value.text("zh")
        before = time.monotonic()
        assert not add(memory, "2", "1", 2.0)
        with pytest.raises(MemoryUnavailable, match="a moment ago"):
            memory.turns("u", "c")
        assert time.monotonic() - before < 0.25
    wait_for(lambda: memory.held == 0)
    assert [one.id for one in memory.turns("u", "c")] == ["1", "2"]


def test_a_full_redis_holds_writes_and_still_forgets(server: RedisServer, start: Start) -> None:
    memory = start()
    add(memory, "1")
    add(memory, "x", talk="other")
    with server.client() as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", "1mb")
        assert not add(memory, "2", "1", 2.0)
        with pytest.raises(MemoryUnavailable, match="maxmemory") as full:
            memory.pause("u", True)
        assert "内存已满" in full.value.text("zh")
        memory.forget("u", "other")
        assert Keys("u").turns("other").encode() not in server.everything()
        redis.config_set("maxmemory", "0")
    assert memory.open("u", "c").head == "2"


def test_a_read_only_replica_is_read_and_writes_are_held(server: RedisServer, start: Start) -> None:
    memory = start()
    add(memory, "1")
    with server.client() as redis:
        redis.config_set("replica-serve-stale-data", "yes")
        redis.replicaof("127.0.0.1", "1")
        assert memory.open("u", "c").head == "1"
        assert not add(memory, "2", "1", 2.0)
        with pytest.raises(MemoryUnavailable, match="replica") as fault:
            memory.pause("u", True)
        assert "只读副本" in fault.value.text("zh")
        redis.replicaof("NO", "ONE")
    wait_for(lambda: memory.held == 0)
    assert [one.id for one in memory.turns("u", "c")] == ["1", "2"]


def test_forgetting_pretends_nothing_and_drops_what_is_held(
    server: RedisServer, start: Start, tmp_path: Path
) -> None:
    spill = tmp_path / "data" / "held.jsonl"
    memory = start(spill)
    add(memory, "1")
    memory.open("u", "c")
    server.kill()
    add(memory, "2", "1")
    add(memory, "9", talk="other")
    moved = replace(
        fact("f", "绝密", ("c", "2", 2.0)),
        history=(Version("公开", fact("", "", ("d", "0", 1.0)).said, 2.0),),
    )
    put(memory, moved, fact("g", "也绝密", ("c", "2", 2.0)))
    with pytest.raises(MemoryUnavailable):
        memory.forget("u", "c")
    assert memory.held == 2
    kept = spill.read_text()
    assert "绝密" not in json.loads(f'"{kept.splitlines()[-1][:0]}"') + kept.encode().decode(
        "unicode_escape", "replace"
    )
    with pytest.raises(MemoryUnavailable):
        memory.forget_all("u")
    assert memory.held == 0 and not spill.exists()


def test_held_facts_keep_a_version_said_elsewhere(server: RedisServer, start: Start) -> None:
    memory = start()
    add(memory, "1", talk="d")
    memory.open("u", "c")
    server.kill()
    old = Version("住北京", fact("", "", ("d", "1", 1.0)).said, 2.0)
    put(memory, replace(fact("f", "住上海", ("c", "2", 2.0)), history=(old,)))
    with pytest.raises(MemoryUnavailable):
        memory.forget("u", "c")
    server.start()
    assert [(one.text, one.history) for one in memory.facts("u")] == [("住北京", ())]


def test_a_forgotten_conversation_is_not_brought_back(server: RedisServer, start: Start) -> None:
    memory, other = start(), start()
    add(memory, "1")
    memory.open("u", "c")
    address = server.url
    memory._link._address = lambda: "unix:///nowhere/redis.sock"
    memory._link.close()
    assert not add(memory, "2", "1")
    put(memory, fact("f", "只在那里说", ("c", "2", 1.0)))
    memory.rate("u", "c", "1", 1)
    memory.set_head("u", "c", "1")
    other.forget("u", "c")
    memory._link._address = lambda: address
    assert memory.open("u", "c").turns == {}
    assert memory.held == 0
    assert other.conversations("u") == [] and other.facts("u") == []
    assert Keys("u").info("c").encode() not in server.everything()


def test_what_is_held_does_not_begin_an_erased_memory_anew(
    server: RedisServer, start: Start
) -> None:
    memory, other = start(), start()
    add(memory, "1")
    memory.open("u", "c")
    address = server.url
    memory._link._address = lambda: "unix:///nowhere/redis.sock"
    memory._link.close()
    add(memory, "2", "1")
    put(memory, fact("f", "x", ("c", "2", 1.0)))
    other.forget_all("u")
    memory._link._address = lambda: address
    memory.open("u", "c")
    assert server.everything() == b""


def test_held_facts_join_what_others_learned_meanwhile(server: RedisServer, start: Start) -> None:
    memory, other = start(), start()
    put(other, fact("a", "住北京", ("d", "1", 1.0)), fact("gone", "养猫", ("d", "1", 1.0)))
    memory.open("u", "c")
    address = server.url
    memory._link._address = lambda: "unix:///nowhere/redis.sock"
    memory._link.close()
    put(
        memory,
        fact("a", "住北京", ("d", "1", 1.0), ("c", "1", 2.0), updated=2.0),
        fact("gone", "养猫", ("d", "1", 1.0), ("c", "1", 2.0), updated=2.0),
        fact("mine", "用 H20", ("c", "1", 2.0)),
    )
    other.delete_fact("u", "gone")
    put(other, fact("a", "住北京", ("d", "1", 1.0), ("d", "2", 3.0), updated=3.0))
    put(other, fact("yours", "用 h20", ("d", "2", 3.0), updated=3.0))
    memory._link._address = lambda: address
    found = {one.id: one for one in memory.facts("u")}
    assert set(found) == {"a", "yours"}
    assert [one.turn_id for one in found["a"].said] == ["1", "1", "2"]
    assert [one.conversation_id for one in found["yours"].said] == ["c", "d"]


def test_what_is_held_outlives_the_process(
    server: RedisServer, start: Start, tmp_path: Path
) -> None:
    spill = tmp_path / "held.jsonl"
    memory = start(spill)
    add(memory, "1")
    server.kill()
    add(memory, "2", "1", 2.0)
    put(memory, fact("f", "用 H20", ("c", "2", 2.0)))
    assert stat.S_IMODE(spill.stat().st_mode) == 0o600
    # Killed: nothing is closed. Another process of the same folder takes over.
    heir = start(spill)
    assert heir.held == 2
    server.start()
    assert [one.id for one in heir.turns("u", "c")] == ["1", "2"]
    assert [one.text for one in heir.facts("u")] == ["用 H20"]
    assert not spill.exists()
    # The first lives after all: what it holds still changes nothing.
    memory.open("u", "c")
    assert memory.held == 0 and heir.conversations("u")[0].turns == 2
    assert [one.text for one in heir.facts("u")] == ["用 H20"]


def test_a_damaged_spill_file_gives_what_can_be_read(
    server: RedisServer, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spill = tmp_path / "held.jsonl"
    first = start(spill)
    server.kill()
    add(first, "1")
    spill.write_bytes(b"{broken \xff secret\n[]\n" + spill.read_bytes()[:-1] + b'\n{"kind":')
    second = start(spill)
    assert second.held == 1
    assert caplog.text.count("can't be read") == 3 and "secret" not in caplog.text


def test_more_than_can_be_held_is_said(
    server: RedisServer, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = start()
    memory._holding._outbox._most_writes = 2
    server.kill()
    assert not add(memory, "1")
    assert not add(memory, "2", "1")
    with pytest.raises(MemoryUnavailable, match="2 writes wait") as full:
        add(memory, "3", "2")
    assert "无法再暂存" in full.value.text("zh")
    assert memory.held == 2


def test_the_bound_counts_bytes_too() -> None:
    def away(write: Held) -> None:
        raise MemoryUnavailable("Away.", "不在。")

    box = Outbox(away, None, most_bytes=1000)
    box.hold(Held("add", "u", "c", {"text": "x" * 500}))
    with pytest.raises(MemoryUnavailable, match="1 writes wait"):
        box.hold(Held("add", "u", "c", {"text": "x" * 500}))
    with pytest.raises(MemoryUnavailable, match="Away"):
        box.flush()
    assert len(box) == 1


def test_a_write_that_redis_never_takes_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    def write(held: Held) -> None:
        if held.kind == "bad":
            raise MemoryRefused("The key k is not ours.", "键 k 不是我们的。")
        done.append(held.kind)

    box = Outbox(write, None)
    for kind in ("a", "bad", "b"):
        box.hold(Held(kind, "u", "c", {"text": "secret"}))
    box.flush()
    assert done == ["a", "b"] and len(box) == 0
    assert "given up" in caplog.text and "secret" not in caplog.text


def test_a_spill_file_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    box = Outbox(lambda write: None, tmp_path / "file" / "held.jsonl")
    box.hold(Held("a", "u", "c", {}))
    assert len(box) == 1 and "can't be written" in caplog.text
    box.flush()
    assert len(box) == 0


def test_writers_of_one_spill_file_keep_each_others_lines(tmp_path: Path) -> None:
    spill = tmp_path / "held.jsonl"
    boxes = [Outbox(lambda write: None, spill) for _ in range(4)]

    def work(box: Outbox, name: str) -> None:
        for number in range(25):
            box.hold(Held("a", name, "c", {"n": number}))
            if number % 5 == 4 and number < 20:
                box.flush()

    threads = [threading.Thread(target=work, args=(box, str(n))) for n, box in enumerate(boxes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = [Held(**json.loads(line)) for line in spill.read_text().splitlines()]
    assert sorted((one.user, one.data["n"]) for one in left) == [
        (str(n), number) for n in range(4) for number in range(20, 25)
    ]
    assert outbox.MOST_WRITES >= 1000

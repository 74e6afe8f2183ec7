"""Several processes on one memory: nothing is lost, nothing is there twice, all see the same."""

import random
import subprocess
import sys

from assistant.memory.long_term import FactChanges, LongTermMemory
from assistant.memory.store.items import unpacked
from assistant.memory.store.keys import Keys
from assistant.settings import ROOT
from tests.memories import embedded, fact, turn, unit
from tests.redis_servers import RedisServer
from tests.waiting import wait_for

KEYS = Keys("u")


WRITER = """
import sys
import numpy as np
from assistant.memory.long_term import FactChanges, LongTermMemory
from tests.memories import embedded, fact, turn, unit

pytest_plugins = ["tests.memory_fixtures"]

url, name = sys.argv[1:]
memory = LongTermMemory(lambda: url, embed=embedded)
sys.stdin.readline()
head = None
for number in range(40):
    id = f"{name}{number}"
    opened = memory.open("u", "c", head)
    memory.add("u", "c", turn(id, id=id, parent=opened.head, at=number), unit(number), text=id)

    def learn(known):
        shared = known.get("shared") or fact("shared", "共同的事")
        from dataclasses import replace
        from assistant.memory.records import Said
        said = (*shared.said, Said("c", id, float(number)))
        return FactChanges((replace(shared, said=said), fact(id, f"事 {id}", ("c", id, 1.0))))

    memory.update_facts("u", learn, embedded)
memory.close()
"""


def test_two_processes_in_one_conversation_lose_and_double_nothing(
    memory: LongTermMemory, server: RedisServer
) -> None:
    memory.open("u", "c")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, server.url, name], cwd=ROOT, stdin=subprocess.PIPE
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for number in range(40):
        memory.add("u", "c", turn("x", id=f"x{number}", at=number), unit(number), text="x")
        memory.open("u", "c", "none")
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    ids = {f"{name}{number}" for name in "abx" for number in range(40)}
    assert set(memory.all_turns("u", "c")) == ids
    found = {one.id: one for one in memory.facts("u")}
    assert set(found) == {f"{name}{number}" for name in "ab" for number in range(40)} | {"shared"}
    assert sorted(said.turn_id for said in found["shared"].said) == sorted(set(found) - {"shared"})
    mirror = memory._mirrors.of("u")
    wait_for(lambda: mirror.is_whole)
    assert len(mirror.index) == len(ids) + len(found)


def test_a_copy_is_always_what_redis_holds(memory: LongTermMemory, server: RedisServer) -> None:
    """Random steps of three processes; after each, what one reads is what all would."""
    rng = random.Random(6)
    all_ = [memory, *(LongTermMemory(memory._link._address, embed=embedded) for _ in range(2))]
    for step in range(250):
        one, talk = rng.choice(all_), f"c{rng.randrange(4)}"
        match rng.randrange(9):
            case 0 | 1 | 2:
                id = f"n{step}"
                one.add("u", talk, turn(id, id=id, at=step), unit(step), text=id)
            case 3 | 4:
                new = fact(f"f{rng.randrange(6)}", f"事{step}", (talk, "n", 1.0), updated=step)
                one.update_facts("u", lambda known, new=new: FactChanges((new,)), embedded)
            case 5:
                one.delete_fact("u", f"f{rng.randrange(6)}")
            case 6:
                turns = one.all_turns("u", talk)
                if turns:
                    one.replace("u", talk, rng.choice(sorted(turns)))
            case 7 if rng.random() < 0.4:
                one.forget("u", talk)
            case 8 if rng.random() < 0.1:
                one.forget_all("u")
        reader = rng.choice(all_)
        reader.open("u", talk)
        _check_same(reader, server)
    for one in all_:
        one.open("u", "")
        _check_same(one, server)
    for one in all_[1:]:
        one.close()


def _check_same(memory: LongTermMemory, server: RedisServer) -> None:
    mirror = memory._mirrors.of("u")
    with server.client() as redis:
        items = {key.decode(): value for key, value in redis.hgetall(KEYS.name("items")).items()}
        facts = {key.decode() for key in redis.hkeys(KEYS.name("facts"))}
    assert len(mirror.index) == len(items)
    for id, value in items.items():
        held, stored = mirror.index.get(id), unpacked(id, value)
        assert held is not None and (held.text, held.time) == (stored.text, stored.time)
    assert set(mirror.facts) == facts

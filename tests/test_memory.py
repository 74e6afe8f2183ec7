"""Short-term memory in the process, long-term memory on a real Redis server."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from redis import Redis

from assistant.errors import MemoryUnavailable
from assistant.memory.long_term import Keys, LongTermMemory
from assistant.memory.records import Turn, as_chat_history, text_parts
from assistant.memory.short_term import ShortTermMemory
from assistant.models.embedding.model import estimate_tokens


def turn(question: str, answer: str = "好。", at: float = 1.0, id: str = "") -> Turn:
    return Turn(id or f"t{at}", text_parts(question), answer, question, at)


def unit(*values: float) -> NDArray[np.float32]:
    vector = np.array(values, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class RedisServer:
    """Debian's redis-server on a socket of its own, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: apt-get install redis-server"
        options = ["--port", "0", "--unixsocket", "redis.sock", "--appendonly", "yes"]
        self.process = subprocess.Popen(
            [program, *options], cwd=self.folder, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except OSError:
            return False
        except Exception as error:
            if "loading" in str(error).lower() or "connect" in type(error).__name__.lower():
                return False
            raise

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            (self.folder / "redis.sock").unlink(missing_ok=True)
            self.process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def memory(server: RedisServer) -> Iterator[LongTermMemory]:
    with Redis.from_url(server.url) as client:
        client.flushall()
    memory = LongTermMemory(lambda: server.url)
    yield memory
    memory.close()


def test_a_conversation_comes_back_whole(memory: LongTermMemory) -> None:
    first, second = turn("第一个问题", at=1.0), turn("second?", "It is \u2028 so.", at=2.0)
    for one in (first, second):
        memory.add("local", "c1", one, unit(1, 0))
    assert memory.turns("local", "c1") == [first, second]
    (info,) = memory.conversations("local")
    assert (info.id, info.title, info.updated_at, info.turns) == ("c1", "第一个问题", 2.0, 2)


def test_newest_conversations_come_first_and_can_be_renamed(memory: LongTermMemory) -> None:
    memory.add("local", "old", turn("旧", at=1.0), unit(1, 0))
    memory.add("local", "new", turn("新", at=2.0), unit(1, 0))
    memory.rename("local", "old", "重命名")
    assert [(c.id, c.title) for c in memory.conversations("local")] == [
        ("new", "新"),
        ("old", "重命名"),
    ]


def test_users_never_see_each_other(memory: LongTermMemory) -> None:
    memory.add("wang", "c1", turn("机密"), unit(1, 0))
    assert memory.conversations("li") == []
    assert memory.turns("li", "c1") == []
    assert memory.recall("li", unit(1, 0), limit=5, floor=0.0) == []


def test_recall_finds_what_is_near_in_other_conversations(memory: LongTermMemory) -> None:
    memory.add("local", "a", turn("Redis 怎么备份？", at=1.0), unit(1, 0, 0))
    memory.add("local", "b", turn("红烧肉怎么做？", at=2.0), unit(0, 1, 0))
    memory.add("local", "now", turn("现在的", at=3.0), unit(1, 0, 0))
    memory.add("local", "c", turn("other model", at=4.0), unit(1, 0))
    found = memory.recall("local", unit(1, 0.1, 0), limit=3, floor=0.8, without="now")
    assert [(one.text, one.conversation_id) for one in found] == [("Redis 怎么备份？", "a")]
    assert found[0].score > 0.98


def test_retry_replaces_the_last_turn_and_its_vector(memory: LongTermMemory) -> None:
    memory.add("local", "c", turn("q", "first", at=1.0), unit(1, 0))
    memory.add("local", "c", turn("q", "second", at=2.0), unit(1, 0), replace_last=True)
    assert [one.answer for one in memory.turns("local", "c")] == ["second"]
    assert len(memory.recall("local", unit(1, 0), limit=5, floor=0.0)) == 1


def test_deletion_leaves_no_trace(memory: LongTermMemory, server: RedisServer) -> None:
    memory.add("local", "keep", turn("留下", at=1.0), unit(1, 0))
    memory.add("local", "gone", turn("绝密", at=2.0), unit(1, 0))
    memory.delete("local", "gone")
    with Redis.from_url(server.url) as client:
        dump = b" ".join(client.dump(key) or b"" for key in client.scan_iter())
        names = b" ".join(client.scan_iter())
    assert b"gone" not in dump + names
    assert json.dumps("绝密").strip('"').encode() not in dump
    assert [one.id for one in memory.conversations("local")] == ["keep"]


def test_a_corrupt_value_is_left_out_and_said(
    memory: LongTermMemory, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    memory.add("local", "c", turn("good"), unit(1, 0))
    with Redis.from_url(server.url) as client:
        client.rpush(Keys("local").turns("c"), "{broken", json.dumps({"id": "x"}))
    assert [one.text for one in memory.turns("local", "c")] == ["good"]
    assert caplog.text.count("not a turn") == 2


def test_a_restarted_redis_is_found_again_with_what_it_held(
    memory: LongTermMemory, server: RedisServer
) -> None:
    memory.add("local", "c", turn("before"), unit(1, 0))
    server.kill()
    with pytest.raises(MemoryUnavailable, match="REDIS_URL"):
        memory.turns("local", "c")
    server.start()
    assert [one.text for one in memory.turns("local", "c")] == ["before"]


def test_fields_of_a_newer_version_are_left_out() -> None:
    data = json.loads(json.dumps(turn("q").as_json())) | {"mood": "new"}
    assert Turn.from_json(data) == turn("q")


def test_short_term_keeps_the_newest_within_its_tokens() -> None:
    memory = ShortTermMemory(estimate_tokens, tokens=30)
    for n in range(5):
        memory.add("u", "c", turn("问题" * 5, "答", at=float(n)))
    assert [one.time for one in memory.turns("u", "c")] == [3.0, 4.0]
    memory.add("u", "c", turn("很长" * 100, at=9.0))
    assert [one.time for one in memory.turns("u", "c")] == [9.0]


def test_short_term_is_bounded_in_conversations_and_forgets() -> None:
    memory = ShortTermMemory(estimate_tokens, tokens=100, conversations=2)
    for name in ("a", "b", "c"):
        memory.add("u", name, turn(name))
    assert [memory.known("u", name) for name in "abc"] == [False, True, True]
    memory.forget("u", "b")
    assert not memory.known("u", "b")
    memory.drop_last("u", "c")
    assert memory.turns("u", "c") == []


def test_chat_history_alternates() -> None:
    messages = as_chat_history([turn("a", "b"), turn("c", "d")])
    assert [(one.type, one.text) for one in messages] == [
        ("human", "a"),
        ("ai", "b"),
        ("human", "c"),
        ("ai", "d"),
    ]

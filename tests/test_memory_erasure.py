"""Erasure, proven: after it no key, no file of the data folder and no log holds the words or the
vectors, the append-only file included."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from assistant.memory.address import RedisAddress
from assistant.memory.long_term import FactChanges, LongTermMemory
from assistant.memory.records import Choices
from assistant.memory.store.compaction import MARK
from assistant.settings import Settings
from tests.memories import DIMENSION, fact, turn
from tests.waiting import wait_for

SECRET, KEPT = "绝密的星河计划 top-secret-galaxy", "留下的备份办法 kept-words"


def vector(seed: int) -> np.ndarray:
    """One that nothing else looks like."""
    found = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found))


def traces(text: str, seed: int) -> list[bytes]:
    """What ``text`` and its vector would be found by, in any form that we write."""
    words = [text.encode(), text.encode("unicode_escape"), *(w.encode() for w in text.split())]
    exact = vector(seed)
    return [*words, exact.astype(np.float16).tobytes(), exact.tobytes()]


class Desk:
    """A data folder with its embedded server, and a memory on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = Settings.load({"DATA_DIR": str(folder), "GRACE_SECONDS": "0.3"}, None)
        self.address = RedisAddress(settings)
        self.spill = folder / "held.jsonl"
        self.memory = self.open()
        self.redis = Redis.from_url(self.address.url())
        # Otherwise the file's text would be compressed, and a search in it would prove nothing.
        self.redis.config_set("rdbcompression", "no")

    def open(self) -> LongTermMemory:
        return LongTermMemory(
            self.address.url, spill=self.spill, embed=self.embedded, is_embedded=True
        )

    @staticmethod
    def embedded(texts: object) -> np.ndarray:
        return np.stack([vector(2 if "星河" in text else 4) for text in texts])  # type: ignore[attr-defined]

    def values(self) -> bytes:
        """Every key and value, raw."""
        found = []
        for key in self.redis.scan_iter():
            found += [key, str(self.redis.type(key)).encode()]
            match self.redis.type(key):
                case b"hash":
                    found += [part for pair in self.redis.hgetall(key).items() for part in pair]
                case b"zset":
                    found += self.redis.zrange(key, 0, -1)
                case _:
                    found.append(self.redis.get(key) or b"")
        return b"\n".join(found)

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def logs(self) -> str:
        """What the server keeps of commands, in its memory."""
        kinds = ("slow", "large-request", "large-reply")
        return str([self.redis.execute_command("COMMANDLOG", "GET", -1, kind) for kind in kinds])

    def holding(self, trace: bytes) -> list[str]:
        """Where ``trace`` is found."""
        places = [name for name, content in self.files().items() if trace in content]
        places += ["keys"] if trace in self.values() else []
        return places + (["command log"] if trace.decode("utf-8", "replace") in self.logs() else [])

    def is_rewritten(self) -> bool:
        info = self.redis.info("persistence")
        return not self.redis.exists(MARK) and not info["aof_rewrite_in_progress"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.memory.close()
    desk.redis.close()
    desk.address.close()


def fill(desk: Desk) -> None:
    """Two conversations with facts, one of them secret in every place that holds text."""
    memory = desk.memory
    for talk, text, seed in (("gone", SECRET, 1), ("keep", KEPT, 3)):
        memory.open("u", talk)
        one = turn(text, f"答：{text}", id=f"t-{talk}")
        memory.add("u", talk, one, vector(seed), text=f"{text}\n{one.answer}")
        memory.rate("u", talk, one.id, -1, text)
        memory.list.rename("u", talk, text[:20])
        memory.set_choices("u", talk, Choices(memory=False))
        learned = (fact(f"f-{talk}", f"我在做 {text}", (talk, one.id, 1.0)),)
        memory.update_facts("u", lambda known, new=learned: FactChanges(new), desk.embedded)


def test_a_forgotten_conversation_is_nowhere(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fill(desk)
    secret = traces(SECRET, 1) + traces(SECRET, 2)
    assert desk.holding(SECRET.encode()), "it can be found where it is"
    assert desk.holding(vector(1).astype(np.float16).tobytes())
    desk.memory.forget("u", "gone")
    wait_for(desk.is_rewritten)
    assert {str(trace): desk.holding(trace) for trace in secret if desk.holding(trace)} == {}
    for trace in (KEPT.encode(), vector(3).astype(np.float16).tobytes()):
        places = desk.holding(trace)
        assert "keys" in places, "what is kept is there"
        assert any(place.endswith((".aof", ".rdb")) for place in places), "the file can be read"
    found = desk.memory.recall("u", SECRET, vector(1), k=9)
    assert found and not any("星河" in one.text + one.answer for one in found)
    assert "星河" not in caplog.text and "galaxy" not in caplog.text


def test_an_erased_user_is_nowhere(desk: Desk) -> None:
    fill(desk)
    desk.memory.forget_all("u")
    wait_for(desk.is_rewritten)
    for text, seeds in ((SECRET, (1, 2)), (KEPT, (3, 4))):
        for seed in seeds:
            for trace in traces(text, seed):
                assert desk.holding(trace) == []
    assert desk.redis.dbsize() == 0


def test_a_deleted_fact_is_nowhere(desk: Desk) -> None:
    fill(desk)
    desk.memory.edit_fact("u", "f-keep", "代号 zeppelin-nine")
    assert desk.holding(b"zeppelin-nine")
    desk.memory.delete_fact("u", "f-keep")
    wait_for(desk.is_rewritten)
    assert desk.holding(b"zeppelin-nine") == []


def test_a_rewrite_that_was_cut_short_is_done_by_the_next_process(desk: Desk) -> None:
    fill(desk)
    desk.memory._background.close()
    desk.memory.forget("u", "gone")
    desk.memory.close()
    assert any(name.endswith(".aof") for name in desk.holding(SECRET.encode()))
    desk.memory = desk.open()
    desk.memory.open("u", "keep")
    wait_for(desk.is_rewritten)
    assert desk.holding(SECRET.encode()) == []


def test_what_is_forgotten_during_a_rewrite_goes_too(desk: Desk) -> None:
    fill(desk)
    desk.memory.forget("u", "gone")
    wait_for(lambda: desk.redis.info("persistence")["aof_rewrites"] or desk.is_rewritten())
    desk.memory.forget("u", "keep")
    wait_for(desk.is_rewritten)
    assert desk.holding(KEPT.encode()) == [] and desk.holding(SECRET.encode()) == []


def test_what_was_held_and_forgotten_is_nowhere(desk: Desk) -> None:
    fill(desk)
    url = desk.address.url()
    desk.memory._link._address = lambda: "unix:///nowhere/redis.sock"
    desk.memory._link.close()
    one = turn("代号 zeppelin-nine", id="2", parent="t-gone")
    assert not desk.memory.add("u", "gone", one, vector(9), text="代号 zeppelin-nine")
    assert desk.holding(b"zeppelin-nine") == ["held.jsonl"]
    desk.memory._link._address = lambda: url
    desk.memory.forget("u", "gone")
    wait_for(desk.is_rewritten)
    assert desk.holding(b"zeppelin-nine") == [] and desk.holding(SECRET.encode()) == []
    assert desk.memory.held == 0 and not desk.spill.exists()
    assert [info.id for info in desk.memory.conversations("u")] == ["keep"]


def test_the_servers_log_holds_no_words(desk: Desk) -> None:
    fill(desk)
    # A command that fails, and one that is large: what a server likes to write down.
    desk.memory.add("u", "gone", turn(SECRET * 60_000, id="big"), vector(1), text=SECRET)
    desk.redis.execute_command("CONFIG", "SET", "loglevel", "debug")
    desk.memory.open("u", "gone")
    logs = [content for name, content in desk.files().items() if name.startswith("logs")]
    assert logs and not any("星河".encode() in content or b"galaxy" in content for content in logs)
    assert "galaxy" not in desk.logs()

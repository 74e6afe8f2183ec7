"""The states in the head of the pages: as the parts are, and going on by themselves."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant.errors import MemoryUnavailable, ServiceError
from assistant.ui import status as module
from assistant.ui.status import Status


class Memory:
    """Fails as often as told, then answers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.pings = 0

    def ping(self) -> None:
        self.pings += 1
        if self.faults:
            raise self.faults.pop(0)


def status_of(memory: Memory, *, ready: bool = True, said: str = "") -> Status:
    chat = SimpleNamespace(ready=ready, state=lambda language: said or language)
    return Status(cast(Any, chat), cast(Any, memory))


def wait_ready(status: Status) -> None:
    deadline = time.monotonic() + 10
    while not status.is_ready:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_states_follow_the_parts() -> None:
    status = status_of(Memory(), ready=False, said="下载中 43%")
    chat, memory = status.states("zh")
    assert (chat.label, chat.text, chat.is_ready) == ("聊天模型", "下载中 43%", False)
    assert (memory.label, memory.text, memory.is_ready) == ("长期记忆", "启动中", False)
    status.start()
    deadline = time.monotonic() + 10
    while not status.states("zh")[1].is_ready:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert status.states("en")[1].text == "ready"
    assert not status.is_ready, "the model still loads"


def test_redis_is_tried_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.2)
    memory = Memory(ServiceError("No.", "不行。"), MemoryUnavailable("Away.", "不在。"))
    status = status_of(memory)
    status.start()
    seen = set()
    while not status.is_ready:
        seen.add(status.states("zh")[1].text)
        time.sleep(0.01)
    assert {"不行。", "不在。"} <= seen
    wait_ready(status)
    assert memory.pings == 3
    time.sleep(0.3)
    assert memory.pings == 3, "once it is ready nobody asks any more"


def test_closing_ends_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 60.0)
    memory = Memory(MemoryUnavailable("Away.", "不在。"))
    status = status_of(memory)
    status.start()
    status.close()
    time.sleep(0.1)
    assert memory.pings <= 1

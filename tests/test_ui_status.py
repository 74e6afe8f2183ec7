"""The states in the head of the pages: as the parts are, and going on by themselves."""

import socket
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant.errors import KeyRefused, MemoryUnavailable, ModelUnavailable, ServiceError
from assistant.models.chat.choice import open_chat
from assistant.settings import Settings
from assistant.ui import status as module
from assistant.ui.status import Status
from tests.waiting import wait_for


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
    chat = SimpleNamespace(ready=ready, state=lambda language: said or language, look=lambda: None)
    return Status(cast(Any, chat), cast(Any, memory))


def wait_ready(status: Status) -> None:
    wait_for(lambda: status.is_ready)


def test_states_follow_the_parts() -> None:
    status = status_of(Memory(), ready=False, said="下载中 43%")
    chat, memory = status.states("zh")
    assert (chat.label, chat.text, chat.is_ready) == ("聊天模型", "下载中 43%", False)
    assert (memory.label, memory.text, memory.is_ready) == ("长期记忆", "启动中", False)
    status.start()
    wait_for(lambda: status.states("zh")[1].is_ready)
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


def test_redis_that_goes_away_later_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    memory = Memory()
    status = status_of(memory)
    status.start()
    wait_ready(status)
    status.watch()
    time.sleep(0.05)
    assert memory.pings == 1, "it was looked at a moment ago"
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    memory.faults = [MemoryUnavailable("Away.", "不在。")] * 5
    status.watch()
    wait_for(lambda: not status.is_ready)
    assert status.states("zh")[1].text == "不在。"
    for _ in range(20):
        status.watch()  # many pages ask: one looks
    wait_ready(status)
    assert memory.pings == 7


def test_a_fault_of_the_model_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise ModelUnavailable("Gone.", "不在。")

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    memory = Memory()
    status = status_of(memory)
    status.start()
    wait_ready(status)
    status._chat.look = gone  # type: ignore[method-assign]
    status.watch()
    wait_for(lambda: memory.pings >= 2)


def test_a_server_that_stops_listening_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        given = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": f"http://127.0.0.1:{port}/v1"}
        settings = Settings.load(given, None)
        chat = open_chat(settings, settings.chat_model, "CHAT_MODEL")
        chat.look()
        assert chat.ready
    with pytest.raises(ModelUnavailable):
        chat.look()
    assert not chat.ready
    assert str(port) in chat.state("zh")
    with socket.create_server(("127.0.0.1", port)):
        chat.look()
        assert chat.ready
        refused = KeyRefused("No.", "不行。")
        chat.backends[0].failed(refused)
        chat.look()
        assert chat.backends[0].fault is refused, "what a question met stays until one is answered"


def test_services_elsewhere_are_not_asked() -> None:
    settings = Settings.load({"DASHSCOPE_API_KEY": "x"}, None)
    chat = open_chat(settings, "dashscope:qwen-plus", "CHAT_MODEL")
    chat.look()
    assert chat.ready


def test_closing_ends_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 60.0)
    memory = Memory(MemoryUnavailable("Away.", "不在。"))
    status = status_of(memory)
    status.start()
    status.close()
    time.sleep(0.1)
    assert memory.pings <= 1

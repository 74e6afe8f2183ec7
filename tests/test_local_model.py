"""The embedded chat model, on its real server, with the small real model file."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from assistant import keeper
from assistant.errors import ModelUnavailable, ServiceError
from assistant.models.local import catalogue, cores, speed
from assistant.models.local.catalogue import ModelFile, PartPackages
from assistant.models.local.chat_server import LocalChatServer, ModelState
from assistant.settings import ROOT, Settings
from tests.waiting import wait_for

NAME = "qwen2.5-coder-0.5b"
CONTEXT = 1024


def make_settings(data: Path, **environment: str) -> Settings:
    """Settings on ``data``; the models' folder is the user's own, so nothing is fetched twice."""
    chosen = {"DATA_DIR": str(data), "GRACE_SECONDS": "0", "LOCAL_CONTEXT": str(CONTEXT)}
    return Settings.load(chosen | environment, None)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_settings(tmp_path_factory.mktemp("local-model"))


@pytest.fixture(scope="session")
def server(settings: Settings) -> Iterator[LocalChatServer]:
    server = LocalChatServer(settings, NAME)
    server.start()
    yield server
    server.close()
    wait_for(lambda: not keeper.is_held(server.service.lock), what="the server ended")


@pytest.fixture
def client(server: LocalChatServer) -> Iterator[httpx.Client]:
    server.start()
    root = server.base_url.removesuffix("/v1")
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=root, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def test_serves_the_model_and_nothing_else(client: httpx.Client) -> None:
    assert client.get("/health").status_code == 200
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["local"]
    assert client.get("/metrics").status_code == 200
    assert client.get("/").status_code == 404
    assert client.get("/slots").status_code == 501
    assert client.get("/v1/models", headers={"Authorization": "Bearer x"}).status_code == 401


def test_each_slot_has_the_whole_context(client: httpx.Client) -> None:
    properties = client.get("/props").json()
    assert properties["total_slots"] == 2
    assert properties["default_generation_settings"]["n_ctx"] == CONTEXT


def test_streams_an_answer_with_usage(client: httpx.Client) -> None:
    body = {
        "messages": [{"role": "user", "content": "What is the capital of France? One word."}],
        "max_tokens": 16,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    pieces = [choice["delta"].get("content") for event in events for choice in event["choices"]]
    assert "Paris" in "".join(piece or "" for piece in pieces)
    assert 1 <= events[-1]["usage"]["completion_tokens"] <= 16
    assert events[-1]["usage"]["prompt_tokens"] > 10


OTHER_PROCESS = """
import sys
from assistant.models.local.chat_server import LocalChatServer
from assistant.settings import Settings

settings = Settings.load(dict(pair.split("=", 1) for pair in sys.argv[2:]), None)
server = LocalChatServer(settings, sys.argv[1])
server.start()
print(server.pid, server.base_url)
server.close()
"""


def test_another_process_attaches_to_the_same_server(
    server: LocalChatServer, settings: Settings
) -> None:
    server.start()
    environment = [f"DATA_DIR={settings.data_dir}", f"LOCAL_CONTEXT={CONTEXT}", "GRACE_SECONDS=0"]
    told = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, NAME, *environment],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert told.stdout.split() == [str(server.pid), server.base_url]


def test_killed_server_is_replaced(server: LocalChatServer) -> None:
    server.start()
    before = server.pid
    os.kill(before, signal.SIGKILL)
    server.start()
    assert server.pid != before
    root = server.base_url.removesuffix("/v1")
    assert httpx.get(f"{root}/health", trust_env=False).json() == {"status": "ok"}


def test_speed_is_measured_once(
    server: LocalChatServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # no proxy for this machine
    monkeypatch.setattr(speed, "ROUNDS", 1)
    server.start()
    measured = speed.local_speed(settings, server)
    assert measured.prompt > 1
    assert measured.decode > 1
    [cached] = (settings.data_dir / "cache").glob("speed-qwen2.5-coder-0.5b-*.json")
    cached.write_text('{"prompt": 123.0, "decode": 45.0}')
    assert speed.local_speed(settings, server) == (123.0, 45.0)
    cached.write_text('{"prompt": 12')
    assert speed.local_speed(settings, server).prompt != 123.0


def test_state_is_told_in_both_languages(server: LocalChatServer, tmp_path: Path) -> None:
    assert (server.state.text("en"), server.state.text("zh")) == ("ready", "就绪")
    assert ModelState("downloading", percent=43).text("en") == "downloading 43%"
    elsewhere = make_settings(tmp_path, MODEL_DIR=str(tmp_path / "empty"))
    missing = LocalChatServer(elsewhere, NAME)
    assert missing.state.stage == "missing"
    with pytest.raises(ModelUnavailable, match=r"not ready \(not downloaded\)"):
        missing.base_url  # noqa: B018


def test_file_that_is_no_model_fails_with_the_log(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF" + bytes(100))
    broken = LocalChatServer(make_settings(tmp_path), str(own))
    with pytest.raises(ServiceError, match="ended as it started") as caught:
        broken.start()
    assert str(broken.service.log) in str(caught.value)
    assert broken.state.text("en") == f"failed: {caught.value}"
    assert broken.state.text("zh") == f"失败：{caught.value.text('zh')}"


class SlowFile(BaseHTTPRequestHandler):
    """Sends 64 KiB of a 6.4 MB file every 50 ms."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(100 * 65536))
        self.end_headers()
        for _ in range(100):
            try:
                self.wfile.write(bytes(65536))
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def test_closing_breaks_a_download_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = PartPackages("none{n}", "0", 1, "none{n}")
    row = ModelFile(
        "slow", "slow.gguf", 100 * 65536, hashlib.sha256().hexdigest(), "a/b", "c", "d/e", parts
    )
    monkeypatch.setattr(catalogue, "MODEL_FILES", (row,))
    site = ThreadingHTTPServer(("127.0.0.1", 0), SlowFile)
    threading.Thread(target=site.serve_forever, args=(0.05,)).start()
    chosen = make_settings(
        tmp_path,
        MODEL_DIR=str(tmp_path / "models"),
        MODEL_SOURCES="huggingface",
        HF_ENDPOINT=f"http://127.0.0.1:{site.server_port}",
    )
    server = LocalChatServer(chosen, "slow")
    under_way = threading.Event()
    faults: list[BaseException] = []

    def start() -> None:
        try:
            server.start(lambda *_: under_way.set())
        except ModelUnavailable as error:
            faults.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    try:
        assert under_way.wait(10)
        assert server.state.text("en").startswith("downloading ")
        server.close()
        thread.join(2)
        assert not thread.is_alive()
        assert [str(fault) for fault in faults] == ["The embedded model was closed."]
    finally:
        site.shutdown()
        site.server_close()


@pytest.mark.parametrize(
    ("cpus", "siblings", "quota", "expected"),
    [
        ({0, 1, 2, 3}, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, "max 100000", 2),
        ({0, 1}, {}, None, 2),
        ({2}, {2: "0,2"}, "max 100000", 1),
        (set(range(8)), {}, "250000 100000", 2),
        ({0, 1}, {}, "50000 100000", 1),
    ],
)
def test_usable_cores(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cpus: set[int],
    siblings: dict[int, str],
    quota: str | None,
    expected: int,
) -> None:
    for cpu, text in siblings.items():
        topology = tmp_path / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(text + "\n")
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    monkeypatch.setattr(cores, "CPUS", tmp_path)
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cpus, raising=False)
    assert cores.usable_cores() == expected

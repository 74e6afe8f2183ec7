"""The embedded servers: one per folder, whoever starts, dies or leaves, and when."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from assistant import keeper
from assistant.errors import ServiceError
from assistant.memory.server import ValkeyService
from assistant.processes import Endpoint, Lease, attach
from assistant.settings import ROOT, Settings
from tests.waiting import wait_for

GRACE = "0.3"

# A user process: attaches, then obeys one command a line and answers with one line each.
USER = """
import json, sys, time
import redis
from assistant.memory.server import ValkeyService
from assistant.processes import attach
from assistant.settings import Settings

settings = Settings.load({"DATA_DIR": sys.argv[1], "GRACE_SECONDS": sys.argv[2]}, None)

def visit(pause):
    pids = set()
    for _ in range(8):
        time.sleep(pause)
        with attach(ValkeyService(settings)) as lease:
            client = redis.Redis.from_url(lease.address)
            client.incr("visits")
            time.sleep(0.05)  # long enough to notice if the server is ended under us
            client.incr("visits")
            pids.add(lease.pid)
    return len(pids)

def write(name):
    client = redis.Redis.from_url(lease.address)
    for n in range(200):
        client.set(f"{name}:{n}", n)

lease = None
for line in sys.stdin:
    command, _, value = line.strip().partition(" ")
    if command == "attach":
        lease = attach(ValkeyService(settings))
    elif command == "write":
        write(value)
    elif command == "visit":
        print(visit(float(value)), flush=True)
        continue
    elif command == "close":
        lease.close()
    print(json.dumps([lease.pid, lease.address]), flush=True)
"""


class User:
    """A process of its own that uses the server in ``data``."""

    def __init__(self, data: Path, grace: str = GRACE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data), grace],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def send(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def receive(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ask(self, command: str) -> list[object]:
        self.send(command)
        answer: list[object] = json.loads(self.receive())
        return answer

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.communicate()


@pytest.fixture
def users(tmp_path: Path, service: ValkeyService) -> Iterator[Callable[..., User]]:
    started: list[User] = []

    def start(grace: str = GRACE) -> User:
        started.append(User(tmp_path, grace))
        return started[-1]

    yield start
    for user in started:
        if user.process.returncode is None:
            user.end()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ValkeyService]:
    settings = Settings.load({"DATA_DIR": str(tmp_path), "GRACE_SECONDS": GRACE}, None)
    service = ValkeyService(settings)
    yield service
    if service.folder.is_dir():
        wait_for(lambda: not keeper.is_held(service.lock), what="the server ended after the test")


def client(lease: Lease) -> redis.Redis:
    return redis.Redis.from_url(lease.address, socket_timeout=5)


def keeper_pid(service: ValkeyService) -> int:
    pid = keeper.holder(service.files.keeper)
    assert pid is not None
    return pid


def servers_in(folder: Path) -> int:
    """Processes whose working folder is ``folder``: Valkey's is its data folder."""
    if sys.platform != "linux":
        pytest.skip("counts processes through /proc")
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            count += (process / "cwd").readlink() == folder
        except OSError:  # gone, or a zombie
            continue
    return count


def test_simultaneous_users_share_one_server(
    users: Callable[..., User], service: ValkeyService
) -> None:
    crowd = [users() for _ in range(6)]
    for user in crowd:
        user.send("attach")
    seen = {user.receive() for user in crowd}
    assert len(seen) == 1
    for n, user in enumerate(crowd):
        user.send(f"write user{n}")
    assert {user.receive() for user in crowd} == seen
    with attach(service) as lease:
        assert [[lease.pid, lease.address]] == [json.loads(line) for line in seen]
        assert client(lease).dbsize() == 6 * 200
        assert servers_in(service.folder) == 1


def test_acknowledged_writes_outlive_a_killed_server(service: ValkeyService) -> None:
    with attach(service) as lease:
        before = lease.pid
        for n in range(500):
            client(lease).set(f"key:{n}", n)
        os.kill(before, signal.SIGKILL)
        lease.renew()
        assert lease.pid != before
        assert client(lease).dbsize() == 500
        assert servers_in(service.folder) == 1


def test_next_user_gets_a_new_server_after_a_kill(
    users: Callable[..., User], service: ValkeyService
) -> None:
    with attach(service) as lease:
        os.kill(lease.pid, signal.SIGKILL)
        second = users()
        pid, address = second.ask("attach")
        assert pid != lease.pid
        assert lease.renew().address == address


def test_renew_keeps_a_living_server(service: ValkeyService) -> None:
    with attach(service) as lease:
        before = lease.pid, lease.address
        lease.renew()
        assert (lease.pid, lease.address) == before


def test_server_ends_after_its_user_was_killed(
    users: Callable[..., User], service: ValkeyService
) -> None:
    user = users()
    user.ask("attach")
    assert keeper.is_held(service.lock)
    user.end(signal.SIGKILL)
    wait_for(lambda: not keeper.is_held(service.lock), what="the server ended")
    wait_for(lambda: not keeper.is_held(service.files.keeper), what="the keeper ended")
    assert not service.files.record.exists()


def test_server_stays_while_anyone_uses_it(
    users: Callable[..., User], service: ValkeyService
) -> None:
    user = users()
    pid, _ = user.ask("attach")
    with attach(service) as lease:
        assert lease.pid == pid
    time.sleep(3 * float(GRACE))
    assert keeper.is_held(service.lock)
    with attach(service) as lease:
        assert lease.pid == pid


def test_every_visit_begins_the_grace_time_anew(tmp_path: Path) -> None:
    settings = Settings.load({"DATA_DIR": str(tmp_path), "GRACE_SECONDS": "1.5"}, None)
    service = ValkeyService(settings)
    pids = set()
    for _ in range(4):
        with attach(service) as lease:
            pids.add(lease.pid)
        time.sleep(0.65)  # out of step with the keeper's looks
    assert len(pids) == 1
    wait_for(lambda: not keeper.is_held(service.lock), what="the server ended after the test")


def test_killed_keeper_is_replaced_by_the_next_user(
    users: Callable[..., User], service: ValkeyService
) -> None:
    with attach(service) as lease:
        first = keeper_pid(service)
        os.kill(first, signal.SIGKILL)
        assert client(lease).ping()
        pid, _ = users().ask("attach")
        assert pid == lease.pid
        assert keeper_pid(service) != first
        assert servers_in(service.folder) == 1


def test_last_user_replaces_a_killed_keeper(service: ValkeyService) -> None:
    with attach(service) as lease:
        os.kill(keeper_pid(service), signal.SIGKILL)
        wait_for(lambda: not keeper.is_held(service.files.keeper), what="the keeper was dead")
    wait_for(lambda: not keeper.is_held(service.lock), what="the server ended all the same")
    assert lease.pid


def test_server_left_behind_by_everyone_is_adopted(
    users: Callable[..., User], service: ValkeyService
) -> None:
    user = users()
    pid, _ = user.ask("attach")
    user.ask("write orphan")
    os.kill(keeper_pid(service), signal.SIGKILL)
    user.end(signal.SIGKILL)
    time.sleep(2 * float(GRACE))
    assert keeper.is_held(service.lock), "nobody was there to end it"
    with attach(service) as lease:
        assert lease.pid == pid
        assert client(lease).dbsize() == 200


def test_users_who_meet_a_stopping_server_get_a_living_one(
    users: Callable[..., User], service: ValkeyService
) -> None:
    crowd = [users(grace="0") for _ in range(3)]
    for user, pause in zip(crowd, (0.03, 0.05, 0.07), strict=True):
        user.send(f"visit {pause}")
    servers = [int(user.receive()) for user in crowd]
    assert max(servers) > 1, "the server never stopped: nothing was met"
    with attach(service) as lease:
        assert client(lease).get("visits") == b"48"


def test_stale_record_with_a_recycled_pid_harms_nobody(service: ValkeyService) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    service.run_dir.mkdir(parents=True)
    stale = {"pid": innocent.pid, "port": 1, "secret": "old", "started": 1.0}
    keeper.write_record(service.files.record, stale)
    with attach(service) as lease:
        assert lease.pid != innocent.pid
        assert client(lease).ping()
    wait_for(lambda: not keeper.is_held(service.lock), what="the server ended")
    assert innocent.poll() is None
    innocent.communicate(b"\n")


def test_no_second_server_even_when_the_run_folder_was_deleted(
    users: Callable[..., User], service: ValkeyService
) -> None:
    user = users()
    user.ask("attach")
    for file in service.run_dir.iterdir():
        file.unlink()
    service.start_seconds = 1.0
    with pytest.raises(ServiceError, match="has not answered for 1 s"):
        attach(service)
    assert servers_in(service.folder) == 1


def test_server_ends_though_its_whole_folder_was_deleted(service: ValkeyService) -> None:
    with attach(service) as lease:
        record = keeper.read_record(service.files.record)
        assert record is not None
        endpoint = Endpoint(record["port"], record["secret"])
        shutil.rmtree(service.run_dir)
        shutil.rmtree(service.folder)
        assert client(lease).ping()
    wait_for(lambda: not service.is_healthy(endpoint), what="the server ended")


def test_folder_made_anew_gets_a_server_that_ends_too(service: ValkeyService) -> None:
    with attach(service) as lease:
        old = lease.pid
        shutil.rmtree(service.folder)
        service.folder.mkdir()
        assert lease.renew().pid != old
        assert keeper.is_held(service.lock)
    wait_for(lambda: not keeper.is_held(service.lock), what="the new server ended")
    if sys.platform == "linux":
        wait_for(
            lambda: servers_in(Path(f"{service.folder} (deleted)")) == 0, what="the old one ended"
        )


def test_record_and_folders_are_private(service: ValkeyService) -> None:
    with attach(service) as lease:
        assert service.files.record.stat().st_mode & 0o777 == 0o600
        assert service.run_dir.stat().st_mode & 0o777 == 0o700
        assert redis.Redis.from_url(lease.address).config_get("bind") == {"bind": "127.0.0.1"}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(lease.address.replace(lease.secret, "guess")).ping()


def test_folder_with_spaces_quotes_and_chinese(tmp_path: Path) -> None:
    folder = tmp_path / '我的 "数据" \\ 库'
    settings = Settings.load({"DATA_DIR": str(folder), "GRACE_SECONDS": "0"}, None)
    service = ValkeyService(settings)
    with attach(service) as lease:
        client(lease).set("a", "b")
    assert (service.folder / "appendonlydir").is_dir()
    wait_for(lambda: not keeper.is_held(service.lock), what="the server ended")


def test_unwritable_run_folder_is_named(service: ValkeyService) -> None:
    service.run_dir.parent.mkdir(exist_ok=True)
    service.run_dir.write_text("a file where the folder should be")
    with pytest.raises(ServiceError, match="DATA_DIR") as caught:
        attach(service)
    assert str(service.run_dir) in str(caught.value)
    assert "可写" in caught.value.text("zh")


def test_server_that_can_not_start_says_why_and_where(service: ValkeyService) -> None:
    broken = service.folder / "appendonlydir"
    broken.mkdir(parents=True)
    (broken / "appendonly.aof.manifest").write_text("this is no manifest\n")
    with pytest.raises(ServiceError, match="manifest") as caught:
        attach(service)
    assert str(service.log) in str(caught.value)
    assert str(service.log) in caught.value.text("zh")


def test_platform_without_a_binary_is_told_of_redis_url(
    service: ValkeyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Plan9")
    with pytest.raises(ServiceError, match="REDIS_URL"):
        attach(service)


def test_log_is_rotated_before_it_grows_large(service: ValkeyService) -> None:
    service.log.parent.mkdir(parents=True)
    service.log.write_bytes(b"x" * 1_000_001)
    with attach(service):
        assert service.log.stat().st_size < 100_000
        assert service.log.with_suffix(".log.1").stat().st_size == 1_000_001

"""Debian's redis-server for tests: killed, restarted, hung, filled, watched."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.waiting import wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """A server on a socket in ``folder``, with what more ``options`` say."""

    def __init__(self, folder: Path, *options: str, url: str = "", port: int = 0) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.url = url or (f"redis://127.0.0.1:{port}/0" if port else f"unix://{self.socket}")
        self.options = ["--port", str(port), "--unixsocket", "redis.sock", "--save", "", *options]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: apt-get install redis-server"
        self.process = subprocess.Popen(
            [program, *self.options], cwd=self.folder, stdout=subprocess.DEVNULL
        )
        wait_for(self._answers)

    def client(self) -> Redis:
        """A client that tries nothing twice."""
        return Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0))

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (OSError, RedisError) as error:
            return "auth" in str(error).lower()  # it is there, and wants a password

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)
            self.process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stopped: connections are taken, nothing is answered."""
        assert self.process
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def everything(self) -> bytes:
        """Every key's name and value, raw."""
        with self.client() as client:
            return b"\n".join(part for key in client.scan_iter() for part in _parts(client, key))


def _parts(client: Redis, key: bytes) -> Iterator[bytes]:
    yield key
    kind = client.type(key)
    if kind == b"string":
        yield client.get(key) or b""  # type: ignore[misc]
    elif kind == b"hash":
        for pair in client.hgetall(key).items():  # type: ignore[union-attr]
            yield from pair
    elif kind == b"zset":
        yield from client.zrange(key, 0, -1)  # type: ignore[misc]
    elif kind == b"list":
        yield from client.lrange(key, 0, -1)  # type: ignore[misc]
    else:
        raise AssertionError(f"{key!r} is a {kind!r}")


class CountingProxy:
    """Passes bytes on to a server's socket and counts how often it was asked: each time that the
    client speaks again after an answer is a round trip."""

    def __init__(self, target: Path, folder: Path) -> None:
        self.path = folder / "proxy.sock"
        self.url = f"unix://{self.path}"
        self.trips = 0
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._target))
            speaks = False
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 20)
                    if not data:
                        return
                    if ready is client and not speaks:
                        self.trips += 1
                    speaks = ready is client
                    (server if ready is client else client).sendall(data)

    def close(self) -> None:
        self._listener.close()

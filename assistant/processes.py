"""Embedded servers: attach to the one that runs, or start it. Locks are told in ``keeper``.

>>> with attach(service) as lease:      # doctest: +SKIP
...     connect(lease.address)
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from assistant import keeper
from assistant.errors import ServiceError

LOG_BYTES = 1_000_000
LAUNCHES = 2  # a free port may be taken by another program before the server has it
KEEPER_SECONDS = 15.0


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens on 127.0.0.1 and what it wants to hear before it answers."""

    port: int
    secret: str
    pid: int = 0
    started: float = 0.0  # seconds since the epoch


@dataclass(frozen=True)
class Launch:
    """How a server is started: ``argv`` with an absolute path, ``stdin`` as text."""

    argv: tuple[str, ...]
    stdin: str = ""
    environment: tuple[tuple[str, str], ...] = ()


class Service(ABC):
    """A kind of server of which one runs per folder (per name and lock)."""

    #: Seconds that a start may take until the server answers.
    start_seconds: float = 30.0

    def __init__(self, name: str, run_dir: Path, log_dir: Path, grace_seconds: float) -> None:
        self.name = name
        self.run_dir = run_dir
        self.log = log_dir / f"{name}.log"
        self.grace_seconds = grace_seconds

    @property
    def lock(self) -> Path:
        """What the server holds while it lives: at most one server per such file."""
        return self.run_dir / f"{self.name}.lock"

    @property
    def files(self) -> keeper.Files:
        return keeper.Files(self.run_dir, self.name, self.lock)

    @abstractmethod
    def launch(self, endpoint: Endpoint) -> Launch:
        """The command that serves at ``endpoint``. ServiceError where this machine can't."""

    @abstractmethod
    def address(self, endpoint: Endpoint) -> str:
        """The URL for clients."""

    @abstractmethod
    def is_healthy(self, endpoint: Endpoint) -> bool:
        """Whether the server there accepts the secret and is ready, within 2 s."""


class Lease:
    """The right to use a running server: it isn't ended before ``close`` or our own end."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._users: int | None = _join(service)
        try:
            self._endpoint = _ensure(service)
        except BaseException:
            self._leave()
            raise

    @property
    def address(self) -> str:
        return self.service.address(self._endpoint)

    @property
    def secret(self) -> str:
        return self._endpoint.secret

    @property
    def pid(self) -> int:
        return self._endpoint.pid

    def renew(self) -> Lease:
        """Make sure that the server lives, after a connection failed; the address may change.

        Quick where all is well. ServiceError as from :func:`attach`.
        """
        self._endpoint = _ensure(self.service)
        return self

    def close(self) -> None:
        """Leave the server; it ends after the grace time unless others use it."""
        if self._users is None:
            return
        try:
            files = self.service.files
            watched = keeper.is_held(files.keeper)
            if not watched and keeper.is_held(files.lock) and files.run_dir.is_dir():
                _run_keeper(self.service)
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._users is not None:
            os.utime(self._users)
            os.close(self._users)
            self._users = None

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def attach(service: Service) -> Lease:
    """Attach to the running server of this kind, or start one. Blocks at most some
    ``start_seconds``; safe from several threads and processes at once.

    Raises:
        ServiceError: it didn't start, doesn't answer, or its folders can't be written.
    """
    return Lease(service)


def _join(service: Service) -> int:
    """Become a user. Waits while a keeper ends the server."""
    try:
        for folder in (service.run_dir, service.log.parent, service.lock.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        users = keeper.hold(service.files.users, service.start_seconds, shared=True)
        if users is not None:
            os.utime(users)
            return users
    except OSError as error:
        raise _unwritable(service, error) from error
    raise ServiceError(
        "The embedded server {name} has been ending for {seconds:g} s. See {log}.",
        "内置服务 {name} 停止中，已等待 {seconds:g} 秒。请查看 {log}。",
        name=service.name,
        seconds=service.start_seconds,
        log=service.log,
    )


def _ensure(service: Service) -> Endpoint:
    """The endpoint of a healthy server that a keeper watches. The caller is a user."""
    deadline = time.monotonic() + service.start_seconds
    launches = 0
    while True:
        running = keeper.is_held(service.files.lock)
        endpoint = _healthy_endpoint(service) if running else None
        watched = keeper.is_held(service.files.keeper)
        if endpoint is not None and watched:
            return endpoint
        if not running:
            launches += 1
        if launches > LAUNCHES:
            raise _failed(service)
        if time.monotonic() > deadline:
            raise _silent(service)
        if not running or not watched:
            _run_keeper(service)
        time.sleep(keeper.POLL_SECONDS)


def _healthy_endpoint(service: Service) -> Endpoint | None:
    record = keeper.read_record(service.files.record)
    if record is None:
        return None
    endpoint = Endpoint(record["port"], record["secret"], record["pid"], record["started"])
    return endpoint if service.is_healthy(endpoint) else None


def _run_keeper(service: Service) -> None:
    """Start what is missing of server and keeper; both outlive us and our terminal."""
    endpoint = Endpoint(_free_port(), secrets.token_urlsafe(24))
    command = [sys.executable, "-I", "-S", keeper.__file__]
    try:
        with _open_log(service) as log:
            subprocess.run(
                command,
                input=json.dumps(_plan(service, endpoint)).encode(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                timeout=KEEPER_SECONDS,
                check=True,
            )
    except subprocess.SubprocessError as error:
        raise _failed(service) from error
    except OSError as error:
        raise _unwritable(service, error) from error


def _plan(service: Service, endpoint: Endpoint) -> dict[str, Any]:
    launch = service.launch(endpoint)
    return {
        "name": service.name,
        "run_dir": str(service.run_dir),
        "lock": str(service.lock),
        "grace_seconds": service.grace_seconds,
        "port": endpoint.port,
        "secret": endpoint.secret,
        "argv": launch.argv,
        "stdin": launch.stdin,
        "environment": dict(launch.environment),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _open_log(service: Service) -> IO[bytes]:
    if service.log.is_file() and service.log.stat().st_size > LOG_BYTES:
        service.log.replace(service.log.with_suffix(".log.1"))
    return service.log.open("ab")


def _last_line(log: Path) -> str:
    if not log.is_file():
        return "-"
    lines = log.read_bytes()[-4000:].decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "-")


def _failed(service: Service) -> ServiceError:
    return ServiceError(
        "The embedded server {name} ended as it started. Its last words: {line}\nSee {log}.",
        "内置服务 {name} 启动后立即退出。最后一行日志：{line}\n请查看 {log}。",
        name=service.name,
        line=_last_line(service.log),
        log=service.log,
    )


def _silent(service: Service) -> ServiceError:
    return ServiceError(
        "The embedded server {name} (process {pid}) has not answered for {seconds:g} s. See {log}; "
        "if that process hangs, end it and try again.",
        "内置服务 {name}（进程 {pid}）已 {seconds:g} 秒没有响应。请查看 {log}；"
        "如果该进程卡死，请结束它后重试。",
        name=service.name,
        pid=keeper.holder(service.lock) or "?",
        seconds=service.start_seconds,
        log=service.log,
    )


def _unwritable(service: Service, error: OSError) -> ServiceError:
    return ServiceError(
        "The embedded server {name} can't be started: {error}. {folder} must be a folder that "
        "this user can write; change DATA_DIR in .env or its permissions.",
        "无法启动内置服务 {name}：{error}。{folder} 必须是当前用户可写的文件夹；"
        "请修改 .env 中的 DATA_DIR 或该文件夹的权限。",
        name=service.name,
        error=error,
        folder=service.run_dir.parent,
    )

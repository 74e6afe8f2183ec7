"""The keeper of an embedded server: starts it, and ends it once nobody uses it.

:mod:`assistant.processes` runs this file as a script, in a session of its own; it needs nothing
but the standard library. Every rule rests on ``flock``: a lock belongs to the open file, so the
kernel drops it when the last process that has the file open is gone, even by ``kill -9``.

========================  ==============================================================
``run/NAME.users``        shared: every process that uses the server, as long as it does
``run/NAME.keeper``       exclusive: the keeper, whose pid is in it
``Service.lock``          exclusive: the server, which inherits it over ``exec``; its pid is in it
``run/NAME.json``         the server's pid, port and secret; written before ``exec``
========================  ==============================================================

1. A user takes ``users``, then makes sure that a server and a keeper are there.
2. While the server lives it holds its lock, so a second one on the same files can't start, and
   the pid in the lock's file is alive and the server's.
3. The keeper waits until ``users`` is free and stays so for the grace time. It ends the server
   while it holds ``users`` exclusively: whoever comes meanwhile waits, and starts a new one.
4. The keeper is never the server's parent. So a keeper that is started later, because the first
   was killed, does just the same: there is no separate path for adoption.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

POLL_SECONDS = 0.02
STOP_SECONDS = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))
# Whoever asks whether a lock is held takes it for an instant.
PROBE_SECONDS = 0.5


@dataclass(frozen=True)
class Files:
    """The files of one server."""

    run_dir: Path
    name: str
    lock: Path

    @property
    def users(self) -> Path:
        return self.run_dir / f"{self.name}.users"

    @property
    def keeper(self) -> Path:
        return self.run_dir / f"{self.name}.keeper"

    @property
    def record(self) -> Path:
        return self.run_dir / f"{self.name}.json"


def hold(path: Path, seconds: float = 0.0, *, shared: bool = False) -> int | None:
    """Take the lock at ``path``, waiting at most ``seconds``; a descriptor, or None if held.

    Closing the descriptor gives the lock back. OSError where the file can't be opened.
    """
    descriptor = _open(path)
    if _lock_within(descriptor, seconds, shared=shared):
        return descriptor
    os.close(descriptor)
    return None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _lock_within(descriptor: int, seconds: float, *, shared: bool = False) -> bool:
    deadline = time.monotonic() + seconds
    while not _try_lock(descriptor, shared=shared):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_held(path: Path) -> bool:
    """Whether a living process holds the exclusive lock at ``path``."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    free = _try_lock(descriptor, shared=True)
    os.close(descriptor)
    return not free


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(lock: int) -> None:
    os.write(lock, f"{os.getpid()}\n".encode())


def holder(path: Path) -> int | None:
    """The process that holds the lock at ``path``, if it is held; None until it has signed."""
    descriptor = _open(path)
    try:
        return _signature(descriptor)
    finally:
        os.close(descriptor)


def _signature(lock: int) -> int | None:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else None


def read_record(path: Path) -> dict[str, Any] | None:
    """The record of a server, or None where there is none or it can't be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Publish ``record`` at ``path`` in one step, readable by its owner only."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(record, file)
    beside.replace(path)


def start(plan: dict[str, Any]) -> None:
    """Start what is missing of keeper and server, each in a child that outlives this process.

    ``plan``: ``run_dir``, ``name``, ``lock``, ``grace_seconds``, ``port``, ``secret``, and for
    the server ``argv``, ``environment`` (added to ours) and ``stdin`` (text).
    """
    files = Files(Path(plan["run_dir"]), plan["name"], Path(plan["lock"]))
    os.chdir(files.run_dir)
    keeper_lock = _hold_unsigned(files.keeper)
    if keeper_lock is not None:
        if os.fork() == 0:
            _sign(keeper_lock)
            return watch(files, plan["grace_seconds"])
        os.close(keeper_lock)
    server_lock = _hold_unsigned(files.lock)
    if server_lock is not None and os.fork() == 0:
        become_server(plan, files, server_lock)
    return None


def _hold_unsigned(path: Path) -> int | None:
    lock = hold(path, PROBE_SECONDS)
    if lock is not None:
        os.ftruncate(lock, 0)
    return lock


def become_server(plan: dict[str, Any], files: Files, lock: int) -> NoReturn:
    """Turn this process into the server: its pid stays, and so does the lock."""
    _sign(lock)
    write_record(
        files.record,
        {
            "pid": os.getpid(),
            "port": plan["port"],
            "secret": plan["secret"],
            "started": time.time(),
        },
    )
    with tempfile.TemporaryFile() as stdin:
        stdin.write(plan["stdin"].encode())
        stdin.seek(0)
        os.dup2(stdin.fileno(), 0)
    os.set_inheritable(lock, True)
    os.execve(plan["argv"][0], plan["argv"], os.environ | plan["environment"])  # noqa: S606


def watch(files: Files, grace_seconds: float) -> None:
    """Wait until nobody uses the server for ``grace_seconds``, then end it."""
    # Opened now: the whole data folder may be deleted while the server runs.
    users, lock = _open(files.users), _open(files.lock)
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        if _stays_unused(users, grace_seconds):
            break
    stop_server(files.name, lock)
    os.close(lock)
    if files.lock.exists():  # another file by now, if the folder was deleted and made anew
        stop_server(files.name, _open(files.lock))
    files.record.unlink(missing_ok=True)


def _stays_unused(users: int, seconds: float) -> bool:
    """Whether nobody comes for ``seconds``; if so, ``users`` is left locked exclusively."""
    last_use = os.fstat(users).st_mtime_ns
    deadline = time.monotonic() + seconds
    while True:
        time.sleep(max(0.0, min(5 * POLL_SECONDS, deadline - time.monotonic())))
        if not _try_lock(users) or os.fstat(users).st_mtime_ns != last_use:
            return False
        if time.monotonic() >= deadline:
            return True
        fcntl.flock(users, fcntl.LOCK_UN)


def stop_server(name: str, lock: int) -> None:
    """End the process that holds the lock open as ``lock``, politely first, and hold it then."""
    for number, seconds in STOP_SECONDS:
        if _lock_within(lock, POLL_SECONDS):
            return
        pid = _signature(lock)
        if pid is not None:  # else it is about to sign
            _log(f"{name} is not used any more: {number.name} to process {pid}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        _lock_within(lock, seconds)


def _log(message: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), "keeper:", message, flush=True)  # noqa: T201


if __name__ == "__main__":
    start(json.load(sys.stdin))

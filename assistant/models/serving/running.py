"""A server in the foreground: started, watched until it answers, signals handed on, ended whole."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from assistant.errors import ServiceError
from assistant.models.serving.faults import died
from assistant.models.serving.plan import KEY, Plan

ANSWER_SECONDS = 2.0
POLL_SECONDS = 0.2
#: After a signal the server may finish what it does for so long; then it is killed.
STOP_SECONDS = 30.0
REMEMBERED = 400  # lines of its log
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _Stop:
    """Whether we were told to stop, and since when."""

    signals: list[int] = field(default_factory=list)
    since: float = 0.0


def run(plan: Plan, ready: Callable[[float], None]) -> int:
    """Run the server until it ends; its exit code (128 + n for a signal n).

    Its output goes to our standard error. SIGINT and SIGTERM are handed on; after a second one, or
    30 s, it is killed. To be called from the main thread.

    Args:
        ready: told the seconds until the server answered and named the model.

    Raises:
        ServiceError: the port is taken, it can't be started, or it died before it was ready.
    """
    check_port(plan)
    lines: deque[str] = deque(maxlen=REMEMBERED)
    began = time.monotonic()
    with _handed_on() as stop:
        process = _start(plan)
        reader = threading.Thread(target=_show, args=(process, lines), daemon=True)
        reader.start()
        try:
            answered = False
            while process.poll() is None:
                _obey(process, stop)
                if not answered and not stop.signals and is_ready(plan):
                    answered = True
                    ready(time.monotonic() - began)
                time.sleep(POLL_SECONDS)
        finally:
            _end_all(process)
            reader.join(ANSWER_SECONDS)
    code = process.returncode
    if not answered and not stop.signals:
        raise died(plan, code, lines)
    return code if code >= 0 else 128 - code


def _start(plan: Plan) -> subprocess.Popen[str]:
    environment = os.environ | dict(plan.environment)
    # Also where it is empty: what the shell happens to have is not what was asked for.
    environment[KEY] = plan.api_key
    if not plan.api_key:
        del environment[KEY]
    # Where we are killed, the kernel ends the server too: it would keep the memory and the port.
    guard = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
    if shutil.which(plan.argv[0]) is None:
        raise _not_started(plan, "no such program")
    try:
        process = subprocess.Popen(
            (*guard, *plan.argv),
            stdin=subprocess.PIPE if plan.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            # A group of its own: it gets each signal once, and nothing of it is left behind.
            start_new_session=True,
        )
        if process.stdin is not None:
            with process.stdin as stdin:
                stdin.write(plan.stdin)
    except OSError as error:
        raise _not_started(plan, error.strerror or str(error)) from error
    return process


def _not_started(plan: Plan, why: str) -> ServiceError:
    return ServiceError(
        "{command} can't be started: {why}",
        "无法启动 {command}：{why}",
        command=plan.argv[0],
        why=why,
    )


def _show(process: subprocess.Popen[str], lines: deque[str]) -> None:
    assert process.stdout is not None  # noqa: S101 - for the type checker
    with process.stdout as output:
        for line in output:
            lines.append(line)
            sys.stderr.write(line)
            sys.stderr.flush()


@contextmanager
def _handed_on() -> Iterator[_Stop]:
    """Signals that end a process are noted instead."""
    stop = _Stop()

    def note(number: int, frame: FrameType | None) -> None:
        stop.signals.append(number)
        stop.since = stop.since or time.monotonic()

    before: dict[int, Any] = {number: signal.signal(number, note) for number in FORWARDED}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _obey(process: subprocess.Popen[str], stop: _Stop) -> None:
    """Hand the first signal on; kill after a second one or when it takes too long."""
    if not stop.signals:
        return
    if len(stop.signals) > 1 or time.monotonic() - stop.since > STOP_SECONDS:
        _end_all(process)
    elif stop.signals[0] > 0:
        process.send_signal(stop.signals[0])
        stop.signals[0] = 0  # handed on


def _end_all(process: subprocess.Popen[str]) -> None:
    """Kill what is left of the server and of the processes that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def is_ready(plan: Plan) -> bool:
    """Whether the server is healthy and names the model."""
    return _get(plan, "/health") is not None and plan.name in served_names(plan)


def served_names(plan: Plan) -> list[str]:
    """The models that whoever listens at the plan's port names; none where nobody answers."""
    listed = _get(plan, "/v1/models")
    try:
        return [str(row["id"]) for row in json.loads(listed or b"{}")["data"]]
    except (ValueError, KeyError, TypeError):
        return []


def _get(plan: Plan, path: str) -> bytes | None:
    host = plan.client_host.strip("[]")
    connection = http.client.HTTPConnection(host, plan.port, timeout=ANSWER_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {plan.api_key}"} if plan.api_key else {}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def check_port(plan: Plan) -> None:
    """Refuse before a minute of loading what can't listen in the end.

    Raises:
        ServiceError: the address is taken, with who is there; or it isn't this machine's.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            plan.host or None, plan.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        names = served_names(plan)
        raise ServiceError(
            "The server can't listen at {host}:{port}: {error}.{there} Take another with --port, "
            "or end what is there.",
            "无法监听 {host}:{port}：{error}。{there_zh}"
            "请用 --port 换一个端口，或结束占用它的程序。",
            host=plan.host,
            port=plan.port,
            error=error.strerror or error,
            there=f" A model server answers there, with: {', '.join(names)}." if names else "",
            there_zh=f"该地址已有模型服务：{', '.join(names)}。" if names else "",
        ) from error

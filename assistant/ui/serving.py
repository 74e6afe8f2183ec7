"""Serves the web app on this machine: the address, the ready line, and an end within seconds."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from assistant.errors import ServiceError, SettingsError
from assistant.settings import Settings
from assistant.ui.texts import text

LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: What requests get to finish by themselves. The event streams of open pages never would.
CLOSE_SECONDS = 0.5
LAST_SECONDS = 3


def open_socket(settings: Settings) -> socket.socket:
    """The listening socket: taken first, so that a second start says so at once and a browser
    that is early waits instead of failing.

    Raises:
        SettingsError: ``HOST`` would open the app to others, who could not be told apart.
        ServiceError: the port is taken or may not be used.
    """
    if settings.host not in LOOPBACK:
        raise SettingsError(
            "HOST is {host}, but there is no login yet, so everyone who reaches it could read and "
            "change everything: set HOST=127.0.0.1 in .env, and reach it from elsewhere through "
            "an SSH tunnel.",
            "HOST 的值是 {host}，但目前没有登录功能，任何能访问的人都能查看和修改全部内容："
            "请在 .env 中设置 HOST=127.0.0.1，远程访问请使用 SSH 隧道。",
            host=settings.host,
        )
    family = socket.AF_INET6 if settings.host == "::1" else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ServiceError(
            "Port {port} on {host} can't be used ({reason}): end the program that has it, or set "
            "another PORT in .env.",
            "无法使用 {host} 的端口 {port}（{reason}）：请结束占用它的程序，"
            "或在 .env 中换一个 PORT。",
            port=settings.port,
            host=settings.host,
            reason=error.strerror or error,
        ) from error


def address(listening: socket.socket) -> str:
    """The URL that the socket is reached at."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Says when it is ready and when it has ended, and hangs up on open streams in between."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self.ended = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._hang_up)
        await super().shutdown(sockets)
        self.ended.set()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self.ended.set()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.close()


def serve(app: FastAPI, listening: socket.socket, language: str) -> None:
    """Serve until SIGINT or SIGTERM; the address is printed once pages are served.

    To be called in the main thread. The server runs in another one: when its event loop ends, it
    would wait for every thread that waits for the next piece of an answer.
    """
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=LAST_SECONDS
    )
    ready = text("app_ready", language, url=address(listening))
    server = _Server(config, lambda: _say(ready))

    def end(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    sockets = {"sockets": [listening]}
    threading.Thread(target=server.run, kwargs=sockets, name="server", daemon=True).start()
    server.ended.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

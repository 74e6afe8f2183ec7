"""Whether a server listens at all: one connection, nothing asked."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from assistant.errors import ModelUnavailable
from assistant.models.names import Target

SECONDS = 2.0


def unheard(target: Target) -> ModelUnavailable | None:
    """Why the server of ``target`` can't be reached; None where it listens."""
    url = urlsplit(target.base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname or "", port), timeout=SECONDS).close()
    except OSError as error:
        return ModelUnavailable(
            "The server of {name} at {url} can't be reached ({reason}): see whether it runs.",
            "无法连接 {name} 的服务 {url}（{reason}）：请检查它是否在运行。",
            name=target.name,
            url=f"{url.scheme}://{url.hostname}:{port}",
            reason=error.strerror or error,
        )
    return None

"""What a Redis server tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from assistant.memory.store.connection import Client


@dataclass(frozen=True)
class ServerFacts:
    """``name`` as it calls itself ("valkey" or "redis"); ``memory`` in bytes, of all nodes of a
    cluster; ``is_persistent``: it writes each change to its disk."""

    name: str
    version: str
    memory: int
    clients: int
    uptime: float  # seconds
    is_persistent: bool


def server_facts(client: Client) -> ServerFacts:
    """Asked in one round trip; of a cluster, each node in its own."""
    answer = cast(Mapping[str, Any], client.info())
    nodes = [answer] if "redis_version" in answer else list(answer.values())
    first = nodes[0] if nodes else {}
    name = str(first.get("server_name") or "redis")
    version = first.get("valkey_version" if name == "valkey" else "redis_version", "")
    return ServerFacts(
        name=name,
        version=str(version),
        memory=sum(int(node.get("used_memory", 0)) for node in nodes),
        clients=sum(int(node.get("connected_clients", 0)) for node in nodes),
        uptime=float(first.get("uptime_in_seconds", 0)),
        is_persistent=bool(nodes) and all(node.get("aof_enabled") for node in nodes),
    )

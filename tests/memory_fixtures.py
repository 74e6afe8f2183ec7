"""Fixtures of the tests of long-term memory: a real Redis server of the module, emptied for each
test, and memories on it as two processes have them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from assistant.memory.long_term import LongTermMemory
from tests.memories import embedded
from tests.redis_servers import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    with server.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def memory(server: RedisServer, redis: Redis) -> Iterator[LongTermMemory]:
    memory = LongTermMemory(lambda: server.url, embed=embedded)
    yield memory
    memory.close()


@pytest.fixture
def other(server: RedisServer, redis: Redis) -> Iterator[LongTermMemory]:
    """The memory of another process."""
    memory = LongTermMemory(lambda: server.url, embed=embedded)
    yield memory
    memory.close()

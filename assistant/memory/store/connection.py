"""The connection to Redis: a bounded pool, bounded waits, and what is tried again."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from redis import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis import UnixDomainSocketConnection as SocketConnection
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as Late
from redis.retry import Retry
from redis.sentinel import Sentinel

from assistant.errors import MemoryUnavailable
from assistant.memory.store.faults import is_lost, told
from assistant.memory.url import RedisURL, parse

Client = Redis | RedisCluster
T = TypeVar("T")

ANSWER_SECONDS = 3.0
POOL = 16  # connections
IDLE_SECONDS = 30  # after which a connection is tried before it is used
REST_SECONDS = 5.0  # after Redis did not answer, in which nobody waits for it again


class Link:
    """A client that is made when first needed, and anew after the connection was lost.

    Args:
        address: gives the URL; asked again after a lost connection, because an embedded server
            comes back under a new address.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client: Client | None = None
        self._secrets: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def call(self, work: Callable[[Client], T], *, insists: bool = False) -> T:
        """Run ``work``, after a lost connection once more.

        Args:
            insists: try even where Redis did not answer a moment ago.

        Raises:
            MemoryUnavailable: in every case where Redis can't do it.
        """
        if not insists and time.monotonic() < self._rests_until:
            raise MemoryUnavailable(
                "Long-term memory is away, and the chat goes on without it: Redis did not answer "
                "a moment ago. It is tried again in some seconds.",
                "长期记忆暂不可用，对话可以继续：Redis 刚才没有应答，几秒后会再试。",
            )
        with told(lambda: self._secrets):
            return self._with_client(work)

    def _with_client(self, work: Callable[[Client], T]) -> T:
        client = self._connected()
        try:
            try:
                answer = work(client)
            except RedisError as error:
                if not is_lost(error):
                    raise
                self._let_go(client)
                answer = work(self._connected())
        except Late:
            self._rests_until = time.monotonic() + REST_SECONDS
            raise
        self._rests_until = 0.0
        return answer

    def script(self, script: str, key: str, *args: str | bytes | float) -> Any:
        """What a script of :mod:`.reading` or :mod:`.writing` answers.

        Args:
            key: the user's ``control``.
        """
        digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()

        def run(client: Client) -> Any:
            try:
                return client.evalsha(digest, 1, key, *args)
            except NoScriptError:
                return client.eval(script, 1, key, *args)

        return self.call(run)

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _let_go(self, client: Client) -> None:
        """Connect anew next time. Other threads may be using connections that are sound."""
        with self._lock:
            if self._client is client:
                self._client = None
        if isinstance(client, Redis):
            client.connection_pool.disconnect(inuse_connections=False)

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                url = _parsed(self._address())
                self._secrets = url.secrets
                self._client = open_client(url)
            return self._client


def _parsed(address: str) -> RedisURL:
    try:
        return parse(address)
    except ValueError as error:
        raise MemoryUnavailable(
            "REDIS_URL can't be used; expected {expected}.",
            "REDIS_URL 无法使用；应为{expected_zh}。",
            expected=error.args[0],
            expected_zh=error.args[1],
        ) from None


def open_client(url: RedisURL) -> Client:
    """A client for ``url``; except for a cluster it does not connect yet."""
    options: dict[str, Any] = {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": ANSWER_SECONDS,
        "health_check_interval": IDLE_SECONDS,
        "username": url.username,
        "password": url.password,
        "max_connections": POOL,
        **(url.options or {}),
    }
    return _OPENERS[url.form](url, options)


def _server(url: RedisURL, options: dict[str, Any]) -> Client:
    ((host, port),) = url.hosts
    kind = SSLConnection if url.is_tls else Connection
    place = {"host": host, "port": port, "socket_keepalive": True}
    return _pooled(kind, options | place | {"db": url.db})


def _socket(url: RedisURL, options: dict[str, Any]) -> Client:
    return _pooled(SocketConnection, options | {"path": url.path, "db": url.db})


def _pooled(kind: type[Any], options: dict[str, Any]) -> Client:
    pool = BlockingConnectionPool(  # type: ignore[no-untyped-call]
        connection_class=kind, timeout=ANSWER_SECONDS, retry=_once(), **options
    )
    return Redis.from_pool(pool)


def _sentinel(url: RedisURL, options: dict[str, Any]) -> Client:
    options |= {"socket_keepalive": True, "ssl": url.is_tls, "retry": _once()}
    asked = {
        name: value
        for name, value in options.items()
        if name.startswith(("socket_", "ssl", "retry")) and (url.is_tls or name != "ssl")
    }
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        list(url.hosts), sentinel_kwargs=asked | dict(url.sentinel or {}), **options
    )
    client: Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        url.service, db=url.db
    )
    return client


def _cluster(url: RedisURL, options: dict[str, Any]) -> Client:
    options |= {"socket_keepalive": True} | ({"ssl": True} if url.is_tls else {})
    nodes = [ClusterNode(*host) for host in url.hosts]  # type: ignore[no-untyped-call]
    return RedisCluster(
        startup_nodes=nodes, retry=Retry(NoBackoff(), 1), require_full_coverage=False, **options
    )


def _once() -> Retry:
    return Retry(NoBackoff(), 0)


_OPENERS = {"server": _server, "socket": _socket, "sentinel": _sentinel, "cluster": _cluster}

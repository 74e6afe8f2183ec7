"""Long-term memory: transcripts in Redis, recalled by meaning when a question leans on them.

Keys (``rag:1:`` is the layout's version; every key holds the user's id):

- ``rag:1:{user}:conversations``  sorted set, conversation id -> time of its last turn
- ``rag:1:{user}:c:ID``           hash: title
- ``rag:1:{user}:t:ID``           list of turns as JSON, oldest first
- ``rag:1:{user}:order``          sorted set, "conversation/turn" -> time of the turn
- ``rag:1:{user}:vectors``        hash, "conversation/turn" -> float16 vector of the question

The braces make a user's keys share one slot in a Redis cluster.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from assistant.errors import MemoryUnavailable, ServiceError
from assistant.memory.records import ConversationInfo, Recollection, Turn

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

log = logging.getLogger(__name__)
T = TypeVar("T")

TITLE_LENGTH = 60
RECALL_TURNS = 2000  # the newest turns of a user that recall looks through


@dataclass(frozen=True)
class Keys:
    """The names of one user's keys."""

    user: str

    def _name(self, *parts: str) -> str:
        return ":".join(["rag:1", "{" + self.user + "}", *parts])

    @property
    def conversations(self) -> str:
        return self._name("conversations")

    @property
    def order(self) -> str:
        return self._name("order")

    @property
    def vectors(self) -> str:
        return self._name("vectors")

    def info(self, conversation_id: str) -> str:
        return self._name("c", conversation_id)

    def turns(self, conversation_id: str) -> str:
        return self._name("t", conversation_id)


class LongTermMemory:
    """Transcripts by user and conversation.

    Args:
        address: gives the ``redis://`` URL, starting the embedded server if it must; asked again
            after a lost connection, because an embedded server comes back under a new address.

    All methods raise :class:`MemoryUnavailable` when Redis can't be used.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client: Redis | None = None
        self._lock = threading.Lock()

    def add(
        self,
        user: str,
        conversation_id: str,
        turn: Turn,
        vector: NDArray[np.float32],
        *,
        replace_last: bool = False,
    ) -> None:
        """Store ``turn`` in one round trip; with ``replace_last`` in place of the newest one."""
        keys = Keys(user)

        def write(redis: Redis) -> None:
            previous: Any = replace_last and redis.lindex(keys.turns(conversation_id), -1)
            with redis.pipeline(transaction=True) as pipe:
                if previous:
                    pipe.rpop(keys.turns(conversation_id))
                    _forget_turn(pipe, keys, f"{conversation_id}/{_load(previous).id}")
                pipe.rpush(keys.turns(conversation_id), json.dumps(turn.as_json()))
                pipe.hsetnx(keys.info(conversation_id), "title", turn.text[:TITLE_LENGTH])
                pipe.zadd(keys.conversations, {conversation_id: turn.time})
                packed = np.asarray(vector, dtype=np.float16).tobytes()
                pipe.zadd(keys.order, {f"{conversation_id}/{turn.id}": turn.time})
                pipe.hset(keys.vectors, f"{conversation_id}/{turn.id}", packed)
                pipe.execute()

        self._call(write)

    def conversations(self, user: str, limit: int = 200) -> list[ConversationInfo]:
        """The user's conversations, the newest first."""
        keys = Keys(user)

        def read(redis: Redis) -> list[ConversationInfo]:
            rows: Any = redis.zrevrange(keys.conversations, 0, limit - 1, withscores=True)
            with redis.pipeline(transaction=False) as pipe:
                for name, _ in rows:
                    pipe.hget(keys.info(name.decode()), "title")
                    pipe.llen(keys.turns(name.decode()))
                answers = pipe.execute()
            titles, counts = answers[::2], answers[1::2]
            return [
                ConversationInfo(name.decode(), (title or b"").decode(), float(when), int(count))
                for (name, when), title, count in zip(rows, titles, counts, strict=True)
            ]

        return self._call(read)

    def turns(self, user: str, conversation_id: str) -> list[Turn]:
        """A conversation's turns, oldest first; none if there is no such conversation."""
        key = Keys(user).turns(conversation_id)
        values: list[bytes] = self._call(lambda redis: redis.lrange(key, 0, -1))  # type: ignore[return-value,arg-type]
        return [turn for value in values if (turn := _load_or_warn(key, value))]

    def rename(self, user: str, conversation_id: str, title: str) -> None:
        key = Keys(user).info(conversation_id)
        self._call(lambda redis: redis.hset(key, "title", title[:TITLE_LENGTH]))

    def delete(self, user: str, conversation_id: str) -> None:
        """Remove every trace of a conversation."""
        keys = Keys(user)
        turns = self.turns(user, conversation_id)

        def remove(redis: Redis) -> None:
            with redis.pipeline(transaction=True) as pipe:
                pipe.delete(keys.turns(conversation_id), keys.info(conversation_id))
                pipe.zrem(keys.conversations, conversation_id)
                for turn in turns:
                    _forget_turn(pipe, keys, f"{conversation_id}/{turn.id}")
                pipe.execute()

        self._call(remove)

    def recall(
        self,
        user: str,
        vector: NDArray[np.float32],
        *,
        limit: int,
        floor: float,
        without: str = "",
    ) -> list[Recollection]:
        """Turns of the user's other conversations whose cosine to ``vector`` is above ``floor``.

        Args:
            vector: unit length, shape (dimension,).
            without: the running conversation, which short-term memory covers.
        """
        keys = Keys(user)

        def read(redis: Redis) -> list[tuple[bytes, bytes]]:
            names: Any = redis.zrevrange(keys.order, 0, RECALL_TURNS - 1)
            names = [name for name in names if not name.startswith(f"{without}/".encode())]
            vectors: Any = redis.hmget(keys.vectors, names) if names else []
            return [pair for pair in zip(names, vectors, strict=True) if pair[1]]

        # A vector of another length is of a model used earlier: it can't be compared.
        rows = [
            (name.decode(), np.frombuffer(packed, dtype=np.float16))
            for name, packed in self._call(read)
            if len(packed) == 2 * len(vector)
        ]
        if not rows:
            return []
        scores = np.stack([row for _, row in rows]).astype(np.float32) @ vector
        best = [int(i) for i in np.argsort(-scores)[:limit] if scores[i] >= floor]
        return list(self._recollections(user, [(rows[i][0], float(scores[i])) for i in best]))

    def _recollections(
        self, user: str, found: Sequence[tuple[str, float]]
    ) -> Iterator[Recollection]:
        for name, score in found:
            conversation_id, turn_id = name.rsplit("/", 1)
            for turn in self.turns(user, conversation_id):
                if turn.id == turn_id:
                    yield Recollection(
                        f"t/{name}", "turn", turn.standalone, conversation_id, turn.time, score
                    )

    def ping(self) -> None:
        self._call(lambda redis: redis.ping())

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _connect(self) -> Redis:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        with self._lock:
            if self._client is None:
                self._client = Redis.from_url(
                    self._address(),
                    socket_timeout=3,
                    socket_connect_timeout=3,
                    retry=Retry(NoBackoff(), 0),
                )
            return self._client

    def _call(self, work: Callable[[Redis], T]) -> T:
        """Run ``work``; after a lost connection once more, at the server's new address."""
        from redis.exceptions import ConnectionError as Lost
        from redis.exceptions import TimeoutError as Late

        with _as_memory_error():
            try:
                return work(self._connect())
            except (Lost, Late):
                self.close()
                return work(self._connect())


@contextmanager
def _as_memory_error() -> Iterator[None]:
    from redis.exceptions import RedisError

    try:
        yield
    except ServiceError as error:
        raise MemoryUnavailable(
            "Long-term memory is away, and the chat goes on without it. {why}",
            "长期记忆暂不可用，对话可以继续。{why_zh}",
            why=error.text("en"),
            why_zh=error.text("zh"),
        ) from error
    except RedisError as error:
        raise MemoryUnavailable(
            "Long-term memory is away (Redis: {why}). The chat goes on without it; check that "
            "Redis runs and that REDIS_URL in .env is right.",
            "长期记忆暂不可用（Redis：{why}）。对话可以继续；请检查 Redis 是否在运行、"
            ".env 中的 REDIS_URL 是否正确。",
            why=error,
        ) from error


def _forget_turn(pipe: Pipeline, keys: Keys, name: str) -> None:
    pipe.zrem(keys.order, name)
    pipe.hdel(keys.vectors, name)


def _load(value: bytes) -> Turn:
    return Turn.from_json(json.loads(value))


def _load_or_warn(key: str, value: bytes) -> Turn | None:
    try:
        return _load(value)
    except (ValueError, TypeError, KeyError):
        log.warning("%s holds a value that is not a turn; it is left out: %.80r", key, value)
        return None

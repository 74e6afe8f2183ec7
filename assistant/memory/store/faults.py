"""What Redis says when it can't be used, as errors that tell people what to do.

Nothing of a message is repeated that could hold a password or what the user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    MaxConnectionsError,
    RedisClusterException,
    RedisError,
    TimeoutError,
)
from redis.sentinel import MasterNotFoundError

from assistant.errors import MemoryUnavailable, ServiceError

LONGEST = 160  # characters of a message that we have no words for

_AWAY = "Long-term memory is away, and the chat goes on without it: "
_AWAY_ZH = "长期记忆暂不可用，对话可以继续："

#: By the word that Redis's error begins with, or that is made here of the client's own errors.
_WORDS = {
    "LOST": (
        "Redis can't be reached ({why}). Check that it runs and that REDIS_URL in .env is right.",
        "无法连接 Redis（{why}）。请检查它是否在运行、.env 中的 REDIS_URL 是否正确。",
    ),
    "LATE": (
        "Redis did not answer in time ({why}). It is overloaded, stopped, or behind a firewall; "
        "check it and the host in REDIS_URL.",
        "Redis 没有及时应答（{why}）。可能负载过高、已停住或被防火墙拦截；"
        "请检查 Redis 及 REDIS_URL 中的主机。",
    ),
    "TLS": (
        "the secure connection to Redis failed ({why}). Check the certificate, ssl_ca_certs in "
        "REDIS_URL, and that this port speaks TLS (rediss://) or not (redis://).",
        "与 Redis 的加密连接失败（{why}）。请检查证书、REDIS_URL 中的 ssl_ca_certs，"
        "以及该端口是否使用 TLS（rediss://）。",
    ),
    "AUTH": (
        "Redis refused the user or the password. Set them in REDIS_URL in .env, such as "
        "redis://user:password@host:6379/0, special characters percent-encoded.",
        "Redis 拒绝了用户名或密码。请在 .env 的 REDIS_URL 中设置，例如 "
        "redis://用户:密码@主机:6379/0，特殊字符须转义。",
    ),
    "NOPERM": (
        "the Redis user in REDIS_URL may not do this. Allow it: ACL SETUSER name ~rag:* +@read "
        "+@write +@scripting +ping +scan.",
        "REDIS_URL 中的 Redis 用户权限不足。请授权：ACL SETUSER 用户 ~rag:* +@read +@write "
        "+@scripting +ping +scan。",
    ),
    "READONLY": (
        "this Redis is a read-only replica. Set REDIS_URL to the primary, or to the sentinels.",
        "这个 Redis 是只读副本。请将 REDIS_URL 指向主节点或哨兵。",
    ),
    "OOM": (
        "Redis is full (maxmemory). Raise maxmemory, or delete conversations that are not needed.",
        "Redis 内存已满（maxmemory）。请调大 maxmemory，或删除不需要的对话。",
    ),
    "MISCONF": (
        "Redis can't write its file, most likely because its disk is full. Make room; its log "
        "has the details.",
        "Redis 无法写入文件，多半是磁盘已满。请清理磁盘；详情见 Redis 日志。",
    ),
    "LOADING": (
        "Redis is still reading its data after its start. It will be there soon.",
        "Redis 刚启动，正在载入数据，稍后即可使用。",
    ),
    "CLUSTER": (
        "the Redis cluster can't serve this now ({why}). Check its nodes; a cluster needs "
        "redis+cluster:// in REDIS_URL.",
        "Redis 集群暂时无法处理（{why}）。请检查各节点；集群须在 REDIS_URL 中使用 redis+cluster://。",
    ),
    "SENTINEL": (
        "the sentinels know no primary of that name ({why}). Check the hosts and the service's "
        "name in REDIS_URL.",
        "哨兵没有给出该名称的主节点（{why}）。请检查 REDIS_URL 中的主机和服务名。",
    ),
    "BUSY": (
        "Redis is busy with a script of another program. Try again later.",
        "Redis 正忙于其他程序的脚本，请稍后再试。",
    ),
    "WRONGTYPE": (
        "the key {why} holds something that is not ours. Look at it with redis-cli, then rename "
        "or delete it.",
        "键 {why} 中的数据不是本程序写入的。请用 redis-cli 查看，然后改名或删除。",
    ),
}
_OTHER = (
    "Redis refused ({why}). Check its version (6.2 or newer, or Valkey) and its log.",
    "Redis 拒绝了请求（{why}）。请检查其版本（6.2 或更新，或 Valkey）及日志。",
)
_SAME = {
    "NOAUTH": "AUTH",
    "WRONGPASS": "AUTH",
    "NOREPLICAS": "READONLY",
    "CLUSTERDOWN": "CLUSTER",
    "MOVED": "CLUSTER",
    "ASK": "CLUSTER",
    "CROSSSLOT": "CLUSTER",
    "TRYAGAIN": "CLUSTER",
    "MASTERDOWN": "CLUSTER",
}
# In scripts Redis 6 puts the word in the middle of its message.
_WORD = re.compile(
    r"\b(" + "|".join(sorted([*_WORDS, *_SAME], key=len, reverse=True)) + r")\b(?: (rag:\S+))?"
)


class MemoryRefused(MemoryUnavailable):
    """Redis answers, but will never take this: trying again is in vain."""


def is_lost(error: RedisError) -> bool:
    """Whether the connection broke, and a new one may do."""
    return isinstance(error, ConnectionError) and _word(error) == "LOST"


@contextmanager
def told(secrets: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Turn the client's errors into :class:`MemoryUnavailable`, without the secrets."""
    try:
        yield
    except ServiceError as error:
        raise MemoryUnavailable(
            _AWAY + "{why}", _AWAY_ZH + "{why_zh}", why=error.text("en"), why_zh=error.text("zh")
        ) from error
    except (RedisError, RedisClusterException, OSError) as error:
        raise fault(error, secrets()) from None


def fault(error: Exception, secrets: Iterable[str]) -> MemoryUnavailable:
    """The error for people."""
    word = _word(error)
    english, chinese = _WORDS.get(word, _OTHER)
    kind = MemoryRefused if word in ("", "WRONGTYPE") else MemoryUnavailable
    return kind(_AWAY + english, _AWAY_ZH + chinese, why=_reason(error, word, secrets))


_CLASSES = (
    (TimeoutError, "LATE"),
    (MaxConnectionsError, "LATE"),
    (MasterNotFoundError, "SENTINEL"),
    (AuthenticationError, "AUTH"),
    (BusyLoadingError, "LOADING"),
)


def _word(error: Exception) -> str:
    """The key of :data:`_WORDS` that ``error`` stands for; empty for none."""
    for kind, word in _CLASSES:
        if isinstance(error, kind):
            return word
    if not isinstance(error, OSError):
        found = _WORD.search(f"{getattr(error, 'status_code', None) or ''} {error}")
        if found:
            return _SAME.get(found[1], found[1])
    if "No connection available" in str(error):  # the pool's bound
        return "LATE"
    if isinstance(error, ConnectionError | OSError):
        return "TLS" if re.search(r"ssl|certificate", str(error), re.IGNORECASE) else "LOST"
    return "CLUSTER" if isinstance(error, RedisClusterException) else ""


def _reason(error: Exception, word: str, secrets: Iterable[str]) -> str:
    text = str(error)
    if word == "WRONGTYPE":
        found = _WORD.search(text)
        return (found and found[2]) or "rag:*"
    # "unknown command ..., with args beginning with: " goes on with what we sent.
    text = re.split(r",? with args|script:|user_script", text)[0].strip()[:LONGEST]
    for secret in secrets:
        text = text.replace(secret, "***")
    return text or type(error).__name__

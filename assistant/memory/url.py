"""The forms of ``REDIS_URL``. Passwords with special characters are percent-encoded.

- ``redis://[user:password@]host[:port][/db]``, with TLS ``rediss://...``
- ``unix://[user:password@]/path/to/socket[?db=0]``
- ``redis+sentinel://[user:password@]host[:port],host[:port].../SERVICE[/db]``
- ``redis+cluster://[user:password@]host[:port],host[:port]...``

``rediss+sentinel`` and ``rediss+cluster`` are the same with TLS. What may follow ``?`` is in
:data:`OPTIONS`, for TLS mostly: ``?ssl_ca_certs=/path/ca.pem``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Host = tuple[str, int]

PORT, SENTINEL_PORT = 6379, 26379
FORMS = {
    "redis": "server",
    "rediss": "server",
    "unix": "socket",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
OPTIONS: dict[str, Callable[[str], object]] = {
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_cert_reqs": {"none": "none", "optional": "optional", "required": "required"}.__getitem__,
    "ssl_check_hostname": lambda value: YES_OR_NO[value.lower()],
    "socket_timeout": float,
    "socket_connect_timeout": float,
    "max_connections": int,
    "client_name": str,
    "db": int,
    "sentinel_username": str,
    "sentinel_password": str,
}


@dataclass(frozen=True)
class RedisURL:
    """A ``REDIS_URL`` in its parts. ``form`` is one of the values of :data:`FORMS`."""

    form: str
    is_tls: bool
    hosts: tuple[Host, ...] = ()
    path: str = ""  # of the socket
    service: str = ""  # that the sentinels watch
    db: int = 0
    username: str | None = None
    password: str | None = None
    options: Mapping[str, object] | None = None  # of each connection
    sentinel: Mapping[str, object] | None = None  # of the connections to sentinels

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        known = (self.password, (self.sentinel or {}).get("password"))
        return tuple(str(one) for one in known if one)


def redis_url(value: str) -> str:
    """Read the setting: empty, or one of the forms above.

    Raises:
        ValueError: (expected, expected in Chinese).
    """
    if value:
        parse(value)
    return value


def parse(text: str) -> RedisURL:
    """Raises ValueError (expected, expected in Chinese); the text is not repeated in it."""
    try:
        return _parsed(text)
    except (ValueError, LookupError) as error:
        if len(error.args) == 2:
            raise
        raise ValueError(
            "empty or a URL such as redis://:password@127.0.0.1:6379/0 (special characters of "
            "the password percent-encoded, / as %2F), rediss://..., unix:///path/redis.sock, "
            "redis+sentinel://host:26379,host:26379/SERVICE/0 or redis+cluster://host:6379; "
            "after ? may stand " + ", ".join(OPTIONS),
            "留空，或形如 redis://:密码@127.0.0.1:6379/0 的地址（密码中的特殊字符须转义，如 / 写作 "
            "%2F），也可为 rediss://…、unix:///路径/redis.sock、"
            "redis+sentinel://主机:26379,主机:26379/服务名/0、redis+cluster://主机:6379；"
            "? 后可用的选项：" + "、".join(OPTIONS),
        ) from None


def _parsed(text: str) -> RedisURL:
    parts = urlsplit(text)
    form = FORMS[parts.scheme]
    if parts.fragment:
        raise ValueError  # an unquoted # in the password
    userinfo, _, netloc = parts.netloc.rpartition("@")
    username, _, password = (unquote(part) for part in userinfo.partition(":"))
    if "@" in userinfo or "@" in netloc:
        raise ValueError
    options = {name: OPTIONS[name](value) for name, value in parse_qsl(parts.query, True)}
    sentinel = {
        name.removeprefix("sentinel_"): options.pop(name)
        for name in ("sentinel_username", "sentinel_password")
        if name in options
    }
    service, db = _place(form, parts)
    return RedisURL(
        form,
        parts.scheme.startswith("rediss"),
        hosts=() if form == "socket" else _hosts(netloc, _port(form)),
        path=unquote(parts.path) if form == "socket" else "",
        service=service,
        db=int(str(options.pop("db", db))),
        username=username or None,
        password=password or None,
        options=options,
        sentinel=sentinel,
    )


def _port(form: str) -> int:
    return SENTINEL_PORT if form == "sentinel" else PORT


def _hosts(netloc: str, port: int) -> tuple[Host, ...]:
    hosts = []
    for one in netloc.split(","):
        split = urlsplit(f"//{one}")
        if not split.hostname or split.path or split.query:
            raise ValueError
        hosts.append((unquote(split.hostname), split.port or port))
    return tuple(hosts)


def _place(form: str, parts: SplitResult) -> tuple[str, int]:
    """The service's name and the database that a URL's path gives."""
    if form == "socket":
        if not parts.path.startswith("/") or parts.netloc.rpartition("@")[2]:
            raise ValueError
        return "", 0
    steps = [unquote(step) for step in parts.path.strip("/").split("/") if step]
    service = steps.pop(0) if form == "sentinel" else ""
    db = int(steps.pop(0)) if steps else 0
    if steps or db < 0 or (form == "cluster" and db) or (form == "sentinel" and not service):
        raise ValueError
    return service, db

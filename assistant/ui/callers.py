"""Who is at the other end of a request: past the proxies that are trusted, and no further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

FORWARDED = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-forwarded-server",
    b"x-real-ip",
)


@dataclass(frozen=True)
class Caller:
    """Args:
    peer: the address at the other end of the connection.
    address: the visitor's; where no trusted proxy names it, the peer's.
    is_https: the visitor's connection is encrypted.
    host: the address that the visitor's browser shows, with its port.
    """

    peer: str
    address: str
    is_https: bool
    host: str


def caller_of(scope: Scope, is_trusted: Callable[[str], bool]) -> Caller:
    """The caller of an HTTP request; ``scope`` is made to say the same, whatever the caller claims
    of itself."""
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    headers = Headers(scope=scope)
    if not is_trusted(peer):
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in FORWARDED]
        return Caller(peer, peer, scope["scheme"] == "https", headers.get("host", ""))
    address = _visitor(headers.get("x-forwarded-for", ""), peer, is_trusted)
    proto = headers.get("x-forwarded-proto", scope["scheme"]).rpartition(",")[2].strip().lower()
    host = headers.get("x-forwarded-host", headers.get("host", "")).rpartition(",")[2].strip()
    if proto in ("http", "https"):
        scope["scheme"] = proto
    scope["client"] = (address, 0)
    return Caller(peer, address, scope["scheme"] == "https", host)


def _visitor(forwarded: str, peer: str, is_trusted: Callable[[str], bool]) -> str:
    """The last address that a proxy of ours did not have itself: what stands before it is claimed
    by the visitor."""
    for address in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not is_trusted(address):
            return address[:64]
    return peer

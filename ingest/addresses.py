"""Which addresses a crawl may reach: the scope of a site, and the public network."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit
from urllib.request import getproxies, proxy_bypass

DEFAULT_PORTS = {"http": 80, "https": 443}
WEB = ("http://", "https://")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public network: not private, loopback, link-local,
    multicast, reserved, nor one of these inside IPv6."""
    number = ipaddress.ip_address(address)
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour
        if inner is not None:
            return is_public(str(inner))
    return number.is_global and not number.is_multicast


def resolve(host: str) -> list[str]:
    """The addresses of ``host``; none where the name isn't known here."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(row[4][0]).partition("%")[0] for row in found]


def is_proxied(url: str) -> bool:
    """Whether the environment sends ``url`` through a proxy."""
    parts = urlsplit(url)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


def proxy_hosts() -> frozenset[str]:
    """The hosts of the environment's proxies; these may be private."""
    return frozenset(urlsplit(url).hostname or "" for url in getproxies().values())


def clean_url(url: str) -> str:
    """``url`` without its fragment, scheme and host in lower case, without a default port."""
    parts = urlsplit(urldefrag(url.strip()).url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    path = parts.path or "/"
    return parts._replace(netloc=host + port, path=path).geturl()


@dataclass(frozen=True)
class Scope:
    """The site that ``start`` is on: same host and port, paths that begin with ``prefix``.

    A site that moves from http to https on the default ports stays the same site.
    """

    start: str
    prefix: str = "/"

    def __contains__(self, url: str) -> bool:
        if not url.startswith(WEB):
            return False
        try:
            same = _site(url) == _site(self.start)
        except ValueError:  # a port that is no number
            return False
        return same and (urlsplit(url).path or "/").startswith(self.prefix)


def _site(url: str) -> tuple[str, int | str]:
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return (parts.hostname or "").lower(), "default" if port in (80, 443) else port

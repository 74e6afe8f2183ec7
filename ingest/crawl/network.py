"""Which network addresses a crawl may reach: the public network, and what was allowed."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

# IPv6 addresses that carry an IPv4 address in their last 32 bits: NAT64, and the old "compatible".
_CARRIERS = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public network: not private, loopback, link-local,
    multicast, reserved, nor one of these inside IPv6."""
    number = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(number, ipaddress.IPv6Address):
        inner = _carried(number)
        if inner is not None:
            return is_public(str(inner))
    return number.is_global and not number.is_multicast


def _carried(number: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    inner = number.ipv4_mapped or number.sixtofour or (number.teredo and number.teredo[1])
    if inner:
        return inner
    if any(number in carrier for carrier in _CARRIERS):
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return None


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

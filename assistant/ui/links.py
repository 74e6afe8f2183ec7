"""Which web addresses in an answer are links: those on the sites of its own sources.

A document may be written by a stranger, and a model may repeat what it says to: an address that
leads elsewhere stays readable, as text that nobody clicks by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

_LINK = re.compile(r"\]\(\s*(?=https?://|mailto:)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"'，。；、）)\]]*", re.IGNORECASE)
_SCHEME = re.compile(r"^[a-z]+://", re.IGNORECASE)


def hosts_of(urls: Iterable[str]) -> frozenset[str]:
    """The sites that ``urls`` are on."""
    return frozenset(host for url in urls if (host := _host(url)))


def only_to(hosts: Collection[str], text: str) -> str:
    """Markdown ``text`` whose addresses on other sites are text."""
    pieces, end = [], 0
    for link in _LINK.finditer(text):
        found = _ADDRESS.match(text, link.end())
        if found is None or _host(found[0]) not in hosts:
            pieces += [text[end : link.start()], "]&#40;"]
            end = link.end()
    text = "".join([*pieces, text[end:]])
    return _ADDRESS.sub(lambda found: _kept(found[0], hosts), text.replace("@", "&#64;"))


def _kept(address: str, hosts: Collection[str]) -> str:
    if _host(address.replace("&#64;", "@")) in hosts:
        return address.replace("&#64;", "%40")
    return address.replace(":", "&#58;", 1).replace("www.", "www&#46;", 1)


def _host(url: str) -> str:
    try:
        return (urlsplit(url if _SCHEME.match(url) else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""

"""One form for each address: two URLs of the same page should be the same text."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
#: Longer addresses are left out.
LONGEST_URL = 2000

# Nothing to clean: the form that nearly all links have.
_CLEAN = re.compile(
    r"https?://[a-z0-9.-]+(?::(?!(?:80|443)(?:/|$))\d+)?"
    r"(?:/[\w~!$'()*+,=:@-]+(?:\.[\w~-]+)*)*/?",
    re.A,
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "/%!$&'()*+,;=:@~"
_QUERY_SAFE = "/%!$&'()*+,;=:@~?"
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.I)
_SESSION_KEYS = {
    "jsessionid", "phpsessid", "sessionid", "session_id", "cfid", "cftoken", "zenid", "oscsid",
}  # fmt: skip
# These may mean something else: dropped where the value looks like a session's.
_MAYBE_SESSION_KEYS = {"sid", "session", "sess"}
_SESSION_VALUE = re.compile(r"[0-9A-Za-z,_-]{16,}")
_TRACKING_KEYS = {
    "gclid", "fbclid", "msclkid", "yclid", "dclid", "mc_cid", "mc_eid", "igshid", "spm",
    "_hsenc", "_hsmi",
}  # fmt: skip


def clean_url(url: str, encoding: str = "utf-8") -> str:
    """``url`` without fragment, user, default port, session ids and tracking; scheme and host in
    lower case, escapes in one form.

    Args:
        url: absolute.
        encoding: of the page that it stands on: what its query is escaped in.

    Raises:
        ValueError: the host or port is none.
    """
    url = url.strip().partition("#")[0]
    if _CLEAN.fullmatch(url):
        return url if url.count("/") > 2 else f"{url}/"
    parts = urlsplit(url)
    path = _PATH_SESSION.sub("", _escaped(parts.path, _PATH_SAFE, "utf-8")) or "/"
    if "/." in path:
        path = urlsplit(urljoin("http://h/", path)).path
    query = "&".join(
        _escaped(pair, _QUERY_SAFE, encoding) for pair in parts.query.split("&") if _matters(pair)
    )
    scheme = parts.scheme.lower()
    return f"{scheme}://{_host(parts.hostname or '')}{_port(scheme, parts.port)}{path}" + (
        f"?{query}" if query else ""
    )


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _port(scheme: str, port: int | None) -> str:
    return "" if port in (None, DEFAULT_PORTS.get(scheme)) else f":{port}"


def _escaped(text: str, safe: str, encoding: str) -> str:
    """Escapes in upper case, none where none is needed."""
    if "%" in text:
        text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
        text = _ESCAPE.sub(_canonical_escape, text)
    return quote(text, safe=safe, encoding=encoding, errors="replace")


def _canonical_escape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else f"%{match[1].upper()}"


def _matters(pair: str) -> bool:
    """Whether a parameter tells which page it is, rather than who asks."""
    key, _, value = pair.partition("=")
    key = key.lower()
    if not pair or key in _SESSION_KEYS or key in _TRACKING_KEYS or key.startswith("utm_"):
        return False
    return not (key in _MAYBE_SESSION_KEYS and _SESSION_VALUE.fullmatch(value))


def is_variant(url: str, other: str) -> bool:
    """Whether two clean URLs on one site differ in nothing but query, trailing slash, index file,
    scheme and case."""
    return _bare(url) == _bare(other)


_INDEX = re.compile(r"/(?:index|default|home)\.\w+$")


def _bare(url: str) -> str:
    address = url.partition("?")[0].lower().partition("://")[2]
    return _INDEX.sub("", address).rstrip("/")

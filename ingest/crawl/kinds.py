"""Which linked documents are worth fetching, told from their addresses and types."""

from __future__ import annotations

from scrapy.linkextractors import IGNORED_EXTENSIONS

from ingest.load.detect import MEDIA_TYPES, SUFFIXES

# Archives of a site hold what it shows, pictures are parts of its pages: both are fetched only
# where they are asked for by name.
_BY_NAME = ("zip", "gz", "image")
_MORE_ARCHIVES = ("tar", "tgz", "bz2", "xz", "7z", "rar", "zst")

_ANY = ("text/", "application/")
_READABLE = {media_type for media_type, kind in MEDIA_TYPES.items() if kind not in _BY_NAME}
_UNDECLARED = {"", "application/octet-stream", "binary/octet-stream"}
_IGNORED = (
    {name for name in IGNORED_EXTENSIONS if f".{name}" not in SUFFIXES}
    | {suffix[1:] for suffix, kind in SUFFIXES.items() if kind in _BY_NAME}
    | set(_MORE_ARCHIVES)
)


def may_be_read(url: str) -> bool:
    """Whether the ending of a clean ``url`` leaves it open that a document is behind it."""
    return _suffix(url) not in _IGNORED


def can_be_read(content_type: str, url: str, *, is_named: bool) -> bool:
    """Whether there is a loader for what a header declares; where it declares nothing, perhaps.

    Args:
        is_named: the address was asked for by name.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _READABLE or media_type in _UNDECLARED:
        return True
    if media_type in MEDIA_TYPES:
        return is_named
    # Source code has many types, and a download may have any.
    suffix = _suffix(url)
    return bool(suffix) and f".{suffix}" in SUFFIXES and media_type.startswith(_ANY)


def _suffix(url: str) -> str:
    """In lower case and without its dot, or an empty string."""
    name, _, suffix = url.partition("?")[0].rpartition("/")[2].rpartition(".")
    return suffix.lower() if name else ""

"""Sitemaps: pages with the day of their last change, as XML, as text, or as a list of sitemaps."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from lxml import etree

#: Files that are read, at most, and addresses in all of them.
MOST_FILES = 50
MOST_URLS = 50_000
_DAY = timedelta(days=1)
_MOMENT = timedelta(minutes=2)


class SitemapError(Exception):
    """It can't be used; the text says why, in English."""


@dataclass
class Sitemap:
    """``pages``: addresses as they stand with the text of their ``lastmod``, or ""; ``others``:
    addresses of further sitemaps."""

    pages: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def read_sitemap(body: bytes, most_bytes: int) -> Sitemap:
    """The sitemap in ``body``, which may be gzipped to at most ``most_bytes``.

    Raises:
        SitemapError: too large, broken, or something else.
    """
    if body.startswith(b"\x1f\x8b"):
        body = _unzipped(body, most_bytes)
    if body.lstrip()[:1] == b"<":
        return _read_xml(body)
    return _read_text(body)


def settled(lastmod: str, now: datetime) -> str:
    """``lastmod`` where a change after ``now`` would alter it, else "": a day that is not over yet
    tells nothing, nor does a text that is no time."""
    try:
        changed = datetime.fromisoformat(lastmod)
    except ValueError:
        return ""
    changed = changed if changed.tzinfo else changed.replace(tzinfo=UTC)
    margin = 2 * _DAY if len(lastmod) <= len("2026-01-31") else _MOMENT
    return lastmod if changed + margin < now else ""


def _unzipped(body: bytes, most_bytes: int) -> bytes:
    unpack = zlib.decompressobj(31)
    try:
        data = unpack.decompress(body, most_bytes)
    except zlib.error as error:
        raise SitemapError(str(error)) from error
    if unpack.unconsumed_tail:
        raise SitemapError(f"more than {most_bytes} bytes unpacked")
    return data


def _read_xml(body: bytes) -> Sitemap:
    found = Sitemap()
    try:
        for kind, address, lastmod in _rows(body):
            if kind == "sitemap":
                found.others.append(address)
            else:
                found.pages[address] = lastmod
            if len(found.pages) > MOST_URLS:
                raise SitemapError(f"more than {MOST_URLS} addresses")
    except etree.XMLSyntaxError as error:
        raise SitemapError(str(error)) from error
    if not (found.pages or found.others):
        raise SitemapError("no addresses in it")
    return found


def _rows(body: bytes) -> Iterator[tuple[str, str, str]]:
    """Each ``<url>`` and ``<sitemap>`` as its name, address and lastmod."""
    events = etree.iterparse(
        BytesIO(body), events=("end",), no_network=True, resolve_entities=False, load_dtd=False
    )
    row = {"loc": "", "lastmod": ""}
    for _, element in events:
        name = etree.QName(element).localname
        if name in row and _is_own(element):
            row[name] = (element.text or "").strip()
        elif name in ("url", "sitemap"):
            if row["loc"]:
                yield name, row["loc"], row["lastmod"]
            row = {"loc": "", "lastmod": ""}
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _is_own(element: Any) -> bool:
    """Whether it is about the page, not about a picture on it."""
    parent = element.getparent()
    return parent is not None and etree.QName(parent).localname in ("url", "sitemap")


def _read_text(body: bytes) -> Sitemap:
    lines = body.decode("utf-8-sig", "replace").split()
    pages = [line for line in lines[:MOST_URLS] if line.startswith(("http://", "https://"))]
    if not pages:
        raise SitemapError("no addresses in it")
    return Sitemap(dict.fromkeys(pages, ""))

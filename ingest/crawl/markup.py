"""What a page says to crawlers: its links, where it belongs, and what it asks of robots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from ingest.crawl.urls import clean_url

#: Of one page; a longer list is no page's content.
MOST_LINKS = 5000
#: A refresh after so many seconds or fewer is a redirect.
SOON = 10.0

_HTML_START = re.compile(rb"<(?:!doctype\s+html|html|head|body|meta|title)\b", re.I)
_REFRESH = re.compile(r"\s*(\d*\.?\d*)\s*[;,]?\s*(?:url\s*=)?\s*['\"]?([^'\"]*)", re.I)
_BLANKS = re.compile(r"[\t\r\n]")
_SEPARATORS = re.compile(r"[\s,]+")
_USED = ("a", "area", "frame", "base", "link", "meta")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# A directive of X-Robots-Tag that itself holds a colon.
_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


@dataclass
class Markup:
    """A parsed page.

    Args:
        url: its own, clean.
        tree: its root element, or None where it has none.
        encoding: what links with other characters are escaped in.
        bot: our name, in lower case, as pages address crawlers by it.
    """

    url: str
    tree: Any
    encoding: str = "utf-8"
    bot: str = ""
    _seen: dict[str, None] = field(default_factory=dict)

    @cached_property
    def base(self) -> str:
        """What relative links are relative to."""
        for element in self._all("base"):
            href = (element.get("href") or "").strip()
            if href:
                return str(urljoin(self.url, href))
        return self.url

    @cached_property
    def links(self) -> list[str]:
        """Clean absolute URLs to follow, each once, at most :data:`MOST_LINKS`."""
        found: dict[str, None] = {}
        for href in self._hrefs():
            url = self._absolute(href)
            if url:
                found[url] = None
                if len(found) >= MOST_LINKS:
                    break
        found.pop(self.url, None)
        return list(found)

    @cached_property
    def canonical(self) -> str:
        """The address that the page gives as its own, or an empty string."""
        for element in self._all("link"):
            if "canonical" in (element.get("rel") or "").lower().split() and element.get("href"):
                return self._absolute(element.get("href"))
        return ""

    @cached_property
    def refresh(self) -> str:
        """Where the page leads to by itself, soon, or an empty string."""
        for element in self._all("meta"):
            if (element.get("http-equiv") or "").strip().lower() != "refresh":
                continue
            match = _REFRESH.match(element.get("content") or "")
            if match and match[2].strip() and float(match[1].strip(".") or 0) <= SOON:
                return self._absolute(match[2])
        return ""

    @cached_property
    def language(self) -> str:
        """What the page says it is written in, such as "zh-CN", or an empty string."""
        if self.tree is None:
            return ""
        said = self.tree.get("lang") or self.tree.get("{http://www.w3.org/XML/1998/namespace}lang")
        return (said or self.tree.get("xml:lang") or "").strip()

    @cached_property
    def directives(self) -> set[str]:
        """What its ``<meta>`` elements ask of all robots, or of ours."""
        said = [
            element.get("content") or ""
            for element in self._all("meta")
            if (element.get("name") or "").strip().lower() in ("robots", self.bot)
        ]
        return directives_in(said)

    @cached_property
    def fingerprint(self) -> str:
        """The same for pages of the same text."""
        words = hashlib.sha256()
        if self.tree is not None:
            for piece in self.tree.itertext("*"):
                words.update(" ".join(piece.split()).encode("utf-8", "replace"))
        return words.hexdigest()

    def _all(self, *names: str) -> Iterator[Any]:
        return iter(()) if self.tree is None else self.tree.iter(*names)

    def _hrefs(self) -> Iterator[str]:
        """As they stand, those that are not to be followed left out."""
        seen: set[str] = set()
        for element in self._all("a", "area", "frame"):
            href = element.get("href") or element.get("src")
            if not href or href[0] == "#":
                continue
            href = href.partition("#")[0]
            if href in seen:
                continue
            rel = element.get("rel")
            if rel and "nofollow" in rel.lower().split():
                continue
            seen.add(href)
            yield href

    def _absolute(self, href: str) -> str:
        try:
            url = urljoin(self.base, _BLANKS.sub("", href.strip()))
            return clean_url(url, self.encoding) if url[:4].lower() == "http" else ""
        except (ValueError, LookupError):  # a host, port or encoding that is none
            return ""


def read_markup(body: bytes, url: str, content_type: str, bot: str) -> Markup | None:
    """The page in ``body``, or None where it is no HTML."""
    media_type, _, rest = content_type.lower().partition(";")
    if "html" not in media_type and not (
        media_type.strip() in ("", "application/octet-stream") and _HTML_START.search(body[:1024])
    ):
        return None
    encoding = _encoding(body, rest)
    # NUL ends a text for the parser; in UTF-16 it is half of a letter.
    data = body if encoding == "utf-16" else body.replace(b"\0", b"")
    return Markup(url, _parse(data, encoding), encoding or "utf-8", bot)


def _parse(data: bytes, encoding: str | None) -> Any:
    for name in (encoding, "latin-1"):
        try:
            parser = _parser(name)
            tree = etree.fromstring(data, parser)
            last = parser.error_log.last_error
            if last is not None and last.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
                # So deeply nested that the rest was left off: without a tree there is no limit.
                return etree.fromstring(data, _parser(name, target=_Flat()))
        except LookupError:  # an encoding that the parser does not know
            continue
        except etree.LxmlError:  # no element at all
            return None
        return tree
    return None


def _parser(encoding: str | None, **options: Any) -> Any:
    return etree.HTMLParser(
        encoding=encoding,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        **options,
    )


class _Flat:
    """Takes elements and text one after the other, as if nothing were nested."""

    def __init__(self) -> None:
        self._root = etree.Element("html")

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "html":
            self._root.attrib.update(attributes)
        elif name in _USED:
            etree.SubElement(self._root, name, attributes)

    def data(self, text: str) -> None:
        etree.SubElement(self._root, "span").text = text

    def close(self) -> Any:
        return self._root


def _encoding(body: bytes, parameters: str) -> str | None:
    """Of the links' characters: what is UTF-8 is UTF-8, whatever the header says."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name
    try:
        body.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        match = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", parameters)
        return match[1] if match else None


def directives_in(values: Sequence[str]) -> set[str]:
    """The words in the contents of ``<meta name="robots">``."""
    words = set(_SEPARATORS.split(",".join(values).lower())) - {""}
    return words | {"noindex", "nofollow"} if "none" in words else words


def header_directives(values: Sequence[str], bot: str) -> set[str]:
    """Those of X-Robots-Tag headers that are for all robots or for ``bot``."""
    ours = []
    for value in values:
        name, colon, rest = value.partition(":")
        name = name.strip().lower()
        if not colon or "," in name or name in _VALUED:
            ours.append(value)
        elif name == bot:
            ours.append(rest)
    return directives_in(ours)


def says_other(language: str, wanted: Sequence[str]) -> bool:
    """Whether ``language`` is said and is none of the ``wanted`` ones. "zh" takes in "zh-CN"."""
    said = language.lower().replace("_", "-")
    if not said or not wanted:
        return False
    return not any(_takes_in(each.lower().replace("_", "-"), said) for each in wanted)


def _takes_in(wanted: str, said: str) -> bool:
    return said == wanted or said.startswith(f"{wanted}-") or wanted.startswith(f"{said}-")

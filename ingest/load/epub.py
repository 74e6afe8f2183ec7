"""EPUB: the chapters of a book in reading order, each read as HTML."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urldefrag

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument
from ingest.load.encoding import decode
from ingest.load.faults import damage_said
from ingest.load.html import html_blocks
from ingest.load.package import parse_xml, read_package

MOST_CHAPTERS = 5_000

# Encrypting fonts is no copy protection: the text is open.
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_DECLARED = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w.-]+)")


@dataclass(frozen=True)
class _Book:
    """``chapters``: paths in reading order; ``titles``: of the table of contents, by path."""

    title: str
    language: str
    chapters: list[str]
    titles: Mapping[str, str]


def load_epub(raw: RawDocument) -> Document:
    """A book; its title and language are those of its package file. A chapter that has no heading
    has that of the table of contents. At most ``MOST_CHAPTERS`` are read.

    Raises:
        DocumentError: damaged, copy-protected, or unpacks to too much (a zip bomb).
    """
    with damage_said(raw, "EPUB book", "EPUB 电子书"):
        members = read_package(raw)
        book = _book(members)
        _check_open(raw, members, book)
        blocks = tuple(_blocks(members, book))
    return Document(book.title or raw.stem, "epub", blocks, language=book.language)


def _blocks(members: Mapping[str, bytes], book: _Book) -> Iterator[Block]:
    for path in book.chapters[:MOST_CHAPTERS]:
        content = members.get(path, b"")
        declared = _DECLARED.search(content[:200])
        text = decode(content, declared[1].decode() if declared else "")
        # An anchor leads nowhere without the file inside the book.
        chapter = [replace(block, anchor=None) for block in html_blocks(text)]
        title = book.titles.get(path, "")
        if chapter and title and not any(block.kind == "heading" for block in chapter):
            yield Block(title, "heading", 1)
        yield from chapter


def _xml(content: bytes) -> Any:
    """The tree of an XML file, broken ones too, with names that have no namespace."""
    from lxml import etree

    tree = parse_xml(content, recover=True)
    for element in tree.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return tree


def _book(members: Mapping[str, bytes]) -> _Book:
    container = _xml(members["META-INF/container.xml"])
    package = unquote(container.xpath("//rootfile/@full-path")[0])
    tree = _xml(members[package])
    folder = posixpath.dirname(package)
    items = {item.get("id"): item for item in tree.xpath("//manifest/item")}
    chapters = [
        _path(folder, items[name].get("href", ""))
        for name in tree.xpath("//spine/itemref/@idref")
        if name in items and items[name].get("media-type") in _CHAPTERS
    ]
    titles: dict[str, str] = {}
    for item in items.values():
        is_contents = "nav" in item.get("properties", "").split()
        if is_contents or item.get("media-type") == "application/x-dtbncx+xml":
            titles |= _titles(members, _path(folder, item.get("href", "")))
    return _Book(_first(tree, "title"), _first(tree, "language"), chapters, titles)


def _first(tree: Any, name: str) -> str:
    found = tree.xpath(f"//metadata//{name}")
    return " ".join("".join(found[0].itertext()).split()) if found else ""


def _titles(members: Mapping[str, bytes], contents: str) -> dict[str, str]:
    """The chapters' titles in a table of contents of EPUB 3 (nav) or 2 (ncx): the first that
    leads to a file is its title."""
    if not members.get(contents):
        return {}
    tree = _xml(members[contents])
    folder = posixpath.dirname(contents)
    links = [(link.get("href"), link) for link in tree.xpath("//nav//a[@href]")]
    links += [
        (point.xpath("string(content/@src)"), point.find("navLabel"))
        for point in tree.xpath("//navPoint[navLabel]")
    ]
    titles: dict[str, str] = {}
    for target, label in links:
        text = " ".join("".join(label.itertext()).split())
        if text:
            titles.setdefault(_path(folder, target), text)
    return titles


def _path(folder: str, reference: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(urldefrag(reference)[0])))


def _check_open(raw: RawDocument, members: Mapping[str, bytes], book: _Book) -> None:
    """Refuse a book whose text is encrypted."""
    listed = members.get("META-INF/encryption.xml")
    if not listed:
        return
    for entry in _xml(listed).xpath("//EncryptedData"):
        method = entry.xpath("string(EncryptionMethod/@Algorithm)")
        target = unquote(entry.xpath("string(.//CipherReference/@URI)"))
        if method not in _FONT_METHODS and target in book.chapters:
            raise DocumentError(
                "{name} is copy-protected (DRM): add a copy without protection.",
                "{name} 带有版权保护（DRM）：请添加没有保护的版本。",
                name=raw.label,
            )

"""HTML: the main content of a page as blocks, with headings, anchors, code, tables and lists.

lxml builds the tree, some twenty times faster than Beautiful Soup does from the same parser;
Beautiful Soup finds what encoding a page declares, and reads markup that leaves lxml nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

from assistant.errors import DocumentError
from ingest.load.document import Block, Document, RawDocument, first_heading
from ingest.load.encoding import decode
from ingest.load.html.flat import flat_blocks
from ingest.load.wrapping import unwrap

Element = Any  # lxml has no types

_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*$")
_WAITING = re.compile(
    r"enable javascript|javascript (?:is )?(?:required|disabled)|requires? javascript|^loading"
    r"|(?:启用|開啟|打开|啟用|支持) ?javascript|^加载中|^正在加载|^載入中",
    re.I,
)
_SHORT = 300  # characters of a page that may be nothing but a request for patience
_LARGEST_SALVAGE = 10_000  # characters: the time that the slow parser needs grows with their square


class TooDeep(Exception):
    """A page nests deeper than the parser goes."""


def load_html(raw: RawDocument) -> Document:
    """A page; its title is the first heading's where ``<title>`` holds it, else ``<title>``.

    Of a page that nests more than some 2,000 elements only headings and paragraphs are told; tables
    are cut at 100 columns. The tree takes about 17 bytes of memory for each of the page.

    Raises:
        DocumentError: there is no text before a script has run.
    """
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(
        raw.data, is_html=True, search_entire_document=False
    )
    text = decode(raw.data, raw.charset or declared or "")
    try:
        root = _parse(text)
    except TooDeep:
        blocks = tuple(flat_blocks(text))
        return Document(first_heading(blocks) or raw.stem, "html", blocks)
    if root is None:
        return Document(raw.stem, "html", tuple(_salvage(text)))
    title, language = _title(root), _language(root)
    has_script = next(root.iter("script"), None) is not None
    blocks = tuple(_content(root, text))
    if has_script and _awaits_script(blocks):
        raise _script_only(raw)
    heading = first_heading(blocks)
    if not title or (heading and heading in title):
        title = heading or title
    return Document(title or raw.stem, "html", blocks, language=language)


def html_blocks(fragment: str) -> list[Block]:
    """The blocks of a piece of HTML inside another document."""
    from ingest.load.html.content import drop_unreadable
    from ingest.load.html.converter import Converter

    try:
        root = _parse(fragment)
    except TooDeep:
        return flat_blocks(fragment)
    if root is None:
        return []
    drop_unreadable(root)
    return Converter().convert(root)


def _parse(text: str) -> Element | None:
    """The tree of a page, or None where the parser finds no element at all.

    Raises:
        MemoryError: there is not enough for all of it; the parser itself would give a part.
        TooDeep: it nests deeper than the parser goes; likewise.
    """
    from lxml import etree

    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
    )
    # Without its declaration XHTML is not taken for XML.
    data = _XML_DECLARATION.sub("", text).encode("utf-8", "replace")
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        root = None
    faults = {fault.type for fault in parser.error_log}
    if etree.ErrorTypes.ERR_NO_MEMORY in faults:
        raise MemoryError
    if etree.ErrorTypes.ERR_RESOURCE_LIMIT in faults:
        raise TooDeep
    return root


def _content(root: Element, text: str) -> list[Block]:
    from ingest.load.html.content import content_of, drop_unreadable
    from ingest.load.html.converter import Converter
    from ingest.load.html.formulas import show_tex

    is_markup = len(list(islice(root.iter(), 4))) > 3
    show_tex(root)
    drop_unreadable(root)
    blocks = Converter().convert(content_of(root))
    return blocks if blocks or is_markup else _salvage(text)


def _salvage(text: str) -> list[Block]:
    """The text of markup in which lxml finds nothing; of its beginning, where it is long."""
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    try:
        soup = BeautifulSoup(text[:_LARGEST_SALVAGE], "html.parser")
    except ParserRejectedMarkup:
        return []
    lines = (unwrap(line) for line in soup.get_text("\n").split("\n"))
    return [Block(line) for line in lines if line]


def _title(root: Element) -> str:
    title = root.find(".//title")
    if title is not None and (text := unwrap("".join(title.itertext()))):
        return text
    return _meta(root, "property", "og:title")


def _language(root: Element) -> str:
    """What the page says its language is, such as "zh-CN"; else an empty string."""
    for found in (
        root.get("lang"),
        root.get("{http://www.w3.org/XML/1998/namespace}lang") or root.get("xml:lang"),
        _meta(root, "http-equiv", "content-language"),
        _meta(root, "property", "og:locale"),
        _meta(root, "name", "language"),
    ):
        language = (found or "").partition(",")[0].strip().replace("_", "-")
        if _LANGUAGE.match(language):
            return language
    return ""


def _meta(root: Element, key: str, name: str) -> str:
    for meta in root.iter("meta"):
        if meta.get(key, "").lower() == name:
            return unwrap(meta.get("content", ""))
    return ""


def _awaits_script(blocks: Sequence[Block]) -> bool:
    text = " ".join(block.text for block in blocks)
    return not text.strip() or (len(text) < _SHORT and _WAITING.search(text) is not None)


def _script_only(raw: RawDocument) -> DocumentError:
    return DocumentError(
        "{name} holds no text of its own: a script fetches it in the browser (JavaScript). Save "
        "the page from a browser, or look for a version of it for printing.",
        "{name} 中没有可读取的文字：内容由浏览器中的脚本（JavaScript）生成。请用浏览器保存该页面，"
        "或改用其打印版。",
        name=raw.label,
    )

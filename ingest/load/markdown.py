"""Markdown, parsed by markdown-it: headings with their anchors, code, tables and lists whole.

What the dialects add is turned into plain Markdown first (:mod:`ingest.load.dialects`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.load.anchors import slugs_of
from ingest.load.dialects import front_matter, plain_markdown
from ingest.load.document import Block, BlockKind, Document, RawDocument, first_heading
from ingest.load.encoding import decode
from ingest.load.html import html_blocks
from ingest.load.wrapping import fenced, unwrap

_LINK = r"!?\[(?P<text>(?:[^\[\]\\]|\\.)*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[(?P<ref>[^\]]*)\])?"
_WIKI = r"!?\[\[(?P<page>[^\[\]|]+)(?:\|(?P<shown>[^\[\]]*))?\]\]"
#: Code spans come first: what is inside them is no link.
_INLINE = re.compile(rf"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))|{_WIKI}|{_LINK}", re.S)
_WIKI_LINK = re.compile(_WIKI)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_BREAK_TAG = re.compile(r"<br\s*/?>", re.I)
_ALT = re.compile(r"<img\b[^<>]*?\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
_ALT_TAG = re.compile(r"<img\b[^<>]*>", re.I)
_OWN_ANCHOR = re.compile(r"\s*\{:?\s*#([^\s}]+)[^}]*\}\s*$")
_ALERT = re.compile(r"^((?:>\s?)+)\[!(\w+)\][+-]?[^\S\n]*(.*)$", re.M)
_FILE = re.compile(r"\b(?:title|filename|file)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|(\S+))|\[([^\]]+)\]")
_CODE = re.compile(r"(`[^`\n]+`|^[> ]*(?:```|~~~).*?^[> ]*(?:```|~~~)[^\S\n]*$)", re.M | re.S)
_LANGUAGE = re.compile(r"^\{?[.=]?([\w+#.-]+)")

# Blocks kept as written, with the links inside reduced to their text.
_AS_WRITTEN: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "blockquote_open": "paragraph",
}


def load_markdown(raw: RawDocument) -> Document:
    """A Markdown file; its title is the front matter's, else the first heading's."""
    text = decode(raw.data, raw.charset).replace("\r\n", "\n").replace("\r", "\n")
    front, text = front_matter(text)
    blocks = tuple(_blocks(text))
    title = front.title or first_heading(blocks) or raw.stem
    return Document(title, "md", blocks, language=front.language)


def _blocks(text: str) -> Iterator[Block]:
    slug = slugs_of(text)
    text = plain_markdown(text)
    environment: dict[str, dict[str, object]] = {}
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(text, environment)
    references = environment.get("references", {}).keys()
    lines = text.split("\n")
    for number, token in enumerate(tokens):
        if token.level != 0:
            continue
        if token.type == "heading_open":
            yield _heading(token, tokens[number + 1], slug)
        elif token.type == "paragraph_open":
            content = _inline(tokens[number + 1].children or [])
            if content:
                yield Block(content)
        elif token.type in ("fence", "code_block"):
            yield from _code(token)
        elif token.type == "html_block":
            yield from (_with_anchor(block, slug) for block in html_blocks(token.content))
        elif token.type in _AS_WRITTEN and token.map:
            content = "\n".join(lines[slice(*token.map)]).strip("\n")
            yield Block(_plain(content, references), _AS_WRITTEN[token.type])


def _heading(token: Token, inline: Token, slug: Callable[[str], str]) -> Block:
    text = _inline(inline.children or [])
    level = int(token.tag[1])
    if own := _OWN_ANCHOR.search(text):
        return Block(text[: own.start()], "heading", level, anchor=own[1])
    return Block(text, "heading", level, anchor=slug(text))


def _with_anchor(block: Block, slug: Callable[[str], str]) -> Block:
    """A heading written in HTML gets an anchor like the others, unless it has its own."""
    is_bare = block.kind == "heading" and block.text and not block.anchor
    return replace(block, anchor=slug(block.text)) if is_bare else block


def _code(token: Token) -> Iterator[Block]:
    info = token.info.strip()
    language = _LANGUAGE.match(info)
    # ```js title="app.js" {1,3}, ```{.python}, ```ts:line-numbers
    name = "" if language is None else language[1]
    if title := _FILE.search(info[len(name) :]):
        yield Block(next(filter(None, title.groups()), ""))
    if token.content.strip():
        yield Block(fenced(token.content.rstrip("\n"), name), "code")


def _inline(tokens: Sequence[Token]) -> str:
    parts = []
    for token in tokens:
        if token.type == "code_inline":
            parts.append(f"`{token.content}`")
        elif token.type == "text":
            parts.append(_WIKI_LINK.sub(_wiki_text, token.content))
        elif token.type == "image":
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif token.type == "html_inline":
            parts.append(_tag_text(token.content))
    return unwrap("".join(parts))


def _tag_text(tag: str) -> str:
    if _BREAK_TAG.match(tag):
        return "\n"
    alt = _ALT.match(tag)
    return " ".join(filter(None, alt.groups())) if alt else ""


def _wiki_text(link: re.Match[str]) -> str:
    page = link["page"].replace("#", " › ") if "#" in link["page"].strip("#") else link["page"]
    return str(link["shown"] or page).strip()


def _plain(markdown: str, references: Collection[str]) -> str:
    """Markdown as written, with links, HTML and callouts reduced to their text."""

    def text_of(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        if found["page"]:
            return _wiki_text(found)
        label = found["text"]
        is_link = found[0][-1] == ")" or found["ref"] is not None or found[0][0] == "!"
        return label if is_link or label.strip().upper() in references else found[0]

    text = _COMMENT.sub("", markdown)
    text = _ALERT.sub(lambda m: f"{m[1]}{m[2].capitalize()}: {m[3]}".rstrip(), text)
    text = _INLINE.sub(text_of, text)
    return _without_tags(text).rstrip()


def _without_tags(text: str) -> str:
    """``text`` without HTML, but for what stands in code spans."""
    parts = _CODE.split(text)
    for place in range(0, len(parts), 2):
        part = _BREAK_TAG.sub(" ", _ALT_TAG.sub(lambda m: _tag_text(m[0]), parts[place]))
        parts[place] = _TAG.sub("", part)
    return "".join(parts)

"""Markdown, parsed by markdown-it: headings with GitHub's anchors, code, tables and lists whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.load.document import Block, BlockKind, Document, RawDocument, first_heading
from ingest.load.encoding import decode
from ingest.load.html import html_blocks
from ingest.load.wrapping import fenced, unwrap

_FRONT_MATTER = re.compile(
    r"\A(?:---|\+\+\+)[^\S\n]*\n(.*?)\n(?:---|\+\+\+|\.\.\.)[^\S\n]*(?:\n|\Z)", re.S
)
_TITLE = re.compile(r"^title[^\S\n]*[:=][^\S\n]*(.+?)[^\S\n]*$", re.M)
_LINK = re.compile(r"!?\[((?:[^\[\]\\]|\\.)*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\]]*\])")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_OWN_ANCHOR = re.compile(r"\s*\{#([^\s}]+)[^}]*\}\s*$")
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")

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
    title = ""
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        if found := _TITLE.search(front[1]):
            title = found[1].strip("\"'")
    blocks = tuple(_blocks(text))
    return Document(title or first_heading(blocks) or raw.stem, "md", blocks)


def _blocks(text: str) -> Iterator[Block]:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    lines = text.split("\n")
    slug = _slugs()
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
            language = token.info.strip().split(" ")[0]
            yield Block(fenced(token.content.rstrip("\n"), language), "code")
        elif token.type == "html_block":
            yield from html_blocks(token.content)
        elif token.type in _AS_WRITTEN and token.map:
            content = "\n".join(lines[slice(*token.map)]).strip("\n")
            yield Block(_plain(content), _AS_WRITTEN[token.type])


def _heading(token: Token, inline: Token, slug: Callable[[str], str]) -> Block:
    text = _inline(inline.children or [])
    level = int(token.tag[1])
    if own := _OWN_ANCHOR.search(text):
        return Block(text[: own.start()], "heading", level, anchor=own[1])
    return Block(text, "heading", level, anchor=slug(text))


def _inline(tokens: Sequence[Token]) -> str:
    parts = []
    for token in tokens:
        if token.type == "code_inline":
            parts.append(f"`{token.content}`")
        elif token.type in ("text", "image"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
    return unwrap("".join(parts))


def _plain(markdown: str) -> str:
    return _LINK.sub(r"\1", _COMMENT.sub("", markdown)).rstrip()


def _slugs() -> Callable[[str], str]:
    seen: Counter[str] = Counter()

    def slug(heading: str) -> str:
        """GitHub's anchor of a heading; a repeated one gets -1, -2 and so on."""
        base = _NOT_IN_ANCHOR.sub("", heading.strip().lower()).replace(" ", "-")
        seen[base] += 1
        return f"{base}-{seen[base] - 1}" if seen[base] > 1 else base

    return slug

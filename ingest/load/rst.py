"""reStructuredText by docutils: headings with the anchors that docutils and Sphinx give them.

Nothing is read from other files or run, whatever a file asks for; directives and roles that
docutils doesn't know keep their text (:mod:`ingest.load.rst_extensions`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from ingest.load.document import Block, Document, RawDocument, first_heading
from ingest.load.encoding import decode
from ingest.load.faults import damage_said
from ingest.load.rst_extensions import register
from ingest.load.wrapping import fenced, markdown_rows, unwrap

_SETTINGS = {
    "_disable_config": True,  # a docutils.conf in the working directory is none of ours
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 3,
    "halt_level": 5,
    "doctitle_xform": False,
    "docinfo_xform": False,
    "auto_id_prefix": "id",  # as Sphinx has it
    "syntax_highlight": "none",
    "smart_quotes": False,
    "line_length_limit": 10_000_000,
}
_LEFT_OUT = {
    "comment", "target", "substitution_definition", "pending", "raw", "meta",
    "decoration", "generated",
}  # fmt: skip
_ADMONITIONS = {
    "attention", "caution", "danger", "error", "important", "note", "tip", "hint", "warning",
}  # fmt: skip
_ITEM_LISTS = {"bullet_list", "enumerated_list"}
_SIGNS = {
    "#text": "{}",
    "literal": "`{}`",
    "math": "${}$",
    "footnote_reference": "[{}]",
    "citation_reference": "[{}]",
}
_NO_LANGUAGE = ("none", "text", "default", "")


def load_rst(raw: RawDocument) -> Document:
    """A reStructuredText file; its title is the first heading's.

    Raises:
        DocumentError: it can't be parsed (nested too deeply).
    """
    from docutils.core import publish_doctree
    from docutils.utils import SystemMessage

    text = decode(raw.data, raw.charset).replace("\r\n", "\n").replace("\r", "\n")
    with damage_said(raw, "reStructuredText file", "reStructuredText 文件", SystemMessage):
        register(text)
        tree = publish_doctree(
            text, settings_overrides=_SETTINGS | {"warning_stream": io.StringIO()}
        )
        blocks = tuple(block for block in _children(tree, 0) if block.text.strip())
    return Document(first_heading(blocks) or raw.stem, "rst", blocks)


def _children(node: Any, level: int) -> Iterator[Block]:
    for child in node.children:
        yield from _blocks(child, level)


def _blocks(node: Any, level: int) -> Iterator[Block]:
    """The blocks of one element; ``level`` is that of the section around it."""
    kind = node.tagname
    if kind in _LEFT_OUT or "contents" in node.get("classes", ()):
        return
    if kind in _ITEM_LISTS and not _holds_code(node):
        yield Block("\n".join(_items(node, "")), "list")
    elif kind in _ADMONITIONS:
        yield from _led(f"{kind.capitalize()}: ", list(_children(node, level)))
    elif kind in _HANDLERS:
        yield from _HANDLERS[kind](node, level)
    elif _is_text(node):
        yield Block(_inline(node))
    else:
        yield from _children(node, level)


def _code(node: Any, level: int) -> Iterator[Block]:
    yield Block(fenced(node.astext(), _language(node)), "code")


def _unparsed(node: Any, level: int) -> Iterator[Block]:
    """What docutils rejects as it is written, without its opinion of it."""
    for child in node.children:
        if child.tagname == "literal_block":
            yield Block(fenced(child.astext().rstrip(), "rst"), "code")


def _math(node: Any, level: int) -> Iterator[Block]:
    yield Block(fenced(node.astext(), "latex"), "code")


def _image(node: Any, level: int) -> Iterator[Block]:
    yield Block(node.get("alt", ""))


def _definition(node: Any, level: int) -> Iterator[Block]:
    *terms, definition = node.children
    term = " ".join(_inline(each) for each in terms)
    yield from _led(f"{term}: ", list(_blocks(definition, level)))


def _footnote(node: Any, level: int) -> Iterator[Block]:
    label, *rest = node.children
    blocks = [block for child in rest for block in _blocks(child, level)]
    yield from _led(f"[{label.astext()}] ", blocks)


def _section(node: Any, around: int) -> Iterator[Block]:
    level = around + 1
    for child in node.children:
        if child.tagname == "title":
            anchor = next(iter(node["ids"]), None)
            yield Block(_inline(child), "heading", min(level, 6), anchor=anchor)
        else:
            yield from _blocks(child, level)


def _is_text(node: Any) -> bool:
    from docutils import nodes

    return isinstance(node, nodes.TextElement | nodes.Text)


def _inline(node: Any) -> str:
    return unwrap(_written(node))


def _written(node: Any) -> str:
    kind = node.tagname
    if kind in _LEFT_OUT:
        return ""
    if kind in _SIGNS:
        return _SIGNS[kind].format(node.astext())
    if kind == "image":
        return str(node.get("alt", ""))
    return "".join(map(_written, node.children))


def _items(node: Any, indent: str) -> Iterator[str]:
    """The lines of a list; those inside it are indented."""
    number = int(node.get("start", 1))
    for item in node.children:
        marker = "- " if node.tagname == "bullet_list" else f"{number}. "
        number += 1
        for child in item.children:
            if child.tagname in _ITEM_LISTS:
                yield from _items(child, indent + "  ")
            else:
                for block in _blocks(child, 0):
                    text = block.text.replace("\n", f"\n{indent}  ")
                    yield f"{indent}{marker}{text}"
                    marker = "  "


def _holds_code(node: Any) -> bool:
    """Whether a list is of long passages with code between: those are read as text."""
    return any(each.tagname in ("literal_block", "table") for each in node.findall())


def _fields(node: Any, level: int) -> Iterator[Block]:
    yield Block("\n".join(_field_lines(node)), "list")


def _field_lines(node: Any) -> Iterator[str]:
    for field in node.children:
        name, body = field.children[0], field.children[-1]
        text = "\n".join(block.text for block in _children(body, 0)).replace("\n", "\n  ")
        yield f"- {name.astext()}: {text}".rstrip()


def _led(start: str, blocks: list[Block]) -> Iterator[Block]:
    """Blocks with a word before their text."""
    if blocks and blocks[0].kind == "paragraph":
        yield Block(start + blocks[0].text)
        yield from blocks[1:]
    else:
        yield Block(start.strip())
        yield from blocks


def _table(node: Any, level: int) -> Iterator[Block]:
    for title in (child for child in node.children if child.tagname == "title"):
        yield Block(_inline(title))
    rows = [list(_cells(row)) for row in node.findall() if row.tagname == "row"]
    if rows:
        yield Block(markdown_rows(rows), "table")


def _cells(row: Any) -> Iterator[str]:
    for entry in row.children:
        yield " ".join(block.text for block in _children(entry, 0))
        yield from [""] * int(entry.get("morecols", 0))


def _language(node: Any) -> str:
    """Code blocks have the classes "code" and their language."""
    if node.tagname == "doctest_block":
        return "python"
    classes = list(node.get("classes", ()))
    named = classes[classes.index("code") + 1 :] if "code" in classes else []
    return named[0] if named and named[0] not in _NO_LANGUAGE else ""


_HANDLERS: dict[str, Callable[[Any, int], Iterator[Block]]] = {
    "section": _section,
    "literal_block": _code,
    "doctest_block": _code,
    "system_message": _unparsed,
    "math_block": _math,
    "table": _table,
    "field_list": _fields,
    "definition_list_item": _definition,
    "footnote": _footnote,
    "citation": _footnote,
    "image": _image,
}

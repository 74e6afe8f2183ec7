"""Jupyter notebooks: the text between, the code, and what came out of it as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ingest.load.document import Block, Document, RawDocument, first_heading
from ingest.load.encoding import decode
from ingest.load.faults import damage_said
from ingest.load.html import html_blocks
from ingest.load.markdown import load_markdown
from ingest.load.wrapping import fenced

LONGEST_OUTPUT = 2_000  # characters of a cell

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r(?=[^\n])")


def load_notebook(raw: RawDocument) -> Document:
    """A notebook of version 3 or 4; its title is its own, or the first heading's. Pictures are
    left out, outputs are kept up to ``LONGEST_OUTPUT`` a cell.

    Raises:
        DocumentError: it is broken.
    """
    with damage_said(raw, "Jupyter notebook", "Jupyter 笔记本"):
        book = json.loads(decode(raw.data, raw.charset))
        meta = book.get("metadata") or {}
        language = _language(meta)
        blocks = tuple(block for cell in _cells(book) for block in _cell(cell, language))
        title = str(meta.get("title") or "").strip()
    return Document(title or first_heading(blocks) or raw.stem, "ipynb", blocks)


def _cells(book: Mapping[str, Any]) -> list[Any]:
    if "cells" in book:
        return list(book["cells"])
    return [cell for sheet in book["worksheets"] for cell in sheet["cells"]]


def _language(meta: Mapping[str, Any]) -> str:
    info = meta.get("language_info") or {}
    kernel = meta.get("kernelspec") or {}
    return str(info.get("name") or kernel.get("language") or "python").lower()


def _cell(cell: Mapping[str, Any], language: str) -> Iterator[Block]:
    source = _joined(cell.get("source", cell.get("input", "")))
    kind = cell.get("cell_type")
    if kind == "heading":  # of version 3
        yield _heading(Block(source, "heading", int(cell.get("level", 1))))
    elif kind == "markdown":
        for block in load_markdown(
            RawDocument("cell.md", source.encode("utf-8", "replace"))
        ).blocks:
            yield _heading(block) if block.kind == "heading" else block
    elif kind == "code" and source.strip():
        yield Block(fenced(source.strip("\n"), str(cell.get("language") or language)), "code")
        yield from _outputs(cell.get("outputs") or [])
    elif source.strip():
        yield Block(source.strip())


def _heading(block: Block) -> Block:
    """With the anchor that Jupyter gives it."""
    return replace(block, anchor=block.text.replace(" ", "-"))


def _outputs(outputs: list[Any]) -> Iterator[Block]:
    left = LONGEST_OUTPUT
    for output in outputs:
        for block in _output(output):
            yield block if len(block.text) <= left else _shortened(block, left)
            left -= len(block.text)
            if left <= 0:
                return


def _shortened(block: Block, length: int) -> Block:
    """Its first ``length`` characters, and whole lines of them where lines are short."""
    text = block.text[:length]
    lines = text.rpartition("\n")[0]
    text = lines if len(lines) > length / 2 else text
    return Block(f"{text}\n```" if block.kind == "code" else text, block.kind)


def _output(output: Mapping[str, Any]) -> Iterator[Block]:
    if output.get("output_type") in ("error", "pyerr"):
        yield _fenced(f"{output.get('ename', '')}: {output.get('evalue', '')}")
        return
    data = output.get("data") or output
    if "<table" in (page := _joined(data.get("text/html", data.get("html", "")))):
        yield from (block for block in html_blocks(page) if block.text)
    elif written := _joined(data.get("text/markdown", "")):
        yield from load_markdown(RawDocument("cell.md", written.encode("utf-8", "replace"))).blocks
    elif text := _joined(data.get("text/plain", data.get("text", ""))).strip("\n"):
        yield _fenced(text)


def _fenced(text: str) -> Block:
    return Block(fenced(_ESCAPES.sub("", text)), "code")


def _joined(source: Any) -> str:
    """Notebooks hold a text as one string or as its lines."""
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")

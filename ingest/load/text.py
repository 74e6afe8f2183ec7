"""Plain text: paragraphs between empty lines, kept as they are."""

from __future__ import annotations

import re

from ingest.load.document import Block, Document, RawDocument
from ingest.load.encoding import decode

_EMPTY_LINES = re.compile(r"\n[^\S\n]*\n\s*")


def load_text(raw: RawDocument) -> Document:
    """Paragraphs of a text file; its title is the file's name without extension."""
    text = decode(raw.data, raw.charset).replace("\r\n", "\n").replace("\r", "\n")
    paragraphs = (part.strip("\n").rstrip() for part in _EMPTY_LINES.split(text))
    return Document(raw.stem, "txt", tuple(Block(part) for part in paragraphs if part.strip()))

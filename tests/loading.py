"""Documents of any format, loaded for the tests."""

from __future__ import annotations

import pytest

from assistant.errors import DocumentError
from ingest.load import Document, RawDocument, load_raw


def load(data: bytes | str, name: str) -> Document:
    return load_raw(RawDocument(f"/x/{name}", data.encode() if isinstance(data, str) else data))


def shown(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in document.blocks]


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def error_of(data: bytes | str, name: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        load(data, name)
    return caught.value

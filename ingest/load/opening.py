"""A file on the disk as bytes, refused early where it can't be read or is too large."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assistant.errors import DocumentError
from ingest.load.detect import HEAD_BYTES, detect_kind
from ingest.load.document import RawDocument
from ingest.reasons import os_reason


def raw_file(path: Path, max_mb: int) -> RawDocument:
    """The file at ``path``, whole. Of a type that nobody reads, only the beginning is touched.

    Raises:
        UnknownType: there is no loader for it.
        DocumentError: larger than ``max_mb``, gone, not readable, or not what its name says.
    """
    raw = RawDocument(str(path), b"")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            raw = replace(raw, data=file.read(HEAD_BYTES))
            detect_kind(raw)
            if size > max_mb * 1024 * 1024:
                raise _too_large(raw, size, max_mb)
            return replace(raw, data=raw.data + file.read(max_mb * 1024 * 1024))
    except OSError as error:
        raise DocumentError(
            "{name} can't be read: {reason}.",
            "{name} 无法读取：{reason_zh}。",
            name=path,
            **os_reason(error),
        ) from error


def _too_large(raw: RawDocument, size: int, max_mb: int) -> DocumentError:
    return DocumentError(
        "{name} is {size} MB, more than {limit}: split it, or raise MAX_FILE_MB in .env.",
        "{name} 有 {size} MB，超过 {limit} MB 的上限：请拆分，或在 .env 中调大 MAX_FILE_MB。",
        name=raw.label,
        size=round(size / 1024 / 1024, 1),
        limit=max_mb,
    )

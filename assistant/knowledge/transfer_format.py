"""The lines of an exported collection, JSON in UTF-8, each checked when it is read.

1. ``{"format": ..., "version": 1, "collection", "fingerprint", "dimension", "metric", "precision",
   "exported_at", "sources", "chunks"}``
2. for each source ``{"source": {"uri", "title", "kind", "size", "content_hash", "added_at",
   "updated_at", "chunks"}}``, then so many ``{"chunk": {"id", "position", "text", "heading_path",
   "page", "anchor", "metadata", "content_hash", "vector"}}``; the vector is the base64 of the
   stored bytes (``vectors.py``) and may be left out
3. ``{"end": {"sources", "chunks"}}``: how many there were, so that a cut file is found out
"""

from __future__ import annotations

import binascii
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np

from assistant.errors import KnowledgeError
from assistant.knowledge.catalogue import NewSource
from assistant.knowledge.records import NewChunk, storable
from assistant.knowledge.texts import storable_metadata
from assistant.knowledge.vectors import Form, to_blobs

FORMAT = "conversational-rag-knowledge"
VERSION = 1

_LARGEST = 2**62  # numbers that SQLite holds
_MOST_DIMENSIONS = 1 << 20


class LineError(Exception):
    """A line can't be used; ``reasons`` say why in English and Chinese. Never leaves the import."""

    def __init__(self, line: int, *reasons: str) -> None:
        super().__init__(line, reasons[0])
        self.line = line
        self.reasons = reasons


@dataclass(frozen=True)
class Header:
    """What the file says it holds: the vectors of one model in one form."""

    fingerprint: str
    form: Form
    chunks: int


@dataclass(frozen=True)
class SourceLine:
    new: NewSource
    added_at: float
    updated_at: float
    chunks: int


@dataclass(frozen=True)
class ChunkLine:
    line: int
    id: str
    position: int
    chunk: NewChunk
    metadata: dict[str, object]
    vector: bytes  # as a space of the header's form stores it; empty where not asked for


@dataclass(frozen=True)
class End:
    sources: int
    chunks: int


Item = Header | SourceLine | ChunkLine | End


def to_line(value: Mapping[str, object]) -> bytes:
    """One line with its end."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:  # metadata may hold lone surrogates
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def read_lines(lines: Iterable[bytes], with_vectors: bool) -> Iterator[Item]:
    """The header, the sources, each before its chunks, and the end.

    Raises:
        LineError: a line isn't what it should be, or the end is missing or counts otherwise.
    """
    reader = _Reader(with_vectors)
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield reader.item(number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:  # a cut or damaged .gz
        raise LineError(
            number + 1, f"the file is cut or damaged: {error}", f"文件被截断或已损坏：{error}"
        ) from error
    if not reader.is_ended:
        raise LineError(
            number + 1,
            "the file ends here without its last line: it was cut",
            "文件在此结束，缺少结尾行：文件被截断",
        )


class _Reader:
    """Knows which line may come next."""

    def __init__(self, with_vectors: bool) -> None:
        self.is_ended = False
        self._with_vectors = with_vectors
        self._form: Form | None = None
        self._counts = {"sources": 0, "chunks": 0}
        self._missing = 0  # chunks of the last source

    def item(self, number: int, line: bytes) -> Item:
        fields = _Fields(number, _parsed(number, line))
        if self._form is None:
            header = _header(fields)
            self._form = header.form
            return header
        kind = next(iter(fields.values), "")
        if self.is_ended or kind not in ("source", "chunk", "end"):
            fields.fail("unexpected line", "此处不应有这一行")
        inner = fields.inner(kind)
        if (kind == "chunk") != (self._missing > 0):
            fields.fail(
                f"the source before it lacks {self._missing} chunks, or this one is too many",
                f"前一个来源缺少 {self._missing} 个片段，或此片段多余",
            )
        if kind == "source":
            self._counts["sources"] += 1
            source = _source(inner)
            self._missing = source.chunks
            return source
        if kind == "chunk":
            self._missing -= 1
            self._counts["chunks"] += 1
            return _chunk(inner, self._form if self._with_vectors else None)
        return self._end(inner)

    def _end(self, inner: _Fields) -> End:
        end = End(inner.number("sources"), inner.number("chunks"))
        if (end.sources, end.chunks) != (self._counts["sources"], self._counts["chunks"]):
            inner.fail(
                f"{end.sources} sources and {end.chunks} chunks were written, but the file holds "
                f"{self._counts['sources']} and {self._counts['chunks']}: lines are missing",
                f"导出时有 {end.sources} 个来源、{end.chunks} 个片段，而文件中只有 "
                f"{self._counts['sources']} 个和 {self._counts['chunks']} 个：文件缺行",
            )
        self.is_ended = True
        return end


def _header(fields: _Fields) -> Header:
    if fields.values.get("format") != FORMAT:
        fields.fail(
            "it is no header: this is not a file that `python -m ingest export` wrote",
            "缺少文件头：该文件不是由 `python -m ingest export` 写出的",
        )
    version = fields.values.get("version")
    if version != VERSION:
        fields.fail(
            f"version {version!r} is not known, only {VERSION}: update the program",
            f"不支持版本 {version!r}，仅支持 {VERSION}：请升级程序",
        )
    dimension = fields.number("dimension", _MOST_DIMENSIONS)
    try:
        form = Form(dimension, fields.text("metric"), fields.text("precision"))
    except KnowledgeError as error:
        fields.fail_as(error)
    return Header(fields.text("fingerprint"), form, fields.number("chunks"))


def _source(fields: _Fields) -> SourceLine:
    texts = {name: fields.text(name) for name in ("uri", "title", "kind", "content_hash")}
    try:
        new = NewSource(**texts, size=fields.number("size"))
    except KnowledgeError as error:
        fields.fail_as(error)
    return SourceLine(
        new, fields.time("added_at"), fields.time("updated_at"), fields.number("chunks")
    )


def _chunk(fields: _Fields, form: Form | None) -> ChunkLine:
    heading_path = fields.get("heading_path", list)
    if not all(isinstance(one, str) for one in heading_path):
        fields.fail("heading_path holds other things than texts", "heading_path 含有非文本内容")
    page, anchor = fields.values.get("page"), fields.values.get("anchor")
    chunk = NewChunk(
        fields.text("text"),
        tuple(heading_path),
        None if page is None else fields.number("page"),
        None if anchor is None else fields.text("anchor"),
    )
    if chunk.content_hash != fields.text("content_hash"):
        fields.fail("its text is not what its hash was made of", "文本与其哈希值不符")
    chunk_id = fields.text("id") or fields.fail("its id is empty", "其编号为空")
    try:
        metadata = storable_metadata(fields.get("metadata", dict))
    except KnowledgeError as error:
        fields.fail_as(error)
    vector = _vector(fields, form) if form is not None else b""
    return ChunkLine(fields.line, chunk_id, fields.number("position"), chunk, metadata, vector)


def _vector(fields: _Fields, form: Form) -> bytes:
    """The stored bytes, as they came if they are what the form stores."""
    if fields.values.get("vector") is None:
        fields.fail("it has no vector: use --embed", "缺少向量：请使用 --embed")
    try:
        blob = binascii.a2b_base64(fields.text("vector"), strict_mode=True)
    except ValueError as error:
        fields.fail(f"its vector is no base64 ({error})", f"其向量不是 base64（{error}）")
    if len(blob) != form.blob_size:
        fields.fail(
            f"its vector has {len(blob)} bytes, expected {form.blob_size}",
            f"其向量有 {len(blob)} 字节，应为 {form.blob_size}",
        )
    given = form.from_blobs([blob])
    try:
        made = form.encode(form.floats(given), 1)
    except KnowledgeError as error:
        fields.fail_as(error)
    # Made again, a unit vector differs in its last bits.
    return blob if np.allclose(given, made, rtol=0, atol=1e-6) else to_blobs(made)[0]


T = TypeVar("T")


@dataclass(frozen=True)
class _Fields:
    """The fields of a JSON object, of the types that they must have."""

    line: int
    values: Mapping[str, Any]

    def get(self, name: str, kind: type[T]) -> T:
        value = self.values.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            self.fail(
                f"{name} is {_shown(value)}, expected {kind.__name__}",
                f"{name} 的值是 {_shown(value)}，应为 {kind.__name__}",
            )
        return value

    def text(self, name: str) -> str:
        value = self.get(name, str)
        if storable(value) != value:
            self.fail(f"{name} can't be stored", f"{name} 无法存储")
        return value

    def number(self, name: str, most: int = _LARGEST) -> int:
        value = self.get(name, int)
        if not 0 <= value <= most:
            self.fail(f"{name} is {_shown(value)}", f"{name} 的值是 {_shown(value)}")
        return value

    def time(self, name: str) -> float:
        if isinstance(self.values.get(name), int):
            return float(self.number(name))
        value = self.get(name, float)
        return value if math.isfinite(value) else 0.0

    def inner(self, name: str) -> _Fields:
        return _Fields(self.line, self.get(name, dict))

    def fail(self, *reasons: str) -> NoReturn:
        raise LineError(self.line, *reasons)

    def fail_as(self, error: KnowledgeError) -> NoReturn:
        texts = (error.text(language).rstrip(".。") for language in ("en", "zh"))
        raise LineError(self.line, *texts) from error


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # thousands of digits
        text = "..."
    return text if len(text) <= 40 else text[:40] + "..."


def _parsed(number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise LineError(number, f"it is no JSON ({error})", f"不是 JSON（{error}）") from error
    if not isinstance(value, dict):
        raise LineError(number, "it is no JSON object", "不是 JSON 对象")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")

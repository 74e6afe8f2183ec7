"""The shapes that pass through the door of the knowledge base."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from sqlite3 import Row
from typing import NamedTuple

# What no database text and no tokenizer can hold: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """``text`` with U+FFFD in place of NUL and of lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


@dataclass(frozen=True)
class NewChunk:
    """A chunk on its way in. Its id is made from the source and the content, so that the same
    text at the same place keeps its id (and its vector) when a document is added again.

    NUL and lone surrogates become U+FFFD here, before anything is embedded or hashed.
    """

    text: str
    heading_path: tuple[str, ...] = ()
    page: int | None = None  # 1-based, for documents that have pages
    anchor: str | None = None  # fragment of the section on a web page

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", storable(self.text))
        object.__setattr__(self, "heading_path", tuple(map(storable, self.heading_path)))
        if self.anchor is not None:
            object.__setattr__(self, "anchor", storable(self.anchor))

    @property
    def embedding_text(self) -> str:
        """What is embedded and indexed: the headings give a small chunk its subject."""
        return "\n".join([*self.heading_path, self.text])

    @property
    def content_hash(self) -> str:
        """SHA-256 of :attr:`embedding_text`: chunks with the same hash have the same vector. Page
        and anchor are not in it, so that a moved page number is stored without embedding again."""
        return hashlib.sha256(self.embedding_text.encode()).hexdigest()


def stored_chunk(row: Row) -> NewChunk:
    """What was embedded and indexed for a row with "text" and "heading_path"."""
    return NewChunk(row["text"], tuple(json.loads(row["heading_path"])))


@dataclass(frozen=True)
class Source:
    """A document in a collection: a file or a web page."""

    id: int
    collection: str
    uri: str  # absolute file path or URL; unique in its collection
    title: str
    kind: str  # "md", "html", "txt", "pdf", "docx"
    chunks: int
    size: int  # bytes of the original
    content_hash: str  # of the extracted text: unchanged text is not stored again
    added_at: float  # seconds since the epoch
    updated_at: float


@dataclass(frozen=True)
class CollectionInfo:
    """A collection as people know it. Who may do what with it: ``sharing.py``."""

    name: str  # fixed: files, lists and conversations have it
    title: str  # for people; empty: the name
    owner: str  # "local": nobody's own
    readers: tuple[str, ...]  # users beside the owner; "*": everyone
    created_at: float = 0.0  # seconds since the epoch
    #: Of its owner, whose attached files it holds (``attached.py``); empty: a shelf of the library.
    conversation: str = ""


#: Why a hit was kept: it was found by both legs, by one of them, put forward by the reranker, or
#: joined with its neighbours to a section.
REASONS = ("both", "dense", "keyword", "rerank", "neighbour")


class Part(NamedTuple):
    """A chunk's share of a section that was joined of several: characters ``start`` to ``end`` of
    the section are the chunk's text from its character ``skipped`` on."""

    position: int
    start: int
    end: int
    skipped: int = 0


@dataclass(frozen=True)
class Hit:
    """A chunk found by a search, best first.

    ``score`` is what the search ranked by: cosine similarity for dense, BM25 (higher is better)
    for keyword, the fused score for hybrid (0..1), the reranker's where there was one. Ranks
    (1-based) and scores of a leg are None where that leg missed it. ``kept`` is why it was kept:
    one of :data:`REASONS`, or empty where nothing was chosen.
    """

    id: str
    text: str
    score: float
    source: Source
    position: int  # 0-based place of the chunk in its source
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    anchor: str | None = None
    dense_rank: int | None = None
    keyword_rank: int | None = None
    dense_score: float | None = None
    keyword_score: float | None = None
    rerank_rank: int | None = None
    rerank_score: float | None = None
    kept: str = ""  # why: "both", "dense", "keyword", "rerank" or "neighbour"
    metadata: dict[str, object] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()  # the chunks of a section, in order; nothing for a chunk alone

    @property
    def location(self) -> str:
        """Where in its document, for people: page or headings, empty where neither is known."""
        parts = list(self.heading_path)
        if self.page is not None:
            parts.insert(0, f"p. {self.page}")
        return " > ".join(parts)

    @property
    def subject(self) -> str:
        """What the chunk is about, by its document's title and headings."""
        return " ".join((self.source.title, *self.heading_path))

    @property
    def link(self) -> str:
        """The original at the right place, for web pages; empty for files."""
        if not self.source.uri.startswith(("http://", "https://")):
            return ""
        return f"{self.source.uri}#{self.anchor}" if self.anchor else self.source.uri


@dataclass(frozen=True)
class StoreReport:
    """What one write did, in chunks."""

    added: int = 0
    kept: int = 0  # already there with the same content
    removed: int = 0

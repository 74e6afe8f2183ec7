"""The stage that embeds: documents are split, and what is new of them is embedded in batches that
reach over documents, so that many small ones cost no more than one large one."""

from __future__ import annotations

import hashlib
import time
from collections import deque

import numpy as np

from assistant.errors import DocumentError, ModelRefused
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.model import EmbeddingModel
from ingest.events import Event, Failed, Progress, Skipped, Unchanged, Warned
from ingest.flow.work import Embedding, Outcome, Read, ReadWhole, Work
from ingest.load.document import Document, UnknownType
from ingest.passage import Passage
from ingest.split import Splitter

#: Raised when loaders read documents in another way, so that all are read anew.
LOADERS = 2


class Rules:
    """How documents become chunks and vectors. Their digest begins each stored content hash: what
    was stored under other rules counts as changed."""

    def __init__(self, splitter: Splitter, fingerprint: str) -> None:
        self.splitter = splitter
        rules = f"load-{LOADERS}\n{splitter.signature}\n{fingerprint}"
        self.digest = hashlib.sha256(rules.encode()).hexdigest()[:12]

    def content_hash(self, document: Document) -> str:
        return f"{self.digest}:{document.content_hash}"

    def __contains__(self, content_hash: str) -> bool:
        """Whether a document of this hash was stored under these rules."""
        return content_hash.startswith(f"{self.digest}:")


class Embedder:
    """Takes documents that were read, gives outcomes that can be stored.

    Args:
        is_trial: nothing is embedded; outcomes tell what would be.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        embeddings: EmbeddingModel,
        rules: Rules,
        *,
        loaded: Passage[Read | ReadWhole | Work],
        ready: Passage[Outcome | ReadWhole | Work],
        events: Passage[Event],
        is_trial: bool = False,
    ) -> None:
        self._knowledge = knowledge
        self._embeddings = embeddings
        self._rules = rules
        self._loaded = loaded
        self._ready = ready
        self._events = events
        self._is_trial = is_trial
        self._open: deque[Embedding] = deque()
        self._texts: dict[str, str] = {}  # to be embedded, by hash, the oldest first
        self._embedded = 0
        self._seconds = 0.0

    def run(self, readers: int) -> None:
        """Work until each of the ``readers`` (the feeder counts as one) has said its end."""
        while readers or self._texts:
            while readers and (self._loaded.waiting() or not self._texts) and self._has_room():
                item = self._loaded.get()
                if item is None:
                    readers -= 1
                elif isinstance(item, Read):
                    self._take(item)
                else:
                    self._ready.put(item)
            if self._texts:
                self._embed_batch()

    @property
    def rate(self) -> float:
        """Chunks embedded a second, while there were any to embed."""
        return self._embedded / self._seconds if self._seconds else 0.0

    def _has_room(self) -> bool:
        return len(self._texts) < self._embeddings.batch_size

    def _take(self, read: Read) -> None:
        """Split a document and note what of it is to be embedded."""
        loaded = read.loaded
        document = loaded.document
        if document is None:
            if loaded.error is not None:
                self._reject(read, loaded.error)
            return
        content_hash = self._rules.content_hash(document)
        if self._is_known(read, content_hash):
            return
        chunks = self._rules.splitter.split(document)
        known = self._knowledge.vectors_for([chunk.content_hash for chunk in chunks])
        texts = {c.content_hash: c.embedding_text for c in chunks if c.content_hash not in known}
        new = Embedding(read, document, content_hash, chunks, dict(known), set(texts), len(texts))
        if self._is_trial or not texts:
            self._finish(new)
            return
        self._open.append(new)
        for key, text in texts.items():
            self._texts.setdefault(key, text)

    def _is_known(self, read: Read, content_hash: str) -> bool:
        """Whether the document is stored already, here or under another address of its site."""
        uri, memory = read.loaded.name, read.reading.memory
        source = self._knowledge.source_by_uri(uri)
        if source is not None and source.content_hash == content_hash:
            same = Unchanged(uri, source.title, source.id)
            self._ready.put(Outcome(read.reading, uri, (same,), content_hash))
            return True
        twin = memory.same_text(uri, content_hash) if memory and not read.reading.asked else None
        if twin is not None:
            self._put_rejected(read, Skipped(uri, _twin(uri, twin)))
        return twin is not None

    def _reject(self, read: Read, error: DocumentError | ModelRefused) -> None:
        """A type that can't be read is a failure only where it was asked for by name."""
        asked = read.reading.asked and read.loaded.asked
        unread = isinstance(error, UnknownType) and not asked
        self._put_rejected(read, (Skipped if unread else Failed)(read.loaded.name, error))

    def _put_rejected(self, read: Read, event: Event) -> None:
        self._ready.put(Outcome(read.reading, read.loaded.name, (event,)))

    def _embed_batch(self) -> None:
        keys = list(self._texts)[: self._embeddings.batch_size]
        begin = time.monotonic()
        try:
            vectors = self._embeddings.embed_passages([self._texts[key] for key in keys])
        except ModelRefused as error:
            self._embed_apart(set(keys), error)
            return
        self._seconds += time.monotonic() - begin
        self._embedded += len(keys)
        for key in keys:
            del self._texts[key]
        self._deal(dict(zip(keys, vectors, strict=True)))

    def _embed_apart(self, keys: set[str], error: ModelRefused) -> None:
        """A text was refused: only the documents that hold one like it fail."""
        concerned = [each for each in self._open if each.missing & keys]
        for each in concerned:
            refusal = error
            mine = [key for key in self._texts if key in each.missing & keys]
            try:
                if len(concerned) > 1 and mine:
                    texts = [self._texts[key] for key in mine]
                    self._deal(dict(zip(mine, self._embeddings.embed_passages(texts), strict=True)))
                    continue
            except ModelRefused as own:
                refusal = own
            if each in self._open and each.missing:
                self._open.remove(each)
                self._reject(each.read, refusal)
        wanted: set[str] = set().union(*(each.missing for each in self._open))
        self._texts = {key: text for key, text in self._texts.items() if key in wanted}

    def _deal(self, vectors: dict[str, np.ndarray]) -> None:
        """Give new vectors to the documents that wait for them; pass on those that are whole."""
        for each in [one for one in self._open if one.missing & vectors.keys()]:
            for key in each.missing & vectors.keys():
                each.vectors[key] = vectors[key]
            each.missing -= vectors.keys()
            left = len(each.missing) / self.rate if self.rate else None
            self._events.tell(Progress(each.done, each.total, "chunks", each.uri, self.rate, left))
            if not each.missing:
                self._open.remove(each)
                self._finish(each)

    def _finish(self, document: Embedding) -> None:
        warned = tuple(Warned(document.uri, warning) for warning in document.document.warnings)
        reading, content_hash = document.read.reading, document.content_hash
        self._ready.put(Outcome(reading, document.uri, warned, content_hash, document))


def _twin(uri: str, twin: str) -> DocumentError:
    return DocumentError(
        "{uri} holds the same text as {twin}: added once.",
        "{uri} 与 {twin} 内容相同：只添加一次。",
        uri=uri,
        twin=twin,
    )

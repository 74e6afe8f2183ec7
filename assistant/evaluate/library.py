"""A set's passages in real knowledge bases, so that what is measured is the product's own search.

A scope is a collection; each passage is a source of one chunk, whose URI is the passage's id. They
are kept in DATA_DIR/evaluate/libraries, and found again by a digest of what they were made of.
"""

from __future__ import annotations

from pathlib import Path

from assistant.errors import KnowledgeError
from assistant.evaluate.corpus import Corpus, Rows, open_corpus
from assistant.evaluate.dataset import Dataset, DatasetError, Passage
from assistant.evaluate.journal import digest
from assistant.evaluate.ours import folder
from assistant.evaluate.own.live_knowledge import LiveKnowledge, open_live
from assistant.evaluate.progress import progress
from assistant.knowledge import catalogue
from assistant.knowledge.catalogue import NewSource
from assistant.knowledge.chunks import ChunkRow, ChunkWriter, document_rows
from assistant.knowledge.migrations import SCHEMA_VERSION
from assistant.knowledge.records import Hit, NewChunk
from assistant.knowledge.store import DEFAULT_COLLECTION, KnowledgeBase
from assistant.knowledge.vectors import Stored
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings

KIND = "txt"


class Library:
    """The knowledge bases of one set. A collection is made when it is first asked for, in one
    transaction: it is there whole or not at all.

    Args:
        path: its data folder.
    """

    def __init__(
        self, path: Path, corpus: Corpus, settings: Settings, embeddings: EmbeddingModel
    ) -> None:
        self.path = path
        self._corpus = corpus
        self._views: dict[str, KnowledgeBase] = {}
        self._default = KnowledgeBase(
            path,
            embeddings,
            embeddings.fingerprint,
            metric=settings.vector_metric,
            precision=settings.vector_precision,
            index=settings.vector_index,
        )

    def knowledge(self, scope: str = "") -> KnowledgeBase:
        """The collection that questions of ``scope`` search; of all passages where it is empty.

        Raises:
            KnowledgeError: the folder can't be used.
        """
        if scope not in self._views:
            view = self._default.collection(_name(scope))
            if view.is_empty:
                _fill(view, self._corpus, self._corpus.rows(scope))
            self._views[scope] = view
        return self._views[scope]

    @staticmethod
    def passage_id(hit: Hit) -> str:
        """The set's id of the passage that was found."""
        return hit.source.uri

    def close(self) -> None:
        self._default.close()


class LiveLibrary(Library):
    """A collection of the data folder itself, as it is now."""

    def __init__(self, path: Path, knowledge: LiveKnowledge) -> None:
        self.path = path
        self._default = knowledge

    def knowledge(self, scope: str = "") -> KnowledgeBase:
        return self._default


def open_library(dataset: Dataset, settings: Settings, embeddings: EmbeddingModel) -> Library:
    """The set's passages as knowledge bases with vectors of ``embeddings``.

    Raises:
        DatasetError: the set has no corpus.
        ModelError: the model can't embed.
        KnowledgeError: the folder can't be used.
    """
    if dataset.collection:
        knowledge = open_live(settings, embeddings, dataset.collection)
        return LiveLibrary(settings.data_dir, knowledge)
    if not dataset.passages:
        raise DatasetError(
            "{path} has no corpus.jsonl, so there is nothing to search.",
            "{path} 没有 corpus.jsonl，没有可检索的内容。",
            path=dataset.folder,
        )
    made_of = digest(
        [(one.id, one.title, one.text, one.scope) for one in dataset.passages],
        embeddings.fingerprint,
        (settings.vector_metric, settings.vector_precision),
        SCHEMA_VERSION,  # of the keywords' rules, too
    )
    path = folder(settings) / "libraries" / f"{dataset.name}-{made_of}"
    return Library(path, open_corpus(dataset, embeddings), settings, embeddings)


def chunk_of(passage: Passage) -> NewChunk:
    """What is embedded and indexed of it is its ``embedding_text``."""
    is_titled = passage.title and not passage.text.startswith(passage.title)
    return NewChunk(passage.text, (passage.title,) if is_titled else ())


def _name(scope: str) -> str:
    """A collection's name: the scope itself where it can be one."""
    try:
        return catalogue.check_name(scope or DEFAULT_COLLECTION)
    except KnowledgeError:
        return f"scope-{digest(scope)}"


def _fill(knowledge: KnowledgeBase, corpus: Corpus, places: Rows) -> None:
    """Store the passages at ``places`` in one transaction; one source in each, as the product's
    own writing does it, takes minutes for some thousands."""
    form, stored = knowledge.form.fitted(corpus.vectors[places], len(places))
    passages = progress([corpus.passages[place] for place in places], "segmenting passages")
    rows = [_row(passage, stored[n : n + 1]) for n, passage in enumerate(passages)]
    with knowledge.folder.database.write() as connection:
        collection = catalogue.claim_collection(
            connection, knowledge.name, knowledge.fingerprint, form, is_empty=not rows
        )
        if catalogue.has_chunks(connection, collection.id):
            return  # another process was faster
        writer = ChunkWriter(connection, collection)
        for source, row in rows:
            writer.replace(catalogue.put_source(connection, collection, source), [row])
    knowledge.folder.wrote()


def _row(passage: Passage, stored: Stored) -> tuple[NewSource, ChunkRow]:
    """Made before the write lock is taken: segmenting is most of the work."""
    chunk = chunk_of(passage)
    row = document_rows(passage.id, [chunk], stored)[0]
    size = len(passage.text.encode("utf-8", "surrogatepass"))
    return NewSource(passage.id, passage.title, KIND, size, row.content_hash), row

"""What the crash tests are made of: a writer that journals what it does and is killed, a reader
that searches all the time, and the comparison of a folder with what was acknowledged."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import KnowledgeError
from assistant.knowledge import catalogue, changes, database, folder
from assistant.knowledge.chunks import document_chunk_id
from assistant.knowledge.doctor import examine
from assistant.knowledge.index import following
from assistant.knowledge.records import Hit, NewChunk
from assistant.knowledge.reindex import reindex
from assistant.knowledge.spaces import Space
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import Child

#: Where a process is killed: between the statements of a write, at its commit, behind it and not
#: yet acknowledged; while a reindex embeds, switches and clears the old vectors away; while an
#: index is built and its file is written; at any moment.
PHASES = ("write", "commit", "after", "fill", "switch", "clear", "build", "publish", "any")


# What is stored


@dataclass(frozen=True)
class Model(Embeddings):
    """A seeded embedding model: a random direction, always the same for the same text."""

    fingerprint: str
    dimension: int
    precision: str

    def vector(self, text: str) -> NDArray[np.float32]:
        seed = hashlib.sha256(f"{self.fingerprint} {text}".encode()).digest()
        return np.random.default_rng(list(seed)).normal(size=self.dimension).astype(np.float32)

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        return [self.vector(text).tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        values: list[float] = self.vector(text).tolist()
        return values

    def open(self, data_dir: Path) -> KnowledgeBase:
        return KnowledgeBase(data_dir, self, self.fingerprint, precision=self.precision)


MODELS = {
    model.fingerprint: model
    for model in (Model("first-16", 16, "float32"), Model("second-24", 24, "int8"))
}
FIRST, SECOND = MODELS.values()


Views = list[tuple[KnowledgeBase, Model]]
T = TypeVar("T")


@contextmanager
def views_of(data_dir: Path) -> Iterator[Views]:
    """The folder, opened once with each model."""
    with FIRST.open(data_dir) as one, SECOND.open(data_dir) as two:
        yield [(one, FIRST), (two, SECOND)]


def other_model(model: Model) -> Model:
    return next(one for one in MODELS.values() if one != model)


def serving(data_dir: Path) -> Model:
    """The model whose vectors are searched; the first one's for an empty folder."""
    with FIRST.open(data_dir) as knowledge:
        space = serving_space(knowledge)
    return MODELS[space.fingerprint] if space else FIRST


def serving_space(knowledge: KnowledgeBase) -> Space | None:
    with knowledge.folder.database.read() as connection:
        collection = catalogue.find_collection(connection, knowledge.name)
    return collection.space if collection else None


def unique_text(*parts: object) -> str:
    """Text with a word of its own, for a keyword search that can only find this one."""
    text = " ".join(map(str, parts))
    return f"{text} 第{len(text)}段 {own_word(text)}"


def own_word(text: str) -> str:
    """The last word of a :func:`unique_text`, or a new one: letters only, so one token."""
    if "段 " in text:
        return text.rpartition(" ")[2]
    digest = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest) + "q"


@dataclass(frozen=True)
class Change:
    """One call of a writer: a document's new chunks (none: deleted), or texts by id (None:
    deleted)."""

    uri: str = ""
    parts: tuple[str, ...] = ()
    texts: tuple[tuple[str, str | None], ...] = ()


@dataclass
class Content:
    """What a collection holds: chunks of documents by URI, and texts by id."""

    documents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def after(self, change: Change) -> Content:
        made = Content(dict(self.documents), dict(self.texts))
        if change.uri:
            made.documents.pop(change.uri, None)
            if change.parts:
                made.documents[change.uri] = change.parts
        for name, text in change.texts:
            made.texts.pop(name, None)
            if text is not None:
                made.texts[name] = text
        return made

    def chunks(self) -> dict[str, str]:
        """Text by chunk id."""
        found = dict(self.texts)
        for uri, parts in self.documents.items():
            for text in parts:
                found[document_chunk_id(uri, NewChunk(text).content_hash, 0)] = text
        return found


def content_of(knowledge: KnowledgeBase) -> Content:
    """As the sources say it."""
    content = Content()
    for source in knowledge.sources():
        hits = knowledge.chunks(source.id)
        if source.kind == catalogue.TEXT_KIND:
            content.texts |= {hit.id: hit.text for hit in hits}
        else:
            content.documents[source.uri] = tuple(hit.text for hit in hits)
    return content


def put(knowledge: KnowledgeBase, model: Model, change: Change) -> None:
    """Make a change, in one call of the knowledge base."""
    if change.parts:
        chunks = [NewChunk(text) for text in change.parts]
        vectors = np.array([model.vector(text) for text in change.parts])
        knowledge.add_embedded(change.uri, change.uri, "md", 1, "hash", chunks, vectors)
    elif change.uri:
        source = knowledge.source_by_uri(change.uri)
        if source is not None:
            knowledge.delete_source(source.id)
    elif any(text is None for _, text in change.texts):
        knowledge.delete([name for name, _ in change.texts])
    else:
        pairs = [(name, text) for name, text in change.texts if text is not None]
        metadatas = [{"source": f"shelf {len(text) % 3}", "名": name} for name, text in pairs]
        names, texts = [name for name, _ in pairs], [text for _, text in pairs]
        knowledge.add_texts(texts, metadatas, ids=names)


def random_change(rng: random.Random, label: str, step: int, *, own: str = "") -> Change:
    """Adds, replaces and deletes; some of a document's chunks stay as they were."""
    kind = rng.random()
    if kind < 0.5:
        uri = f"/{own or 'd'}{rng.randrange(6)}.md"
        count = rng.randrange(14)
        parts = [unique_text(uri, label, rng.choice((0, step)), n) for n in range(count)]
        return Change(uri, tuple(rng.sample(parts, rng.randrange(count + 1))))
    names = [f"{own or 't'}{n}" for n in rng.sample(range(30), rng.randrange(1, 9))]
    if kind < 0.65:
        return Change(texts=tuple((name, None) for name in names))
    return Change(texts=tuple((name, unique_text(name, label, step)) for name in names))


# The process that is killed


@dataclass(frozen=True)
class Message:
    """``begin`` and ``done`` of a change, or the ``phase`` that is entered."""

    kind: str
    phase: str = ""
    change: Change = field(default_factory=Change)


@dataclass(frozen=True)
class Death:
    """``seconds`` after the ``times``-th beginning of ``phase``."""

    phase: str
    times: int
    seconds: float


class Told:
    """Tells the parent what is done, phase by phase, and dies when it is time."""

    def __init__(self, pipe: Pipe, death: Death) -> None:
        self._pipe = pipe
        self._death = death
        self._left = death.times
        self._lock = threading.Lock()
        self._is_time = threading.Event()
        sys.setswitchinterval(0.0002)  # or the process outlives its time by some phases
        threading.Thread(target=self._die, daemon=True).start()

    def message(self, message: Message) -> None:
        with self._lock:
            self._pipe.send(message)

    def phase(self, name: str) -> None:
        self.message(Message("phase", name))
        self._left -= name == self._death.phase
        if not self._left and self._death.seconds:
            self._is_time.set()
        elif not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def _die(self) -> None:
        """Wherever the process is by then."""
        self._is_time.wait()
        time.sleep(self._death.seconds)
        os.kill(os.getpid(), signal.SIGKILL)


class Writer:
    """Adds, updates, deletes, reindexes and publishes until it is killed."""

    def __init__(self, told: Told, data_dir: Path, seed: int) -> None:
        self._told = told
        self._data_dir = data_dir
        self._rng = random.Random(seed)
        self._label = f"seed{seed}"
        self._step = 0
        self._is_switching = False
        self._open: dict[str, KnowledgeBase] = {}

    def run(self, wanted: str) -> None:
        """``wanted``: the phase that is to be reached soon and often."""
        self._watch()
        while True:
            action = self._rng.random()
            if action < {"build": 0.5, "publish": 0.5}.get(wanted, 0.1):
                self._publish()
            elif action < {"fill": 0.6, "switch": 0.8, "clear": 0.8}.get(wanted, 0.2):
                self._reindex()
            else:
                self._change()

    def _change(self) -> None:
        knowledge, model = self._serving()
        self._step += 1
        change = random_change(self._rng, self._label, self._step)
        self._told.message(Message("begin", change=change))
        put(knowledge, model, change)
        self._told.message(Message("done"))
        self._phase("any")
        for text in change.parts[:1]:
            assert knowledge.dense(model.vector(text), 1)[0].text == text

    def _reindex(self) -> None:
        knowledge, model = self._serving()
        wanted = other_model(model)

        def embed(texts: Sequence[str]) -> list[list[float]]:
            self._phase("fill")
            return wanted.embed_documents(texts)

        for _ in reindex(
            knowledge, embed, wanted.fingerprint, precision=wanted.precision, batch=16
        ):
            if self._rng.random() < 0.15:
                self._change()

    def _publish(self) -> None:
        knowledge, _ = self._serving()
        space = serving_space(knowledge)
        if space is not None:
            knowledge.folder.index(space).publish()
            self._phase("any")

    def _serving(self) -> tuple[KnowledgeBase, Model]:
        if not self._open:
            self._open = {name: model.open(self._data_dir) for name, model in MODELS.items()}
        space = serving_space(self._open[FIRST.fingerprint])
        name = space.fingerprint if space else FIRST.fingerprint
        return self._open[name], MODELS[name]

    def _watch(self) -> None:
        """Tell which phase is entered, and make building and publishing frequent."""
        hurry()
        opened, wrote = database.Database._open_writer, folder.Folder.wrote

        def watched(this: database.Database) -> database.Connection:
            connection = opened(this)
            connection.set_trace_callback(self._trace)
            return connection

        def told_wrote(this: folder.Folder) -> None:
            self._phase("after")
            wrote(this)

        database.Database._open_writer = watched  # type: ignore[method-assign]
        folder.Folder.wrote = told_wrote  # type: ignore[method-assign]
        tell(self._phase)

    def _trace(self, sql: str) -> None:
        if sql == "BEGIN IMMEDIATE":
            self._is_switching = False
        elif sql.startswith("UPDATE spaces SET state"):
            self._is_switching = True
            self._phase("switch")
        elif sql.startswith("DELETE FROM vectors WHERE rowid IN"):
            self._phase("clear")
        elif self._is_switching:
            pass
        elif sql == "COMMIT":
            self._phase("commit")
        elif sql.startswith(_WRITES):
            self._phase("write")

    def _phase(self, name: str) -> None:
        if threading.current_thread() is threading.main_thread():
            self._told.phase(name)


_WRITES = ("INSERT", "UPDATE", "DELETE")


def write_until_killed(pipe: Pipe, data_dir: Path, seed: int, death: Death) -> None:
    Writer(Told(pipe, death), data_dir, seed).run(death.phase)


def change_until(pipe: Pipe, data_dir: Path, change: Change | None, statements: int) -> None:
    """Make one change (or reindex) and die right before the last of so many writing statements."""
    left = statements

    def count(sql: str) -> None:
        nonlocal left
        left -= sql.startswith((*_WRITES, "COMMIT"))
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    opened = database.Database._open_writer

    def watched(this: database.Database) -> database.Connection:
        connection = opened(this)
        connection.set_trace_callback(count)
        return connection

    model = serving(data_dir)
    with model.open(data_dir) as knowledge:
        database.Database._open_writer = watched  # type: ignore[method-assign]
        if change is not None:
            put(knowledge, model, change)
        else:
            made = (SECOND.embed_documents, SECOND.fingerprint)
            list(reindex(knowledge, *made, precision=SECOND.precision, batch=8))
    pipe.send("done")


def publish_until_killed(pipe: Pipe, data_dir: Path, death: Death) -> None:
    """A reader that builds and publishes the index over and over."""
    told = Told(pipe, death)
    hurry()
    tell(told.phase)
    with FIRST.open(data_dir) as knowledge:
        while True:
            space = serving_space(knowledge)
            if space is not None:
                knowledge.folder.index(space).publish()
            told.phase("any")


def hurry() -> None:
    """What takes thousands of changes and seconds takes some changes and no time, in this
    process."""
    following._SMALL = 20
    folder.FOLLOW_SECONDS = 0.05
    changes.KEPT = 100


def tell(phase: Callable[[str], None]) -> None:
    """Say when an index is built and when its file is written."""
    build, write = following.build, following.files.write

    def told_build(*arguments: Any) -> Any:
        phase("build")
        return build(*arguments)

    def told_write(*arguments: Any) -> None:
        phase("publish")
        write(*arguments)

    following.build = told_build
    following.files.write = told_write


# The process that searches


def search_until_told(pipe: Pipe, data_dir: Path, texts: Sequence[str]) -> None:
    """Search for texts that are always there, until a message comes; answers with the number of
    searches and what went wrong."""
    hurry()
    searches, faults = 0, list[str]()
    with views_of(data_dir) as views:
        while not pipe.poll(0.001):
            text = texts[searches % len(texts)]
            searches += 1
            try:
                nearest = dense_by_serving(views, text)
                by_word = views[0][0].keyword(own_word(text), 2)
            except Exception as error:  # noqa: BLE001 - told by the parent
                faults.append(repr(error))
                continue
            for found in (nearest, by_word):
                if [hit.text for hit in found] != [text]:
                    faults.append(f"{text} found {[hit.text for hit in found]}")
    pipe.recv()
    pipe.send((searches, faults))


def dense_by_serving(views: Views, text: str) -> list[Hit]:
    """The nearest chunk, asked with the vectors of the model that serves."""
    return by_serving(views, lambda knowledge, model: knowledge.dense(model.vector(text), 1))


def by_serving(views: Views, call: Callable[[KnowledgeBase, Model], T]) -> T:
    """Call with the model that serves, which becomes the first of ``views``."""
    for _ in range(8):
        try:
            return call(*views[0])
        except KnowledgeError as error:
            if not any(said in str(error) for said in _SWITCHED):
                raise
            views.reverse()
    raise AssertionError("neither model serves")


_SWITCHED = ("was embedded with", "was made anew while")


# The parent


@dataclass
class Tally:
    kills: Counter[str] = field(default_factory=Counter)
    changes: int = 0  # acknowledged
    searches: int = 0
    torn: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    undead: list[str] = field(default_factory=list)  # deleted, and found
    unrepaired: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    repaired: Counter[str] = field(default_factory=Counter)  # by doctor

    def __str__(self) -> str:
        counts = {
            "kills": self.kills.total(),
            "acknowledged changes": self.changes,
            "searches meanwhile": self.searches,
            **{name: len(getattr(self, name)) for name in _FAULTS},
            "repaired by doctor": dict(self.repaired),
        }
        phases = ", ".join(f"{name} {self.kills[name]}" for name in PHASES if self.kills[name])
        return ", ".join(f"{name}: {count}" for name, count in counts.items()) + f" ({phases})"

    def check(self) -> None:
        faults = {name: found[:5] for name in _FAULTS if (found := getattr(self, name))}
        assert not faults, faults


_FAULTS = ("torn", "lost", "doubled", "undead", "unrepaired", "failed")


def acknowledged(messages: Sequence[Message], content: Content) -> tuple[Content, Content, int]:
    """What is there for certain, what is there if the last change that was begun happened, and the
    number of acknowledged changes."""
    begun, count = None, 0
    for message in messages:
        if message.kind == "begin":
            begun = message.change
        elif message.kind == "done" and begun is not None:
            content, begun = content.after(begun), None
            count += 1
    return content, content.after(begun) if begun else content, count


def compare(
    data_dir: Path, expected: Content, possible: Content, tally: Tally, *, doctor: bool = True
) -> Content:
    """Check a folder in every way that it can be read, and let ``doctor`` repair it; what is there
    becomes the truth."""
    model = serving(data_dir)
    with model.open(data_dir) as knowledge:
        found = content_of(knowledge)
        if found not in (expected, possible):
            tally.torn.append(f"{difference(found, expected)}, or {difference(found, possible)}")
        chunks = found.chunks()
        gone = (expected.chunks().items() | possible.chunks().items()) - chunks.items()
        _check_ids(knowledge, chunks, tally)
        _check_dense(knowledge, model, chunks, tally)
        for text in chunks.values():
            by_word = [hit.text for hit in knowledge.keyword(own_word(text), 3)]
            if by_word != [text]:
                (tally.lost if text not in by_word else tally.doubled).append(f"{text} {by_word}")
        for name, text in gone:
            if [hit for hit in knowledge.hits([name]) if hit.text == text]:
                tally.undead.append(f"{name} by id")
            if knowledge.keyword(own_word(text), 1):
                tally.undead.append(f"{text} by keyword")
        tally.unrepaired += unsound(knowledge)
        if doctor:
            tally.unrepaired += unrepaired(knowledge, tally.repaired)
    return found


def difference(found: Content, expected: Content) -> str:
    lines = [
        f"{name} is {getattr(found, kind).get(name)!r:.200}"
        f" and not {getattr(expected, kind).get(name)!r:.200}"
        for kind in ("documents", "texts")
        for name in {*getattr(found, kind), *getattr(expected, kind)}
        if getattr(found, kind).get(name) != getattr(expected, kind).get(name)
    ]
    return "; ".join(lines[:3])


def _check_ids(knowledge: KnowledgeBase, chunks: dict[str, str], tally: Tally) -> None:
    hits = knowledge.hits(list(chunks))
    tally.lost += sorted(chunks.keys() - {hit.id for hit in hits})
    documents = knowledge.get_by_ids(list(chunks))
    assert [one.page_content for one in documents] == [hit.text for hit in hits]
    count = sum(one["chunks"] for one in knowledge.stats().values())
    if count != len(chunks):
        tally.doubled.append(f"{count} chunks are counted, {len(chunks)} are there")


def _check_dense(
    knowledge: KnowledgeBase, model: Model, chunks: dict[str, str], tally: Tally
) -> None:
    everything = knowledge.dense(model.vector("anything"), len(chunks) + 100)
    counts = Counter((hit.id, hit.text) for hit in everything)
    tally.doubled += [str(one) for one, count in counts.items() if count > 1]
    tally.lost += [str(one) for one in chunks.items() - counts.keys()]
    tally.undead += [str(one) for one in counts.keys() - chunks.items()]
    for text in chunks.values():
        nearest = [hit.text for hit in knowledge.dense(model.vector(text), 1)]
        if nearest != [text]:
            tally.lost.append(f"{text} is nearest to {nearest}")


def unrepaired(knowledge: KnowledgeBase, repaired: Counter[str] | None = None) -> list[str]:
    """What ``doctor`` finds wrong after it repaired what it could, counted in ``repaired``."""
    found = examine(knowledge.folder, repair=True, deep=True)
    if repaired is not None:
        repaired.update(one.check for one in found if one.repaired and one.is_fault)
    left = examine(knowledge.folder, repair=False, deep=True)
    return [f"{one.check}: {one.message}" for one in left if one.is_fault]


def unsound(knowledge: KnowledgeBase) -> list[str]:
    """What must hold in the tables, by our own look."""
    with knowledge.folder.database.read() as connection:
        return [name for name, sql in _INVARIANTS.items() if connection.execute(sql).fetchone()]


_INVARIANTS = {
    "pages": "SELECT 1 FROM pragma_integrity_check WHERE integrity_check != 'ok'",
    "foreign keys": "SELECT 1 FROM pragma_foreign_key_check",
    "counts of sources": "SELECT 1 FROM sources WHERE chunks != "
    "(SELECT count(*) FROM chunks WHERE source_id = sources.id)",
    "chunks without words": "SELECT id FROM chunks EXCEPT SELECT rowid FROM chunk_words",
    "words without chunk": "SELECT rowid FROM chunk_words EXCEPT SELECT id FROM chunks",
    "chunks without vector": "SELECT 1 FROM chunks WHERE NOT EXISTS (SELECT 1 FROM vectors JOIN "
    "spaces ON spaces.id = space_id AND state = 'serving' WHERE chunk = chunks.id)",
    "vectors without chunk": "SELECT 1 FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks)",
    "vectors of another size": "SELECT 1 FROM vectors JOIN spaces ON spaces.id = space_id "
    "WHERE length(vector) != dimension * iif(precision = 'float32', 4, 1)",
    "collections without serving space": "SELECT 1 FROM collections WHERE NOT EXISTS "
    "(SELECT 1 FROM spaces WHERE collection_id = collections.id AND state = 'serving')",
    "changes of no space": "SELECT 1 FROM changes WHERE space_id NOT IN (SELECT id FROM spaces)",
    "empty text sources": "SELECT 1 FROM sources WHERE kind = 'text' AND chunks = 0",
}


def last_words(child: Child) -> list[Message]:
    """What a process says until it is dead."""
    messages = []
    try:
        while child.pipe.poll(60):
            messages.append(child.pipe.recv())
    except (EOFError, OSError):  # the last one may be cut off
        child.process.join(60)
        assert child.process.exitcode == -signal.SIGKILL
        return messages
    raise AssertionError("the process neither speaks nor dies")

"""The doctor: finds just what is wrong, repairs it, and finds nothing the second time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import KnowledgeError, KnowledgeLocked, ModelError
from assistant.knowledge.doctor import Checkup, checkup, examine
from assistant.knowledge.folder import Folder
from assistant.knowledge.index import snapshot
from assistant.knowledge.migrations import rebuild_keywords
from assistant.knowledge.records import NewChunk
from assistant.knowledge.reindex import reindex
from assistant.knowledge.salvage import salvage
from assistant.knowledge.spaces import find_space, list_spaces
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import (
    MODEL,
    add,
    nearest,
    open_knowledge,
    start,
    vector_of,
    wait_until,
)


class Seeded(Embeddings):
    """The model of the samples."""

    fingerprint = MODEL

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([vector_of(text) for text in texts])

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_passages(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        return vector_of(text).tolist()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two collections with documents and texts, searched and closed."""
    data = tmp_path / "data"
    with KnowledgeBase(data, Seeded(), MODEL) as knowledge:
        chunks = [NewChunk(f"alpha {n} 向量库 add_texts", ("第一章", "Install")) for n in range(3)]
        add(knowledge, "/a.md", chunks=chunks)
        add(knowledge, "/b.md", "beta", "Straße ΑΒΓ ÉCLAIR v3.11.7 İstanbul")
        knowledge.add_texts(["gamma", "delta"], [{"year": 2020}, {"tags": ["x"]}], ids=["g", "d"])
        assert nearest(knowledge, "beta") == ["beta"]
        other = knowledge.collection("other")
        add(other, "/a.md", "epsilon", "zeta")
        assert nearest(other, "zeta") == ["zeta"]
    assert look(data, repair=False, deep=True).findings == []
    return data


def look(data: Path, *, repair: bool = True, deep: bool = False) -> Checkup:
    return checkup(data, repair=repair, deep=deep, embedder=Seeded)


@contextmanager
def raw(data: Path) -> Iterator[sqlite3.Connection]:
    """The database without the guards of ours."""
    with closing(sqlite3.connect(data / "knowledge.db", isolation_level=None)) as connection:
        yield connection


def state(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted(data.rglob("*"))
        if path.is_file()
    }


def found(done: Checkup) -> list[tuple[str, bool]]:
    return [(one.check, one.repaired) for one in done.findings]


def sql(*statements: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        with raw(data) as connection:
            for statement in statements:
                connection.execute(statement)

    return damage


def half(data: Path) -> None:
    path = data / "index" / "1.faiss"
    path.write_bytes(path.read_bytes()[:-100])


def foreign(data: Path) -> None:
    """The other collection's index in the place of the first's."""
    (data / "index" / "1.faiss").write_bytes((data / "index" / "2.faiss").read_bytes())


def stray(data: Path) -> None:
    (data / "index" / "77.faiss").write_bytes(b"x")
    (data / "index" / "77.lock").touch()


def killed(data: Path) -> None:
    (data / "index" / "1.faiss.999999999-00.tmp").write_bytes(b"x")


def old_copy(data: Path) -> None:
    path = data / "knowledge.db.0123abcd.tmp"
    path.write_bytes(b"x")
    os.utime(path, (0, 0))


def retire(data: Path) -> None:
    with raw(data) as connection:
        connection.execute(
            "INSERT INTO spaces SELECT 9, collection_id, 'retired', 'old', dimension, metric, "
            "precision, 0 FROM spaces WHERE id = 1"
        )
        connection.execute("INSERT INTO vectors SELECT 9, chunk, vector FROM vectors")


def index_without_a_row(data: Path) -> None:
    """A whole file whose index lacks a row that the log doesn't tell of."""
    with raw(data) as connection:
        (vector,) = connection.execute("SELECT vector FROM vectors WHERE chunk = 4").fetchone()
        connection.execute("DELETE FROM vectors WHERE chunk = 4")
    with closing(Folder(data)) as folder:
        with folder.database.read() as connection:
            space = find_space(connection, 1)
        assert space is not None
        folder.index(space).publish()
    with raw(data) as connection:
        connection.execute("INSERT INTO vectors VALUES (1, 4, ?)", (vector,))


DAMAGES: dict[str, tuple[str, bool, Callable[[Path], None]]] = {
    # name: (what finds it, whether only a deep look does, the damage)
    "count": ("counts", False, sql("UPDATE sources SET chunks = 9 WHERE id = 2")),
    "metadata": ("content", False, sql("UPDATE chunks SET metadata = '{' WHERE chunk_id = 'g'")),
    "metadata list": (
        "content",
        False,
        sql("UPDATE chunks SET metadata = '[]' WHERE chunk_id = 'g'"),
    ),
    "headings": ("content", False, sql("UPDATE chunks SET heading_path = '{\"' WHERE id = 2")),
    "field": ("fields", False, sql("DELETE FROM fields WHERE name = 'year'")),
    "lost words": (
        "keywords",
        False,
        sql("INSERT INTO chunk_words (chunk_words, rowid, words) VALUES ('delete', 4, '1:beta')"),
    ),
    "extra words": (
        "keywords",
        False,
        sql("INSERT INTO chunk_words (rowid, words) VALUES (99, '1:beta')"),
    ),
    "doubled words": (
        "keywords",
        True,
        sql(
            "INSERT INTO chunk_words (chunk_words, rowid, words) VALUES ('delete', 4, '1:b')",
            "INSERT INTO chunk_words (rowid, words) VALUES (4, '1:beta 1:beta')",
        ),
    ),
    "other words": (
        "keywords",
        True,
        sql(
            "INSERT INTO chunk_words (chunk_words, rowid, words) VALUES ('delete', 4, '1:beta')",
            "INSERT INTO chunk_words (rowid, words) VALUES (4, '1:bete')",
        ),
    ),
    "a page of words": (
        "keywords",
        False,
        sql("UPDATE chunk_words_data SET block = zeroblob(8) WHERE id > 10"),
    ),
    "no words at all": ("keywords", False, sql("DELETE FROM chunk_words_docsize")),
    "missing vector": ("vectors", False, sql("DELETE FROM vectors WHERE chunk = 4")),
    "short vector": ("vectors", False, sql("UPDATE vectors SET vector = x'00' WHERE chunk = 4")),
    "vector of zeros": (
        "vectors",
        False,
        sql("UPDATE vectors SET vector = zeroblob(64) WHERE chunk = 4"),
    ),
    "vector of NaN": (
        "vectors",
        False,
        sql(f"UPDATE vectors SET vector = x'{'0000c07f' * 16}' WHERE chunk = 4"),
    ),
    "vector without chunk": (
        "vectors",
        False,
        sql("INSERT INTO vectors SELECT 1, 99, vector FROM vectors WHERE chunk = 4"),
    ),
    "vector of a lost space": (
        "references",
        False,
        sql("INSERT INTO vectors SELECT 99, chunk, vector FROM vectors"),
    ),
    "lost space": (
        "references",
        False,
        sql(
            "INSERT INTO spaces SELECT 9, 99, state, fingerprint, dimension, metric, precision, 0 "
            "FROM spaces WHERE id = 1"
        ),
    ),
    "change of a lost space": (
        "references",
        False,
        sql("INSERT INTO changes (space_id, chunk, kind, stamp) VALUES (99, 1, 'add', 1)"),
    ),
    "field of a lost collection": ("references", False, sql("INSERT INTO fields VALUES (99, 'x')")),
    "no serving space": ("spaces", False, sql("UPDATE spaces SET state = 'retired' WHERE id = 1")),
    "retired space": ("spaces", False, retire),
    "missing index": ("tables", False, sql("DROP INDEX chunks_by_hash")),
    "half an index file": ("index", False, half),
    "a foreign index file": ("index", False, foreign),
    "an index of another state": (
        "index",
        False,
        sql("UPDATE changes SET stamp = stamp + 1 WHERE space_id = 1"),
    ),
    "an index without a row": ("index", True, index_without_a_row),
    "a stray index file": ("leftovers", False, stray),
    "a half-written index": ("leftovers", False, killed),
    "an old half copy": ("leftovers", False, old_copy),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_fault_is_found_and_repaired(data: Path, name: str) -> None:
    check, is_deep, damage = DAMAGES[name]
    damage(data)
    broken = state(data)
    assert found(look(data, repair=False, deep=is_deep)) == [(check, False)]
    assert state(data) == broken  # --check changes nothing
    if is_deep:
        assert look(data, repair=False).findings == []

    done = look(data, deep=is_deep)
    assert found(done) == [(check, True)]
    assert done.is_healthy
    for message in (one.message for one in done.findings):
        assert message.text("zh") != message.text("en")
    assert look(data, deep=True).findings == []
    with KnowledgeBase(data, Seeded(), MODEL) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
        assert [hit.text for hit in knowledge.keyword("beta", 3)] == ["beta"]
        assert knowledge.stats() == {
            "default": {"sources": 3, "chunks": 7},
            "other": {"sources": 1, "chunks": 2},
        }
        kept = not name.startswith("metadata")
        assert len(knowledge.similarity_search("x", 9, filter={"year": 2020})) == kept
        add(knowledge, "/a.md", "eta")  # deletes words, too
    assert look(data, deep=True).findings == []


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_other_kinds_of_index_hold_all_rows(tmp_path: Path, kind: str) -> None:
    with open_knowledge(tmp_path, index=kind) as knowledge:  # type: ignore[arg-type]
        add(knowledge, "/a.md", *(f"text {n}" for n in range(600)))
        assert nearest(knowledge, "text 7") == ["text 7"]
        with knowledge.folder.database.read() as connection:
            (space,) = list_spaces(connection)
        knowledge.folder.index(space).publish()
        add(knowledge, "/b.md", "more")
        add(knowledge, "/c.md", "less")
        source = knowledge.source_by_uri("/c.md")
        assert source is not None
        knowledge.delete_source(source.id)
    assert snapshot.glance(tmp_path / "index" / "1.faiss").kind == kind
    done = checkup(tmp_path, repair=False, deep=True)
    assert done.findings == []
    assert done.checked == {
        "collections": 1,
        "spaces": 1,
        "sources": 2,
        "chunks": 601,
        "keyword_rows": 601,
        "vectors": 601,
        "index_files": 1,
    }


def test_chunks_of_a_lost_source_are_kept(data: Path) -> None:
    sql("DELETE FROM sources WHERE uri = '/b.md'")(data)
    assert found(look(data)) == [("references", True)]
    with open_knowledge(data) as knowledge:
        source = knowledge.source_by_uri("salvaged-2")
        assert source is not None and source.chunks == 2
        assert nearest(knowledge, "beta") == ["beta"]
        knowledge.delete_source(source.id)
    assert look(data, deep=True).findings == []


def test_a_collection_without_a_name_is_kept(data: Path) -> None:
    sql("DELETE FROM collections WHERE id = 1")(data)
    assert found(look(data)) == [("references", True)]
    with open_knowledge(data, "salvaged-1") as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
        assert [hit.text for hit in knowledge.keyword("beta", 3)] == ["beta"]
    assert look(data, deep=True).findings == []


def test_a_chunk_in_another_collection_follows_its_source(data: Path) -> None:
    sql("UPDATE chunks SET collection_id = 2 WHERE text = 'beta'")(data)
    done = look(data)
    assert found(done) == [("references", True)]
    with open_knowledge(data) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
        assert [hit.text for hit in knowledge.keyword("beta", 3)] == ["beta"]
        assert knowledge.collection("other").keyword("beta", 3) == []
    assert look(data, deep=True).findings == []


def test_a_collection_without_vectors_waits_for_a_reindex(data: Path) -> None:
    sql("DELETE FROM vectors WHERE space_id = 1", "DELETE FROM spaces WHERE id = 1")(data)
    done = look(data)
    assert ("spaces", True) in found(done) and ("vectors", False) in found(done)
    (message,) = (str(one.message) for one in done.findings if one.check == "vectors")
    assert "7 chunks of collection default have no usable vector" in message
    with open_knowledge(data) as knowledge:
        assert [hit.text for hit in knowledge.keyword("beta", 3)] == ["beta"]
        list(reindex(knowledge, Seeded().embed_passages, MODEL))
        assert nearest(knowledge, "beta") == ["beta"]
    look(data)
    assert look(data, deep=True).findings == []


def test_a_text_that_isnt_what_was_stored(data: Path) -> None:
    sql("UPDATE chunks SET text = 'beto' WHERE text = 'beta'")(data)
    assert look(data).findings == []
    done = look(data, deep=True)
    assert ("content", False) in found(done) and not done.is_healthy
    assert "/b.md" in str(done.findings[0].message)
    with open_knowledge(data) as knowledge:
        source = knowledge.source_by_uri("/b.md")
        assert source is not None
        knowledge.delete_source(source.id)
        add(knowledge, "/b.md", "beta")
    assert look(data, deep=True).findings == []


def test_vectors_are_made_by_the_same_model_only(data: Path) -> None:
    sql("DELETE FROM vectors WHERE chunk = 4")(data)

    class Other(Seeded):
        fingerprint = "other"

    def broken() -> Seeded:
        raise ModelError("No model.", "没有模型。")

    for embedder, messages in ((None, 1), (Other, 1), (broken, 2)):
        done = checkup(data, repair=True, embedder=embedder)
        assert found(done) == [("vectors", False)] * messages
        assert MODEL in str(done.findings[0].message)
    assert "No model." in str(done.findings[1].message)

    with open_knowledge(data) as knowledge:  # a running app's index takes what is made
        assert nearest(knowledge, "alpha") != ["beta"]
        assert found(look(data)) == [("vectors", True)]
        wait_until(lambda: nearest(knowledge, "beta") == ["beta"], 5)
    assert look(data, deep=True).findings == []


def test_the_model_is_opened_only_if_it_is_needed(data: Path) -> None:
    def refuse() -> Seeded:
        raise AssertionError

    sql("UPDATE sources SET chunks = 9")(data)
    assert checkup(data, repair=True, deep=True, embedder=refuse).is_healthy


def test_an_unfinished_reindex_is_told_of(data: Path) -> None:
    with open_knowledge(data) as knowledge:
        work = reindex(knowledge, Seeded().embed_passages, "new", batch=2)
        next(work)
        work.close()
    for repair in (False, True):
        done = look(data, repair=repair, deep=True)
        assert [(one.check, one.is_fault) for one in done.findings] == [("reindex", False)]
        assert done.is_healthy
        assert "to new is unfinished (2 of 7" in str(done.findings[0].message)
    sql("UPDATE vectors SET vector = x'00' WHERE chunk = 2 AND space_id > 2")(data)
    assert found(look(data)) == [("reindex", False), ("vectors", True)]
    with open_knowledge(data) as knowledge:
        list(reindex(knowledge, Seeded().embed_passages, "new"))
    assert {check for check, _ in found(look(data, deep=True))} <= {"leftovers"}
    assert look(data, deep=True).findings == []


def test_several_faults_at_once(data: Path) -> None:
    names = ("count", "field", "extra words", "missing vector", "retired space")
    for name in (*names, "a stray index file"):
        DAMAGES[name][2](data)
    done = look(data, deep=True)
    assert {check for check, _ in found(done)} >= {
        "counts",
        "fields",
        "keywords",
        "vectors",
        "spaces",
        "leftovers",
    }
    assert done.is_healthy
    assert look(data, deep=True).findings == []


def test_there_is_no_folder_yet(tmp_path: Path) -> None:
    assert checkup(tmp_path / "data", repair=True) == Checkup()
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_being_written_is_left_alone(data: Path) -> None:
    ours = data / "index" / f"1.faiss.{os.getpid()}-00.tmp"
    copy = data / "knowledge.db.0123abcd.tmp"
    for path in (ours, copy):
        path.write_bytes(b"x")
    assert look(data).findings == []
    assert ours.exists() and copy.exists()


# Beside others


def write_on(pipe: Pipe, data: Path) -> None:
    """Add, replace and delete documents until the pipe is closed; answer with how many."""
    count = 0
    with open_knowledge(data) as knowledge:
        pipe.send("ready")
        while not pipe.poll():
            source, _ = add(knowledge, f"/w{count % 7}.md", f"w {count}", f"v {count}")
            if count % 3 == 0:
                knowledge.delete_source(source.id)
            nearest(knowledge, f"w {count}")
            count += 1
        pipe.recv()
        pipe.send(count)


def test_beside_a_live_writer(data: Path) -> None:
    writer = start(write_on, data)
    assert writer.pipe.recv() == "ready"
    rounds = 0
    with closing(Folder(data)) as folder:
        while changes_in(folder) < 120:
            if rounds % 4 == 3:
                sql("UPDATE sources SET chunks = 9 WHERE uri = '/b.md'")(data)
                assert [one.check for one in examine(folder, repair=True)] == ["counts"]
            else:
                assert examine(folder, repair=bool(rounds % 2), deep=rounds % 4 == 1) == []
            rounds += 1
    assert rounds > 8
    assert writer.ask("stop") > 20
    writer.finish()
    assert look(data, deep=True).findings == []


def changes_in(folder: Folder) -> int:
    with folder.database.read() as connection:
        return int(connection.execute("SELECT max(seq) FROM changes").fetchone()[0])


def reindex_on(pipe: Pipe, data: Path) -> None:
    """Switch between two models until the pipe says so; answer with how often."""
    count = 0
    with open_knowledge(data) as knowledge:
        pipe.send("ready")
        while not pipe.poll():
            for _ in reindex(knowledge, Seeded().embed_passages, f"model {count % 2}", batch=4):
                pass
            count += 1
        pipe.recv()
        pipe.send(count)


def test_beside_a_reindex(data: Path) -> None:
    worker = start(reindex_on, data)
    assert worker.pipe.recv() == "ready"
    with closing(Folder(data)) as folder:
        while changes_in(folder) < 200:
            for repair in (False, True):
                told = examine(folder, repair=repair, deep=not repair, embedder=Seeded)
                faults = [str(one.message) for one in told if one.is_fault]
                # What it clears away after each switch is told of, and cleared by both.
                assert all("from before a reindex" in message for message in faults), faults
    assert worker.ask("stop") > 5
    worker.finish()
    look(data)
    assert look(data, deep=True).findings == []


def test_a_writer_that_doesnt_end_is_waited_for(data: Path) -> None:
    sql("UPDATE sources SET chunks = 9")(data)
    with closing(Folder(data, wait_seconds=0.1)) as folder, raw(data) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert [one.check for one in examine(folder, repair=False)] == ["counts"]
        with pytest.raises(KnowledgeLocked):
            examine(folder, repair=True)


# A damaged file


def fill(data: Path, documents: int = 60) -> None:
    with open_knowledge(data) as knowledge:
        for n in range(documents):
            add(knowledge, f"/{n}.md", *(f"text {n} {m} " + "word " * 150 for m in range(5)))
        assert len(nearest(knowledge, "text 7", 3)) == 3


def texts_of(data: Path) -> dict[str, set[str]]:
    with open_knowledge(data) as knowledge:
        return {
            source.uri: {hit.text for hit in knowledge.chunks(source.id)}
            for source in knowledge.sources()
        }


def overwrite_pages(data: Path, first: int, count: int) -> None:
    with (data / "knowledge.db").open("r+b") as file:
        file.seek(first * 4096)
        file.write(b"\xa5" * 4096 * count)


def pages_of(data: Path) -> int:
    return (data / "knowledge.db").stat().st_size // 4096


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.9])
def test_overwritten_pages(tmp_path: Path, share: float) -> None:
    fill(tmp_path)
    whole = texts_of(tmp_path)
    overwrite_pages(tmp_path, int(pages_of(tmp_path) * share), 6)
    damaged = (tmp_path / "knowledge.db").read_bytes()

    assert found(checkup(tmp_path, repair=False)) == [("database", False)]
    assert (tmp_path / "knowledge.db").read_bytes() == damaged

    done = checkup(tmp_path, repair=True, deep=True, embedder=Seeded)
    assert ("database", True) in found(done)
    (aside,) = tmp_path.glob("knowledge.db.damaged-*")
    assert aside.read_bytes() == damaged
    assert checkup(tmp_path, repair=True, deep=True).findings == []

    left = texts_of(tmp_path)
    lost = {uri: len(texts - left.get(uri, set())) for uri, texts in whole.items()}
    assert 0 <= sum(lost.values()) < 60
    for uri, texts in left.items():
        assert texts <= whole.get(uri, texts), uri
    told = [str(one.message) for one in done.findings if one.check == "lost"]
    for uri, count in lost.items():
        if count and uri in left:
            assert f"{count} of 5 chunks of {uri} are lost: add it again." in told
    with open_knowledge(tmp_path) as knowledge:
        for uri, texts in left.items():
            for text in texts:
                assert nearest(knowledge, text) == [text], uri
        add(knowledge, "/new.md", "new")  # and it goes on
        assert nearest(knowledge, "new") == ["new"]
        source = knowledge.source_by_uri(next(uri for uri in left if lost.get(uri, 0) == 0))
        assert source is not None and source.content_hash == "hash"
        for uri in (uri for uri, count in lost.items() if count and uri in left):
            source = knowledge.source_by_uri(uri)
            assert source is not None and source.content_hash == ""  # added again, it is stored


def test_a_file_that_was_cut_short(tmp_path: Path) -> None:
    fill(tmp_path)
    path = tmp_path / "knowledge.db"
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)
    with pytest.raises(KnowledgeError, match="damaged"):
        open_knowledge(tmp_path)
    assert found(checkup(tmp_path, repair=False)) == [("database", False)]
    assert ("database", True) in found(checkup(tmp_path, repair=True, embedder=Seeded))
    assert checkup(tmp_path, repair=True, deep=True).findings == []
    assert len(texts_of(tmp_path)) > 20


def test_indexes_are_rebuilt_in_place(data: Path) -> None:
    """A damage that only SQLite's own indexes have needs no new file."""
    with raw(data) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        entry = connection.execute(
            "SELECT * FROM sqlite_master WHERE name = 'chunks_of_source'"
        ).fetchone()
        connection.execute("DELETE FROM sqlite_master WHERE name = 'chunks_of_source'")
    sql("UPDATE chunks SET position = position + 10 WHERE id = 2")(data)  # not in the index
    with raw(data) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", entry)
    assert found(look(data, repair=False, deep=True)) == [("database", False)]
    assert found(look(data, deep=True)) == [("database", True)]
    assert look(data, deep=True).findings == []
    assert not list(data.glob("*.damaged-*"))


def test_nothing_can_be_read(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    overwrite_pages(tmp_path, 0, 1)
    before = state(tmp_path)
    with pytest.raises(KnowledgeError, match="restore") as caught:
        checkup(tmp_path, repair=True)
    assert "restore" in caught.value.text("zh")
    assert state(tmp_path) == before


def hold_open(pipe: Pipe, data: Path) -> None:
    with open_knowledge(data) as knowledge:
        knowledge.sources()
        pipe.send("open")
        pipe.poll(60)


def test_no_salvage_while_others_have_it_open(tmp_path: Path) -> None:
    fill(tmp_path)
    overwrite_pages(tmp_path, int(pages_of(tmp_path) * 0.5), 6)
    other = start(hold_open, tmp_path)
    assert other.pipe.recv() == "open"
    damaged = (tmp_path / "knowledge.db").read_bytes()
    with pytest.raises(KnowledgeLocked, match="stop the app"):
        salvage(tmp_path)
    assert (tmp_path / "knowledge.db").read_bytes() == damaged
    assert not list(tmp_path.glob("*.damaged-*"))
    other.finish()
    assert salvage(tmp_path).chunks > 200


def test_a_salvage_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    overwrite_pages(tmp_path, int(pages_of(tmp_path) * 0.5), 3)
    damaged = (tmp_path / "knowledge.db").read_bytes()

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("assistant.knowledge.salvage.rebuild_keywords", full)
    with pytest.raises(KnowledgeError, match="No space left"):
        salvage(tmp_path)
    assert (tmp_path / "knowledge.db").read_bytes() == damaged
    assert not list(tmp_path.glob("*.tmp"))


def open_when_told(pipe: Pipe, data: Path) -> None:
    pipe.send(pipe.recv())
    with open_knowledge(data) as knowledge:
        pipe.send(len(knowledge.sources()))
        add(knowledge, "/late.md", "late")


def test_who_opens_it_meanwhile_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    overwrite_pages(tmp_path, int(pages_of(tmp_path) * 0.5), 6)
    other = start(open_when_told, tmp_path)

    def while_it_waits(connection: sqlite3.Connection) -> None:
        assert other.ask("open") == "open"
        assert not other.pipe.poll(0.3)
        rebuild_keywords(connection)

    monkeypatch.setattr("assistant.knowledge.salvage.rebuild_keywords", while_it_waits)
    saved = salvage(tmp_path)
    assert other.pipe.recv() == saved.sources
    other.finish()
    checkup(tmp_path, repair=True, embedder=Seeded)
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "late") == ["late"]
        assert len(knowledge.sources()) == saved.sources + 1

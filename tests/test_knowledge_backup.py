"""Backup and restore: whole or not at all, while others read and write."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge import backup as backup_module
from assistant.knowledge import overwriting
from assistant.knowledge import restore as restore_module
from assistant.knowledge.backup import Manifest, alone, backup
from assistant.knowledge.changes import page_of_vectors
from assistant.knowledge.database import Connection
from assistant.knowledge.doctor import checkup
from assistant.knowledge.folder import Folder
from assistant.knowledge.index import building
from assistant.knowledge.migrations import SCHEMA_VERSION
from assistant.knowledge.records import NewChunk
from assistant.knowledge.reindex import reindex
from assistant.knowledge.restore import restore
from assistant.knowledge.spaces import list_spaces
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import (
    add,
    nearest,
    open_knowledge,
    start,
    vector_of,
    vectors_of,
    wait_until,
)

Members = dict[str, bytes]


def upload(data: Path, name: str, text: str) -> Path:
    path = data / "uploads" / "0123" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def fill(data: Path, *names: str) -> None:
    """A document for each name, one of them an upload."""
    with open_knowledge(data) as knowledge:
        for name in names:
            add(knowledge, f"/{name}.md", name, f"{name} two")
        add(knowledge, str(upload(data, f"上传 {names[0]}.md", names[0])), f"upload {names[0]}")
        assert nearest(knowledge, names[0]) == [names[0]]


def save(data: Path, path: Path) -> Manifest:
    with closing(Folder(data)) as folder:
        return backup(folder, path)


def bring_back(data: Path, path: Path, *, replace: bool = True) -> Manifest:
    with closing(Folder(data)) as folder:
        return restore(folder, path, replace=replace)


def content(data: Path) -> dict[str, Any]:
    """All that people have put in: chunks by document, and uploaded files."""
    with open_knowledge(data) as knowledge:
        texts = {
            source.uri: [hit.text for hit in knowledge.chunks(source.id)]
            for source in knowledge.sources()
        }
        for found in texts.values():
            for text in found:
                assert nearest(knowledge, text) == [text]
    uploads = data / "uploads"
    files = {
        str(path.relative_to(uploads)): path.read_text("utf-8")
        for path in sorted(uploads.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    return {"texts": texts, "files": files}


def clean(data: Path) -> None:
    """Nothing is left of a restore, and nothing is wrong."""
    assert not (data / "restore.tmp").exists()
    checkup(data, repair=True)
    assert checkup(data, repair=False, deep=True).findings == []


def members(path: Path) -> Members:
    with tarfile.open(path) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def pack(path: Path, files: Members) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def with_manifest(files: Members, **changes: object) -> Members:
    manifest = json.loads(files["manifest.json"])
    manifest["members"] = {
        name: {"size": len(data), "sha256": backup_module.hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name != "manifest.json"
    }
    return {**files, "manifest.json": json.dumps({**manifest, **changes}).encode()}


def test_there_and_back(tmp_path: Path) -> None:
    data, saved = tmp_path / "data", tmp_path / "saved" / "kb.tar"
    fill(data, "alpha", "beta")
    with open_knowledge(data, "other") as knowledge:
        add(knowledge, "/o.md", "omega")
    (data / "uploads" / "0123" / ".upload-half").write_text("half")
    before = content(data)
    manifest = save(data, saved)
    assert manifest.counts == {"collections": 2, "sources": 4, "chunks": 6, "uploads": 1}
    assert sorted(members(saved)) == ["knowledge.db", "manifest.json", "uploads/0123/上传 alpha.md"]
    assert [path.name for path in saved.parent.iterdir()] == ["kb.tar"]

    fill(data, "gamma")
    upload(data, "上传 alpha.md", "changed")
    assert content(data) != before
    assert bring_back(data, saved) == manifest
    assert content(data) == before
    with open_knowledge(data, "other") as knowledge:
        assert nearest(knowledge, "omega") == ["omega"]
    clean(data)


def test_into_a_new_folder_uploads_move_along(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "machine" / "other"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    bring_back(other, tmp_path / "kb.tar", replace=False)
    path = other.resolve() / "uploads" / "0123" / "上传 alpha.md"
    assert path.read_text() == "alpha"
    with open_knowledge(other) as knowledge:
        assert [source.uri for source in knowledge.sources()] == ["/alpha.md", str(path)]
        assert nearest(knowledge, "upload alpha") == ["upload alpha"]
    clean(other)


def test_of_an_empty_knowledge_base(tmp_path: Path) -> None:
    data = tmp_path / "data"
    open_knowledge(data).close()
    upload(data, "lonely.md", "lonely")
    save(data, tmp_path / "kb.tar")
    fill(data, "alpha")
    bring_back(data, tmp_path / "kb.tar")
    assert content(data) == {"texts": {}, "files": {"0123/lonely.md": "lonely"}}
    fill(data, "beta")
    with closing(Folder(data)) as folder, folder.database.read() as connection:
        assert [space.id for space in list_spaces(connection)] == [2]  # 1 was another's
    clean(data)


def test_an_unfinished_reindex_is_in_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha", "beta")

    def embed(texts: object) -> np.ndarray[Any, Any]:
        return vectors_of([NewChunk(text) for text in texts])  # type: ignore[attr-defined]

    with open_knowledge(data) as knowledge:
        work = reindex(knowledge, embed, "new", batch=2)
        next(work)
        work.close()
    save(data, tmp_path / "kb.tar")
    bring_back(data, tmp_path / "kb.tar")
    with open_knowledge(data) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
        begun = [progress.done for progress in reindex(knowledge, embed, "new", batch=2)]
    assert begun[0] == 4  # two were there
    clean(data)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    path.write_text("precious")
    with pytest.raises(KnowledgeError, match="exists"):
        save(data, path)
    assert path.read_text() == "precious"


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    write = backup_module._write

    def meanwhile(*arguments: Any) -> Manifest:
        path.write_text("precious")
        return write(*arguments)

    monkeypatch.setattr(backup_module, "_write", meanwhile)
    with pytest.raises(KnowledgeError, match="exists"):
        save(data, path)
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "no links")))
    path.unlink()
    with pytest.raises(KnowledgeError, match="exists"):
        save(data, path)
    assert path.read_text() == "precious"
    monkeypatch.setattr(backup_module, "_write", write)
    path.unlink()
    save(data, path)
    assert len(members(path)) == 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "kb.tar"]


def test_a_backup_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(KnowledgeError, match="No space left"):
        save(data, tmp_path / "kb.tar")
    (tmp_path / "file").touch()
    with pytest.raises(KnowledgeError, match="can't be"):
        save(data, tmp_path / "file" / "kb.tar")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "file"]


def test_an_upload_that_is_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    listed = list(backup_module.uploaded(data / "uploads"))
    monkeypatch.setattr(
        backup_module, "uploaded", lambda uploads: [*listed, uploads / "0123" / "gone.md"]
    )
    assert save(data, tmp_path / "kb.tar").counts["uploads"] == 1


def test_a_full_knowledge_base_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    fill(data, "beta")
    before = content(data)
    with pytest.raises(KnowledgeError, match=r"4 sources.*--replace") as caught:
        bring_back(data, tmp_path / "kb.tar", replace=False)
    assert "--replace" in caught.value.text("zh")
    assert content(data) == before
    clean(data)


def test_one_at_a_time(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    with closing(Folder(data)) as folder, alone(folder):
        with pytest.raises(KnowledgeLocked, match="running"):
            restore(folder, tmp_path / "kb.tar", replace=True)
        with pytest.raises(KnowledgeLocked, match="running"):
            backup(folder, tmp_path / "two.tar")
        (data / "restore.tmp").mkdir()
        assert checkup(data, repair=True).findings == []  # it is the running one's
        assert (data / "restore.tmp").exists()
    assert [one.check for one in checkup(data, repair=True).findings] == ["restore"]
    clean(data)


# Bad files


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "no tar": lambda data: b"no tar at all" * 1000,
    "half": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[:-12000],
    "a bit of the database": lambda data: flipped(data, 9000),
    "a bit of an upload": lambda data: flipped(data, data.index(b"uploads/") + 1536),
    "a bit of the manifest": lambda data: data.replace(b'"sha256": "', b'"sha256": "0', 1),
    "compressed": lambda data: __import__("gzip").compress(data),
}


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def refused(data: Path, path: Path, match: str) -> None:
    before = content(data)
    with pytest.raises(KnowledgeError, match=match) as caught:
        bring_back(data, path)
    assert caught.value.text("zh") != caught.value.text("en")
    assert content(data) == before
    clean(data)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_backup_changes_nothing(tmp_path: Path, name: str) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    upload(data, "plain.md", "a plain name, so no extended header")
    save(data, path)
    fill(data, "beta")
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[name](whole))
    assert path.read_bytes() != whole
    refused(data, path, "no whole backup")


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "/tmp/evil", "uploads/../../evil", "uploads/./evil", "uploads//evil"),
        *("uploads", "evil", "knowledge.db-wal", "uploads/..", "./knowledge.db"),
    ],
)
def test_evil_names(tmp_path: Path, name: str) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    save(data, path)
    files = members(path)
    database = files.pop("knowledge.db")
    pack(path, with_manifest({"knowledge.db": database, name: b"evil", **files}))
    refused(data, path, "doesn't belong in it")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices(tmp_path: Path, kind: bytes) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    save(data, path)
    with tarfile.open(path, "a") as tar:
        entry = tarfile.TarInfo("uploads/link")
        entry.type, entry.linkname = kind, str(tmp_path / "secret")
        tar.addfile(entry)
    refused(data, path, "doesn't belong in it")


def test_files_that_are_not_those_of_the_manifest(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    save(data, path)
    files = members(path)
    upload_name = next(name for name in files if name.startswith("uploads/"))
    less = {name: one for name, one in files.items() if name != upload_name}
    for changed in (
        less,
        {**files, "uploads/more": b"more"},
        {name: one for name, one in files.items() if name != "knowledge.db"},
        {name: one for name, one in files.items() if name != "manifest.json"},
        {**files, "manifest.json": b"{}"},
        {**files, "manifest.json": b"\xff"},
        with_manifest({**files, "knowledge.db": b"no database" * 500}),
        with_manifest(files, format="another"),
    ):
        refused(data, pack(path, changed), "no whole backup|newer")
    pack(path, files)
    with tarfile.open(path, "a") as tar:  # the same name twice
        entry = tarfile.TarInfo(upload_name)
        entry.size = len(files[upload_name])
        tar.addfile(entry, io.BytesIO(files[upload_name]))
    refused(data, path, "no whole backup")


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    save(data, path)
    files = members(path)
    refused(data, pack(path, with_manifest(files, schema=SCHEMA_VERSION + 1)), "newer version")
    refused(data, pack(path, with_manifest(files, version=2)), "newer version")
    newer = tmp_path / "newer.db"
    newer.write_bytes(files["knowledge.db"])
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    files["knowledge.db"] = newer.read_bytes()
    refused(data, pack(path, with_manifest(files)), "newer version")


def test_an_older_version_is_migrated(tmp_path: Path) -> None:
    data, path, old = tmp_path / "data", tmp_path / "kb.tar", tmp_path / "old.db"
    fill(data, "alpha")
    save(data, path)
    with closing(sqlite3.connect(old)) as connection:
        sample = Path(__file__).parent / "samples" / "knowledge-v1.sql"
        connection.executescript(sample.read_text("utf-8"))
    files = {"knowledge.db": old.read_bytes(), "manifest.json": members(path)["manifest.json"]}
    bring_back(data, pack(path, with_manifest(files, schema=1)))
    with open_knowledge(data) as knowledge:
        texts = {hit.text for source in knowledge.sources() for hit in knowledge.chunks(source.id)}
        assert "A note in English." in texts and "alpha" not in texts
        assert nearest(knowledge, "A note in English.") == ["A note in English."]
    clean(data)


# Beside others


def work_on(pipe: Pipe, data: Path) -> None:
    """Search and write until told to stop; errors and the number of rounds are the answer."""
    count, errors = 0, []
    with open_knowledge(data) as knowledge:
        nearest(knowledge, "alpha")
        pipe.send("ready")
        while not pipe.poll():
            try:
                add(knowledge, "/live.md", f"live {count}", f"more {count}")
                before = texts_of(knowledge, "/live.md")
                found = [nearest(knowledge, text) for text in before]
                # Unless a restore came in between, which takes it away with the rest.
                if texts_of(knowledge, "/live.md") == before != [text for (text,) in found]:
                    errors.append(f"{before} found {found}")
                keywords = [hit.text for hit in knowledge.keyword("alpha", 9)]
                if "alpha" not in keywords:
                    errors.append(f"keywords found {keywords}")
            except Exception as error:  # noqa: BLE001 - any would be a fault
                errors.append(repr(error))
            count += 1
        pipe.recv()
        pipe.send((count, errors))


def texts_of(knowledge: KnowledgeBase, uri: str) -> list[str]:
    source = knowledge.source_by_uri(uri)
    return [hit.text for hit in knowledge.chunks(source.id)] if source else []


def test_while_an_app_searches_and_writes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha", "beta")
    app = start(work_on, data)
    assert app.pipe.recv() == "ready"
    with closing(Folder(data)) as folder:
        for n in range(8):
            seq = last_change(folder)
            backup(folder, tmp_path / f"{n}.tar")
            wait_until(lambda seq=seq: last_change(folder) > seq + 4, 20)  # type: ignore[misc]
            restore(folder, tmp_path / f"{n}.tar", replace=True)
    count, errors = app.ask("stop")
    app.finish()
    assert errors == []
    assert count > 16
    clean(data)
    found = content(data)["texts"]
    assert found["/alpha.md"] == ["alpha", "alpha two"]
    bring_back(data, tmp_path / "3.tar")
    clean(data)


def last_change(folder: Folder) -> int:
    with folder.database.read() as connection:
        return int(connection.execute("SELECT max(seq) FROM changes").fetchone()[0])


def search_on(pipe: Pipe, data: Path) -> None:
    """Answer each text with the nearest and the best keyword hit."""
    with open_knowledge(data) as knowledge:
        pipe.send("ready")
        while text := pipe.recv():
            keyword = [hit.text for hit in knowledge.keyword(text, 1)]
            pipe.send((nearest(knowledge, text), keyword))


def test_a_running_app_sees_the_restored_content(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha", "beta")
    save(data, tmp_path / "kb.tar")
    app = start(search_on, data)
    assert app.pipe.recv() == "ready"
    assert app.ask("beta") == (["beta"], ["beta"])
    with open_knowledge(data) as knowledge:
        source = knowledge.source_by_uri("/beta.md")
        assert source is not None
        knowledge.delete_source(source.id)
        add(knowledge, "/new.md", "gamma", "delta")
    wait_until(lambda: app.ask("gamma") == (["gamma"], ["gamma"]), 5)
    assert "beta" not in app.ask("beta")[0]
    bring_back(data, tmp_path / "kb.tar")
    assert app.ask("gamma") == (["alpha"], []) or "gamma" not in app.ask("gamma")[0]
    wait_until(lambda: app.ask("beta") == (["beta"], ["beta"]), 2)
    app.pipe.send(None)
    app.finish()


def test_another_models_database_in_the_place_of_the_open_one(tmp_path: Path) -> None:
    """Both have a first space, of another dimension and metric."""
    data, other = tmp_path / "data", tmp_path / "other"
    fill(data, "alpha")
    with KnowledgeBase(other, None, "wide", metric="l2") as knowledge:
        vectors = np.random.default_rng(1).normal(size=(3, 48)).astype(np.float32)
        knowledge.add_embedded("/w.md", "w", "md", 1, "h", [NewChunk(t) for t in "abc"], vectors)
        save(other, tmp_path / "other.tar")
    with open_knowledge(data) as ours, KnowledgeBase(data, None, "wide") as theirs:
        assert nearest(ours, "alpha") == ["alpha"]
        bring_back(data, tmp_path / "other.tar")
        with pytest.raises(KnowledgeError, match="wide"):
            nearest(ours, "alpha")
        assert [hit.text for hit in theirs.dense(vectors[2], 1)] == ["c"]
        assert [hit.text for hit in ours.collection("default").keyword("b", 1)] == ["b"]
    clean(data)


def index_without_beta(data: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An index file with the cursor of before a deletion, but read after it: as it is when
    documents are deleted while it is built. The log tells whoever reads it."""
    read = page_of_vectors

    with open_knowledge(data) as knowledge:

        def delete_first(*arguments: Any) -> list[tuple[int, bytes]]:
            source = knowledge.source_by_uri("/beta.md")
            if source is not None:
                knowledge.delete_source(source.id)
            with knowledge.folder.database.read() as connection:
                return read(connection, *arguments[1:])

        with knowledge.folder.database.read() as connection:
            (space,) = list_spaces(connection)
        monkeypatch.setattr(building.changes, "page_of_vectors", delete_first)
        knowledge.folder.index(space).publish()
        monkeypatch.undo()
        whole = (data / "index" / "1.faiss").read_bytes()
        assert nearest(knowledge, "beta") != ["beta"]
    return whole


def test_no_index_of_another_history_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index file whose place in the log is the backup's lacks what the backup has: the change
    that tells so is in a history that the restore ends."""
    data = tmp_path / "data"
    fill(data, "alpha", "beta")
    save(data, tmp_path / "kb.tar")
    late = index_without_beta(data, monkeypatch)
    bring_back(data, tmp_path / "kb.tar")
    (data / "index" / "1.faiss").write_bytes(late)  # by a process that was building it
    with open_knowledge(data) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
        assert nearest(knowledge, "beta two") == ["beta two"]
    clean(data)


def test_no_number_is_given_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    with open_knowledge(data) as knowledge:
        source, _ = add(knowledge, "/new.md", "gamma")
    spaces = set()
    for _ in range(3):
        bring_back(data, tmp_path / "kb.tar")
        with open_knowledge(data) as knowledge:
            with knowledge.folder.database.read() as connection:
                spaces |= {space.id for space in list_spaces(connection)}
            assert knowledge.source(source.id) is None
            other, _ = add(knowledge, "/other.md", "delta")
            assert other.id > source.id
        source = other
    assert spaces == {2, 3, 4}


def test_a_space_that_is_made_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    renumber, calls = restore_module._renumber, []

    def meanwhile(staged: Path, numbers: dict[str, int]) -> list[list[int]]:
        made = renumber(staged, numbers)
        calls.append(numbers["spaces"])
        if len(calls) == 1:
            with open_knowledge(data, "fresh") as knowledge:
                add(knowledge, "/f.md", "fresh")
        return made

    monkeypatch.setattr(restore_module, "_renumber", meanwhile)
    bring_back(data, tmp_path / "kb.tar")
    assert calls == [1, 2]
    with closing(Folder(data)) as folder, folder.database.read() as connection:
        assert all(space.id > 2 for space in list_spaces(connection))
    assert set(content(data)["texts"]) >= {"/alpha.md"}
    clean(data)


def test_a_writer_that_doesnt_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    fill(data, "beta")
    before = content(data)
    monkeypatch.setattr(overwriting.overwrite, "__defaults__", (0.3,))
    with closing(Folder(data, wait_seconds=0.3)) as folder:
        with closing(sqlite3.connect(data / "knowledge.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(KnowledgeLocked, match="nothing was changed"):
                restore(folder, tmp_path / "kb.tar", replace=True)
        assert content(data) == before
        restore(folder, tmp_path / "kb.tar", replace=True)
    assert content(data) != before
    clean(data)


def test_a_long_reader_keeps_what_it_sees(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha")
    save(data, tmp_path / "kb.tar")
    fill(data, "beta")
    with closing(Folder(data)) as folder, folder.database.read() as connection:
        count = "SELECT count(*) FROM chunks"
        assert connection.execute(count).fetchone()[0] == 6
        bring_back(data, tmp_path / "kb.tar")
        assert connection.execute(count).fetchone()[0] == 6
    with closing(Folder(data)) as folder, folder.database.read() as connection:
        assert connection.execute(count).fetchone()[0] == 3


# Killed anywhere


def end(*_: object, **__: object) -> None:
    os._exit(9)


def killed_after(name: str, times: int = 1) -> Callable[[], None]:
    """Let the process end once the function of ``restore`` has returned for the n-th time."""

    def patch() -> None:
        function, calls = getattr(restore_module, name), []

        def then_end(*arguments: Any, **options: Any) -> None:
            function(*arguments, **options)
            calls.append(1)
            if len(calls) == times:
                end()

        setattr(restore_module, name, then_end)

    return patch


def killed_in_the_switch() -> None:
    connect = sqlite3.connect

    class Source(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **options: Any) -> None:
            step, calls = options.pop("progress"), []

            def progress(*status: int) -> None:
                step(*status)
                calls.append(1)
                if len(calls) == 20:
                    end()

            super().backup(target, progress=progress, **{**options, "pages": 1})

    overwriting.sqlite3.connect = lambda path, **options: connect(  # type: ignore[assignment]
        path, factory=Source, **options
    )


def killed_at_the_uploads() -> None:
    Path.replace = end  # type: ignore[method-assign, assignment]


def killed_while_clearing() -> None:
    restore_module.shutil.rmtree = end  # type: ignore[assignment]


#: Where the process is killed, and whether the new content is there then.
KILLS: dict[str, tuple[Callable[[], None], bool]] = {
    "unpacked": (killed_after("unpack"), False),
    "migrated": (killed_after("_migrate"), False),
    "renumbered": (killed_after("_renumber"), False),
    "half written": (killed_in_the_switch, False),
    "written": (killed_after("overwrite"), True),
    "at the uploads": (killed_at_the_uploads, True),
    "at the end": (killed_while_clearing, True),
}


def restore_and_die(pipe: Pipe, data: Path, path: Path, name: str) -> None:
    KILLS[name][0]()
    bring_back(data, path)


@pytest.mark.parametrize("finisher", ["doctor", "restore"])
@pytest.mark.parametrize("name", KILLS)
def test_killed_anywhere(tmp_path: Path, name: str, finisher: str) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha", "beta")
    upload(data, "kept.md", "as saved")
    old = content(data)
    save(data, path)
    with open_knowledge(data) as knowledge:
        for source in knowledge.sources():
            knowledge.delete_source(source.id)
    upload(data, "kept.md", "changed")
    fill(data, "gamma", "delta")
    now = content(data)

    child = start(restore_and_die, data, path, name)
    child.process.join(60)
    assert child.process.exitcode == 9
    assert (data / "restore.tmp").exists()
    is_new = KILLS[name][1]
    assert content(data)["texts"] == (old if is_new else now)["texts"]

    if finisher == "doctor":
        assert [one.check for one in checkup(data, repair=False).findings][:1] == ["restore"]
        done = checkup(data, repair=True)
        assert done.findings[0].check == "restore" and done.is_healthy
        assert content(data) == (old if is_new else now)
    else:
        bring_back(data, path)
        assert content(data) == old
    clean(data)


def test_an_upload_of_the_app_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is uploaded while a restore runs is not taken for the old content."""
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    save(data, path)
    place = restore_module._place_uploads

    def meanwhile(*arguments: Any) -> None:
        upload(data, "fresh.md", "fresh")
        place(*arguments)

    monkeypatch.setattr(restore_module, "_place_uploads", meanwhile)
    bring_back(data, path)
    assert set(content(data)["files"]) == {"0123/上传 alpha.md", "0123/fresh.md"}


def test_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, path = tmp_path / "data", tmp_path / "kb.tar"
    fill(data, "alpha")
    save(data, path)
    fill(data, "beta")
    before = content(data)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for module, name in ((restore_module, "_renumber"), (backup_module, "_extract")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(KnowledgeError, match="No space left"):
                bring_back(data, path)
        assert content(data) == before
        clean(data)
    with monkeypatch.context() as patch:  # after the switch: it is finished when there is room
        patch.setattr(Path, "replace", full)
        with pytest.raises(KnowledgeError, match="No space left"):
            bring_back(data, path)
    assert set(content(data)["texts"]) != set(before["texts"])
    done = checkup(data, repair=True)
    assert done.findings[0].check == "restore" and done.is_healthy
    clean(data)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [one for one in threading.enumerate() if one.name == "build-index"]


def test_vectors_are_the_same_after_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "alpha", "beta")
    before = stored(data)
    save(data, tmp_path / "kb.tar")
    bring_back(data, tmp_path / "kb.tar")
    assert stored(data) == before
    assert np.frombuffer(before[0][1], "<f4") == pytest.approx(
        vector_of("alpha") / np.linalg.norm(vector_of("alpha"))
    )


def stored(data: Path) -> list[tuple[int, bytes]]:
    with closing(Folder(data)) as folder, folder.database.read() as connection:
        return rows_of(connection)


def rows_of(connection: Connection) -> list[tuple[int, bytes]]:
    rows = connection.execute("SELECT chunk, vector FROM vectors ORDER BY chunk")
    return [(row[0], row[1]) for row in rows]

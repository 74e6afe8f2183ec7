"""The database: durability settings, versions, locks, and folders that can't be used."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.database import Connection, Database
from assistant.knowledge.migrations import SCHEMA_VERSION
from tests.knowledge_samples import add, nearest, open_knowledge, start


def names(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM collections ORDER BY name")]


def insert(connection: Connection, name: str) -> None:
    connection.execute(
        "INSERT INTO collections (name, created_at) VALUES (?, 0)",
        (name,),
    )


def test_every_connection_is_durable_and_checked(tmp_path: Path) -> None:
    database = Database(tmp_path / "knowledge.db")
    with database.write() as writer, database.read() as reader:
        for connection in (writer, reader):
            values = [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in (
                    *("journal_mode", "synchronous", "foreign_keys", "secure_delete"),
                    "user_version",
                )
            ]
            assert values == ["wal", 2, 1, 1, SCHEMA_VERSION]
    database.close()


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "knowledge.db")
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        insert(connection, "a")
        raise ZeroDivisionError
    with database.read() as connection:
        assert names(connection) == []
    with database.write() as connection:
        insert(connection, "b")
    with database.read() as connection:
        assert names(connection) == ["b"]
    database.close()


def test_a_read_sees_one_state(tmp_path: Path) -> None:
    database = Database(tmp_path / "knowledge.db")
    with database.read() as reader:
        assert names(reader) == []
        with database.write() as writer:
            insert(writer, "a")
        assert names(reader) == []
        with database.read() as second:
            assert names(second) == ["a"]
    database.close()


def test_readers_cannot_write(tmp_path: Path) -> None:
    database = Database(tmp_path / "knowledge.db")
    with pytest.raises(KnowledgeError), database.read() as connection:
        insert(connection, "a")
    database.close()


def test_another_thread_waits_for_a_bounded_time(tmp_path: Path) -> None:
    database = Database(tmp_path / "knowledge.db", wait_seconds=0.2)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    begin = time.monotonic()
    with pytest.raises(KnowledgeLocked), database.write():
        pass
    assert 0.15 < time.monotonic() - begin < 2
    leave.set()
    holder.join()
    with database.write() as connection:
        insert(connection, "a")
    database.close()


def hold_lock(pipe: Pipe, path: Path) -> None:
    database = Database(path)
    with database.write():
        pipe.send("held")
        pipe.poll(60)
    database.close()


def test_another_process_is_waited_for_a_bounded_time(tmp_path: Path) -> None:
    with open_knowledge(tmp_path, wait_seconds=0.2) as knowledge:
        holder = start(hold_lock, tmp_path / "knowledge.db")
        assert holder.pipe.recv() == "held"
        with pytest.raises(KnowledgeLocked, match=r"did not finish within 0\.2 s"):
            add(knowledge, "/a.md", "alpha")
        assert knowledge.is_empty  # reading goes on
        holder.finish()
        add(knowledge, "/a.md", "alpha")
        assert nearest(knowledge, "alpha") == ["alpha"]


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    open_knowledge(tmp_path).close()
    path = tmp_path / "knowledge.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(KnowledgeError, match="newer version") as caught:
        open_knowledge(tmp_path)
    assert "更新版本" in caught.value.text("zh")
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "knowledge.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(KnowledgeError, match="another program"):
        open_knowledge(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "knowledge.db").write_bytes(b"no database" * 1000)
    with pytest.raises(KnowledgeError, match="damaged"):
        open_knowledge(tmp_path)


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KnowledgeError, match="can't be made"):
        open_knowledge(tmp_path / "file" / "data")
    (tmp_path / "knowledge.db").mkdir()
    with pytest.raises(KnowledgeError, match="can't be opened"):
        open_knowledge(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="uses a read-only file system of Linux")
def test_a_read_only_folder() -> None:
    with pytest.raises(KnowledgeError, match="can't be opened"):
        open_knowledge(Path("/proc/self"))


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    open_knowledge(tmp_path / "a" / "b").close()
    assert (tmp_path / "a" / "b" / "knowledge.db").is_file()


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "alpha")
        database = knowledge._folder.database
        with pytest.raises(KnowledgeError, match="full"), database.write() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
            connection.execute("CREATE TABLE big AS SELECT zeroblob(1000000)")
        with database.write() as connection:
            connection.execute("PRAGMA max_page_count = 4294967294")
        add(knowledge, "/b.md", "beta")
        assert nearest(knowledge, "alpha") == ["alpha"]
        assert nearest(knowledge, "beta") == ["beta"]


def test_deleted_text_is_not_left_in_the_file(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", *(f"the secret of page {n}" for n in range(99)))
        add(knowledge, "/b.md", "what stays")
        source = knowledge.source_by_uri("/a.md")
        assert source is not None
        knowledge.delete_source(source.id)
    data = (tmp_path / "knowledge.db").read_bytes()
    assert b"what stays" in data and b"the secret of page" not in data


def test_closed(tmp_path: Path) -> None:
    knowledge = open_knowledge(tmp_path)
    knowledge.close()
    knowledge.close()
    with pytest.raises(KnowledgeError, match="closed"):
        knowledge.sources()
    with pytest.raises(KnowledgeError, match="closed"):
        add(knowledge, "/a.md", "alpha")


def add_one(pipe: Pipe, data_dir: Path, name: str) -> None:
    pipe.recv()
    with open_knowledge(data_dir) as knowledge:
        add(knowledge, name, f"text of {name}")


def test_made_by_several_processes_at_once(tmp_path: Path) -> None:
    children = [start(add_one, tmp_path / "data", f"/{n}.md") for n in range(6)]
    for child in children:
        child.pipe.send("go")
    for child in children:
        child.finish()
    with open_knowledge(tmp_path / "data") as knowledge:
        assert knowledge.stats() == {"default": {"sources": 6, "chunks": 6}}

"""A database of an older version is brought to this one: all of it, or nothing."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest

from assistant.errors import KnowledgeError
from assistant.knowledge import migrations
from assistant.knowledge.keywords import segment
from assistant.knowledge.migrations import SCHEMA_VERSION
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_crash import unrepaired, unsound
from tests.knowledge_samples import add, nearest, open_knowledge, start, vector_of

SAMPLE = Path(__file__).parent / "samples" / "knowledge-v1.sql"
TEXTS = {  # by id: what the sample's first collection holds
    "4a3ffda8d0a9617dd63aaee2bbfcc187": "Vectors live in SQLite and FAISS follows.",
    "74afcc8b887fee4a31cc202394ea4a50": "向量库以 SQLite 为准，索引随之更新。",
    "f324d86e31ac0b23d7b533b37880e3fe": "Call KnowledgeBase.add_texts(ids=...) with error E1234.",
    "884dcab24c87fadac2ce4ec92b24a7e7": "退货期限为三十天，运费由卖家承担。",
    "note-1": "A note in English.",
    "note-2": "一条中文笔记。",
    "note-3": "Third note, number 3.",
}
HEADINGS = {
    "Vectors live in SQLite and FAISS follows.": "Guide\nStorage\n",
    "向量库以 SQLite 为准，索引随之更新。": "指南\n存储\n",
    "Call KnowledgeBase.add_texts(ids=...) with error E1234.": "Guide\n",
    "退货期限为三十天，运费由卖家承担。": "售后\n",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder of version 1."""
    with closing_connection(tmp_path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SAMPLE.read_text("utf-8"))
    return tmp_path


@contextmanager
def closing_connection(data_dir: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(data_dir / "knowledge.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def dump(data_dir: Path) -> list[str]:
    """The database as SQL, without what is binary."""
    with closing_connection(data_dir) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' "
                "ORDER BY name"
            )
        ]
        rows = [
            repr((name, row))
            for name in tables
            for row in connection.execute(f"SELECT * FROM {name}")
        ]
    return [f"version {version}", *rows]


def test_everything_is_found_as_before(old: Path) -> None:
    with open_knowledge(old) as knowledge:
        assert knowledge.stats() == {
            "default": {"sources": 4, "chunks": 7},
            "笔记": {"sources": 1, "chunks": 2},
        }
        check_all(knowledge)
        (hit,) = knowledge.keyword("退货", 3)
        assert hit.link == "https://example.org/手册#return" and hit.heading_path == ("售后",)
        assert [hit.text for hit in knowledge.keyword("E1234", 3)] == [text_like("Call")]
        assert [hit.page for hit in knowledge.keyword("向量库", 3)] == [3]
        assert unsound(knowledge) == [] == unrepaired(knowledge)
    with KnowledgeBase(old, None, "other-model", "笔记") as notes:
        assert nearest(notes, "另一个知识库的内容。") == ["另一个知识库的内容。"]
        assert [hit.text for hit in notes.keyword("第二 second", 3)] == [
            "Vectors of the second collection."
        ]


def text_like(beginning: str) -> str:
    return next(text for text in TEXTS.values() if text.startswith(beginning))


def check_all(knowledge: KnowledgeBase) -> None:
    """By id, by vector, by each of its words."""
    assert {hit.id: hit.text for hit in knowledge.hits(list(TEXTS))} == TEXTS
    for text in TEXTS.values():
        assert nearest(knowledge, HEADINGS.get(text, "") + text) != []
        hit = knowledge.dense(vector_of(HEADINGS.get(text, "") + text), 1)[0]
        assert hit.text == text and hit.score == pytest.approx(1, abs=1e-5)
        assert text in {hit.text for hit in knowledge.keyword(text, 3)}


def test_filters(old: Path) -> None:
    with open_knowledge(old) as knowledge:
        query = vector_of("anything")
        for where, names in (
            ({"lang": "zh"}, {"note-2"}),
            ({"year": {"$gte": 2024}}, {"note-1", "note-2"}),
            ({"作者": "李雷"}, {"note-2"}),
            ({"kind": "html"}, {"884dcab24c87fadac2ce4ec92b24a7e7"}),
            ({"source": "shelf"}, {"note-3"}),
        ):
            assert {hit.id for hit in knowledge.dense(query, 9, where)} == names
        with pytest.raises(KnowledgeError, match="no document"):
            knowledge.dense(query, 9, {"unheard": 1})


def test_it_can_be_written_to(old: Path) -> None:
    with open_knowledge(old) as knowledge:
        guide = knowledge.source_by_uri("/docs/guide.md")
        assert guide is not None
        before = {hit.id for hit in knowledge.hits(list(TEXTS))}
        assert knowledge.delete_source(guide.id).removed == 3
        assert knowledge.delete(["note-2"])
        source, _ = add(knowledge, "/new.md", "new text")
        assert source.id > 7  # ids of deleted rows are not given out again
        assert nearest(knowledge, "new text") == ["new text"]
        assert knowledge.keyword("向量库", 3) == [] and knowledge.keyword("笔记", 3) == []
        assert len(before) - len(knowledge.hits(list(TEXTS))) == 4
        assert unsound(knowledge) == [] == unrepaired(knowledge)
    with KnowledgeBase(old, None, "other-model", "笔记") as notes:
        with pytest.raises(KnowledgeError, match="was embedded with"):
            notes.collection("default").dense(vector_of("x"), 1)
        assert notes.drop() == 2


def test_a_killed_migration_leaves_version_1(old: Path) -> None:
    before = dump(old)
    for statement in ("CREATE TABLE vectors", "INSERT INTO fields", "DROP TABLE changes", "COMMIT"):
        child = start(migrate_until, old, statement)
        child.process.join(60)
        assert child.process.exitcode == -signal.SIGKILL, statement
        child.kill()
        assert dump(old) == before
    with open_knowledge(old) as knowledge:
        check_all(knowledge)
    assert dump(old)[0] == f"version {SCHEMA_VERSION}"


def migrate_until(pipe: Pipe, data_dir: Path, statement: str) -> None:
    """Dies right before ``statement``, in the transaction of the migration."""
    prepare = migrations.make_or_migrate

    def watched(connection: sqlite3.Connection, version: int) -> None:
        connection.set_trace_callback(die)
        prepare(connection, version)

    def die(sql: str) -> None:
        if statement in sql:
            os.kill(os.getpid(), signal.SIGKILL)

    from assistant.knowledge import database

    database.make_or_migrate = watched  # type: ignore[attr-defined]
    open_knowledge(data_dir).close()


def test_a_failed_migration_leaves_version_1(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(old)

    def fail(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("the disk is gone")

    monkeypatch.setattr(migrations, "rebuild_keywords", fail)
    with pytest.raises(sqlite3.OperationalError):
        open_knowledge(old)
    assert dump(old) == before


def test_several_processes_migrate_once(old: Path) -> None:
    children = [start(open_when_told, old) for _ in range(5)]
    for child in children:
        child.pipe.send("go")
    assert sum(child.pipe.recv() for child in children) == 1
    for child in children:
        child.finish()
    with open_knowledge(old) as knowledge:
        check_all(knowledge)
        assert unsound(knowledge) == [] == unrepaired(knowledge)


def open_when_told(pipe: Pipe, data_dir: Path) -> None:
    """Opens the folder; answers with the number of migrations."""
    from assistant.knowledge import database

    count = 0
    prepare = migrations.make_or_migrate

    def counted(connection: sqlite3.Connection, version: int) -> None:
        nonlocal count
        count += 1
        prepare(connection, version)

    database.make_or_migrate = counted  # type: ignore[attr-defined]
    pipe.recv()
    with open_knowledge(data_dir) as knowledge:
        check_all(knowledge)
    pipe.send(count)


def test_a_copy_is_of_this_version(old: Path, tmp_path: Path) -> None:
    with open_knowledge(old) as knowledge:
        knowledge.save_local(tmp_path / "copy")
    with open_knowledge(tmp_path / "copy") as copied:
        check_all(copied)


@pytest.mark.parametrize("version", [1, SCHEMA_VERSION])
def test_another_programs_database_is_left_alone(tmp_path: Path, version: int) -> None:
    """Other programs count their versions, too."""
    with closing_connection(tmp_path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = dump(tmp_path)
    with pytest.raises(KnowledgeError, match="another program") as caught:
        open_knowledge(tmp_path)
    assert "其他程序" in caught.value.text("zh")
    assert dump(tmp_path) == before


def test_words_of_version_2_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr("assistant.knowledge.keywords.simplified", lambda text: text)
        with open_knowledge(tmp_path) as knowledge:
            source, _ = add(knowledge, "/a.md", "臺灣的資料庫軟體", "台湾的数据库软件")
            assert len(knowledge.keyword("資料庫", 3)) == 1
    with closing_connection(tmp_path) as connection:
        connection.execute("DROP INDEX one_of_a_conversation")
        for column in ("title", "readers", "conversation"):  # of versions 4 and 5
            connection.execute(f"ALTER TABLE collections DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 2")
    with open_knowledge(tmp_path) as knowledge:
        assert [hit.text for hit in knowledge.keyword("资料库", 3)] == ["臺灣的資料庫軟體"]
        assert len(knowledge.keyword("台湾", 3)) == len(knowledge.keyword("臺灣", 3)) == 2
        assert unsound(knowledge) == [] == unrepaired(knowledge)
        knowledge.delete_source(source.id)
        assert knowledge.keyword("台湾 臺灣", 3) == []
        assert unsound(knowledge) == [] == unrepaired(knowledge)
    assert dump(tmp_path)[0] == f"version {SCHEMA_VERSION}"


#: One text of each kind that segmentation has rules for.
SEGMENTED = (
    "Embedding models embed embedded texts; stores, storing, queries and the boss's PDFs.",
    "KnowledgeBase.add_texts(ids=...) reads DATA_DIR/index/1.faiss at http://127.0.0.1:7860/api",
    "错误码 E1234：请检查 DATA_DIR 是否可写，版本 3.11.7 与 v2.0-rc1。",
    "向量库以 SQLite 为准；一、二〇二五年𠮷野家。",
    "ナレッジベースの検索、검색 엔진과 데이터베이스",
    "Crème brûlée, naïve Straße, Ελληνικά, Русский язык, עברית, हिन्दी",
    "１２３ ＡＢＣ ½ ﬁne x² C++ C# .NET node.js 1,234,567 user@example.org __init__ snake_case",
    "a" * 100 + " 😀 e\u0301 \u200b zero",
    "資料庫裡的臺灣軟體，發現錯誤碼 E1234。",
)
DIGEST = "170d0bd2ac3f1f07"


def test_segmentation_is_that_of_the_stored_words() -> None:
    """The keyword table keeps no words: they are made again to be deleted. If you changed what
    ``keywords.segment`` makes of a text, raise ``SCHEMA_VERSION``, let the new migration step be
    ``rebuild_keywords``, and put the new digest here."""
    words = "\n".join(" ".join(segment(text)) for text in SEGMENTED)
    assert hashlib.sha256(words.encode()).hexdigest()[:16] == DIGEST, words

"""Files attached to a conversation: in it they are searched, and nowhere else; with it they go."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.asking.attached_wording import speaks_of_attached
from assistant.attached import AttachedFiles, Sweep
from assistant.attached.sweep import GRACE_SECONDS
from assistant.errors import KnowledgeError
from assistant.knowledge.attached import AttachedCollections
from assistant.knowledge.catalogue import ATTACHED
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.sharing import may_manage, may_read, may_write
from assistant.knowledge.store import KnowledgeBase
from assistant.library import open_library
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Choices
from assistant.users.identity import AccessDenied
from tests.attached_desk import DU, LI, REPORT, ROOT, TITLE, AttachedDesk
from tests.knowledge_samples import add, open_knowledge
from tests.openai_server import openai_server
from tests.question_parts import add_documents

DOCUMENTS = {
    "/docs/rice.md": ("青禾一号", "青禾一号是一种水稻品种，亩产900公斤，生长期为120天。"),
    "/docs/x7.md": ("星河7000手册", "星河7000是便携式光谱仪，重量为1.8千克，保修期为三年。"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttachedDesk]:
    with openai_server() as server:
        made = AttachedDesk(server, tmp_path_factory.mktemp("desk"))
        add_documents(made.parts, made.parts.knowledge, DOCUMENTS)
        yield made
        made.close()


@pytest.fixture
def desk(shared: AttachedDesk) -> Iterator[AttachedDesk]:
    yield shared
    for who in (LI, DU):
        shared.parts.turns.forget_all(who.user)
    assert list(shared.uploads.glob("*")) == [] == shared.files.collections.all()


# The collection


def test_a_conversation_has_a_collection_of_its_own(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        attached = AttachedCollections(knowledge)
        info = attached.make("li", "c1")
        assert attached.make("li", "c1") == info == attached.find("li", "c1")
        assert info.name.startswith(ATTACHED) and (info.owner, info.conversation) == ("li", "c1")
        assert attached.make("du", "c1").name != info.name, "ids of two users may be the same"
        for owner, conversation in (
            ("du", "c2"),
            ("li", "c2"),
            ("", "c1"),
            ("li", ""),
            ("li", "\0"),
        ):
            assert attached.find(owner, conversation) is None
        with pytest.raises(ValueError, match=r"^$"):
            attached.make("li", "")
        assert [one.owner for one in attached.all()] == ["li", "du"]
        assert attached.all("li") == [info] and attached.exists(info.name)


def test_it_is_in_no_list_of_the_library(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        name = AttachedCollections(knowledge).make("li", "c1").name
        source, _ = add(knowledge.collection(name), "/x/a.md", "text")
        collections = Collections(knowledge)
        assert [info.name for info in collections.all()] == ["default"]
        assert collections.find(name) is None
        assert knowledge.stats() == {} and knowledge.collections() == []
        found = collections.find_source(source.id)
        assert found is not None and found[1].conversation == "c1", "its citations lead to it"
        assert not AttachedCollections(knowledge).exists("default")


def test_only_its_user_reads_it_and_nobody_changes_it_in_the_library() -> None:
    info = CollectionInfo("_attached.x", "", "li", (), 0.0, "c1")
    assert [may_read(info, who) for who in (LI, DU, ROOT)] == [True, False, False]
    everyone = CollectionInfo("_attached.x", "", "li", ("*",), 0.0, "c1")
    assert not may_read(everyone, DU)
    for who in (LI, DU, ROOT):
        assert not may_write(info, who) and not may_manage(info, who)


def test_one_that_is_gone_is_not_made_again_by_a_late_write(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        name = AttachedCollections(knowledge).make("li", "c1").name
        knowledge.collection(name).drop()
        with pytest.raises(KnowledgeError, match="no collection"):
            add(knowledge.collection(name), "/x/a.md", "text")
        assert AttachedCollections(knowledge).all() == []


def test_a_database_of_version_4_has_none(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "text")
    with closing(sqlite3.connect(tmp_path / "knowledge.db")) as connection:
        connection.execute("DROP INDEX one_of_a_conversation")
        connection.execute("ALTER TABLE collections DROP COLUMN conversation")
        connection.execute("PRAGMA user_version = 4")
        connection.commit()
    with open_knowledge(tmp_path) as knowledge:
        assert [info.conversation for info in Collections(knowledge).all()] == [""]
        assert AttachedCollections(knowledge).all() == []
        assert AttachedCollections(knowledge).make("li", "c1").conversation == "c1"
    with closing(sqlite3.connect(tmp_path / "knowledge.db")) as connection:
        row = "INSERT INTO collections (name, owner, conversation, created_at) VALUES (?, ?, ?, 0)"
        connection.execute(row, ("x", "du", "c1"))
        connection.execute(row, ("y", "li", ""))
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(row, ("z", "li", "c1"))


# A turn


def test_a_question_is_answered_from_an_attached_file(desk: AttachedDesk) -> None:
    conversation = desk.attach(("报告.md", REPORT))
    titles, done = desk.ask(conversation)
    assert TITLE in titles and not done.refused
    (turn,) = desk.parts.long_term.turns("li", conversation)
    assert "[1]" in turn.answer
    assert turn.sources[0]["title"] == TITLE
    assert str(turn.sources[0]["link"]).startswith("/source/")


def test_no_other_conversation_and_no_other_user_finds_it(desk: AttachedDesk) -> None:
    conversation = desk.put()
    for who, other in ((LI, "another"), (DU, conversation), (ROOT, conversation)):
        titles, _ = desk.ask(other, who=who)
        assert TITLE not in titles
    desk.parts.turns.forget_all("root")
    assert desk.files.of("du", conversation) == []
    everywhere = Choices(collection="*")
    assert TITLE not in desk.ask("third", choices=everywhere)[0]


def test_it_is_searched_whatever_else_is_chosen(desk: AttachedDesk) -> None:
    conversation = desk.put()
    for choices in (
        Choices(only=frozenset({"/docs/rice.md"})),
        Choices(collection="*"),
        Choices(collection="default"),
    ):
        assert TITLE in desk.ask(conversation, choices=choices)[0]
    only = Choices(only=frozenset({"/docs/rice.md"}))
    assert desk.ask(conversation, "青禾一号亩产多少？", choices=only)[0] >= {"青禾一号"}
    assert "星河7000手册" not in desk.ask(conversation, "星河7000有多重？", choices=only)[0]


@pytest.mark.parametrize(
    "question", ["总结一下", "请总结一下这个文件。", "附件里说了什么？", "What does the file say?"]
)
def test_a_summary_is_of_the_attached_files(desk: AttachedDesk, question: str) -> None:
    conversation = desk.put()
    titles, _ = desk.ask(conversation, question, reply="报告说明了预算[1]。")
    assert titles == {TITLE}


def test_a_question_about_the_file_is_searched_in_it_alone(desk: AttachedDesk) -> None:
    conversation = desk.put()
    assert desk.ask(conversation, "附件里的保修期是多久？")[0] <= {TITLE}
    assert "星河7000手册" in desk.ask(conversation, "星河7000的保修期是多久？")[0]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("附件里的预算是多少？", True),
        ("我刚上传的文件讲了什么？", True),
        ("这个文件由谁负责？", True),
        ("What does the attached report say about cost?", True),
        ("Who signed the document I uploaded?", True),
        ("Who is named in these files?", True),
        ("保修期是多久？", False),
        ("怎么上传文件？", False),
        ("How do I upload a file?", False),
        ("What is the file size limit?", False),
    ],
)
def test_how_people_speak_of_attached_files(question: str, expected: bool) -> None:
    assert speaks_of_attached(question) == expected


def test_it_is_enough_where_the_library_is_closed(desk: AttachedDesk) -> None:
    conversation, knowledge = desk.put(who=DU), desk.parts.knowledge
    Collections(knowledge).change("default", readers=["li"])
    try:
        assert desk.ask(conversation, who=DU)[0] == {TITLE}
        with pytest.raises(AccessDenied):
            open_library(knowledge, Choices(), DU, "other")
        with pytest.raises(AccessDenied):
            open_library(knowledge, Choices(collection="default"), DU, conversation)
    finally:
        Collections(knowledge).change("default", readers=["*"])


def test_it_is_there_after_a_restart(desk: AttachedDesk) -> None:
    """For a process that has only what is on the disk."""
    conversation, embeddings = desk.put(), desk.parts.embeddings
    folder = desk.parts.settings.data_dir
    with KnowledgeBase(folder, embeddings, embeddings.fingerprint) as knowledge:
        (file,) = AttachedFiles(knowledge, desk.uploads).of("li", conversation)
        assert (file.name, file.documents, file.chunks) == ("报告.md", 1, 1)
        library = open_library(knowledge, Choices(), LI, conversation)
        assert TITLE in {source.title for source in library.sources()}
    assert "1 个段落可用" in desk.chips(LI, conversation)


def test_what_another_model_embedded_is_not_searched(desk: AttachedDesk) -> None:
    conversation = desk.put()
    database = desk.parts.knowledge.folder.database
    info = desk.files.collections.find("li", conversation)
    assert info is not None
    with database.write() as connection:
        connection.execute(
            "UPDATE spaces SET fingerprint = 'other' WHERE collection_id = "
            "(SELECT id FROM collections WHERE name = ?)",
            (info.name,),
        )
    assert TITLE not in desk.ask(conversation)[0]
    assert "另一个嵌入模型" in desk.chips(LI, conversation)
    desk.attach(("报告.md", REPORT), target=conversation)
    assert TITLE in desk.ask(conversation)[0], "attached again, it is read anew"


# The end


def test_it_goes_with_its_conversation(desk: AttachedDesk) -> None:
    conversation = desk.put()
    other = desk.put(name="其他.md")
    assert other != conversation
    desk.ask(conversation)
    desk.ask(other)
    desk.parts.turns.forget("li", conversation)
    assert desk.of(LI, conversation) == [] and len(desk.of(LI, other)) == 1
    assert len(traces(desk, "蓝鲸")) == 3, "chunk, source and file of the other one"
    desk.parts.turns.forget("li", other)
    assert traces(desk, "蓝鲸") == []
    assert TITLE not in desk.ask(conversation)[0]


def test_a_deletion_that_is_taken_back_keeps_it(desk: AttachedDesk) -> None:
    conversation = desk.put()
    desk.ask(conversation)
    deletions = desk.chat.deletions
    assert deletions.hold("li", conversation)
    assert deletions.undo("li", conversation)
    assert TITLE in desk.ask(conversation)[0]
    assert deletions.hold("li", conversation)
    deletions.close()
    assert desk.of(LI, conversation) == [] and traces(desk, "蓝鲸") == []


def test_all_of_a_user_goes_with_all_of_their_memory(desk: AttachedDesk) -> None:
    mine = [desk.put() for _ in range(2)]
    theirs = desk.put(who=DU)
    desk.parts.turns.forget_all("li")
    assert [desk.of(LI, one) for one in mine] == [[], []]
    assert len(desk.of(DU, theirs)) == 1


def traces(desk: AttachedDesk, words: str) -> list[str]:
    """Whatever of a file is left in the knowledge base or on the disk."""
    with desk.parts.knowledge.folder.database.read() as connection:
        rows = connection.execute(
            "SELECT text FROM chunks WHERE text LIKE ?1 UNION "
            "SELECT uri FROM sources WHERE title LIKE ?1",
            (f"%{words}%",),
        )
        found = [str(row[0]) for row in rows]
    files = (path for path in desk.uploads.rglob("*") if path.is_file())
    return [*found, *(str(path) for path in files if words in path.read_text("utf-8"))]


# What is left of conversations that are gone


@pytest.fixture
def sweep(desk: AttachedDesk) -> Iterator[Sweep]:
    made = Sweep(desk.files, desk.uploads, desk.parts.long_term)
    yield made
    made.close()


def later() -> float:
    return time.time() + GRACE_SECONDS + 60


def test_what_belongs_to_a_conversation_stays(desk: AttachedDesk, sweep: Sweep) -> None:
    asked = desk.put()
    desk.ask(asked)
    waiting = desk.put(name="其他.md")
    assert sweep.run() == 0, "a file waits for its first question"
    assert sweep.run(later()) == 1, "but not for ever"
    assert len(desk.of(LI, asked)) == 1 and desk.of(LI, waiting) == []


def test_what_a_killed_app_left_goes(desk: AttachedDesk, sweep: Sweep) -> None:
    conversation = desk.put()
    desk.ask(conversation)
    desk.ask("another")  # somebody's memory is there
    desk.parts.long_term.forget("li", conversation)
    assert sweep.run() == 0, "it may have been forgotten in another Redis"
    assert sweep.run(later()) == 1
    assert traces(desk, "蓝鲸") == []


def test_each_look_at_a_living_conversation_counts(desk: AttachedDesk, sweep: Sweep) -> None:
    conversation = desk.put()
    desk.ask(conversation)
    info = desk.files.collections.find("li", conversation)
    assert info is not None
    folder = desk.files.folder_of(info)
    os.utime(folder, (1.0, 1.0))
    sweep.run()
    assert folder.stat().st_mtime > time.time() - 60


def test_nothing_goes_while_redis_is_away_or_empty(
    desk: AttachedDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = desk.put()
    away = LongTermMemory(lambda: "redis://127.0.0.1:9/0")
    lost = Sweep(desk.files, desk.uploads, away)
    with pytest.raises(Exception, match="Redis"):
        lost.run(later())
    lost.close()
    away.close()
    desk.parts.turns.forget_all("du")
    empty = Sweep(desk.files, desk.uploads, desk.parts.long_term)
    assert empty.run(later()) == 0, "nobody has a memory: it may be another server"
    desk.ask("another")
    monkeypatch.setattr(LongTermMemory, "held", property(lambda _: 1))
    assert empty.run(later()) == 0, "what is held for Redis may be its first turn"
    monkeypatch.undo()
    assert len(desk.of(LI, conversation)) == 1
    empty.close()


def test_folders_without_a_collection_go_in_the_end(desk: AttachedDesk, sweep: Sweep) -> None:
    conversation = desk.put()
    left = desk.uploads / f"{ATTACHED}left" / "0123"
    left.mkdir(parents=True)
    (left / "a.md").write_text("left", "utf-8")
    sweep.run()
    assert left.exists()
    os.utime(left.parent, (1.0, 1.0))
    sweep.run()
    assert not left.parent.exists() and len(desk.of(LI, conversation)) == 1


def test_a_backup_takes_it_along(desk: AttachedDesk, tmp_path: Path) -> None:
    from assistant.knowledge.backup import backup
    from assistant.knowledge.restore import restore

    conversation = desk.put()
    folder = desk.parts.knowledge.folder
    backup(folder, tmp_path / "b.tar")
    desk.parts.turns.forget("li", conversation)
    shutil.rmtree(desk.uploads, ignore_errors=True)
    restore(folder, tmp_path / "b.tar", replace=True)
    (file,) = desk.of(LI, conversation)
    assert file.chunks == 1 and file.path.read_text("utf-8") == REPORT


def test_nothing_is_found_by_what_is_no_conversation(desk: AttachedDesk) -> None:
    knowledge = desk.parts.knowledge
    for conversation in ("", "\x00", "no-such", "../x"):
        assert open_library(knowledge, Choices(), LI, conversation).attached == ""
    conversation = desk.put()
    info = desk.files.collections.find("li", conversation)
    assert info is not None
    for who in (LI, ROOT):
        with pytest.raises(AccessDenied):
            open_library(knowledge, Choices(collection=info.name), who, "another")

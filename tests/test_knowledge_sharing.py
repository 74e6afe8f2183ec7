"""Collections have an owner and readers, and their sources are seen by pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.errors import KnowledgeError
from assistant.knowledge.collections import ORDERS, UNMADE, Collections, Look
from assistant.knowledge.doctor import examine
from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.sharing import (
    EVERYONE,
    LONGEST_TITLE,
    MOST_READERS,
    checked_readers,
    may_manage,
    may_read,
    may_write,
)
from assistant.knowledge.store import KnowledgeBase
from assistant.library import Library, chosen_collections, open_library
from assistant.memory.records import Choices
from assistant.users.identity import LOCAL, AccessDenied, Identity, Role
from tests.knowledge_samples import add, open_knowledge, vector_of

LI, WANG = Identity("li", Role.EDITOR), Identity("wang", Role.EDITOR)
DU, ADMIN = Identity("du", Role.READER), Identity("root", Role.ADMIN)


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("owner", "readers", "who", "rights"),
    [
        ("local", ("*",), DU, "r"),
        ("local", ("*",), LI, "rw"),
        ("local", (), LI, ""),
        ("local", ("li",), LI, "rw"),
        ("li", (), LI, "rwm"),
        ("li", (), Identity("li", Role.READER), "r"),
        ("li", (), WANG, ""),
        ("li", ("wang",), WANG, "r"),
        ("li", ("*",), WANG, "r"),
        ("li", (), ADMIN, "rwm"),
        ("li", (), LOCAL, "rwm"),
        ("du", (), DU, "r"),
    ],
)
def test_who_may_do_what(owner: str, readers: tuple[str, ...], who: Identity, rights: str) -> None:
    info = CollectionInfo("c", "", owner, readers)
    found = "r" * may_read(info, who) + "w" * may_write(info, who) + "m" * may_manage(info, who)
    assert found == rights


def test_a_collection_is_made_changed_and_deleted(knowledge: KnowledgeBase) -> None:
    collections = Collections(knowledge)
    assert collections.all() == [UNMADE]
    made = collections.make("法务 文档/2026", "li", ["wang", "wang", " "])
    assert (made.name, made.title, made.owner) == ("法务-文档-2026", "法务 文档/2026", "li")
    assert made.readers == ("wang",)
    again = collections.make("法务 文档/2026", "li", [EVERYONE, "wang"])
    assert (again.name, again.readers) == ("法务-文档-2026-2", (EVERYONE,))
    assert collections.make("../..\u202e😀", "li", []).name == "collection"
    collections.change(made.name, title="法务", readers=[])
    changed = collections.find(made.name)
    assert changed is not None
    assert (changed.name, changed.title, changed.readers) == (made.name, "法务", ())
    view = collections.opened(made.name)
    assert view.is_empty and view.sources() == [] and view.dense(vector_of("x"), 3) == []
    add(view, "/a.md", "合同范本")
    assert [hit.text for hit in view.dense(vector_of("合同范本"), 3)] == ["合同范本"]
    assert collections.find(made.name) == changed, "the first document changes nothing of it"
    assert knowledge.is_empty
    collections.drop(made.name)
    assert collections.find(made.name) is None
    assert [one for one in examine(knowledge.folder, repair=False) if one.is_fault] == []


def test_a_collection_is_given_to_another_user(knowledge: KnowledgeBase) -> None:
    collections = Collections(knowledge)
    made = collections.make("法律", "li", ["wang"])
    collections.change(made.name, owner="du")
    found = collections.find(made.name)
    assert found is not None
    assert (found.owner, found.readers, found.title) == ("du", ("wang",), "法律")
    with pytest.raises(KnowledgeError):
        collections.change("none", owner="du")


def test_an_empty_collection_is_sound(knowledge: KnowledgeBase) -> None:
    Collections(knowledge).make("空", "li", [])
    add(knowledge, "/a.md", "text")
    assert [one for one in examine(knowledge.folder, repair=False, deep=True) if one.is_fault] == []


@pytest.mark.parametrize("title", ["", "  ", "\x00\u202e", "长" * (LONGEST_TITLE + 1)])
def test_what_can_be_no_title(knowledge: KnowledgeBase, title: str) -> None:
    with pytest.raises(KnowledgeError, match="1 to 80"):
        Collections(knowledge).make(title, "li", [])
    assert Collections(knowledge).all() == [UNMADE]


def test_what_can_be_no_reader() -> None:
    for readers in (["x" * 129], ["a\nb"], [f"u{n}" for n in range(MOST_READERS + 1)]):
        with pytest.raises(KnowledgeError, match="readers"):
            checked_readers(readers)


def test_the_default_collection_can_be_closed_and_stays(knowledge: KnowledgeBase) -> None:
    collections = Collections(knowledge)
    collections.change("default", title="公共", readers=["li"])
    (info,) = collections.all()
    assert (info.name, info.title, info.readers) == ("default", "公共", ("li",))
    with pytest.raises(KnowledgeError, match="stays"):
        collections.drop("default")
    with pytest.raises(KnowledgeError, match="no collection"):
        collections.change("other", title="x")
    add(knowledge, "/a.md", "text")
    assert [each.readers for each in collections.all()] == [("li",)]


def test_a_collection_of_version_3_is_everyones(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "text")
    with closing(sqlite3.connect(tmp_path / "knowledge.db")) as connection:
        connection.execute("DROP INDEX one_of_a_conversation")
        for column in ("title", "readers", "conversation"):
            connection.execute(f"ALTER TABLE collections DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    with open_knowledge(tmp_path) as knowledge:
        (info,) = Collections(knowledge).all()
        assert (info.title, info.owner, info.readers) == ("", "local", (EVERYONE,))
        assert len(knowledge.sources()) == 1
    with open_knowledge(tmp_path) as knowledge:
        assert may_read(Collections(knowledge).all()[0], DU)


def test_readers_that_can_not_be_read_are_none(knowledge: KnowledgeBase) -> None:
    made = Collections(knowledge).make("x", "li", [EVERYONE])
    with knowledge.folder.database.write() as connection:
        connection.execute("UPDATE collections SET readers = '[' WHERE name = ?", (made.name,))
    info = Collections(knowledge).find(made.name)
    assert info is not None and info.readers == ()


def test_sources_by_pages(knowledge: KnowledgeBase) -> None:
    collections = Collections(knowledge)
    for number in range(7):
        add(knowledge, f"/docs/{number}_50%.md", f"text {number}")
    add(knowledge, "https://a.example/手册", "web")
    seen = [
        source.uri
        for first in (0, 3, 6, 9)
        for source in collections.page("default", Look(first=first, count=3)).shown
    ]
    assert len(seen) == len(set(seen)) == 8
    page = collections.page("default", Look(text="_50%"))
    assert (page.total, page.sources, page.chunks) == (7, 8, 8)
    assert collections.page("default", Look(text="手册")).total == 1
    assert collections.page("default", Look(text="DOCS")).total == 7
    assert collections.page("default", Look(text="\x00")).total == 0
    assert collections.page("default", Look(kind="pdf")).total == 0
    assert sum(count for _, count in page.kinds) == 8
    for order in ORDERS:
        up = collections.page("default", Look(order=order, is_descending=False)).shown
        down = collections.page("default", Look(order=order, is_descending=True)).shown
        assert [one.id for one in up] == [one.id for one in reversed(down)]
    assert collections.page("none", Look()).total == 0
    before = collections.stamp("default")
    add(knowledge, "/docs/0_50%.md", "changed")
    assert collections.stamp("default") != before


def test_a_source_is_found_in_any_collection(knowledge: KnowledgeBase) -> None:
    collections = Collections(knowledge)
    made = collections.make("私", "li", [])
    source, _ = add(collections.opened(made.name), "/secret.md", "geheim", "noch mehr")
    found = collections.find_source(source.id)
    assert found == (source, made)
    assert [hit.position for hit in collections.chunks(source, 1, 5)] == [1]
    assert collections.find_source(10**30) is collections.find_source(999) is None


def test_a_conversation_searches_what_its_user_may_read(knowledge: KnowledgeBase) -> None:
    collections = Collections(knowledge)
    private = collections.make("私", "li", []).name
    add(knowledge, "/open.md", "公开的内容")
    add(collections.opened(private), "/secret.md", "秘密的内容")

    def uris(identity: Identity, chosen: str, *only: str) -> list[str]:
        choices = Choices(collection=chosen, only=frozenset(only))
        return [one.uri for one in open_library(knowledge, choices, identity).sources()]

    assert uris(LI, "") == uris(DU, "") == ["/open.md"]
    assert uris(LI, private) == ["/secret.md"]
    assert sorted(uris(LI, "*")) == ["/open.md", "/secret.md"]
    assert uris(DU, "*") == ["/open.md"]
    assert uris(LI, "*", "/secret.md") == ["/secret.md"]
    assert uris(LI, "*", "https://a.example/") == []
    for identity, chosen in ((DU, private), (WANG, private), (LI, "none"), (DU, "../x\x00")):
        with pytest.raises(AccessDenied) as caught:
            uris(identity, chosen)
        assert "知识库" in caught.value.text("zh")
    collections.change("default", readers=[])
    assert uris(LI, "") == ["/secret.md"], "the first that they may read"
    with pytest.raises(AccessDenied):
        uris(DU, "")
    with pytest.raises(AccessDenied):
        uris(DU, "*")
    assert chosen_collections(collections.all(), private, ADMIN)[0].name == private


def test_the_parts_of_a_library(knowledge: KnowledgeBase) -> None:
    other = knowledge.collection("other")
    first, _ = add(knowledge, "/a.md", "one", "two", "three")
    second, _ = add(other, "/b.md", "uno", "due")
    library = Library((knowledge, other))
    assert [hit.text for hit in library.chunks(second.id)] == ["uno", "due"]
    (hit,) = (one for one in library.chunks(first.id) if one.text == "two")
    assert [one.text for one in library.neighbours(hit)] == ["one", "three"]
    assert not library.is_empty and Library(()).is_empty
    assert Library((), frozenset({"/a.md", "https://a.example/"})).where == {
        "$or": [{"source": {"$prefix": "https://a.example/"}}, {"source": {"$in": ["/a.md"]}}]
    }

"""Collections on the knowledge page: making, sharing and deleting them, and who may do what: every
handler is asked by every role, whatever its page showed."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.knowledge.collections import Look
from assistant.knowledge.records import NewChunk, Source
from assistant.page_pictures.pictures import PagePictures
from assistant.ui.library_health import HealthPage
from assistant.ui.sources import SourcePages
from assistant.ui.visitor import Visitors
from assistant.users.identity import LOCAL, Identity
from tests.library_desk import EDITOR, MANUAL, OTHER, READER, REQUEST, Desk, request_of

SKIP = {"__type__": "update"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


@contextmanager
def refused(said: str) -> Iterator[None]:
    """Something was said in the corner of the page; nothing was raised."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert any(said in str(one.message) for one in caught), [str(one.message) for one in caught]


def make(desk: Desk, title: str = "私", request: Any = EDITOR, *readers: str) -> str:
    audience = "some" if readers else "owner"
    _, name = desk.handlers.shelf.save("", title, audience, list(readers), "default", request)
    return name


def put(desk: Desk, name: str, uri: str = "/秘密.md", text: str = "秘密的内容。") -> Source:
    chunks = [NewChunk(text, ("机密",))]
    view = desk.knowledge.collection(name)
    vectors = view.embed_texts([chunk.embedding_text for chunk in chunks])
    source, _ = view.add_embedded(uri, "秘密", "md", 9, "h", chunks, vectors)
    return source


def test_a_collection_is_made_chosen_shared_and_deleted(desk: Desk, tmp_path: Path) -> None:
    form = desk.handlers.shelf.begin(EDITOR)
    assert form.of == "" and form.audience == "owner"
    name = make(desk, "法务 文档")
    assert name == "法务-文档"
    arrived = desk.handlers.shelf.arrive(name, EDITOR)
    assert arrived.collection["value"] == name
    assert arrived.collection["choices"] == [("默认知识库", "default"), ("法务 文档", name)]
    assert "仅所有者可读" in arrived.facts and name in arrived.facts
    assert arrived.manage["visible"] and arrived.adding["visible"] and arrived.new["visible"]
    file = tmp_path / "c" / "手册.md"
    file.parent.mkdir()
    file.write_text(MANUAL, "utf-8")
    desk.page.upload([str(file)], name, EDITOR)
    assert desk.finish().state == "done"
    assert desk.titles(name) == ["星河7000手册"] and desk.titles() == []
    assert "星河7000手册" in desk.see(name=name, request=EDITOR).table
    assert "上传" not in desk.see(request=EDITOR).jobs, "the job is of the other collection"
    desk.handlers.shelf.save(name, "法务", "some", ["du"], name, EDITOR)
    assert "本人和 1 位读者" in desk.handlers.shelf.arrive(name, EDITOR).facts
    managed = desk.handlers.shelf.manage(name, EDITOR)
    assert (managed.title, managed.audience, managed.readers["value"]) == ("法务", "some", ["du"])
    assert desk.handlers.shelf.arrive(name, READER).collection["value"] == name
    said, buttons = desk.handlers.shelf.ask_drop(name, EDITOR)
    assert "1 个文档" in said and buttons["visible"]
    _, _, shown = desk.handlers.shelf.drop(name, EDITOR)
    assert shown == "default" and desk.finish().state == "done"
    assert desk.collections.find(name) is None
    assert list(desk.settings.upload_dir.glob("*/*")) == []
    assert "没有您可以阅读的知识库" in desk.see(name=name, request=EDITOR).counts
    assert desk.noted() == [
        "collection.create", "library.add", "collection.change", "collection.delete",
    ]  # fmt: skip


def test_followed_sources_go_into_their_collection_and_with_it(desk: Desk, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# 甲\n\n甲的内容。", "utf-8")
    name = make(desk, "笔记", REQUEST)
    desk.followed.add(REQUEST, name, "folder", str(notes))
    assert desk.finish().collection == name
    assert desk.titles(name) == ["甲"] and desk.titles() == []
    assert "notes" in desk.rows(name) and "notes" not in desk.rows()
    desk.followed.add(REQUEST, "default", "folder", str(notes))
    desk.finish()
    assert desk.titles() == ["甲"], "the same folder in another collection"
    desk.handlers.shelf.drop(name, REQUEST)
    desk.finish()
    assert [one.collection for one in desk.library.followed()] == ["default"]
    assert desk.titles() == ["甲"]


def test_a_collection_at_work_is_not_deleted(desk: Desk) -> None:
    name = make(desk, "忙", REQUEST)
    go = threading.Event()

    def work(cancel: threading.Event) -> Iterator[Any]:
        go.wait(10)
        return iter(())

    desk.jobs.submit(("甲", "a"), work, collection=name)
    with refused("有任务正在处理"):
        desk.handlers.shelf.drop(name, REQUEST)
    go.set()
    desk.finish()
    assert desk.collections.find(name) is not None
    with refused("默认知识库不能删除"):
        desk.handlers.shelf.drop("default", REQUEST)


def changes(desk: Desk, name: str, source: Source) -> dict[str, Callable[[Any], object]]:
    """Every handler that changes something of a collection, by what it is."""
    shelf, table = desk.handlers.shelf, desk.handlers.table
    ids = str(source.id)
    ask, again = (SimpleNamespace(do=do, value="", ids=ids) for do in ("ask", "resync"))
    stop = SimpleNamespace(do="stop", source="1", value="")
    return {
        "upload": lambda request: desk.page.upload(["/no/such/file.md"], name, request),
        "stop": lambda request: desk.page.act(cast(Any, stop), name, request),
        "ask": lambda request: table.act(cast(Any, ask), name, Look(), request),
        "resync": lambda request: table.act(cast(Any, again), name, Look(), request),
        "delete": lambda request: table.delete([source.id], name, request),
        "follow": lambda request: desk.followed.add(request, name, "page", "https://a.example"),
        "save": lambda request: shelf.save(name, "x", "everyone", [], name, request),
        "manage": lambda request: shelf.manage(name, request),
        "ask_drop": lambda request: shelf.ask_drop(name, request),
        "drop": lambda request: shelf.drop(name, request),
    }


@pytest.mark.parametrize("who", ["reader", "shared reader", "other editor", "stranger"])
def test_nobody_else_changes_a_collection(desk: Desk, who: str) -> None:
    name = make(desk, "私", EDITOR, "du", "wang")
    source = put(desk, name)
    request = {
        "reader": READER, "shared reader": READER, "other editor": OTHER,
        "stranger": request_of(Identity("x", OTHER.state.identity.role)),
    }[who]  # fmt: skip
    before = desk.collections.find(name)
    for what, change in changes(desk, name, source).items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            change(request)
        assert caught, what
        assert desk.jobs.list() == [], what
    assert desk.collections.find(name) == before
    assert desk.titles(name) == ["秘密"]
    assert desk.noted() == ["collection.create"]


def test_a_reader_makes_no_collection_and_sees_no_buttons(desk: Desk) -> None:
    with refused("需要“编辑”角色"):
        desk.handlers.shelf.save("", "x", "owner", [], "default", READER)
    with refused("需要“编辑”角色"):
        assert desk.handlers.shelf.begin(READER).box == SKIP
    assert len(desk.collections.all()) == 1
    put(desk, "default")
    arrived = desk.handlers.shelf.arrive("", READER)
    for part in (arrived.new, arrived.manage, arrived.adding, arrived.preview, arrived.health):
        assert not part["visible"]
    assert "您可以阅读，不能修改" in arrived.facts
    shown = desk.see(request=READER)
    assert "data-id" not in shown.table and 'data-do="chunks"' in shown.table
    assert "需要“编辑”角色" in "".join(desk.preview.show("/no/such", READER))


def test_what_reaches_beyond_the_library_is_for_administrators(desk: Desk, tmp_path: Path) -> None:
    kinds = [kind for _, kind in desk.handlers.shelf.arrive("", EDITOR).kind["choices"]]
    assert kinds == ["page", "site"]
    assert not desk.followed.shown_for("site", EDITOR)[-1]["visible"]
    for fields in (
        ("folder", str(tmp_path)),
        ("page", "/etc/hostname"),
        ("site", "http://10.0.0.1/", "manual", 1, 9, "", "", "", True),
    ):
        with refused("需要“管理员”角色"):
            desk.followed.add(EDITOR, "default", *fields)
    assert desk.library.followed() == [] and desk.jobs.list() == []
    health: HealthPage = desk.handlers.health
    with refused("需要“管理员”角色"):
        assert [html for html, _ in health.check(EDITOR)] == [""]
    with refused("需要“编辑”角色"):
        assert health.sizes(READER) == ""
    assert "磁盘剩余" in health.sizes(EDITOR)


@pytest.mark.parametrize("request_", [READER, OTHER], ids=["reader", "editor"])
def test_nothing_of_a_private_collection_is_shown(desk: Desk, request_: Any) -> None:
    name = make(desk)
    source = put(desk, name)
    desk.jobs.submit(("秘密的任务", "secret"), lambda _: iter(()), collection=name)
    desk.finish()
    shown = desk.see(name=name, request=request_)
    assert "秘密" not in str((shown.jobs, shown.table, shown.followed))
    assert "没有您可以阅读的知识库" in shown.counts
    assert "秘密的任务" not in desk.see(request=request_).jobs
    assert desk.handlers.shelf.arrive(name, request_).collection["value"] == "default"
    with refused("没有您可以阅读的知识库"):
        assert desk.act("chunks", source.id, request=request_).chunks == ""
    with refused("没有您可以阅读的知识库"):
        assert "秘密" not in str(list(desk.handlers.trial.search("秘密", name, request_)))
    assert "秘密" in desk.see(name=name, request=EDITOR).table


def test_a_search_is_tried_with_its_reasons(desk: Desk) -> None:
    put(desk, "default", "/a.md", "星河7000重1.8千克。")
    put(desk, "default", "/b.md", "星河7000重1.8千克。")
    put(desk, "default", "/c.md", "青禾一号是一种水稻。")
    waiting, found = desk.handlers.trial.search("星河7000有多重？", "default", READER)
    assert "正在检索" in waiting
    assert "采用" in found and "与第 1 条重复" in found and "差距太大" in found
    assert "语义第 1（" in found and "关键词第 1（" in found and "关键词未命中" in found
    english = request_of(LOCAL, "en")
    *_, found = desk.handlers.trial.search("How heavy is it?", "default", english)
    assert "Candidates: 3; given to the model: " in found
    assert list(desk.handlers.trial.search("  ", "default", READER)) == [""]
    with pytest.warns(UserWarning, match="一次最多"):
        *_, found = desk.handlers.trial.search("长" * 9000, "default", READER)


def test_the_index_is_checked_and_repaired(desk: Desk) -> None:
    put(desk, "default")
    health = desk.handlers.health
    waiting, (html, button) = health.check(REQUEST)
    assert "正在检查" in waiting[0]
    assert "一切正常：1 个文档，1 个片段，1 个向量" in html and not button["visible"]
    with desk.knowledge.folder.database.write() as connection:
        connection.execute("UPDATE sources SET chunks = 7")
    *_, (html, button) = health.check(REQUEST)
    assert "发现 1 个问题" in html and button["visible"]
    *_, (html, button) = health.repair(REQUEST)
    assert "已修复" in html and "一切正常" in html and not button["visible"]
    assert desk.noted() == ["library.repair"]


class AsIdentity:
    """Puts the identity of the header ``as`` into each request, as the gate does."""

    def __init__(self, app: ASGIApp, known: dict[str, Identity]) -> None:
        self.app, self.known = app, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            user = dict(scope["headers"]).get(b"as", b"").decode()
            if user in self.known:
                scope.setdefault("state", {})["identity"] = self.known[user]
        await self.app(scope, receive, send)


def test_a_source_opens_for_those_who_may_read_it(desk: Desk, tmp_path: Path) -> None:
    name = make(desk, "私", EDITOR, "du")
    file = tmp_path / "秘密.md"
    file.write_text("秘密的内容。", "utf-8")
    source = put(desk, name, str(file))
    app = FastAPI()
    pictures = PagePictures(desk.knowledge)
    pages = SourcePages(desk.knowledge, Visitors("zh", is_open=False), pictures)
    app.include_router(pages.router())
    known = {one.state.identity.user: one.state.identity for one in (READER, EDITOR, OTHER)}
    app.add_middleware(AsIdentity, known=known)
    with TestClient(app) as client:
        for path in (f"/source/{source.id}", f"/source/{source.id}/original"):
            for user, status in (("du", 200), ("bian", 200), ("wang", 404)):
                answer = client.get(path, headers={"as": user})
                assert answer.status_code == status, (path, user)
                assert ("秘密" in answer.text) == (status == 200)
        gone = client.get("/source/999999", headers={"as": "wang"}).text
        closed = client.get(f"/source/{source.id}", headers={"as": "wang"}).text
        assert gone == closed, "that there is such a document is nobody's to know"

"""The paper clip's handlers, and what others get of an attached file through any door."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import IngestLibrary
from assistant.attached import files as limits
from assistant.errors import AssistantError, DocumentError
from assistant.knowledge.collections import Collections
from assistant.page_pictures.pictures import PagePictures
from assistant.ui.chat_attached_rendering import Chip, chips_html
from assistant.ui.chat_shared import SharedConversations, link_of
from assistant.ui.library_access import LibraryAccess
from assistant.ui.sources import SourcePages
from assistant.ui.visitor import Visitors
from assistant.users.identity import AccessDenied
from tests.attached_desk import ASKED, DU, LI, REPORT, ROOT, AttachedDesk, request_of
from tests.openai_server import openai_server
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttachedDesk]:
    with openai_server() as server:
        made = AttachedDesk(server, tmp_path_factory.mktemp("desk"), MAX_FILE_MB="1")
        yield made
        made.close()


@pytest.fixture
def desk(shared: AttachedDesk) -> Iterator[AttachedDesk]:
    for who in (LI, DU):
        shared.chat.new(request_of(who))
    yield shared
    for who in (LI, DU):
        shared.parts.turns.forget_all(who.user)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the pages said in their corner."""
    said: list[str] = []

    def note(message: str, **_: object) -> None:
        said.append(html.unescape(message))

    for name in ("Warning", "Info"):
        monkeypatch.setattr(f"assistant.ui.messages.gr.{name}", note)
    return said


# Attaching


def test_a_new_conversation_gets_its_id(desk: AttachedDesk) -> None:
    request = request_of(LI)
    assert desk.chat.shown(request) == ""
    changed = desk.page.attach([desk.sent("报告.md", REPORT)], "", request)
    id = changed.conversation_id
    assert id and id == desk.chat.shown(request)
    assert changed.button["value"] is None and "报告.md" in changed.chips
    assert "1 个段落可用" in desk.finish(LI, id)
    desk.server.say(*["好。"] * 3)
    begun = desk.chat.ask(ASKED, "", request)  # the page may not know the id yet
    assert begun.conversation_id == id
    turn = desk.parts.turns.current("li", id)
    if turn:
        list(turn.events())


def test_it_is_there_after_a_reload(desk: AttachedDesk) -> None:
    id = desk.attach(("报告.md", REPORT))
    again = request_of(LI, "another page")
    again.query_params = {"c": id}
    assert desk.chat.open_from_url(again).conversation_id == id
    assert "报告.md" in desk.finish(LI, id, "another page")
    theirs = request_of(DU)
    theirs.query_params = {"c": id}
    assert desk.chat.open(id, theirs).conversation_id == ""
    assert desk.chips(DU, id) == ""


def test_files_go_to_the_conversation_that_they_were_chosen_in(desk: AttachedDesk) -> None:
    first = desk.attach(("报告.md", REPORT))
    second = desk.attach(("其他.md", "# 其他\n\n第二个。\n"), page="second")
    page = request_of(LI, "second")
    changed = desk.page.attach([desk.sent("晚到.md", "# 晚到\n\n上传很慢。\n")], first, page)
    assert "晚到.md" not in changed.chips and "其他.md" in changed.chips
    assert [file.name for file in desk.of(LI, first)] == ["报告.md", "晚到.md"]
    assert desk.chat.shown(page) == second
    desk.finish(LI, first)


def test_a_page_that_the_app_forgot_goes_on(desk: AttachedDesk) -> None:
    id = desk.attach(("报告.md", REPORT))
    desk.ask(id)
    page = request_of(LI, "from before the restart")
    desk.page.attach([desk.sent("更多.md", "# 更多\n\n后来的。\n")], id, page)
    assert "更多.md" in desk.finish(LI, id, "from before the restart")
    assert desk.chat.shown(page) is None, "its turns are read from memory as it asks"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_can_not_be_read_says_why(desk: AttachedDesk, language: str) -> None:
    id = desk.attach(("坏.pdf", b"no pdf"), ("程序.exe", b"MZ\x00\x01\x02"), ("空.md", ""))
    chips = desk.chips(LI, id, language)
    assert chips.count('class="file failed"') == 3
    assert ("内容不是 PDF" if language == "zh" else "its content is not PDF") in chips
    assert [file.chunks for file in desk.of(LI, id)] == [0, 0, 0]


def test_names_are_shown_as_they_are(desk: AttachedDesk) -> None:
    chips = chips_html([Chip("1", '<img src=x onerror="a()">', "failed", "<b>&")], "en")
    assert "<img" not in chips and "<b>&" not in chips and "onerror=&quot;" in chips
    assert chips_html([], "zh") == ""


def test_the_same_file_twice_is_told(desk: AttachedDesk, told: list[str]) -> None:
    one = desk.sent("报告.md", REPORT)
    desk.page.attach([one, one], "", request_of(LI))
    id = str(desk.chat.shown(request_of(LI)))
    desk.finish(LI, id)
    desk.attach(("副本.md", REPORT), target=id)
    assert told == ["报告.md 选择了两次，只添加一次。", "副本.md 未再次添加：内容与 报告.md 相同。"]
    desk.attach(("报告.md", "# 另一份\n\n同名的文件。\n"), target=id)
    assert [file.name for file in desk.of(LI, id)] == ["报告.md", "报告 (2).md"]


def test_what_failed_can_be_attached_again(desk: AttachedDesk, told: list[str]) -> None:
    id = desk.attach(("坏.pdf", b"no pdf"))
    desk.attach(("坏.pdf", b"no pdf"), target=id)
    assert told == [] and len(desk.of(LI, id)) == 1


def test_too_much_is_refused(
    desk: AttachedDesk, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_FILES", 2)
    many = [
        ("大.md", "x" * (2**20 + 1)),
        *((f"{n}.md", f"# {n}\n\n第 {n} 个。\n") for n in range(9)),
    ]
    id = desk.attach(*many)
    assert [file.name for file in desk.of(LI, id)] == ["0.md", "1.md"], "one is too large"
    assert len(told) == 3 and "MAX_FILE_MB" in told[0]
    assert told[1].startswith("2.md 未添加：每个对话最多附加 2 个文件")


@pytest.mark.parametrize(
    ("limit", "words"), [("MOST_MB", "this conversation"), ("USER_MB", "your conversations")]
)
def test_too_many_bytes_are_refused(
    desk: AttachedDesk, monkeypatch: pytest.MonkeyPatch, limit: str, words: str
) -> None:
    id = desk.attach(("报告.md", REPORT))
    monkeypatch.setattr(limits, limit, 0)
    with pytest.raises(DocumentError, match=words) as refused:
        desk.files.check_room("li", id, "a.md", 1)
    assert "请先移除" in refused.value.text("zh")
    desk.files.check_room("li", id, "empty.md", -len(REPORT.encode()))


# Removing


def test_a_file_that_is_removed_leaves_nothing(desk: AttachedDesk, told: list[str]) -> None:
    id = desk.attach(("报告.md", REPORT), ("其他.md", "# 其他\n\n别的。\n"))
    first, second = desk.of(LI, id)
    assert desk.click(first, id, DU) == "" and told.pop() == "这个文件已经移除。"
    assert "其他.md" in desk.click(first, id)
    assert not first.path.parent.exists() and second.path.exists()
    assert "蓝鲸项目报告" not in desk.ask(id)[0]
    desk.click(first, id)
    assert told == ["这个文件已经移除。"]


def test_one_that_is_removed_while_it_is_read_leaves_nothing(
    desk: AttachedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, add = threading.Event(), desk.library.add

    def slow(paths: Sequence[Path | str], cancel: threading.Event, collection: str) -> Any:
        events = list(add(paths, threading.Event(), collection))  # stored, and not told yet
        yield events[0]
        go.wait(10)
        yield from events[1:]

    monkeypatch.setattr(IngestLibrary, "add", lambda _, *given: slow(*given))
    request = request_of(LI)
    desk.page.attach([desk.sent("报告.md", REPORT)], "", request)
    id = str(desk.chat.shown(request))
    wait_for(lambda: "正在读取" in desk.chips(LI, id))
    (file,) = desk.of(LI, id)
    assert desk.click(file, id) == ""
    go.set()
    desk.finish(LI, id)
    info = desk.files.collections.find("li", id)
    assert info is not None
    assert desk.parts.knowledge.collection(info.name).sources() == []


def test_who_asks_early_is_told(
    desk: AttachedDesk, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slow(_: object, paths: Sequence[Path], *__: object) -> Iterator[Any]:
        go.wait(10)
        yield from ()

    monkeypatch.setattr(IngestLibrary, "add", slow)
    request = request_of(LI)
    desk.page.attach([desk.sent("报告.md", REPORT)], "", request)
    id = str(desk.chat.shown(request))
    desk.page.remind(ASKED, id, request)
    desk.page.remind(" ", id, request)
    assert len(told) == 1 and told[0].startswith("报告.md 仍在读取")
    go.set()
    assert "读取中断" in desk.finish(LI, id), "it ended without a word"
    desk.page.remind(ASKED, id, request)
    assert len(told) == 1


# What others get


@pytest.fixture
def doors(desk: AttachedDesk) -> TestClient:
    """The routes that open documents and shared conversations; the header says who asks."""
    app = FastAPI()
    visitors, knowledge = Visitors("auto", is_open=False), desk.parts.knowledge
    app.include_router(SourcePages(knowledge, visitors, PagePictures(knowledge)).router())
    app.include_router(SharedConversations(desk.parts.long_term, visitors).router())

    @app.middleware("http")
    async def gate(request: Any, call_next: Any) -> Any:
        request.state.identity = {one.user: one for one in (LI, DU, ROOT)}[request.headers["who"]]
        return await call_next(request)

    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True)


def test_its_citations_open_for_its_user_alone(desk: AttachedDesk, doors: TestClient) -> None:
    id = desk.attach(("报告.md", REPORT))
    desk.ask(id)
    (turn,) = desk.parts.long_term.turns("li", id)
    link = str(turn.sources[0]["link"]).partition("#")[0]
    source = link.partition("?")[0]
    assert "四百二十万元" in doors.get(link, headers={"who": "li"}).text
    assert "四百二十万元" in doors.get(f"{source}/original", headers={"who": "li"}).text
    tried = [
        doors.get(path, headers={"who": who})
        for who in ("du", "root")
        for path in (link, source, f"{source}/original")
    ]
    assert {answer.status_code for answer in tried} == {404}
    assert not any("蓝鲸" in answer.text for answer in tried)


def test_a_shared_conversation_does_not_hand_it_out(desk: AttachedDesk, doors: TestClient) -> None:
    id = desk.attach(("报告.md", REPORT))
    desk.ask(id)
    desk.parts.long_term.list.share("li", id, "secret")
    page = doors.get(link_of("li", id, "secret"), headers={"who": "du"})
    assert page.status_code == 200 and "四百二十万元" in page.text, "what the answer says"
    assert "由陈思负责" not in page.text and "/source/" not in page.text


def test_no_door_of_the_library_leads_to_it(desk: AttachedDesk) -> None:
    id = desk.attach(("报告.md", REPORT))
    info = desk.files.collections.find("li", id)
    assert info is not None
    access = LibraryAccess(Collections(desk.parts.knowledge), Visitors("auto", is_open=False))
    for who in (LI, DU, ROOT):
        request = request_of(who)
        assert [one.name for one in access.readable(request)] == ["default"]
        for door in (access.read, access.write, access.manage):
            with pytest.raises((AccessDenied, AssistantError)):
                door(info.name, request)
    offered = desk.chat.search.offer(id, request_of(LI))
    assert "蓝鲸" not in repr(offered)

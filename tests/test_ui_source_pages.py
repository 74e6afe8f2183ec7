"""A source's page as it is served: rendered sections, pages as pictures with the cited words
marked on them, and who gets to see them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import html as lxml_html
from PIL import Image
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.knowledge.collections import Collections
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.page_pictures.pictures import PagePictures
from assistant.ui.security import SecurityHeaders
from assistant.ui.sources import MOST_IN_PANEL, SourcePages
from assistant.ui.visitor import Visitors
from assistant.users.identity import Identity, Role
from tests.knowledge_samples import open_knowledge, vectors_of
from tests.source_desk import add_documents, cited, knowledge_in

USERS = {
    "li": Identity("li", Role.EDITOR),
    "wang": Identity("wang", Role.READER),
    "root": Identity("root", Role.ADMIN),
}


class Gate:
    """Lets in whom the header ``as`` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"]).get(b"as", b"li").decode()
            scope.setdefault("state", {})["identity"] = USERS[name]
        await self._app(scope, receive, send)


def client_of(knowledge: KnowledgeBase) -> TestClient:
    app = FastAPI()
    pages = SourcePages(knowledge, Visitors("auto", is_open=False), PagePictures(knowledge))
    app.include_router(pages.router())
    app.add_middleware(Gate)
    app.add_middleware(SecurityHeaders)
    return TestClient(app, headers={"accept-language": "zh-CN"})


@dataclass
class Desk:
    knowledge: KnowledgeBase
    client: TestClient
    folder: Path

    def link(self, name: str, words: str) -> str:
        link = cited(self.knowledge, name, words).link()
        return link.partition("#")[0]

    def get(self, link: str, **headers: str) -> str:
        answer = self.client.get(link, headers=headers)
        assert answer.status_code == 200
        return answer.text


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = Path(tmp_path_factory.mktemp("sources"))
    add_documents(folder, folder / "data")
    with closing(knowledge_in(folder / "data")) as knowledge, client_of(knowledge) as client:
        yield Desk(knowledge, client, folder)


def marked(page: str) -> list[str]:
    return [mark.text_content() for mark in lxml_html.fromstring(page).iter("mark")]


def test_markdown_is_rendered_with_its_marks(desk: Desk) -> None:
    page = desk.get(desk.link("guide.md", "充满电需要90分钟"))
    assert marked(page) == ["充满电需要90分钟"]
    assert '<mark id="here">' in page
    assert '<th scope="col">电量</th>' in page
    assert "<li>使用随附的 <code>USB-C</code> 线</li>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page and "evil.example" not in page and "<img" not in page
    inside = desk.get(desk.link("guide.md", "aurora --battery"))
    assert marked(inside) == ["aurora --battery"]


def test_a_pdf_page_is_a_picture_with_its_marks(desk: Desk) -> None:
    link = desk.link("manual.pdf", "It weighs 1.8 kilograms")
    page = desk.get(link)
    assert marked(page) == ["It weighs 1.8 kilograms"], "in the text below, too"
    source = re.search(r"/source/(\d+)", link)[1]  # type: ignore[index]
    assert (
        f'<img src="/source/{source}/page/1.png" alt="《Aurora 7000 manual》第 1 页的图像"' in page
    )
    [box] = re.findall(r"<rect ([^>]*)/>", page)
    assert 'id="here"' in box
    x, y, width, height = (int(value) for value in re.findall(r'="(\d+)"', box)[:4])
    assert page.count("<figure") == 1, "only the cited page is drawn"
    answer = desk.client.get(f"/source/{source}/page/1.png")
    assert answer.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(answer.content)).convert("L")
    assert image.crop((x, y, x + width, y + height)).getextrema()[0] < 128, "there is ink"
    assert f'viewBox="0 0 {image.width} {image.height}"' in page


def test_chinese_words_are_marked_on_their_page(desk: Desk) -> None:
    page = desk.get(desk.link("manual.pdf", "保修期是三年，每年需要校准一次"))
    assert "/page/2.png" in page
    assert page.count("<rect") == 1


def test_the_opened_passage_is_shown_without_marks(desk: Desk) -> None:
    link = desk.link("manual.pdf", "保修期").partition("?")[0]
    assert "<figure" not in desk.get(link), "nothing is opened"
    assert "第 2 页的图像</a>" in desk.get(link)
    page = desk.get(f"{link}?at=1")
    assert '<figure id="here">' in page and "/page/2.png" in page and "<rect" not in page
    english = desk.get(f"{link}?at=1", **{"accept-language": "en"})
    assert "Picture of page 2 of “Aurora 7000 manual”" in english


def test_only_the_panel_may_be_framed_and_by_us(desk: Desk) -> None:
    link = desk.link("guide.md", "充满电")
    alone = desk.client.get(link).headers["content-security-policy"]
    inside = desk.client.get(f"{link}&view=panel")
    policy = inside.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in alone
    assert "frame-ancestors 'self'" in policy
    for each in (alone, policy):
        assert "default-src 'none'" in each and "script-src" not in each
        assert "unsafe" not in each
    assert '<html lang="zh-CN"' in inside.text and 'class="panel"' in inside.text
    assert "返回对话" not in inside.text
    assert 'style="' not in inside.text, "the policy would not let it be applied"
    other = desk.client.get(f"{link}&view=other").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in other


@pytest.mark.parametrize(
    "path",
    [
        "/source/{id}/page/0.png", "/source/{id}/page/3.png", "/source/{id}/page/-1.png",
        "/source/{id}/page/1.5.png", "/source/{id}/page/99999999999999999999.png",
        "/source/{id}/page/1.pdf", "/source/{id}/page/..%2f..%2f1.png", "/source/{id}/page/%00.png",
        "/source/{id}/page/../../../etc/passwd", "/source/999/page/1.png",
        "/source/..%2f1/page/1.png", "/source/{id}/page/1.png/..%2f..%2fknowledge.db",
    ],
)  # fmt: skip
def test_no_other_picture_is_served(desk: Desk, path: str) -> None:
    [source] = [one for one in desk.knowledge.sources() if one.kind == "pdf"]
    answer = desk.client.get(path.format(id=source.id))
    assert answer.status_code in (404, 422)
    assert not answer.content.startswith(b"\x89PNG")


def test_strange_marks_draw_no_more_than_some_pages(desk: Desk) -> None:
    link = desk.link("manual.pdf", "It weighs").partition("?")[0]
    for strange in ("9" * 30, ":", "0:5-1", "1:0-99999999", ";" * 500, "0:0-1;" * 300, "x:1-2"):
        assert desk.client.get(link, params={"mark": strange}).status_code == 200
    for at in ("-1", "x", str(10**12)):
        assert desk.client.get(link, params={"at": at}).status_code == 422
    assert desk.client.get(link, params={"at": 5000}).status_code == 200


# Files that are another one by now, and readers who may not see them


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Desk]:
    with open_knowledge(tmp_path / "data") as knowledge, client_of(knowledge) as client:
        yield Desk(knowledge, client, tmp_path)


def put(desk: Desk, path: Path, kind: str, text: str, *, collection: str = "default") -> int:
    chunks = [NewChunk(text, page=1)]
    knowledge = desk.knowledge.collection(collection)
    source, _ = knowledge.add_embedded(
        str(path), "手册", kind, path.stat().st_size, "h", chunks, vectors_of(chunks)
    )
    return source.id


def test_a_changed_or_missing_file_is_text_alone_and_says_why(own: Desk) -> None:
    from tests.samples.pdf import PdfPage, pdf

    path = own.folder / "a.pdf"
    path.write_bytes(pdf([PdfPage().text("Aurora weighs 1.8 kilograms", 72, 700)]))
    id = put(own, path, "pdf", "Aurora weighs 1.8 kilograms")
    link = f"/source/{id}?mark=0:0-6"
    assert "<figure" in own.get(link)
    path.write_bytes(path.read_bytes() + b"\n")
    changed = own.get(link)
    assert "<figure" not in changed and "原文件在读取之后有改动" in changed
    assert marked(changed) == ["Aurora"]
    assert own.client.get(f"/source/{id}/page/1.png").status_code == 404
    path.unlink()
    assert "无法显示页面图像" in own.get(link)


def test_a_broken_pdf_is_text_alone(own: Desk) -> None:
    path = own.folder / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n" + os.urandom(2000))
    id = put(own, path, "pdf", "what was read of it")
    page = own.get(f"/source/{id}?mark=0:0-4")
    assert "这一页无法绘制成图像" in page
    assert marked(page) == ["what"]


def test_a_scan_is_a_picture_whose_words_are_marked_in_its_text(own: Desk) -> None:
    path = own.folder / "scan.png"
    Image.new("L", (200, 100), 200).save(path)
    id = put(own, path, "image", "recognised words")
    page = own.get(f"/source/{id}?mark=0:0-10")
    assert "/page/1.png" in page and "<rect" not in page
    assert "引用的文字未能在图像上标出" in page and "<details open>" in page
    assert marked(page) == ["recognised"]
    answer = own.client.get(f"/source/{id}/page/1.png")
    assert answer.status_code == 200
    assert answer.content != path.read_bytes()
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("private")


def test_anothers_pages_are_not_there(own: Desk) -> None:
    secret = Collections(own.knowledge).make("密", "li", ())
    path = own.folder / "scan.png"
    Image.new("L", (20, 10), 200).save(path)
    id = put(own, path, "image", "石榴暗号", collection=secret.name)
    for way in (f"/source/{id}", f"/source/{id}?at=0&view=panel", f"/source/{id}/page/1.png"):
        assert own.client.get(way).status_code == 200
        assert own.client.get(way, headers={"as": "root"}).status_code == 200
        refused = own.client.get(way, headers={"as": "wang"})
        missing = own.client.get(way.replace(f"/{id}", "/999"), headers={"as": "wang"})
        assert refused.status_code == missing.status_code == 404
        assert refused.content == missing.content
        assert "石榴" not in refused.text


def test_a_long_document_is_shown_around_the_passage(own: Desk) -> None:
    chunks = [NewChunk(f"passage number {n}") for n in range(3 * MOST_IN_PANEL)]
    source, _ = own.knowledge.add_embedded("/a.md", "t", "md", 1, "h", chunks, vectors_of(chunks))
    page = own.get(f"/source/{source.id}?at=120&view=panel")
    assert '<section id="chunk-120" class=at><h2 id="here">' in page
    assert page.count("<section") == MOST_IN_PANEL
    assert f'href="/source/{source.id}?at=99&amp;view=panel#here"' in page
    assert f'href="/source/{source.id}?at=180&amp;view=panel#here"' in page
    assert "前面的段落" not in own.get(f"/source/{source.id}?at=0&view=panel")
    assert "后面的段落" not in own.get(f"/source/{source.id}?at=239&view=panel")
    assert own.get(f"/source/{source.id}").count("<section") == len(chunks)

"""The routes that open a source: its passages and its file, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.knowledge.records import NewChunk, Source
from assistant.knowledge.store import KnowledgeBase
from assistant.page_pictures.pictures import PagePictures
from assistant.ui.security import SecurityHeaders
from assistant.ui.sources import SourcePages
from assistant.ui.visitor import Visitors
from tests.knowledge_samples import open_knowledge, vectors_of

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def client(knowledge: KnowledgeBase) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(SourcePages(knowledge, Visitors("auto"), PagePictures(knowledge)).router())
    app.add_middleware(SecurityHeaders)
    with TestClient(app, headers={"accept-language": "zh-CN"}) as opened:
        yield opened


def add(knowledge: KnowledgeBase, uri: str, kind: str, title: str = "标题") -> Source:
    chunks = [
        NewChunk(f"第一段 {SCRIPT}", ("规格", SCRIPT), page=3),
        NewChunk("第二段\n\n空行之后", ("规格", "续航")),
    ]
    source, _ = knowledge.add_embedded(uri, title, kind, 10, "h", chunks, vectors_of(chunks))
    return source


def file(folder: Path, name: str, text: str = SCRIPT) -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def test_a_source_shows_its_passages_under_anchors(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = add(knowledge, file(tmp_path, "手册.md"), "md", f"手册 {SCRIPT}")
    answer = client.get(f"/source/{source.id}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<section id="chunk-0">' in answer.text
    assert '<section id="chunk-1">' in answer.text
    assert "第 3 页 › 规格" in answer.text
    assert "<p>第二段</p><p>空行之后</p>" in answer.text
    assert f'href="/source/{source.id}/original"' in answer.text
    assert ":target" in answer.text, "the cited passage is highlighted"


def test_a_sources_page_runs_nothing(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = add(knowledge, file(tmp_path, "a.md"), "md", SCRIPT)
    answer = client.get(f"/source/{source.id}")
    assert "<script" not in answer.text
    assert answer.text.count("&lt;script&gt;") == 4  # head, heading, headings' path, passage
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_speaks_the_visitors_language(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = add(knowledge, file(tmp_path, "a.md"), "md")
    assert "打开原文" in client.get(f"/source/{source.id}").text
    english = client.get(f"/source/{source.id}", headers={"accept-language": "en"})
    assert "Open the original" in english.text


def test_a_web_source_links_out_and_has_no_file(
    client: TestClient, knowledge: KnowledgeBase
) -> None:
    source = add(knowledge, "https://example.org/a?b=1&c=2", "html")
    page = client.get(f"/source/{source.id}").text
    assert 'href="https://example.org/a?b=1&amp;c=2" target="_blank" rel="noopener' in page
    assert client.get(f"/source/{source.id}/original").status_code == 404


def test_a_uri_that_is_no_web_address_is_no_link(
    client: TestClient, knowledge: KnowledgeBase
) -> None:
    source = add(knowledge, "javascript:alert(1)", "html")
    assert "javascript:" not in client.get(f"/source/{source.id}").text
    assert client.get(f"/source/{source.id}/original").status_code == 404


@pytest.mark.parametrize(
    ("name", "kind", "media", "placing"),
    [
        ("页.html", "html", "application/octet-stream", "attachment"),
        ("记.md", "md", "text/plain; charset=utf-8", "inline"),
        ("文.txt", "txt", "text/plain; charset=utf-8", "inline"),
        ("书.docx", "docx", "application/octet-stream", "attachment"),
        ("图.svg", "svg", "application/octet-stream", "attachment"),
    ],
)
def test_an_original_can_be_read_but_not_run(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path,
    name: str, kind: str, media: str, placing: str,
) -> None:  # fmt: skip
    source = add(knowledge, file(tmp_path, name), kind)
    answer = client.get(f"/source/{source.id}/original")
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == media
    assert answer.headers["content-disposition"].startswith(f"{placing}; filename*=UTF-8''%E")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_pdf_is_shown_as_a_pdf(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = add(knowledge, file(tmp_path, "a.pdf", "%PDF-1.7"), "pdf")
    answer = client.get(f"/source/{source.id}/original")
    assert answer.headers["content-type"] == "application/pdf"


@pytest.mark.parametrize(
    "path",
    [
        "/source/999",
        "/source/999/original",
        "/source/-1",
        "/source/x",
        "/source/1.5/original",
        "/source/..%2f..%2fetc%2fpasswd",
        "/source/1/..%2f..%2f..%2fetc%2fpasswd",
        "/source/1/original/..%2f..%2fknowledge.db",
        "/source/99999999999999999999999",
    ],
)
def test_nothing_else_is_served(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path, path: str
) -> None:
    add(knowledge, file(tmp_path, "a.md"), "md")
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text


def test_a_file_that_is_gone_says_so(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    path = file(tmp_path, "a.md")
    source = add(knowledge, path, "md")
    Path(path).unlink()
    assert "原文件已不在原处" in client.get(f"/source/{source.id}").text
    answer = client.get(f"/source/{source.id}/original")
    assert answer.status_code == 404
    assert "原文件已不在原处" in answer.text


def test_a_folder_or_relative_path_is_no_file(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    for uri in (str(tmp_path), "pyproject.toml", "../../etc/passwd"):
        source = add(knowledge, uri, "txt")
        assert client.get(f"/source/{source.id}/original").status_code == 404


def test_marked_words_are_marked_where_they_stand(
    client: TestClient, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = add(knowledge, file(tmp_path, "手册.md"), "md")
    page = client.get(f"/source/{source.id}?mark=7:1-2;0:4-12,0-3;10:0-1").text
    assert '<mark id="here">第一段</mark> <mark>&lt;script&gt;</mark>alert' in page
    assert page.count("<mark") == 2 and "<script>" not in page
    for strange in ("1:3-2", "7:0-3", "0:99-100,5", "x", "0:-", f"0:{'9' * 40}-{'9' * 41}"):
        page = client.get(f"/source/{source.id}", params={"mark": strange})
        assert page.status_code == 200
        assert ">第一段</mark>" not in page.text

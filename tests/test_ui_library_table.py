"""The table of documents, its buttons, and what the knowledge page's HTML holds of documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from assistant.errors import DocumentError
from assistant.knowledge.collections import Look, SourcePage
from assistant.knowledge.disk_use import disk_use
from assistant.knowledge.records import Hit, NewChunk, Source
from assistant.search_trace import Trace, Traced
from assistant.ui.followed_rendering import Followed
from assistant.ui.jobs import Job
from assistant.ui.library_chunks import AT_ONCE, chunks_html
from assistant.ui.library_health import disk_html
from assistant.ui.library_rendering import counts_html, jobs_html, size_text
from assistant.ui.library_table import Standing, confirm_html, state_of, table_html
from assistant.ui.library_trying import trace_html
from assistant.ui.upload_names import chosen_files
from ingest.events import Added, Failed, Unchanged
from tests.library_desk import MANUAL, REQUEST, Desk
from tests.test_ui_rendering import EVIL, Tags

TAGS = {
    *("div", "table", "thead", "tbody", "tr", "th", "td", "button", "input", "span", "a", "bdi"),
    *("details", "summary", "p", "nav", "ul", "li", "section", "header", "h3", "article", "b"),
    *("pre", "code", "time", "progress", "dl", "dt", "dd"),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def source(**fields: object) -> Source:
    known: dict[str, Any] = {
        "id": 7, "collection": "default", "uri": "/docs/<a>.md", "title": "<b>标题</b>",
        "kind": "md", "chunks": 3, "size": 3400, "content_hash": "x", "added_at": 0.0,
        "updated_at": 0.0, **fields,
    }  # fmt: skip
    return Source(**known)


def assert_harmless(content: str) -> None:
    parser = Tags()
    parser.feed(content)
    assert parser.found
    for tag, attributes in parser.found:
        assert tag in TAGS, content
        assert not [name for name in attributes if name.startswith("on")], content
        assert re.match(r"/source/\d+(#chunk-\d+)?$", attributes.get("href") or "/source/1"), (
            content
        )


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_of_a_document_is_live(evil: str) -> None:
    one = source(title=evil, kind=evil, uri=f"/docs/{evil}")
    page = SourcePage((one,), 70, 70, 3, ((evil, 70),))
    standing = Standing({one.uri: ("failed", evil)}, {"/docs/": 9e9})
    for may_write in (True, False):
        content = table_html(page, Look(), standing, "zh", name=evil, may_write=may_write)
        assert_harmless(content)
        assert content.count("data-id=") == may_write
        assert content.count('data-do="ask"') == content.count('data-do="resync"') == may_write
    assert_harmless(confirm_html([one] * 20, "en"))
    hit = Hit(evil, evil, 0.5, one, 3, (evil,), 2, evil, 1, 2, 0.9, 3.0)
    assert_harmless(chunks_html(one, [hit], 0, "zh"))
    found = Trace((Traced(1, hit, "kept"), Traced(2, hit, "repeat", 1)), 40, 0.1)
    assert_harmless(trace_html(found, "en"))
    job = Job(1, (evil, evil), state="running", files={f"/{evil}": None, "/b": None})
    job.apply(Failed(f"/{evil}", DocumentError("{e}", "{e}", e=evil)))
    assert_harmless(jobs_html([job], "zh"))


def test_what_a_document_needs_is_told(tmp_path: Path) -> None:
    fine = Standing({}, {})
    web = "https://a.example/"
    assert state_of(source(uri=web), fine, "zh").word == "ready"
    assert state_of(source(uri=web, chunks=0), fine, "zh").word == "empty"
    gone = state_of(source(), fine, "en")
    assert gone.word == "gone" and "moved or deleted" in gone.advice
    archive = tmp_path / "a.zip"
    archive.touch()
    assert state_of(source(uri=f"{archive}!/b.md"), fine, "zh").word == "ready"
    rows = [
        {"event": "failed", "uri": web, "error": {"message": "404"}},
        {"event": "skipped", "uri": "https://a.example/s", "error": {"message": "no"}},
    ]
    followed = Followed(
        "a", "site", web, "default", "manual", False, "partly", 5.0, {"documents": rows}
    )
    standing = Standing.of([followed], "default")
    assert state_of(source(uri=web), standing, "zh") == ("failed", "404")
    assert standing.checked_at("https://a.example/x") == 5.0
    assert Standing.of([followed], "other") == Standing({}, {})


def test_how_much_there_is(tmp_path: Path) -> None:
    assert [size_text(n) for n in (0, 999, 12_345_678)] == ["0 B", "999 B", "12.3 MB"]
    empty, page = SourcePage((), 0, 0, 0, ()), SourcePage((), 0, 1, 3, ())
    assert "空的" in counts_html(empty, False, "zh")
    assert "共 1 个文档，3 个片段" in counts_html(page, False, "zh")
    assert "示例" not in counts_html(page, False, "zh")
    assert "示例" in counts_html(page, True, "zh")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "a").write_bytes(b"x" * 1500)
    use = disk_use(tmp_path)
    assert (use.parts["uploads"], use.total) == (1500, 1500) and use.free > 0
    assert "1.5 kB" in disk_html(use, "zh")


def fill(desk: Desk, count: int) -> None:
    """Documents straight into the store: what is shown of them is asked here."""
    vectors = np.eye(384, dtype=np.float32)[:1]
    for n in range(count):
        kind = ("md", "pdf", "html")[n % 3]
        desk.knowledge.add_embedded(
            f"/docs/{n:05}.md", f"手册 {n:05}", kind, n, "h", [NewChunk(f"第 {n} 段")], vectors
        )


def test_the_table_is_filtered_sorted_and_paged_on_the_server(desk: Desk) -> None:
    fill(desk, 120)
    content = desk.see(order="title", is_descending=False).table
    assert content.count("data-id=") == 50 and "手册 00000" in content
    assert "第 1–50 个，共 120 个" in content
    look = desk.act("page", 100, order="title", is_descending=False).look
    assert look == Look(order="title", is_descending=False, first=100)
    assert desk.see(order="title", is_descending=False, first=100).table.count("data-id=") == 20
    look = desk.handlers.table.find("00007", look)
    assert desk.see(text="00007").table.count("data-id=") == 1
    assert look.first == 0
    assert desk.handlers.table.choose_kind("pdf", look).kind == "pdf"
    assert "共 40 个" in desk.see(kind="pdf").table
    assert desk.see().kinds["choices"][0] == ("全部类型（120）", "")
    assert "没有符合条件的文档" in desk.see(text="nowhere").table
    assert desk.act("sort", "size").look == Look(order="size")
    assert desk.act("sort", "size", order="size").look == Look(order="size", is_descending=False)
    assert desk.act("sort", "1; DROP", order="size").look == Look(order="size")
    assert desk.act("page", "-5").look.first == desk.act("page", "x").look.first == 0
    assert desk.act("anything").look == {"__type__": "update"}


def test_chunks_are_read_some_at_a_time(desk: Desk) -> None:
    chunks = [NewChunk(f"第 {n} 段", ("规格", f"{n}"), page=n, anchor=f"a{n}") for n in range(25)]
    vectors = np.eye(384, dtype=np.float32)[:25]
    one, _ = desk.knowledge.add_embedded("/a.md", "手册", "md", 9, "h", chunks, vectors)
    assert '25<span class="address">24 页</span>' in desk.see().table
    content = desk.act("chunks", one.id).chunks
    assert content.count("<article") == AT_ONCE
    assert "手册 · 片段 1–10，共 25" in content
    assert "规格 › 3" in content and "第 3 页 · #a3" in content
    assert f'href="/source/{one.id}#chunk-4"' in content
    event: Any = SimpleNamespace(do="page", value="20", source=str(one.id))
    content = desk.handlers.chunks.act(event, REQUEST)
    assert content.count("<article") == 5 and 'data-value="10"' in content
    assert desk.handlers.chunks.act(cast(Any, SimpleNamespace(do="close")), REQUEST) == ""
    with pytest.warns(UserWarning, match="可能已被删除"):
        assert desk.act("chunks", 999).chunks == ""


def test_several_are_deleted_after_being_named(desk: Desk) -> None:
    fill(desk, 20)
    ids = [one.id for one in desk.knowledge.sources()][:15]
    asked = desk.act("ask", ids=ids)
    assert asked.doomed == ids and asked.confirm["visible"]
    assert "这 15 个文档" in asked.question and "手册 00003" in asked.question
    assert "另外 3 个" in asked.question
    assert len(desk.titles()) == 20, "nothing yet"
    desk.delete(*asked.doomed)
    assert desk.titles() == [f"手册 {n:05}" for n in range(15, 20)]
    job = desk.jobs.list()[0]
    assert (job.state, job.counts["removed"], job.title[0]) == ("done", 15, "删除 15 个文档")
    assert "已删除，1 个片段" in desk.see().jobs
    with pytest.warns(UserWarning, match="请先选择"):
        assert desk.act("ask", ids=ids).doomed == {"__type__": "update"}
    with pytest.warns(UserWarning, match="一次最多"):
        desk.act("ask", ids=range(1, 3000))
    assert desk.noted() == ["library.delete"]


def test_uploaded_files_go_with_their_documents_and_are_read_again(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "cache" / "手册.md"
    path.parent.mkdir()
    path.write_text(MANUAL, "utf-8")
    desk.page.upload([str(path)], "default", REQUEST)
    desk.finish()
    (one,) = desk.knowledge.sources()
    Path(one.uri).write_text(MANUAL + "\n新的一段。\n", "utf-8")
    desk.act("resync", ids=[one.id])
    job = desk.finish()
    assert (job.state, job.counts["updated"]) == ("done", 1)
    Path(one.uri).unlink()
    assert "原文件已不在" in desk.see().table
    desk.act("resync", ids=[one.id])
    assert desk.finish().state == "failed"
    desk.delete(one.id)
    assert not Path(one.uri).parent.exists()
    assert desk.noted() == ["library.add", "library.sync", "library.sync", "library.delete"]


def test_names_of_one_upload() -> None:
    files = ["/t/1/a.md", "/t/2/a.md", "/t/1/a.md", "/t/3/a.md", "/t/3/b", "/t/4/b"]
    chosen = chosen_files(files)
    assert [file.name for file in chosen] == [
        "a.md", "a (2).md", "a.md", "a (3).md", "b", "b (2)",
    ]  # fmt: skip
    assert [file.is_repeated for file in chosen] == [False, False, True, False, False, False]


def test_each_file_of_an_upload_has_a_state() -> None:
    files = [f"/u/{n}/文件{n}.md" for n in range(4)] + ["/u/z/包.zip"]
    job = Job(1, ("上传", "Upload"), state="running", files=dict.fromkeys(files))
    assert jobs_html([job], "zh").count("等待中</li>") == 5
    job.apply(Added(files[0], "标题", 1, 3, 0, 0, True))
    job.apply(Unchanged(files[1], "旧", 2))
    job.apply(Failed(files[2], DocumentError("Broken.", "损坏。")))
    job.apply(Added(f"{files[4]}!/a.md", "里", 3, 1, 0, 0, True))
    content = jobs_html([job], "zh")
    assert content.count("等待中</li>") == 1
    assert "文件0.md</bdi></b> 已添加，3 个片段" in content
    assert content.index("损坏。") < content.index("等待中</li>") < content.index("已添加")
    job.state = "cancelled"
    assert "文件3.md</bdi></b> 未处理" in jobs_html([job], "zh")
    many = Job(2, ("上传", "Upload"), files=dict.fromkeys(f"/{n}.md" for n in range(500)))
    content = jobs_html([many], "en")
    assert "200 more files" in content and "<summary>Files: 500" in content

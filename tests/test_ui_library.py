"""The knowledge page's handlers and the jobs behind it, on the real document flow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant.errors import DocumentError, KnowledgeLocked, SettingsError
from assistant.ui.jobs import IngestEvent, Job, Jobs
from assistant.ui.library import add_sample_once
from assistant.ui.library_rendering import jobs_html
from ingest.background.client import Background
from ingest.events import (
    Added,
    Crawled,
    Finished,
    Progress,
    Removed,
    Started,
    Summary,
    Warned,
)
from tests.library_desk import MANUAL, REQUEST, Desk, environment
from tests.waiting import wait_for


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def upload(desk: Desk, folder: Path, *files: tuple[str, str | bytes]) -> Job:
    """As Gradio hands files over: by their paths in its cache."""
    paths = []
    for number, (name, content) in enumerate(files):
        path = folder / f"cache{number}" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(str(path))
    assert desk.page.upload(paths, "default", REQUEST)["value"] is None
    return desk.finish()


def test_uploads_are_stored_and_shown(desk: Desk, tmp_path: Path) -> None:
    job = upload(desk, tmp_path, ("手册.md", MANUAL), ("b.txt", "青禾一号是一种水稻。"))
    assert job.state == "done"
    assert job.title[0] == "上传 2 个文件"
    assert sorted(desk.titles()) == ["b", "星河7000手册"]
    shown = desk.see()
    assert "完成" in shown.jobs
    assert "共 2 个文档，2 个片段" in shown.counts
    assert "<bdi>b</bdi>" in shown.table and "<bdi>星河7000手册</bdi>" in shown.table
    assert "按标题排序" in shown.table
    assert "停止" not in shown.jobs


def test_only_what_changed_is_drawn_again(desk: Desk, tmp_path: Path) -> None:
    first = desk.see()
    assert "空的" in first.counts
    assert first.table == ""
    assert all(change == {"__type__": "update"} for change in desk.see(first.seen))
    upload(desk, tmp_path, ("手册.md", MANUAL))
    assert "星河7000手册" in desk.see(first.seen).table


def test_each_failure_is_one_line_and_the_rest_goes_on(desk: Desk, tmp_path: Path) -> None:
    job = upload(
        desk,
        tmp_path,
        ("手册.md", MANUAL),
        ("空.md", ""),
        ("坏.pdf", b"%PDF-1.7 broken"),
        ("大.txt", b"x" * 1_100_000),
        ("图.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50),
    )
    assert job.state == "partly"
    failed = [line for line in job.lines if line.kind == "failed"]
    assert sorted(line.name for line in failed) == ["图.png", "坏.pdf", "大.txt", "空.md"]
    assert all("\n" not in text for line in failed for text in line.text)
    assert desk.titles() == ["星河7000手册"]
    content = desk.see().jobs
    assert content.count('<li class="failed">') == 4
    assert "空.md 是空文件" in content


def test_the_same_file_again_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    upload(desk, tmp_path, ("手册.md", MANUAL))
    job = upload(desk, tmp_path, ("手册.md", MANUAL))
    assert [line.kind for line in job.lines] == ["same"]
    assert len(desk.titles()) == 1


def test_the_sample_is_added_once(desk: Desk, tmp_path: Path) -> None:
    sample, marker = tmp_path / "sample", tmp_path / "data" / "sample-added"
    sample.mkdir()
    (sample / "guide.md").write_text(MANUAL, "utf-8")
    (sample / "note.txt").write_text("not this", "utf-8")

    def start() -> None:
        add_sample_once(sample, marker, desk.knowledge, desk.jobs, desk.library)
        wait_for(lambda: not desk.jobs.active)

    start()
    assert desk.titles() == ["星河7000手册"]
    assert "示例" in desk.see().counts
    desk.delete(desk.knowledge.sources()[0].id)
    assert (sample / "guide.md").exists()
    start()
    assert desk.titles() == []


def test_the_sample_stays_out_of_a_knowledge_base_that_is_in_use(
    desk: Desk, tmp_path: Path
) -> None:
    upload(desk, tmp_path, ("b.txt", "青禾一号是一种水稻。"))
    sample, marker = tmp_path / "sample", tmp_path / "data" / "sample-added"
    sample.mkdir()
    (sample / "guide.md").write_text(MANUAL, "utf-8")
    add_sample_once(sample, marker, desk.knowledge, desk.jobs, desk.library)
    assert marker.exists()
    assert desk.finish().title[0] == "上传 b.txt"
    assert desk.titles() == ["b"]


def test_a_fault_of_the_whole_job_ends_it_with_a_line() -> None:
    def locked(_: threading.Event) -> Iterator[IngestEvent]:
        yield Started(1)
        raise KnowledgeLocked("Busy.", "正忙。")

    def broken(_: threading.Event) -> Iterator[IngestEvent]:
        yield Started(1)
        raise ZeroDivisionError

    jobs = Jobs()
    both: Sequence[Job] = [jobs.submit(("甲", "a"), locked), jobs.submit(("乙", "b"), broken)]
    wait_for(lambda: not jobs.active)
    assert [job.state for job in both] == ["failed", "failed"]
    assert both[0].lines[0].text == ("正忙。", "Busy.")
    assert "ZeroDivisionError" in both[1].lines[0].text[0]


def test_at_most_three_jobs_run_at_once_and_old_ones_are_forgotten() -> None:
    jobs, go = Jobs(), threading.Event()

    def work(cancel: threading.Event) -> Iterator[IngestEvent]:
        go.wait(10)
        yield Finished(Summary())

    for number in range(25):
        jobs.submit((f"第{number}", str(number)), work)
    assert len(jobs.list()) == 20
    time.sleep(0.1)  # those that run are too old to be listed
    assert {job.state for job in jobs.list()} == {"waiting"}
    go.set()
    wait_for(lambda: not jobs.active)
    jobs.close()


def test_a_job_keeps_its_last_lines() -> None:
    job = Job(1, ("甲", "a"))
    for number in range(250):
        job.fail(SettingsError(f"no {number}", f"错 {number}"))
    assert job.failures == 250
    assert len(job.lines) == 200
    assert job.lines[-1].text == ("错 249", "no 249")


def test_an_upload_through_the_background_process_is_stopped(tmp_path: Path) -> None:
    """The whole way: page, job, process, and back; what is done when it is stopped stays."""
    background = Background(environment(tmp_path / "data"))
    desk = Desk(tmp_path, background)
    try:
        assert upload(desk, tmp_path, ("手册.md", MANUAL)).state == "done"
        files = []
        for number in range(400):
            files.append(tmp_path / f"{number}.md")
            files[-1].write_text(f"# 第{number}章\n\n第{number}章的内容。", "utf-8")
        desk.page.upload([str(file) for file in files], "default", REQUEST)
        wait_for(lambda: len(desk.titles()) > 3)
        (job, _) = desk.jobs.list()
        assert "停止" in desk.see().jobs
        desk.page.act(cast(Any, SimpleNamespace(do="stop", source=str(job.id))), "default", REQUEST)
        assert desk.finish().state == "cancelled"
        assert 3 < len(desk.titles()) < 400
        assert "已完成的部分已保留" in desk.see().jobs
    finally:
        background.close()
        desk.close()


def test_a_job_says_how_fast_it_is_and_what_went_wrong_where() -> None:
    job = Job(1, ("更新 甲", "Update of a"), "a", state="running")
    job.apply(Started(None))
    job.apply(Progress(3, 40, "documents", "u", 12.34, 170.0))
    assert "3/40 个文档 · 12.3 片段/秒 · 约剩 3 分钟" in jobs_html([job], "zh")
    assert "12.3 chunks/s · about 3 min left" in jobs_html([job], "en")
    job.apply(Removed("https://a.example/old", "旧页", 4))
    job.apply(Warned("/a/b.pdf", DocumentError("Page 3 is a picture.", "第 3 页是图片。")))
    job.apply(Crawled(complete=False, reason="pages", requests=9))
    job.apply(Finished(Summary(added=2, removed=1, warned=1, chunks_added=7, seconds=1.25)))
    job.state = "done"
    content = jobs_html([job], "zh")
    assert "<b><bdi>旧页</bdi></b> 原文已不在，已移除 4 个片段" in content
    assert '<li class="warned"><b><bdi>b.pdf</bdi></b> 第 3 页是图片。' in content
    assert "网站没有抓完（达到网页上限），下次继续" in content
    assert "新增 2 · 移除 1 · 警告 1 · 7 个片段 · 1.2 秒" in content
    assert "<progress" not in content


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(2, "约剩 5 秒"), (41, "约剩 40 秒"), (58, "约剩 1 分钟"), (9000, "约剩 2.5 小时")],
)
def test_time_left(seconds: float, said: str) -> None:
    job = Job(1, ("甲", "a"), state="running")
    job.apply(Started(1))
    job.apply(Progress(1, 9, "chunks", "u", 1.0, seconds))
    assert said in jobs_html([job], "zh")


def test_older_jobs_are_folded() -> None:
    old, new = Job(1, ("甲", "a")), Job(2, ("乙", "b"))
    for job in (old, new):
        job.apply(Added("/a.md", "标题", 1, 2, 0, 0, True))
        job.state = "done"
    content = jobs_html([new, old], "zh")
    assert content.count("<details") == 1
    assert content.index("乙") < content.index("<details")


def test_a_followed_source_takes_no_slot_of_an_upload() -> None:
    jobs, go = Jobs(), threading.Event()

    def slow(cancel: threading.Event) -> Iterator[IngestEvent]:
        go.wait(10)
        yield Finished(Summary())

    def quick(cancel: threading.Event) -> Iterator[IngestEvent]:
        yield Finished(Summary())

    sources = [jobs.submit(("源", "source"), slow, source=str(n)) for n in range(5)]
    upload = jobs.submit(("甲", "a"), quick)
    wait_for(lambda: upload.state == "done")
    assert sorted(job.state for job in sources) == ["running", *["waiting"] * 4]
    jobs.cancel(sources[4].id)
    go.set()
    wait_for(lambda: not jobs.active)
    assert [job.state for job in sources] == ["done"] * 4 + ["cancelled"]

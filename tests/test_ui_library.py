"""The knowledge page's handlers and the jobs behind it, on the real document flow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app import IngestLibrary
from assistant.errors import KnowledgeLocked, SettingsError
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import Settings
from assistant.ui.jobs import IngestEvent, Job, Jobs
from assistant.ui.library import LibraryPage, Shown, add_sample_once
from assistant.ui.visitor import Visitors
from ingest.events import Finished, Started, Summary
from tests.site import Answer, serve

MANUAL = "# 星河7000手册\n\n## 规格\n\n星河7000重1.8千克，电池可用12小时。\n"
REQUEST = cast(Any, SimpleNamespace(headers={"accept-language": "zh"}, session_hash="s"))


class Desk:
    def __init__(self, folder: Path) -> None:
        settings = Settings.load({"DATA_DIR": str(folder / "data"), "MAX_FILE_MB": "1"}, None)
        embeddings = open_embeddings(settings)
        self.knowledge = KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint)
        parts = SimpleNamespace(settings=settings, knowledge=self.knowledge, embeddings=embeddings)
        self.settings = settings
        self.library = IngestLibrary(cast(Any, parts))
        self.jobs = Jobs()
        sample = folder / "sample"
        self.page = LibraryPage(self.library, self.knowledge, self.jobs, Visitors("auto"), sample)

    def finish(self) -> Job:
        """Wait for all jobs; the newest."""
        wait(lambda: not self.jobs.active)
        return self.jobs.list()[0]

    def see(self, seen: object = None) -> Shown:
        return self.page.refresh(seen, REQUEST)

    def titles(self) -> list[str]:
        return [source.title for source in self.knowledge.sources()]


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.jobs.close()
    made.knowledge.close()


def upload(desk: Desk, folder: Path, *files: tuple[str, str | bytes]) -> Job:
    """As Gradio hands files over: by their paths in its cache."""
    paths = []
    for number, (name, content) in enumerate(files):
        path = folder / f"cache{number}" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(str(path))
    assert desk.page.upload(paths, REQUEST)["value"] is None
    return desk.finish()


def test_uploads_are_stored_and_shown(desk: Desk, tmp_path: Path) -> None:
    job = upload(desk, tmp_path, ("手册.md", MANUAL), ("b.txt", "青禾一号是一种水稻。"))
    assert job.state == "done"
    assert job.title[0] == "上传 2 个文件"
    assert sorted(desk.titles()) == ["b", "星河7000手册"]
    shown = desk.see()
    assert "完成" in shown.jobs
    assert "共 2 个来源，2 段" in shown.counts
    assert [row[1] for row in shown.table["value"]] == ["b", "星河7000手册"]
    assert shown.table["headers"][1] == "标题"
    assert not shown.stop["visible"]


def test_only_what_changed_is_drawn_again(desk: Desk, tmp_path: Path) -> None:
    first = desk.see()
    assert "空的" in first.counts
    assert not first.table["visible"]
    assert all(change == {"__type__": "update"} for change in desk.see(first.seen))
    upload(desk, tmp_path, ("手册.md", MANUAL))
    assert desk.see(first.seen).table["visible"]


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


def test_a_site_is_crawled_and_its_failures_said(desk: Desk) -> None:
    pages: dict[str, str | Answer] = {
        "/": "<title>首页</title><h1>首页</h1><p>星河7000的首页。</p>"
        '<a href="/b">b</a><a href="/gone">gone</a>',
        "/b": "<title>规格</title><h1>规格</h1><p>重1.8千克。</p>",
    }
    with serve(pages) as site:
        assert desk.page.add_site(site.url(), 1, True, REQUEST) == ""
        job = desk.finish()
    assert job.state == "partly"
    assert sorted(desk.titles()) == ["规格", "首页"]
    (failed,) = [line for line in job.lines if line.kind == "failed"]
    assert "404" in failed.text[0]


def test_a_private_address_needs_to_be_allowed(desk: Desk) -> None:
    with serve({"/": "<p>内网</p>"}) as site:
        desk.page.add_site(site.url(), 0, False, REQUEST)
        job = desk.finish()
        assert site.asked == []
    assert job.state == "failed"
    assert desk.titles() == []


@pytest.mark.parametrize("url", ["ftp://a.example/", "not a url", "file:///etc/passwd"])
def test_what_is_no_web_address_is_said_to_be_none(desk: Desk, url: str) -> None:
    desk.page.add_site(url, 0, False, REQUEST)
    job = desk.finish()
    assert job.state == "failed"
    assert "不是网页地址" in job.lines[0].text[0]


def test_an_empty_address_starts_nothing(desk: Desk) -> None:
    with pytest.warns(UserWarning, match="请先填写网址"):
        desk.page.add_site("  ", 0, False, REQUEST)
    assert desk.jobs.list() == []


def test_a_job_can_be_stopped(desk: Desk) -> None:
    hold = threading.Event()
    pages: dict[str, str | Answer] = {
        "/": '<p>首页</p><a href="/slow">slow</a>',
        "/slow": Answer("<p>慢</p>", wait=hold),
    }
    with serve(pages) as site:
        desk.page.add_site(site.url(), 1, True, REQUEST)
        wait(lambda: "/slow" in site.asked)
        assert desk.see().stop["visible"]
        desk.page.cancel()
        job = desk.finish()
    assert job.state == "cancelled"


def test_a_source_is_chosen_and_deleted(desk: Desk, tmp_path: Path) -> None:
    upload(desk, tmp_path, ("手册.md", MANUAL))
    (source,) = desk.knowledge.sources()
    event = cast(Any, SimpleNamespace(row_value=[source.id]))
    source_id, line, bar = desk.page.choose(event, REQUEST)
    assert source_id == source.id
    assert f'href="/source/{source.id}"' in line
    assert bar["visible"]
    assert not desk.page.delete(source_id, REQUEST)["visible"]
    assert desk.titles() == []
    assert not Path(source.uri).exists(), "the uploaded copy goes too"
    assert desk.page.choose(event, REQUEST)[0] == 0, "it is gone from another page's table too"


def test_a_crawl_does_not_hold_up_an_upload(desk: Desk, tmp_path: Path) -> None:
    hold = threading.Event()
    with serve({"/": Answer("<p>慢</p>", wait=hold)}) as site:
        desk.page.add_site(site.url(), 0, True, REQUEST)
        wait(lambda: site.asked)
        path = tmp_path / "手册.md"
        path.write_text(MANUAL, "utf-8")
        desk.page.upload([str(path)], REQUEST)
        wait(desk.titles)
        assert desk.jobs.active
        desk.page.cancel()
        desk.finish()


def test_the_sample_is_added_once(desk: Desk, tmp_path: Path) -> None:
    sample, marker = tmp_path / "sample", tmp_path / "data" / "sample-added"
    sample.mkdir()
    (sample / "guide.md").write_text(MANUAL, "utf-8")
    (sample / "note.txt").write_text("not this", "utf-8")

    def start() -> None:
        add_sample_once(sample, marker, desk.knowledge, desk.jobs, desk.library)
        wait(lambda: not desk.jobs.active)

    start()
    assert desk.titles() == ["星河7000手册"]
    assert "示例" in desk.see().counts
    desk.page.delete(desk.knowledge.sources()[0].id, REQUEST)
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
    wait(lambda: not jobs.active)
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
    wait(lambda: not jobs.active)
    jobs.close()


def test_a_job_keeps_its_last_lines() -> None:
    job = Job(1, ("甲", "a"))
    for number in range(250):
        job.fail(SettingsError(f"no {number}", f"错 {number}"))
    assert job.failures == 250
    assert len(job.lines) == 200
    assert job.lines[-1].text == ("错 249", "no 249")

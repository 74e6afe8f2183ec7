"""The followed sources on the knowledge page: its handlers on the real document flow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant.errors import SettingsError
from assistant.ui.followed_form import SourceForm, is_same_address, source_name, source_row
from assistant.ui.followed_rendering import Followed, broken_html, followed_html, schedule_text
from ingest.sources.runs import note_run
from ingest.sources.sync import sync_lock
from ingest.state import State
from tests.library_desk import REQUEST, Desk
from tests.site import Answer, serve
from tests.test_ui_rendering import EVIL, Tags
from tests.waiting import wait_for

HOME = '<title>首页</title><h1>首页</h1><p>星河7000的首页。</p><a href="/b">b</a>'
TAGS = {
    *("div", "article", "h3", "span", "p", "a", "details", "summary", "ul", "li"),
    *("button", "select", "option", "input"),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in ("甲", "乙"):
        (folder / f"{name}.md").write_text(f"# {name}\n\n{name}的内容。", "utf-8")
    return folder


def listed(desk: Desk) -> list[dict[str, Any]]:
    """The sources as they stand in the file."""
    file = desk.settings.data_dir / "sources.toml"
    rows: list[dict[str, Any]] = tomllib.loads(file.read_text("utf-8")).get("source", [])
    return rows


def test_a_site_is_listed_and_crawled_at_once(desk: Desk) -> None:
    pages = {
        "/": HOME + '<a href="/gone">gone</a><a href="/draft/c">c</a>',
        "/b": "<title>规格</title><h1>规格</h1><p>重1.8千克。</p>",
        "/draft/c": "<title>草稿</title><p>不要这一页。</p>",
    }
    with serve(pages) as site:
        sent = desk.add("site", site.url(), "manual", 2, 50, "", "/draft/**", "", True)
        assert sent == "", "the field is empty again"
        assert "进行中" in desk.rows()
        job = desk.finish()
    assert job.state == "partly"
    assert sorted(desk.titles()) == ["规格", "首页"]
    (row,) = listed(desk)
    assert row == {
        "name": f"127.0.0.1-{site.port}",
        "site": site.url(),
        "schedule": "manual",
        "depth": 2,
        "pages": 50,
        "exclude": ["/draft/**"],
        "allow_private": True,
    }
    shown = desk.rows()
    assert site.url() in shown
    assert "网站 · 手动 · 知识库 default" in shown
    assert "完成，部分失败" in shown
    assert "新增 2" in shown
    assert "1 个问题" in shown
    assert "404" in shown


def test_a_private_address_needs_to_be_allowed(desk: Desk) -> None:
    with serve({"/": "<p>内网</p>"}) as site:
        desk.add("page", site.url())
        assert desk.finish().state == "failed"
        assert site.asked == []
    assert desk.titles() == []
    assert "失败" in desk.rows()


def test_a_source_that_is_listed_runs_again(desk: Desk, notes: Path) -> None:
    desk.add("folder", str(notes))
    desk.finish()
    (notes / "丙.md").write_text("# 丙\n\n丙的内容。", "utf-8")
    desk.add("folder", f"{notes}/")
    assert desk.finish().counts["added"] == 1
    assert len(listed(desk)) == 1
    assert sorted(desk.titles()) == ["丙", "乙", "甲"]


@pytest.mark.parametrize(
    ("kind", "address", "said"),
    [
        ("page", "  ", "请先填写网址或路径"),
        ("page", "not a url", "不是网页地址"),
        ("site", "ftp://a.example/", "不是网页地址"),
        ("site", "file:///etc/passwd", "不是网页地址"),
        ("folder", "notes", "notes 不是完整路径"),
        ("folder", "/no/such/folder", "没有 /no/such/folder"),
        ("page", "/no/such\0file", "没有 /no/such"),
    ],
)
def test_what_cannot_be_followed_stays_in_the_field(
    desk: Desk, kind: str, address: str, said: str
) -> None:
    with pytest.warns(UserWarning, match=said):
        assert desk.add(kind, address) != ""
    assert desk.jobs.list() == []
    assert "还没有" in desk.rows()


def test_a_source_is_paused_scheduled_and_run_again(desk: Desk, notes: Path) -> None:
    desk.add("folder", str(notes), "daily 03:00")
    desk.finish()
    assert "每天 03:00" in desk.rows()
    desk.press("pause", "notes")
    assert listed(desk)[0]["paused"] is True
    assert "已暂停" in desk.rows()
    assert 'data-do="resume"' in desk.rows()
    desk.press("resume", "notes")
    assert "paused" not in listed(desk)[0]
    desk.press("schedule", "notes", "monthly 5 04:30")
    assert listed(desk)[0]["schedule"] == "monthly 5 04:30"
    assert "每月 5 日 04:30" in desk.rows()
    with pytest.warns(UserWarning, match="不是有效的计划"):
        desk.press("schedule", "notes", "noon")
    assert listed(desk)[0]["schedule"] == "monthly 5 04:30"
    (notes / "甲.md").unlink()
    desk.press("run", "notes")
    job = desk.finish()
    assert (job.source, job.counts["removed"], job.counts["unchanged"]) == ("notes", 1, 1)
    desk.press("run", "nobody")
    desk.press("shutdown", "notes")
    assert len(desk.jobs.list()) == 2


@pytest.mark.parametrize(("button", "left"), [("remove", ["乙", "甲"]), ("remove_all", [])])
def test_a_source_is_removed(desk: Desk, notes: Path, button: str, left: list[str]) -> None:
    desk.add("folder", str(notes))
    desk.finish()
    desk.press(button, "notes")
    assert listed(desk) == []
    assert sorted(desk.titles()) == left
    assert "还没有" in desk.rows()


def test_what_runs_is_not_removed_and_not_run_twice(desk: Desk) -> None:
    hold = threading.Event()
    with serve({"/": Answer(HOME, wait=hold), "/b": "<p>乙</p>"}) as site:
        desk.add("site", site.url(), "manual", 1, 9, "", "", "", True)
        wait_for(lambda: site.asked)
        name = listed(desk)[0]["name"]
        with pytest.warns(UserWarning, match="正在更新"):
            desk.press("remove_all", name)
        desk.press("run", name)
        desk.add("site", site.url().rstrip("/"))
        assert len(listed(desk)) == len(desk.jobs.list()) == 1
        job = desk.jobs.list()[0]
        desk.page.act(cast(Any, SimpleNamespace(do="stop", source=str(job.id))), "default", REQUEST)
        assert desk.finish().state == "cancelled"


def test_a_broken_list_is_one_message_and_the_rest_works(desk: Desk, notes: Path) -> None:
    desk.settings.data_dir.mkdir(exist_ok=True)
    file = desk.settings.data_dir / "sources.toml"
    file.write_text("[[source]\nname", "utf-8")
    shown = desk.see()
    assert "sources.toml 无法读取" in shown.followed
    assert "知识库还是空的" in shown.counts
    with pytest.warns(UserWarning, match="无法读取"):
        assert desk.add("folder", str(notes)) != ""
    file.write_text('[[source]]\nname = "a"\nfolder = "/x"\nschedule = "noon"\n', "utf-8")
    assert "不是有效的计划" in desk.rows()
    file.unlink()
    assert "还没有" in desk.rows()


def begin_elsewhere(desk: Desk, name: str, process: int) -> None:
    """A run of the source that has begun in ``process``, as cron's would."""
    lock = desk.settings.run_dir / "sync.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(f"{process}\n", "utf-8")
    with State(desk.settings.data_dir) as state:
        note_run(state, name, time.time(), None, {"status": "running", "documents": []})


def test_a_run_of_cron_is_shown_as_running(desk: Desk, notes: Path) -> None:
    desk.library.follow({"name": "notes", "folder": str(notes)})
    assert "尚未运行" in desk.rows()
    begin_elsewhere(desk, "notes", os.getpid())
    shown = desk.rows()
    assert "进行中" in shown
    assert "disabled" in shown
    with pytest.warns(UserWarning, match="正在更新"):
        desk.press("remove", "notes")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    begin_elsewhere(desk, "notes", ended.pid)
    assert "中断，下次继续" in desk.rows()


def test_a_job_that_waits_for_another_sync_says_so(desk: Desk, notes: Path) -> None:
    desk.library.follow({"name": "nightly", "file": str(notes / "甲.md")})
    with sync_lock(desk.settings, 0, threading.Event()):
        begin_elsewhere(desk, "nightly", os.getpid())
        desk.add("folder", str(notes))
        desk.followed.forget()
        wait_for(lambda: "另一个同步正在运行（nightly）" in desk.see().jobs)
    assert desk.finish().state == "done"
    assert sorted(desk.titles()) == ["乙", "甲"]


def test_nothing_in_the_list_is_live() -> None:
    for evil in EVIL:
        outcome = {
            "failed": 1,
            "error": {"message": evil},
            "documents": [{"status": "failed", "error": {"message": evil}}],
            "crawl": {"complete": False, "reason": evil},
        }
        source = Followed(evil, "site", evil, evil, evil, True, "failed", 1.0, outcome)
        for content in (
            followed_html([source], {evil}, "zh"),
            followed_html([source], (), "en"),
            broken_html(SettingsError("{a}", "{a}", a=evil), "en"),
        ):
            tags = Tags()
            tags.feed(content)
            for tag, attributes in tags.found:
                assert tag in TAGS, content
                assert not [name for name in attributes if name.startswith("on")], content
                assert is_web_link(attributes.get("href")), content


def is_web_link(link: str | None) -> bool:
    return link is None or link.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"site": "https://docs.python.org/zh-cn/3/"}, "python.org-3"),
        ({"site": "https://www.example.org/"}, "example.org"),
        ({"page": "https://example.org/guide/install.html?x=1"}, "example.org-install"),
        ({"page": "https://zh.example.org/%E6%8C%87%E5%8D%97"}, "zh.example.org-指南"),
        ({"folder": "/home/me/我的 笔记"}, "我的-笔记"),
        ({"folder": "/"}, "source"),
        ({"site": f"https://example.org/{'a' * 90}"}, "example.org-" + "a" * 28),
    ],
)
def test_names_are_readable_and_short(row: dict[str, Any], name: str) -> None:
    assert source_name(row, ()) == name
    second = source_name(row, [name])
    assert second != name and len(second) <= 40
    assert source_name(row, [name, second]) not in (name, second)


@pytest.mark.parametrize(
    ("known", "new", "same"),
    [
        ("https://a.example/docs/", "HTTPS://A.example/docs", True),
        ("https://a.example/docs/", "https://a.example/docs#x", True),
        ("https://a.example/docs/", "https://a.example/docs?x=1", False),
        ("https://a.example/docs/", "http://a.example/docs/", False),
    ],
)
def test_the_same_address_is_known(known: str, new: str, same: bool) -> None:
    entry = SimpleNamespace(kind="site", address=known)
    assert is_same_address(entry, {"site": new}) is same
    assert not is_same_address(entry, {"page": new})


def test_what_the_form_makes() -> None:
    form = SourceForm("site", " example.org/docs ", None, 2, None, "/a/**，/b/**\n", "", "zh, en")
    assert source_row(form) == {
        "site": "https://example.org/docs",
        "schedule": "manual",
        "depth": 2,
        "pages": 500,
        "include": ["/a/**", "/b/**"],
        "languages": ["zh", "en"],
    }
    page = source_row(SourceForm("page", "https://a.example/x", "hourly", include="/a/**"))
    assert page == {"page": "https://a.example/x", "schedule": "hourly"}
    file = source_row(SourceForm("site", __file__, exclude="*.tmp", allow_private=True))
    assert file == {"file": __file__, "schedule": "manual"}


@pytest.mark.parametrize(
    ("schedule", "zh", "en"),
    [
        ("manual", "手动", "by hand"),
        ("hourly", "每小时", "hourly"),
        ("every 6h", "每 6 小时", "every 6 hours"),
        ("daily 03:00", "每天 03:00", "daily 03:00"),
        ("weekly fri 12:00", "每周五 12:00", "Fridays 12:00"),
        ("weekly fri", "每周五 00:00", "Fridays 00:00"),
        ("monthly", "每月 1 日 00:00", "monthly, day 1, 00:00"),
        ("<b>", "<b>", "<b>"),
    ],
)
def test_schedules_in_words(schedule: str, zh: str, en: str) -> None:
    assert (schedule_text(schedule, "zh"), schedule_text(schedule, "en")) == (zh, en)

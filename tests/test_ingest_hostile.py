"""A folder of everything that goes wrong: each is one line of the report with what to do, the rest
is read, the run ends, and no process grows beyond its bound."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import ROOT, Settings
from ingest.events import Failed, Started
from ingest.pipeline import Pipeline
from ingest.reading.child import MOST_MEMORY
from tests.samples import pdf_bytes, zip_bytes
from tests.samples.office import ole_bytes, word_bytes
from tests.samples.pdf import written

#: What the report must say of each file, in English and Chinese.
ROWS = {
    "encrypted.pdf": ("is encrypted: remove its password", "已加密"),
    "truncated.pdf": ("is not a readable PDF", "不是可读的 PDF"),
    "no-pages.pdf": ("is not a readable PDF", "不是可读的 PDF"),
    "empty.pdf": ("is empty", "是空文件"),
    "noise.pdf": ("is not what its name says", "与其名称不符"),
    "noise.docx": ("is not what its name says", "与其名称不符"),
    "truncated.docx": ("is not a readable Word file", "不是可读的 Word 文件"),
    "old.doc": ("save it as", "另存为"),
    "bomb.docx": ("bomb?", "炸弹"),
    "bomb.zip!/zeros.txt": ("bomb?", "炸弹"),
    "bomb.txt.gz": ("bomb?", "炸弹"),
    "traversal.zip!/../../etc/evil.md": ("leads out of its archive", "指向压缩包之外"),
    "truncated.zip": ("is not a readable zip file", "不是可读的"),
    "deep.zip!/3.zip!/2.zip": ("archives inside archives", "多层嵌套"),
    "deep.json": ("nested too deeply", "嵌套"),
    "large.txt": ("more than 1", "超过 1 MB"),
    "script.html": ("JavaScript", "JavaScript"),
    "loop": ("can't be read", "无法读取"),
    "dangling.md": ("can't be read", "无法读取"),
    "pipe": ("neither a file nor a folder", "既不是文件也不是文件夹"),
    "\ufffd.md": ("is not UTF-8: rename it", "不是 UTF-8"),
}


def zeros(size: int) -> bytes:
    return b"\0" * size


def packed(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def nested(depth: int) -> bytes:
    content = packed("a.md", b"# Deep\n\nText.")
    for level in range(1, depth + 1):
        content = packed(f"{level}.zip", content)
    return content


def fill(folder: Path) -> None:
    pdf, word = pdf_bytes([["第一行", "第二行"]]), word_bytes("<w:p/>")
    noise = bytes(range(256)) * 40
    script = "<html><body><div id=app></div><script>" + "x=1;" * 2000 + "</script></body></html>"
    files = {
        "encrypted.pdf": pdf_bytes([["x"]], encrypted=True),
        "truncated.pdf": pdf[: len(pdf) // 3],
        "no-pages.pdf": written(
            ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"],
            "/Root 1 0 R",
        ),
        "empty.pdf": b"",
        "noise.pdf": noise,
        "noise.docx": noise,
        "truncated.docx": word[: len(word) // 2],
        "old.doc": ole_bytes("WordDocument", b"old" * 400),
        "bomb.docx": packed("word/document.xml", zeros(250_000_000)),
        "bomb.zip": packed("zeros.txt", zeros(250_000_000)),
        "bomb.txt.gz": gzip.compress(zeros(250_000_000)),
        "traversal.zip": zip_bytes({"../../etc/evil.md": b"# Evil", "good.md": b"# Good\n\nText."}),
        "truncated.zip": packed("a.md", b"text " * 1000)[:60],
        "deep.zip": nested(3),
        "deep.json": b"[" * 200_000 + b"]" * 200_000,
        "large.txt": b"text " * 300_000,
        "script.html": script.encode(),
        # These are read all the same.
        "nesting.html": b"<div><p>" * 20_000 + "深处的文字。".encode(),
        "nul.html": b"<p>One\0 two.</p>\0" + b"<p>And so it goes on and on.</p>" * 20 + b"\0",
        "charset.html": '<meta charset="utf-8"><p>先安装依赖，然后运行程序。</p>'.encode("gb18030"),
        "page.pdf": b"<!DOCTYPE html><title>T</title><p>A page under a wrong name.</p>",
        "good.md": b"# Good\n\nThis one is as it should be.",
        "copy.md": b"# Good\n\nThis one is as it should be.",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "around").symlink_to(folder)
    (folder / "dangling.md").symlink_to(folder / "nowhere.md")
    os.mkfifo(folder / "pipe")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.md")).write_bytes(b"text")


#: Runs the command after it, and writes what memory that had to the file named first. A process
#: counts as its own peak what its parent held when it was started: a test worker that ran models
#: before would measure itself, so this small process is the parent.
MEASURED = """
import os, pathlib, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
pathlib.Path(sys.argv[1]).write_text(str(usage.ru_maxrss * 1024))
process.returncode = os.waitstatus_to_exitcode(status)
sys.exit(process.returncode)
"""


def run(arguments: list[str], environment: dict[str, str], out: Path) -> tuple[int, str, int]:
    """The command in a process of its own: exit code, standard output, and the bytes of memory that
    it or its largest child had."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(out), sys.executable, "-m", "ingest", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout, int(out.read_text())


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are always UTF-8")
def test_a_folder_of_hostile_files(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    fill(folder)
    reports, largest = {}, 0
    for language in ("en", "zh"):
        environment = {"DATA_DIR": str(tmp_path / "data"), "MAX_FILE_MB": "1", "LANGUAGE": language}
        code, out, memory = run(["add", str(folder), "--json"], environment, tmp_path / "out")
        assert code == 1
        reports[language] = json.loads(out)
        largest = max(largest, memory)
    said = {
        language: {
            row["uri"].removeprefix(f"{folder}/"): row["error"]["message"]
            for row in report["documents"]
            if row["status"] == "failed"
        }
        for language, report in reports.items()
    }
    assert sorted(said["en"]) == sorted(ROWS)
    for name, (english, chinese) in ROWS.items():
        assert english in said["en"][name], name
        assert chinese in said["zh"][name], name
    with KnowledgeBase(tmp_path / "data", None, "") as knowledge:
        texts = {
            source.uri.removeprefix(f"{folder}/"): knowledge.chunks(source.id)[0].text
            for source in knowledge.sources()
        }
    assert texts["nesting.html"] == "深处的文字。"
    assert texts["charset.html"] == "先安装依赖，然后运行程序。"
    assert texts["page.pdf"] == "A page under a wrong name."
    assert "One two." in texts["nul.html"]
    assert sorted(texts) == [
        *("charset.html", "copy.md", "good.md", "nesting.html", "nul.html", "page.pdf"),
        "traversal.zip!/good.md",
    ]
    assert largest < MOST_MEMORY


def test_a_file_that_vanishes_is_said(tmp_path: Path) -> None:
    """Found at the start, gone when its turn comes."""
    settings = Settings.load({"DATA_DIR": str(tmp_path / "data"), "EMBEDDING_CACHE_MB": "0"}, None)
    embeddings = open_embeddings(settings)
    for name in ("here.md", "gone.md"):
        (tmp_path / name).write_text(f"# {name}\n\nText.", "utf-8")
    with KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint) as knowledge:
        events = Pipeline(settings, knowledge, embeddings).add_paths(
            [tmp_path / "here.md", tmp_path / "gone.md"]
        )
        assert isinstance(next(events), Started)
        (tmp_path / "gone.md").unlink()
        (failed,) = [event for event in events if isinstance(event, Failed)]
        assert "文件不存在" in failed.error.text("zh")
        assert [source.title for source in knowledge.sources()] == ["here.md"]

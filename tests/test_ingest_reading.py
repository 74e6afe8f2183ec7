"""The processes that parse: what hangs, crashes or grows is the error of one document."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.load.document import RawDocument
from ingest.passage import Stopped
from ingest.reading import reader as reading
from ingest.reading.child import Job
from ingest.reading.reader import NoReader, Reader


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader(lambda: False)
    yield made
    made.close()


def page(text: str, name: str = "http://x.test/a.html") -> Job:
    return Job(None, RawDocument(name, text.encode(), "text/html; charset=utf-8"), 10)


def texts(reader: Reader, job: Job) -> list[str]:
    found = []
    for loaded in reader.read(job):
        assert loaded.document is not None, loaded.error
        found.append("\n".join(block.text for block in loaded.document.blocks))
    return found


def test_files_and_pages_are_read_elsewhere(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# 标题\n\n正文。", "utf-8")
    assert texts(reader, Job(path, None, 10)) == ["标题\n正文。"]
    assert texts(reader, page("<h1>T</h1><p>Words.</p>")) == ["T\nWords."]


def test_what_cannot_be_opened_is_an_error_of_its_own(reader: Reader, tmp_path: Path) -> None:
    loaded = list(reader.read(Job(tmp_path / "gone.txt", None, 10)))
    assert [each.document for each in loaded] == [None]
    assert loaded[0].error is not None and "文件不存在" in loaded[0].error.text("zh")
    assert texts(reader, page("<p>still here</p>")) == ["still here"]


def process_of(reader: Reader) -> int:
    assert reader._process is not None
    return reader._process.pid


def test_a_crash_is_said_and_the_next_document_read(reader: Reader) -> None:
    texts(reader, page("<p>one</p>"))
    first = process_of(reader)
    os.kill(first, 9)
    (loaded,) = reader.read(page("<p>two</p>"))
    assert loaded.error is not None and "ends its reader" in str(loaded.error)
    assert texts(reader, page("<p>three</p>")) == ["three"]
    assert process_of(reader) != first


def test_a_hang_ends_after_the_limit(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    texts(reader, page("<p>one</p>"))
    os.kill(process_of(reader), 19)  # SIGSTOP: as good as an endless loop
    monkeypatch.setattr(reading, "SECONDS", 0.3)
    began = time.monotonic()
    (loaded,) = reader.read(page("<p>two</p>"))
    assert loaded.error is not None and "nothing came for" in str(loaded.error)
    assert time.monotonic() - began < 5
    monkeypatch.undo()
    assert texts(reader, page("<p>three</p>")) == ["three"]


def test_memory_is_bounded() -> None:
    """A page that needs more than the bound as a tree is an error, and the reader lives on."""
    reader = Reader(lambda: False, memory=300 * 1024 * 1024)
    try:
        (loaded,) = reader.read(page("<p>x<br>y</p>" * 2_000_000))
        assert loaded.error is not None and "more than 300 MB of memory" in str(loaded.error)
        assert texts(reader, page("<p>after</p>")) == ["after"]
    finally:
        reader.close()


def test_a_cancel_ends_the_wait() -> None:
    stop = threading.Event()
    reader = Reader(stop.is_set)
    try:
        texts(reader, page("<p>one</p>"))
        os.kill(process_of(reader), 19)
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(Stopped):
            list(reader.read(page("<p>two</p>")))
    finally:
        reader.close()


def test_a_process_that_does_not_start_is_no_fault_of_a_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_CHILD", ("/bin/false",))
    reader = Reader(lambda: False)
    with pytest.raises(NoReader, match="can't be started"):
        list(reader.read(page("<p>x</p>")))


def test_a_reader_left_in_the_middle_answers_the_next_question(reader: Reader) -> None:
    reading_one = reader.read(page("<p>one</p>"))
    next(reading_one)
    reading_one.close()
    assert texts(reader, page("<p>two</p>")) == ["two"]

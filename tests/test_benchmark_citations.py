"""The checks of citations and of folders of documents find what is wrong."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.knowledge.records import NewChunk
from assistant.models.embedding.model import estimate_tokens
from benchmarks import documents
from benchmarks.citations import draw, fault
from ingest.split import Splitter
from tests.samples import pdf_bytes

WORDS = "This sentence says what {} is about and how long it may be. "
PAGE = f"""<html><title>Guide</title><body><nav><h3>Menu</h3></nav><main>
<section id=guide><h1>Guide</h1><p>{WORDS.format("the guide") * 3}</p>
<section id=setup><h2>Setup</h2><p>{WORDS.format("the setup") * 3}</p>
<dl><dt class=sig id=run><span class=sig-name>run</span><span class=sig-paren>(</span>x)</dt>
<dd><p>{WORDS.format("the function") * 4}</p></dd></dl><p>{WORDS.format("the rest") * 3}</p>
</section><section id=usage><h2>Usage</h2><p>{WORDS.format("the usage") * 4}</p></section>
</section></main></body></html>"""


def drawn(path: Path) -> dict[str, NewChunk]:
    """The chunks of a page by their first words that tell them apart."""
    chunks = [chunk for _, chunk in draw(path, Splitter(estimate_tokens, 64, 0), 99, 1)]
    return {" ".join(chunk.text.split()[4:7]): chunk for chunk in chunks}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "guide.html"
    path.write_text(PAGE, "utf-8")
    return path


def test_right_citations_are_right(page: Path) -> None:
    chunks = drawn(page).values()
    assert {chunk.anchor for chunk in chunks} == {"guide", "setup", "run", "usage"}
    assert [fault(page, chunk) for chunk in chunks] == [""] * len(chunks)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"heading_path": ("Guide", "Usage")}, "nearest heading"),
        ({"anchor": "usage"}, "after the words"),
        ({"anchor": "guide"}, "before the heading before"),
        ({"anchor": "gone"}, "not in the page"),
        ({"anchor": None}, "has none"),
        ({"text": "These words are from somewhere else."}, "words are not"),
    ],
)
def test_wrong_citations_are_found(page: Path, change: dict[str, object], why: str) -> None:
    setup = next(chunk for chunk in drawn(page).values() if "the setup" in chunk.text)
    assert fault(page, setup) == ""
    assert why in fault(page, replace(setup, **change))  # type: ignore[arg-type]


def test_text_after_an_entry_belongs_to_the_section_again(page: Path) -> None:
    rest = next(chunk for chunk in drawn(page).values() if "the rest" in chunk.text)
    assert (rest.heading_path, rest.anchor, fault(page, rest)) == (("Guide", "Setup"), "setup", "")
    assert "nearest heading" in fault(page, replace(rest, heading_path=("Guide", "run()")))


def test_pages_of_pdfs(tmp_path: Path) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf_bytes([["第一页的文字在这里写下来"], ["第二页说的是别的事情没有那些"]]))
    chunks = [chunk for _, chunk in draw(path, Splitter(estimate_tokens, 64, 0), 9, 1)]
    assert [fault(path, chunk) for chunk in chunks] == ["", ""]
    assert [fault(path, replace(chunk, page=3 - (chunk.page or 0))) for chunk in chunks] == [
        "the page holds 0% of its words"
    ] * 2
    assert "page 9" in fault(path, replace(chunks[0], page=9))


def test_a_folder_of_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_bytes("在这里写下来的一些文字".encode("gb18030"))
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    rows = [
        {"path": "a.txt", "must_contain": "写下来", "true_encoding": "gb18030"},
        {"path": "b.pdf", "kind": "malformed"},
    ]
    manifest = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "manifest.jsonl").write_text(manifest, "utf-8")
    monkeypatch.setattr(sys, "argv", ["documents", str(tmp_path), "--json"])
    documents.main()
    found = json.loads(capsys.readouterr().out)
    assert found["must_contain found"] == found["encodings right"] == "1 of 1"
    assert (found["read"], found["refused with a word"]) == (1, 1)
    assert found["stops"] == found["hangs"] == found["sound ones refused"] == []


def hangs(path: Path, row: documents.Row) -> dict[str, object]:
    time.sleep(60)
    return {}


def dies(path: Path, row: documents.Row) -> dict[str, object]:
    os._exit(3)


def fails(path: Path, row: documents.Row) -> dict[str, object]:
    raise IndexError(path.name)


def test_what_hangs_or_dies_is_said(tmp_path: Path) -> None:
    rows = [documents.Row("a.txt") for _ in range(3)]
    documents.measure(rows[0], tmp_path, 1, hangs)
    documents.measure(rows[1], tmp_path, 30, dies)
    documents.measure(rows[2], tmp_path, 30, fails)
    assert [(row.came, row.words) for row in rows] == [
        (documents.HUNG, ""),
        (documents.STOPPED, "exit code 3"),
        (documents.STOPPED, "IndexError('a.txt')"),
    ]

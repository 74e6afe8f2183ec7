"""The preview: chunks as they would be stored, without adding anything."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.errors import DocumentError
from assistant.knowledge.records import NewChunk
from assistant.ui.library_preview import SHOWN_CHUNKS, SHOWN_DOCUMENTS, preview_html
from ingest.load.document import Document
from ingest.previewing import Previewed, PreviewedChunk
from tests.library_desk import REQUEST, Desk
from tests.test_ui_rendering import EVIL, Tags

MANUAL = """# 星河7000

## 规格

| 项目 | 值 |
| --- | --- |
| 重量 | 1.8千克 |

## 命令

```sh
echo "<b>&" > /tmp/x
```
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def show(desk: Desk, path: Path) -> str:
    """The preview's last state; the copy that came with the request is gone."""
    first, last = desk.preview.show(str(path), REQUEST)
    assert "正在读取" in first
    assert not path.exists()
    return last


def sent(folder: Path, name: str, content: str | bytes) -> Path:
    """A file as Gradio hands it over: in a folder of its own."""
    path = folder / "cache" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_chunks_are_those_that_would_be_stored(desk: Desk, tmp_path: Path) -> None:
    shown = show(desk, sent(tmp_path, "手册.md", MANUAL))
    assert not (tmp_path / "cache").exists()
    assert desk.titles() == []
    assert "<h3>星河7000</h3>" in shown
    assert "手册.md · md · 1 个片段" in shown
    assert "| 重量 | 1.8千克 |" in shown
    assert "echo &quot;&lt;b&gt;&amp;&quot; &gt; /tmp/x" in shown
    kept = tmp_path / "手册.md"
    kept.write_text(MANUAL, "utf-8")
    desk.jobs.submit(("甲", "a"), lambda cancel: desk.library.add([kept], cancel))
    desk.finish()
    (source,) = desk.knowledge.sources()
    assert shown.count('<article class="chunk">') == source.chunks


def test_each_document_of_an_archive(desk: Desk, tmp_path: Path) -> None:
    path = sent(tmp_path, "all.zip", b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("甲.md", "# 甲\n\n甲的内容。")
        archive.writestr("sub/乙.txt", "乙的内容。")
        archive.writestr("坏.pdf", b"%PDF-1.7 broken")
    shown = show(desk, path)
    assert "all.zip!/甲.md" in shown
    assert "all.zip!/sub/乙.txt" in shown
    assert shown.count('<article class="chunk">') == 2
    assert '<p class="fault failed">' in shown
    assert str(tmp_path) not in shown


def test_what_cannot_be_read_is_said(desk: Desk, tmp_path: Path) -> None:
    assert "空.md 是空文件" in show(desk, sent(tmp_path, "空.md", ""))
    assert "fault failed" in show(desk, sent(tmp_path, "图.xyz", b"\x00\x01\x02" * 50))


def test_no_file_shows_nothing(desk: Desk) -> None:
    assert list(desk.preview.show(None, REQUEST)) == [""]


def test_a_fault_of_the_process_is_said_and_the_copy_goes(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> Iterator[Previewed]:
        raise DocumentError("It ended.", "进程退出。")

    monkeypatch.setattr(desk.library, "preview", ended)
    assert "进程退出" in show(desk, sent(tmp_path, "a.md", MANUAL))


def previewed(text: str, chunks: int = 1) -> Previewed:
    warning = DocumentError("{t}", "{t}", t=text)
    document = Document(text, text, (), warnings=(warning,))
    chunk = NewChunk(text, (text, "b"), page=3, anchor=text)
    return Previewed(f"/tmp/x/{text}", document, (PreviewedChunk(chunk, 7),) * chunks, None)


def test_a_chunk_says_where_it_stands() -> None:
    content = preview_html([previewed("甲")], "zh")
    assert "甲 › b" in content
    assert "7 词元 · 第 3 页 · #甲" in content
    assert '<p class="fault warned">甲</p>' in content


def test_nothing_in_a_preview_is_live() -> None:
    for evil in EVIL:
        tags = Tags()
        tags.feed(preview_html([previewed(evil)], "en"))
        assert {tag for tag, _ in tags.found} <= {
            *("div", "section", "h3", "p", "article", "header", "span", "b", "pre"),
        }
        assert all(set(attributes) <= {"class"} for _, attributes in tags.found)


def test_a_long_preview_is_cut_and_says_so() -> None:
    content = preview_html([previewed("甲", SHOWN_CHUNKS + 5), previewed("乙")], "zh")
    assert content.count('<article class="chunk">') == SHOWN_CHUNKS
    assert "另有 5 个片段未显示" in content
    assert "另有 1 个片段未显示" in content
    many = preview_html([previewed("甲", 0)] * (SHOWN_DOCUMENTS + 3), "zh")
    assert "另有 3 个文档未显示" in many

"""Every format, every encoding and every bad input becomes the right text or one clear error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.errors import DocumentError
from ingest.load import FORMATS, Document, RawDocument, UnknownType, load_file, load_raw
from ingest.load.detect import MEDIA_TYPES, SUFFIXES
from tests.samples import docx_bytes, pdf_bytes, zip_bytes
from tests.samples.office import pptx_bytes, xls_bytes, xlsx_bytes


def load(data: bytes, name: str = "/x/a.txt", content_type: str = "") -> Document:
    return load_raw(RawDocument(name, data, content_type))


# Plain text


def test_text_is_kept_in_paragraphs() -> None:
    document = load(b"one\r\n  two\r\n\r\n \r\nthree\r\n", "/x/notes.txt")
    assert [block.text for block in document.blocks] == ["one\n  two", "three"]
    assert (document.title, document.kind) == ("notes", "txt")


# The type is told from the content


def test_content_goes_before_the_name() -> None:
    assert load(pdf_bytes([["这里有足够多的文字可以读取"]]), "/x/report.txt").kind == "pdf"
    assert load(docx_bytes(), "/x/report").kind == "docx"
    assert load(b"<!DOCTYPE html><p>text", "/x/page.txt").kind == "html"
    assert load("<html><p>文".encode("utf-16"), "/x/page.txt").kind == "html"


def test_the_header_goes_before_the_name_on_the_web() -> None:
    assert load(b"<p>text", "http://h/page.php?x=1", "text/html").kind == "html"
    assert load(b"# T", "http://h/README.md", "text/plain; charset=utf-8").kind == "md"
    assert load(b"plain", "http://h/page", "text/plain").kind == "txt"


def test_packages_and_archives_are_told_apart_by_what_is_inside() -> None:
    for name in ("a.docx", "a.zip", "a.txt", "a"):
        assert load(xlsx_bytes(), f"/x/{name}").kind == "xlsx"
        assert load(pptx_bytes(), f"/x/{name}").kind == "pptx"
        assert load(xls_bytes(), f"/x/{name}").kind == "xlsx"


def test_pages_under_the_name_of_another_format_are_read_as_pages() -> None:
    page = b"<!DOCTYPE html><title>T</title><p>text"
    for name in ("a.pdf", "a.docx", "a.xls", "a.json", "a.rst"):
        assert load(page, f"/x/{name}").kind == "html"


def test_files_known_by_their_whole_name() -> None:
    assert load(b"FROM scratch", "/x/Dockerfile").kind == "code"
    assert load(b"plain", "/x/LICENSE").kind == "txt"
    assert load(b"From: a@b\nTo: c@d\nSubject: x\n\ny", "/x/1714541400").kind == "eml"


def test_every_row_of_the_table_is_reached_by_its_names() -> None:
    for kind, row in FORMATS.items():
        assert {SUFFIXES[suffix] for suffix in row.suffixes} <= {kind}
        assert {MEDIA_TYPES[media] for media in row.media_types} <= {kind}
        assert row.load is not None or row.members is not None


def test_a_markdown_file_that_begins_with_html_stays_markdown() -> None:
    assert load(b"<div align=center>x</div>\n\n# T", "/x/README.md").kind == "md"


# Bad input: one clear error each


def truncated(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


BOMB = zip_bytes({"word/document.xml": bytes(30_000_000)})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("name", "data", "english", "chinese"),
    [
        ("a.txt", b"", "empty", "空文件"),
        ("a.pdf", b" \n", "empty", "空文件"),
        ("a.html", b"<html><script>x</script></html>", "no text", "没有可读取的文字"),
        ("a.pdf", pdf_bytes([["x"]], encrypted=True), "encrypted", "已加密"),
        ("a.pdf", truncated(pdf_bytes([["很多文字" * 9]])), "broken or cut off", "已损坏"),
        ("a.pdf", pdf_bytes([]), "broken or cut off", "已损坏"),
        ("a.pdf", pdf_bytes([[], ["3"]]), "scan", "扫描件"),
        ("a.pdf", b"just text", "not what its name says", "与其名称不符"),
        ("a.docx", truncated(docx_bytes()), "broken or cut off", "已损坏"),
        ("a.docx", zip_bytes({"word/document.xml": b"<w"}), "broken or cut off", "已损坏"),
        ("a.docx", BOMB, "zip bomb", "压缩炸弹"),
        ("a.docx", OLE, "password", "密码"),
        ("a.docx", b"just text", "not what its name says", "与其名称不符"),
    ],
)
def test_bad_files(name: str, data: bytes, english: str, chinese: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        load_file(path, 100)
    assert not isinstance(caught.value, UnknownType)
    assert english in caught.value.text("en")
    assert chinese in caught.value.text("zh")
    assert name in caught.value.text("en")
    assert "\n" not in caught.value.text("en")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.bin", bytes(range(256)) * 8),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100)),
        ("a.odt", zip_bytes({"mimetype": b"application/vnd.oasis.opendocument.text"})),
        ("a.jar", zip_bytes({"a.txt": b"x"})),
        ("a.msi", OLE),
        ("a.zip", zip_bytes({"a.txt": b"x"})),
        ("a.docx", zip_bytes({"a.txt": b"x"})),
        ("empty.py", b""),
    ],
)
def test_unknown_types(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnknownType):
        load_file(path, 100)


def test_a_file_that_is_gone_too_large_or_closed(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file"):
        load_file(tmp_path / "gone.txt", 1)
    big = tmp_path / "big.txt"
    big.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(DocumentError, match="MAX_FILE_MB"):
        load_file(big, 1)
    assert load_file(big, 2).kind == "txt"
    if os.geteuid() != 0:
        big.chmod(0)
        with pytest.raises(DocumentError, match="Permission denied"):
            load_file(big, 2)


def test_the_hash_covers_what_chunks_are_made_of() -> None:
    first = load(b"# A\n\ntext", "/x/a.md")
    assert first.content_hash == load(b"# A\n\n\ntext\n", "/x/a.md").content_hash
    for other in (b"# B\n\ntext", b"# A\n\ntext.", b"## A\n\ntext"):
        assert load(other, "/x/a.md").content_hash != first.content_hash

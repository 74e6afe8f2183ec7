"""Archives and mails: each document in them for itself, within bounds, nothing out of them."""

from __future__ import annotations

import gzip
import io
import pickle
import stat
import zipfile
from email.message import EmailMessage

import pytest

from ingest.load import Loaded, RawDocument, UnknownType, load_all, load_raw
from ingest.load import archive as bounds
from tests.samples import docx_bytes, zip_bytes


def unfold(data: bytes, name: str = "/x/a.zip") -> list[Loaded]:
    return list(load_all(RawDocument(name, data)))


def outcomes(data: bytes, name: str = "/x/a.zip") -> dict[str, str]:
    """Kind or English error by name, without the archive's."""
    return {
        loaded.name.removeprefix(name).removeprefix("!/"): (
            loaded.document.kind if loaded.document else str(loaded.error)
        )
        for loaded in unfold(data, name)
    }


def test_members_are_documents_of_their_own() -> None:
    data = zip_bytes(
        {
            "guide/a.md": "# 标题\n\n文".encode(),
            "guide/b.docx": docx_bytes(),
            "picture.bin": bytes(range(256)),
            "empty.txt": b"",
            ".git/config": b"[x]",
            "__MACOSX/._a.md": b"x",
            "a/.DS_Store": b"x",
        }
    )
    found = unfold(data)
    assert [loaded.name for loaded in found] == [
        "/x/a.zip!/guide/a.md",
        "/x/a.zip!/guide/b.docx",
        "/x/a.zip!/picture.bin",
        "/x/a.zip!/empty.txt",
    ]
    assert not any(loaded.asked for loaded in found)
    first, second, unknown, empty = found
    assert first.document is not None and first.document.title == "标题"
    assert second.document is not None and second.document.size == len(docx_bytes())
    assert isinstance(unknown.error, UnknownType)
    assert str(empty.error) == "a.zip!/empty.txt is empty."
    assert pickle.loads(pickle.dumps(found))[0] == first


def test_members_of_an_archive_on_the_web_are_told_by_their_own_names() -> None:
    (loaded,) = unfold(zip_bytes({"100%? #1.md": b"# T"}), "https://h/docs.zip?v=1")
    assert loaded.name == "https://h/docs.zip?v=1!/100%? #1.md"
    assert loaded.document is not None and loaded.document.kind == "md"


def test_a_plain_document_is_one() -> None:
    (loaded,) = unfold(b"text", "/x/a.txt")
    assert loaded.asked and loaded.document == load_raw(RawDocument("/x/a.txt", b"text"))
    (failed,) = unfold(b"", "/x/a.txt")
    assert failed.asked and failed.document is None and "empty" in str(failed.error)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "shift_jis"])
def test_names_of_old_archives_are_repaired(encoding: str) -> None:
    names = ["资料/用户手册和安装说明.txt", "资料/使用说明的第一部分.txt"]
    if encoding == "shift_jis":
        names = ["せつめい/つかいかたのまとめです.txt", "せつめい/はじめにおよみください.txt"]
    data = zip_bytes(
        {f"{number}" * len(name.encode(encoding)): b"x" for number, name in enumerate(names)}
    )
    for number, name in enumerate(names):
        packed = name.encode(encoding)
        data = data.replace(f"{number}".encode() * len(packed), packed)
    assert list(outcomes(data)) == names


def linked(name: str, mode: int) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"/etc/passwd")
        archive.writestr("good.txt", b"good")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "/etc/passwd.txt", "C:\\x\\a.txt", "a/../../b.txt"]
)
def test_names_that_lead_out_are_refused_and_the_rest_is_read(name: str) -> None:
    found = unfold(linked(name, 0o644))
    assert "leads out of its archive" in str(found[0].error)
    assert found[1].document is not None


def test_links_are_refused() -> None:
    found = outcomes(linked("link.txt", stat.S_IFLNK | 0o777))
    assert "is a link" in found["link.txt"]
    assert found["good.txt"] == "txt"


def test_members_with_a_password_say_so() -> None:
    data = bytearray(zip_bytes({"secret.txt": b"x", "open.txt": b"y"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = outcomes(bytes(data))
    assert "secret.txt is encrypted" in found["secret.txt"]
    assert found["open.txt"] == "txt"


def test_damaged_members_are_one_error_each() -> None:
    data = bytearray(zip_bytes({"bad.txt": b"some text" * 50, "good.txt": b"y"}))
    data[40:50] = b"\xff" * 10
    found = outcomes(bytes(data))
    assert "broken or cut off" in found["bad.txt"]
    assert found["good.txt"] == "txt"


def test_bombs_are_refused_by_what_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip_bytes({"bomb.txt": bytes(30_000_000), "good.txt": b"good"})
    assert "zip bomb" in outcomes(bomb)["bomb.txt"]
    assert outcomes(bomb)["good.txt"] == "txt"
    assert "zip bomb" in str(unfold(gzip.compress(bytes(30_000_000)), "/x/a.txt.gz")[0].error)
    # A declared size that lies changes nothing.
    lying = bomb.replace((30_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert "broken or cut off" in outcomes(lying)["bomb.txt"]
    monkeypatch.setattr(bounds.Budget.__init__, "__defaults__", (2_000, 1_500_000))
    found = outcomes(zip_bytes({f"{number}.txt": b"text " * 200_000 for number in range(4)}))
    assert found.pop("0.txt") == "txt"
    assert list(found) == ["1.txt", ""]
    assert all("split it" in said for said in found.values())


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds.Budget.__init__, "__defaults__", (3, 10**9))
    found = unfold(zip_bytes({f"{number}.txt": b"x" for number in range(5)}))
    assert [loaded.name[-5:] for loaded in found] == ["0.txt", "1.txt", "2.txt", "a.zip"]
    assert "this one holds more" in str(found[-1].error)


def test_archives_in_archives_are_opened_two_levels_deep() -> None:
    data = zip_bytes({"deep.txt": b"x"})
    for level in range(2):
        data = zip_bytes({f"{level}.zip": data, f"{level}.txt": b"x"})
    found = outcomes(data)
    assert "not opened" in found.pop("1.zip!/0.zip")
    assert found == {"1.zip!/0.txt": "txt", "1.txt": "txt"}


def test_an_archive_without_anything_to_read_says_so() -> None:
    for data in (zip_bytes({}), zip_bytes({"a.bin": bytes(range(256))})):
        last = unfold(data)[-1]
        assert isinstance(last.error, UnknownType) and last.asked
        assert "holds nothing that can be read" in str(last.error)


def test_broken_archives() -> None:
    data = zip_bytes({"a.txt": b"x" * 500})
    assert "broken or cut off" in str(unfold(data[:-30])[0].error)
    packed = gzip.compress(b"text" * 500)
    assert "broken or cut off" in str(unfold(packed[:-12], "/x/a.txt.gz")[0].error)


def test_gzip_holds_one_document() -> None:
    (loaded,) = unfold(gzip.compress(b"<html><p>text"), "/x/page.html.gz")
    assert loaded.name == "/x/page.html.gz!/page.html"
    assert loaded.document is not None and loaded.document.kind == "html"


def test_a_mail_and_what_is_attached() -> None:
    inner = EmailMessage()
    inner["Subject"] = "转发/的邮件"
    inner.set_content("内层正文")
    message = EmailMessage()
    message["Subject"] = "周报"
    message.set_content("正文")
    message.add_attachment(docx_bytes(), maintype="x", subtype="y", filename="../表.docx")
    for _ in range(2):
        message.add_attachment("端口,8000\n名称,值", subtype="csv", filename="a.csv")
    message.add_attachment(
        b"\x89PNG\r\n\x1a\n\0\0\0", maintype="image", subtype="png", filename="a.png"
    )
    message.add_attachment(inner)
    found = unfold(message.as_bytes(), "/x/m.eml")
    assert [
        (loaded.name, loaded.asked, loaded.document and loaded.document.kind) for loaded in found
    ] == [
        ("/x/m.eml", True, "eml"),
        ("/x/m.eml!/表.docx", False, "docx"),
        ("/x/m.eml!/a.csv", False, "csv"),
        ("/x/m.eml!/a-2.csv", False, "csv"),
        ("/x/m.eml!/a.png", False, None),
        ("/x/m.eml!/转发 的邮件.eml", False, "eml"),
    ]

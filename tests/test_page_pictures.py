"""Pages as pictures: drawn in a process of their own, the cited words found on them, kept within
bounds, and only of the file that was read."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from assistant.knowledge.records import NewChunk, Source
from assistant.knowledge.store import KnowledgeBase
from assistant.page_pictures import cache, process
from assistant.page_pictures.cache import PictureCache
from assistant.page_pictures.layout import Layout, Picture
from assistant.page_pictures.originals import original_of
from assistant.page_pictures.pictures import PagePictures
from assistant.page_pictures.places import boxes_of, holds
from assistant.page_pictures.process import draw
from tests.knowledge_samples import open_knowledge, vectors_of
from tests.samples.pdf import PdfPage, pdf
from tests.waiting import wait_for

LINES = ("Aurora weighs 1.8 kilograms.", "It was 32 centimetres; aurora weighs more.", "The end.")
TEXT = " ".join(LINES)


def pixels(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def page(**more: object) -> PdfPage:
    return PdfPage(**more).lines(LINES, 72, 700, 14)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    path = write(Path(tmp_path_factory.mktemp("pdf")), "a.pdf", pdf([page()]))
    found = draw("pdf", path, 1)
    assert found is not None
    return found


def is_ink(picture: Picture, box: tuple[int, int, int, int]) -> bool:
    return pixels(picture.png).convert("L").crop(box).getextrema()[0] < 128


def test_a_page_is_a_picture_with_its_characters(drawn: Picture) -> None:
    image = pixels(drawn.png)
    assert image.size == (drawn.layout.width, drawn.layout.height) == (1240, 1755)
    assert drawn.layout.text == TEXT.replace(" ", "")
    assert all(is_ink(drawn, box) for box in drawn.layout.boxes[:30])


def test_cited_words_are_found_where_they_stand(drawn: Picture) -> None:
    begin = TEXT.index("1.8 kilograms")
    [box] = boxes_of(drawn.layout, TEXT, [(begin, begin + len("1.8 kilograms"))])
    assert is_ink(drawn, box)
    left, top, right, bottom = box
    assert 150 < left < right < 600 and bottom - top < 50
    # Over the end of a line: a box for each part.
    begin = TEXT.index("kilograms. It was")
    assert len(boxes_of(drawn.layout, TEXT, [(begin, begin + len("kilograms. It was"))])) == 2


def test_what_stands_beside_tells_the_same_words_apart(drawn: Picture) -> None:
    first = boxes_of(drawn.layout, TEXT, [(0, len("Aurora weighs"))])
    begin = TEXT.index("aurora weighs more")
    second = boxes_of(drawn.layout, TEXT, [(begin, begin + len("aurora weighs"))])
    assert len(first) == len(second) == 1
    assert first[0][3] <= second[0][1] + 5 and first[0][0] < second[0][0]


def test_words_that_are_not_on_the_page_are_nowhere(drawn: Picture) -> None:
    assert boxes_of(drawn.layout, "石榴七四一九暗号，别处没有", [(0, 13)]) == []
    assert boxes_of(drawn.layout, TEXT, [(9, 9), (6, 7)]) == []  # nothing, and a space
    assert boxes_of(Layout(10, 10), TEXT, [(0, 5)]) == []
    # A ligature, a hyphen at the line's end, and other spaces are the same words.
    squeezed = TEXT.replace("centimetres", "centi- metres").replace("It was", "it\u00a0was")
    begin = squeezed.index("centi")
    assert len(boxes_of(drawn.layout, squeezed, [(begin, begin + 13)])) == 1


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_turned_page_is_marked_where_its_ink_is(tmp_path: Path, turned: int) -> None:
    path = write(tmp_path, "a.pdf", pdf([page(turned=turned)]))
    found = draw("pdf", path, 1)
    assert found is not None
    [box] = boxes_of(found.layout, TEXT, [(0, len("Aurora weighs"))])
    assert is_ink(found, box)
    is_upright = turned % 180 == 0
    assert (box[2] - box[0] > box[3] - box[1]) == is_upright


def test_a_page_that_is_not_there_has_no_picture(tmp_path: Path) -> None:
    path = write(tmp_path, "a.pdf", pdf([page()]))
    assert draw("pdf", path, 2) is None
    assert draw("pdf", path, 0) is None
    assert draw("pdf", tmp_path / "no.pdf", 1) is None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"%PDF-1.7", b"%PDF-1.7\n" + b"\x00\xff" * 5000, pdf([page()])[:700],
        pdf([PdfPage(width=0, height=0)]), pdf([PdfPage(width=14400, height=0.001)]),
        b"<html>no pdf</html>",
    ],
)  # fmt: skip
def test_a_broken_file_has_no_picture(tmp_path: Path, data: bytes) -> None:
    found = draw("pdf", write(tmp_path, "a.pdf", data), 1)
    assert found is None or len(found.png) < 100_000


def test_a_hostile_page_ends_its_process_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One that takes forever: a picture drawn a million times over."""
    slow = PdfPage()
    slow.content.append("q 0 0 595 842 re W n " + "0 0 m 595 842 l 0 842 l 595 0 l h f* " * 60_000)
    began = time.monotonic()
    assert draw("pdf", write(tmp_path, "a.pdf", pdf([slow] * 1)), 1, seconds=0.3) is None
    assert time.monotonic() - began < 10
    assert "can't be drawn" in caplog.text
    assert draw("pdf", write(tmp_path, "b.pdf", pdf([page()])), 1) is not None


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Sixty thousand pixels square in a file of some bytes."""
    bomb = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(bomb, "PNG")
    assert draw("image", write(tmp_path, "a.png", bomb.getvalue()), 1) is None
    wide = PdfPage(width=14_400, height=14_400).text("wide", 100, 100, 900)
    found = draw("pdf", write(tmp_path, "a.pdf", pdf([wide])), 1)
    assert found is not None
    assert found.layout.width == 1240


def test_a_picture_is_made_anew(tmp_path: Path) -> None:
    """Upright, on white, its frames as pages, and nothing else of the file in it."""
    one = Image.new("RGBA", (60, 30), (255, 0, 0, 0))
    two = Image.new("RGB", (60, 30), "blue")
    file = tmp_path / "a.tiff"
    one.save(file, save_all=True, append_images=[two], description="SECRET")
    first, second = draw("image", file, 1), draw("image", file, 2)
    assert first is not None and second is not None
    assert pixels(first.png).getpixel((5, 5)) == (255, 255, 255)
    assert pixels(second.png).getpixel((5, 5)) == (0, 0, 255)
    assert b"SECRET" not in first.png
    assert draw("image", file, 3) is None
    turned = Image.new("RGB", (60, 30), "red")
    exif = turned.getexif()
    exif[0x0112] = 6  # a quarter turn
    turned.save(tmp_path / "a.jpg", exif=exif)
    photograph = draw("image", tmp_path / "a.jpg", 1)
    assert photograph is not None
    assert (photograph.layout.width, photograph.layout.height) == (30, 60)
    assert (
        draw("image", write(tmp_path, "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), 1)
        is None
    )


def test_its_process_has_none_of_our_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(process._ENVIRONMENT) <= {"PATH", "LANG"}
    monkeypatch.setattr(process, "_CHILD", ("sh", "-c", "env; exit 1"))
    monkeypatch.setenv("CHAT_API_KEY", "石榴")
    with pytest.raises(OSError, match="exit code 1"):
        process._run([*process._CHILD], 5)


def test_what_is_no_picture_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("echo x", "echo '{}'; printf '\\211PNG\\r\\n'", "true", "kill -9 $$"):
        monkeypatch.setattr(process, "_CHILD", ("sh", "-c", said))
        assert draw("pdf", tmp_path / "a.pdf", 1) is None


def test_more_than_some_pages_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_places", threading.BoundedSemaphore(1))
    with process._turn(), pytest.raises(process.Busy):
        draw("pdf", tmp_path / "a.pdf", 1)
    monkeypatch.setattr(process, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(process, "_places", threading.BoundedSemaphore(2))
    monkeypatch.setattr(process, "TURN_SECONDS", 0.01)
    with process._turn(), pytest.raises(process.Busy):
        draw("pdf", tmp_path / "a.pdf", 1)


# The cache


def put(kept: PictureCache, name: str, size: int = 10, age: float = 0.0) -> None:
    kept.put(name, Picture(b"\x89PNG" + b"x" * size, Layout(1, 1, "a", ((0, 0, 1, 1),))))
    when = time.time() - age
    os.utime(kept._folder / f"{name}.png", (when, when))


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    kept = PictureCache(tmp_path / "c", lambda id: True, most_bytes=3000)
    for number in range(4):
        put(kept, f"1-{number}", 900, age=100 - number)
    assert kept.get("1-0") is None
    assert [kept.get(f"1-{number}") is not None for number in (1, 2, 3)] == [False, True, True] or (
        kept.get("1-3") is not None
    )
    total = sum(path.stat().st_size for path in (tmp_path / "c").iterdir())
    assert total <= 4000


def test_pictures_of_a_deleted_source_and_old_ones_go(tmp_path: Path) -> None:
    deleted: set[int] = set()
    kept = PictureCache(tmp_path, lambda id: id not in deleted)
    put(kept, "2-a")
    deleted.add(2)
    put(kept, "1-old", age=cache.MOST_SECONDS + 10)
    put(kept, "1-new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-new.json", "1-new.png"]
    assert kept.get("1-new") == Picture(b"\x89PNG" + b"x" * 10, Layout(1, 1, "a", ((0, 0, 1, 1),)))


def test_a_broken_entry_is_drawn_again(tmp_path: Path) -> None:
    kept = PictureCache(tmp_path, lambda id: True)
    put(kept, "1-a")
    for told in ("", "[]", '{"width": 1}', '{"width":1,"height":1,"text":"ab","boxes":[1]}'):
        (tmp_path / "1-a.json").write_text(told, "utf-8")
        assert kept.get("1-a") is None


# The file that was read


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge(tmp_path / "data") as opened:
        yield opened


def add(knowledge: KnowledgeBase, path: Path | str, size: int | None = None) -> Source:
    chunks = [NewChunk(TEXT, page=1)]
    if size is None:
        size = Path(path).stat().st_size
    source, _ = knowledge.add_embedded(
        str(path), "手册", "pdf", size, "h", chunks, vectors_of(chunks)
    )
    return source


def test_a_page_is_drawn_once(
    knowledge: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = add(knowledge, write(tmp_path, "a.pdf", pdf([page()])))
    pictures = PagePictures(knowledge)
    first = pictures.page(source, 1)
    assert first.picture is not None
    monkeypatch.setattr("assistant.page_pictures.pictures.draw", None)
    assert pictures.page(source, 1) == first
    assert pictures.page(source, 0).why == pictures.page(source, 10**9).why == "failed"


def test_a_deleted_document_leaves_no_picture(
    knowledge: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.page_pictures.pictures.LOOK_SECONDS", 0.01)
    source = add(knowledge, write(tmp_path, "a.pdf", pdf([page()])))
    pictures = PagePictures(knowledge)
    pictures.start()
    assert pictures.page(source, 1).picture is not None
    folder = tmp_path / "data" / "cache" / "pictures"
    assert len([*folder.iterdir()]) == 2
    assert folder.stat().st_mode & 0o077 == 0
    knowledge.delete_source(source.id)
    wait_for(lambda: not [*folder.iterdir()], 10)
    pictures.close()


def test_a_page_that_fails_is_not_tried_at_once_again(
    knowledge: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = add(knowledge, write(tmp_path, "a.pdf", b"%PDF-1.7"))
    tried = []
    monkeypatch.setattr(
        "assistant.page_pictures.pictures.draw", lambda *asked: tried.append(asked) or None
    )
    pictures = PagePictures(knowledge)
    assert [pictures.page(source, 1).why for _ in range(3)] == ["failed"] * 3
    assert len(tried) == 1
    monkeypatch.setattr("assistant.page_pictures.pictures.FORGOTTEN_SECONDS", 0.0)
    pictures.page(source, 1)
    assert len(tried) == 2


def test_another_file_than_the_one_that_was_read(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    data = pdf([page()])
    path = write(tmp_path, "a.pdf", data)
    source, pictures = add(knowledge, path), PagePictures(knowledge)
    path.write_bytes(data + b"\n")
    assert pictures.page(source, 1).why == "changed"
    # As long, but newer: its text tells.
    later = time.time() + 60
    path.write_bytes(data)
    os.utime(path, (later, later))
    assert pictures.page(source, 1).picture is not None
    path.write_bytes(data.replace(LINES[1].encode("cp1252").hex().encode(), b"41" * len(LINES[1])))
    os.utime(path, (later + 1, later + 1))
    assert path.stat().st_size == source.size
    assert pictures.page(source, 1).why == "changed"
    path.unlink()
    assert pictures.page(source, 1).why == "gone"
    path.mkdir()
    assert pictures.page(source, 1).why == "gone"


@pytest.mark.parametrize(
    "uri", ["https://example.org/a.pdf", "/a.zip!/b.pdf", "a.pdf", "../../etc/passwd", "/x\x00y"]
)
def test_what_is_no_file_has_no_picture(uri: str) -> None:
    source = Source(1, "default", uri, "t", "pdf", 1, 10, "h", 0.0, 0.0)
    assert original_of(source) in ("elsewhere", "gone")


def test_a_scan_that_is_newer_than_its_reading_can_not_be_told(drawn: Picture) -> None:
    assert holds(drawn.layout, [TEXT])
    assert not holds(Layout(10, 10), [TEXT])
    assert not holds(drawn.layout, [])

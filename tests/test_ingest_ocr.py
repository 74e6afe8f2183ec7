"""Text recognition where its extra is installed (requirements-ocr.txt), without a network."""

from __future__ import annotations

import io
import socket
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from assistant.errors import DocumentError
from ingest.load import Document, RawDocument, load_raw, ocr
from ingest.load.image import load_image
from tests.samples.pdf import PdfPage, pdf

pytestmark = pytest.mark.skipif(
    not ocr.is_installed(), reason="needs pip install -r requirements-ocr.txt"
)

CHINESE = ["知识库的内容来自这里的文档，", "回答会注明出处。"]
ENGLISH = ["The answer cites its sources,", "page by page."]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("text recognition asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def rendered() -> Any:
    drawn = PdfPage().lines(CHINESE, 50, 700, 16).lines(ENGLISH, 50, 500, 16)
    return pypdfium2.PdfDocument(pdf([drawn]))[0].render(scale=2, grayscale=True)


def text_of(document: Document) -> str:
    return "".join("".join(block.text.split()) for block in document.blocks).replace(",", "，")


def test_a_scan_in_chinese_and_english_is_read(rendered: Any) -> None:
    pixels = rendered.to_numpy()
    height, width = pixels.shape[:2]
    scan = PdfPage().picture(pixels.tobytes(), width, height)
    words = PdfPage().text("This page has words, not pictures.", 50, 700)
    document = load_raw(RawDocument("/x/scan.pdf", pdf([scan, words])))
    assert "知识库的内容来自这里的文档，回答会注明出处" in text_of(document)
    assert "Theanswercitesitssources，pagebypage" in text_of(document)
    assert document.warnings == ()
    assert [block.page for block in document.blocks][-1] == 2


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_pictures_are_documents(rendered: Any, kind: str) -> None:
    buffer = io.BytesIO()
    rendered.to_pil().save(buffer, kind)
    document = load_image(RawDocument("/x/photo.x", buffer.getvalue()))
    assert (document.kind, document.title, document.blocks[0].page) == ("image", "photo", 1)
    assert "回答会注明出处" in text_of(document)
    assert "citesitssources" in text_of(document)


def test_a_picture_of_several_pages(rendered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    frame = rendered.to_pil()
    frame.save(buffer, "TIFF", save_all=True, append_images=[frame, frame])
    left = iter([True, True, False])
    monkeypatch.setattr(ocr.Budget, "take", lambda self: next(left))
    document = load_image(RawDocument("/x/scan.tiff", buffer.getvalue()))
    assert {block.page for block in document.blocks} == {1, 2}
    assert document.warnings[0].text("en").startswith("The last 1 pages of scan.tiff")


def test_pictures_without_text_and_broken_ones() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 200)).save(buffer, "PNG")
    with pytest.raises(DocumentError, match="without text"):
        load_image(RawDocument("/x/a.png", buffer.getvalue()))
    with pytest.raises(DocumentError, match="broken or cut off"):
        load_image(RawDocument("/x/a.png", buffer.getvalue()[:60]))
    with pytest.raises(DocumentError, match="sharp enough"):
        load_raw(RawDocument("/x/a.pdf", pdf([PdfPage().picture(bytes(64), 8, 8)])))

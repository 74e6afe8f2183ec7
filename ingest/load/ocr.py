"""Text recognition (OCR) of pictures in Chinese and English, by RapidOCR where it is installed.

RapidOCR brings its models in its package: nothing is downloaded when it runs. It is an extra
(``requirements-ocr.txt``); :func:`is_installed` tells whether it is there.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

#: For one document. A page takes some 4 s of two cores, and recognition 1.1 GB of memory.
MOST_PAGES = 200
MOST_SECONDS = 600
#: Of one picture; larger ones are made smaller.
MOST_PIXELS = 16_000_000
DPI = 200

_THREADS = 2


class Seen(NamedTuple):
    """A line of text in a picture and its box in pixels, y counted downwards."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass
class Budget:
    """How much recognition one document may still have. The time counts from the first page."""

    pages: int = MOST_PAGES
    ends: float = field(default=0.0)

    def take(self) -> bool:
        """Whether one page more may be read."""
        self.ends = self.ends or time.monotonic() + MOST_SECONDS
        self.pages -= 1
        return self.pages >= 0 and time.monotonic() < self.ends


def is_installed() -> bool:
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def advice() -> dict[str, str]:
    """What to do where no text was found, in English and Chinese (``en``, ``zh``)."""
    if not is_installed():
        return {
            "en": "Install text recognition (pip install -r requirements-ocr.txt) and add it "
            "again, or run OCR on it first, for example with ocrmypdf.",
            "zh": "请安装文字识别组件（pip install -r requirements-ocr.txt）后重新添加，"
            "或先做文字识别（OCR），例如用 ocrmypdf。",
        }
    return {
        "en": "Text recognition (OCR) found none in the pictures either: is it sharp enough?",
        "zh": "文字识别（OCR）也没有在图像中找到文字：请检查图像是否足够清晰。",
    }


def scale(width: float, height: float) -> float:
    """Pixels a point for a page of this size in points, so that no picture is too large."""
    pixels = max(width, 1.0) * max(height, 1.0)
    return float(min(DPI / 72, (MOST_PIXELS / pixels) ** 0.5))


def recognise(picture: Any) -> list[Seen]:
    """The lines of text in a picture (height x width x 3, blue first, 8 bits), from the top.

    Call it where :func:`is_installed` says so.
    """
    result = _engine()(picture)
    if result.txts is None:
        return []
    found = []
    for box, text in zip(result.boxes, result.txts, strict=True):
        xs, ys = [float(x) for x, _ in box], [float(y) for _, y in box]
        if text.strip():
            found.append(Seen(text.strip(), min(xs), min(ys), max(xs), max(ys)))
    return found


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,  # pages are upright
            "EngineConfig.onnxruntime.intra_op_num_threads": min(_THREADS, os.cpu_count() or 1),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

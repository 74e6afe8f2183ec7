"""The shapes of a page that was drawn: its picture, and where its characters are."""

from __future__ import annotations

import json
from dataclasses import dataclass

#: Left, top, right and bottom in pixels of the picture.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Layout:
    """The picture's size in pixels; ``text`` has one character for each of ``boxes``, without
    spaces, and is empty where the page has no text of its own (a scan, a photograph)."""

    width: int
    height: int
    text: str = ""
    boxes: tuple[Box, ...] = ()

    def as_json(self) -> str:
        flat = [edge for box in self.boxes for edge in box]
        told = {"width": self.width, "height": self.height, "text": self.text, "boxes": flat}
        return json.dumps(told)

    @classmethod
    def from_json(cls, told: str) -> Layout:
        """What :meth:`as_json` gave.

        Raises:
            ValueError: it is anything else.
        """
        try:
            found = json.loads(told)
            width, height, text = found["width"], found["height"], found["text"]
            edges = [int(edge) for edge in found["boxes"]]
        except (KeyError, TypeError) as error:
            raise ValueError("no layout of a page") from error
        if len(edges) != 4 * len(text) or int(width) * int(height) <= 0:
            raise ValueError("the layout of a page does not fit itself")
        boxes = zip(edges[::4], edges[1::4], edges[2::4], edges[3::4], strict=True)
        return cls(int(width), int(height), str(text), tuple(boxes))


@dataclass(frozen=True)
class Picture:
    """A page as PNG, with its layout."""

    png: bytes
    layout: Layout

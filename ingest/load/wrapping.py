"""Lines and spaces: what a line break inside a paragraph stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Scripts written without spaces, their punctuation, and full-width forms.
WIDE = "\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
WIDE += "\u2014\u2018-\u201d\u2026\U00020000-\U0003ffff"

_BREAK = re.compile(r"[^\S\n]*\n\s*")
_WIDE_BREAK = re.compile(rf"(?<=[{WIDE}])[^\S\n]*\n\s*|[^\S\n]*\n\s*(?=[{WIDE}])")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n(?=[a-zß-öø-ÿ])")
_SPACES = re.compile(r"[^\S\n]+")


def unwrap(text: str) -> str:
    """One line out of a wrapped paragraph: no space beside Chinese, one between words.

    >>> unwrap("知识\\n库 and\\nmore")
    '知识库 and more'
    """
    text = _WIDE_BREAK.sub("", text.strip())
    return _SPACES.sub(" ", _BREAK.sub(" ", text))


def join_lines(lines: Iterable[str]) -> str:
    """A paragraph out of the lines of a typeset page; words split by a hyphen become whole.

    >>> join_lines(["a know-", "ledge base"])
    'a knowledge base'
    """
    return unwrap(_HYPHEN.sub("", "\n".join(line.strip() for line in lines)))


def markdown_rows(rows: list[list[str]]) -> str:
    """A table as Markdown; the first row is its header. Short rows are filled up."""
    width = max((len(row) for row in rows), default=0)
    lines = []
    for number, row in enumerate(rows):
        cells = [" ".join(cell.split()).replace("|", "\\|") for cell in row]
        lines.append("| " + " | ".join(cells + [""] * (width - len(cells))) + " |")
        if number == 0:
            lines.append("|" + " --- |" * width)
    return "\n".join(lines)


def fenced(code: str, language: str = "") -> str:
    """``code`` in a Markdown fence that is longer than any fence inside it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"

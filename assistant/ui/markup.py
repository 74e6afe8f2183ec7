"""Text as HTML inside Markdown, harmless in both, and the few shapes that turns are drawn with."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_HEADING_MARK = re.compile(r"^\s*#{1,6}\s+")


def escaped(value: str) -> str:
    """Text for HTML inside Markdown: on one line, since an empty line would end the HTML, and
    with every punctuation mark as an entity, so that it means nothing in either."""
    return _PUNCTUATION.sub(lambda char: f"&#{ord(char[0])};", " ".join(value.split()))


def escaped_lines(value: str) -> str:
    """A quotation: its lines, without Markdown's marks of headings."""
    lines = (_HEADING_MARK.sub("", line) for line in value.splitlines())
    return "<br>".join(escaped(line) for line in lines if line.strip())


def row(name: str, label: str, value: str, more: str = "") -> str:
    """A line of its own, of the class ``name``; ``more`` is HTML after it."""
    role = ' role="alert"' if name == "error" else ""
    strong = f"<strong>{label}</strong> " if label else ""
    return f'<div class="{name}"{role}>{strong}<span>{escaped(value)}</span>{more}</div>'


def block(name: str, rows: Sequence[str]) -> str:
    """Rows as one line of HTML, which the Markdown renderer passes through."""
    return f'<div class="{name}">{"".join(rows)}</div>' if rows else ""


def button(do: str, value: str, label: str, *, look: str = "", is_icon: bool = False) -> str:
    """A button that the page's script takes to the server: what to ``do``, and with what.

    As an icon it shows ``label`` as a hint; its style draws the picture.
    """
    words = f'<span class="unseen">{escaped(label)}</span>' if is_icon else escaped(label)
    hint = f' title="{escaped(label)}"' if is_icon else ""
    return (
        f'<button type="button" class="{look or do}" name="{do}" value="{escaped(value)}"{hint}>'
        f"{words}</button>"
    )


def is_web(url: str) -> bool:
    return re.match(r"https?://[^\s\"'<>\\]+$", url) is not None


def seconds_text(value: float) -> str:
    return f"{value:.1f}"

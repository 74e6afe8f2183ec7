"""Markdown from models, readers and documents, made harmless before the page renders it.

The page's own sanitiser and content security policy come after this; what is done here doesn't
lean on them. Raw HTML is shown as text, pictures become links, links lead to the web only, and
code stays as it was written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$")
# A code span ends at the same number of backticks and doesn't reach over an empty line.
_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)((?:(?!\n[ \t]*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
_LIVE_IN_SPAN = re.compile(r"<|!\[|\]\(|\]:")
_LINK = re.compile(r"\](\(\s*+)(?!(?:https?://|mailto:)[^\s<>]|/source/\d)", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")

Inline = Callable[[str], str]


def safe_markdown(text: str, inline: Inline = lambda text: text) -> str:
    """``text`` as Markdown that can't run script, load anything, or pose as a part of the page.

    Args:
        inline: applied to each piece outside code, after it was made harmless.
    """
    return "\n".join(
        block if is_code else _safe_prose(block, inline) for is_code, block in _blocks(text)
    )


def as_typed(shown: str) -> str:
    """What a reader typed, from what :func:`safe_markdown` made of it and they changed."""
    return html.unescape(re.sub(r"</?code>", "`", shown))


def _blocks(text: str) -> Iterator[tuple[bool, str]]:
    """Fenced code and what lies between. Fences are moved to the left edge, where the renderer
    can't read them as anything else."""
    prose: list[str] = []
    lines = iter(re.split(r"\r\n?|\n", text))
    for line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            prose.append(line)
            continue
        if prose:
            yield False, "\n".join(prose)
            prose = []
        yield True, "\n".join(_fenced(opening, lines))
    if prose:
        yield False, "\n".join(prose)


def _fenced(opening: re.Match[str], lines: Iterator[str]) -> Iterator[str]:
    indent, fence = opening["indent"], opening["fence"]
    closing = re.compile(rf"[ \t]*{fence}[~`]*[ \t]*$")
    yield fence + html.escape(opening["info"], quote=True)
    for line in lines:
        if closing.match(line):
            yield fence
            return
        yield line.removeprefix(indent)


def _safe_prose(text: str, inline: Inline) -> str:
    pieces: list[str] = []
    end = 0
    for span in _SPAN.finditer(text):
        pieces.append(inline(_defuse(text[end : span.start()])))
        pieces.append(_safe_span(span))
        end = span.end()
    pieces.append(inline(_defuse(text[end:])))
    return "".join(pieces)


def _safe_span(span: re.Match[str]) -> str:
    """The renderer may see a code span elsewhere than we do, so one that would matter then is
    written as HTML."""
    if not _LIVE_IN_SPAN.search(span[0]):
        return span[0]
    inside = _PUNCTUATION.sub(lambda char: f"&#{ord(char[0])};", span[2].strip())
    return f"<code>{inside}</code>"


def _defuse(text: str) -> str:
    text = text.replace("<", "&lt;").replace("![", "[")
    # A link's target elsewhere than in its brackets is not looked for: it may stand anywhere.
    text = text.replace("]:", "]&#58;")
    return _LINK.sub(lambda link: "]&#40;" + link[1][1:], text)

"""What dialects add to Markdown, turned into what any parser reads: front matter, admonitions,
tabs, footnotes, and the imports of MDX."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[^\S\n]*\n(.*?)\n(?:\1|\.\.\.)[^\S\n]*(?:\n|\Z)", re.S)
_SCALAR = r"^{key}[^\S\n]*:[^\S\n]*(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^\n]*?)(?:[^\S\n]+#.*)?$"
_LANGUAGE_TAG = re.compile(r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*$")
_FENCE = re.compile(r"^\s{0,3}(?:>\s?)*(`{3,}|~{3,})")
# :::note[Title], ::: tip Title, and the end of either
_CONTAINER = re.compile(
    r"^\s*:{3,}\s*\{?\.?([\w-]*)\}?(?:\[([^\]]*)\]|\s+(.*?))?\s*(?:\{[^}]*\})?$"
)
# !!! note "Title", ??? tip, === "Tab"; what belongs to them is indented
_INDENTED = re.compile(
    r"^(?:(?:!!!|\?\?\?\+?) +([\w -]+?)(?: +\"([^\"]*)\")?|===[!+]? +[\"'](.+)[\"'])\s*$"
)
_FOOTNOTE = re.compile(r"^\[\^([^\]\s]+)\]:[^\S\n]*")
_MODULE = re.compile(
    r"^(?:import\s.*\sfrom\s+['\"].*|import\s+['\"].*['\"];?"
    r"|export\s+(?:const|default|function|\*|\{).*)$"
)
_MDX_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.S)
_ATTRIBUTES = re.compile(r"^\{:[^}]*\}\s*$")
_SILENT = frozenset(("", "code-group", "raw", "v-pre"))


@dataclass(frozen=True)
class FrontMatter:
    title: str = ""
    language: str = ""


def front_matter(text: str) -> tuple[FrontMatter, str]:
    """What the front matter (YAML or TOML) of a document says of it, and the text after it."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return FrontMatter(), text
    value = _toml(found[2]) if found[1] == "+++" else _yaml(found[2])
    language = next(
        (v for key in ("lang", "language", "locale") if _LANGUAGE_TAG.match(v := value(key))), ""
    )
    return FrontMatter(value("title"), language.replace("_", "-")), text[found.end() :]


def _yaml(front: str) -> Callable[[str], str]:
    """Reads single values; whole YAML needs no parser for a title."""

    def value(key: str) -> str:
        found = re.search(_SCALAR.format(key=key), front, re.M)
        scalar = found[1].strip() if found else ""
        if scalar[:1] == "'":
            return scalar[1:-1].replace("''", "'")
        return re.sub(r"\\(.)", r"\1", scalar[1:-1]) if scalar[:1] == '"' else scalar

    return value


def _toml(front: str) -> Callable[[str], str]:
    try:
        table = tomllib.loads(front)
    except tomllib.TOMLDecodeError:
        table = {}
    return lambda key: str(table.get(key, ""))


def plain_markdown(text: str) -> str:
    """``text`` with titles of boxes, tabs and footnotes as paragraphs, and their content as what
    it is outside of them. Code stays as it is."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: Iterable[str]) -> Iterator[str]:
    fence = ""
    depth = 0  # of boxes that are marked by four spaces each
    in_module = False
    for whole in lines:
        line = whole
        while depth and line.strip() and not fence and not line.startswith("    " * depth):
            depth -= 1
        line = line[4 * depth :] if line.startswith("    " * depth) else line.lstrip()
        if fence:
            fence = "" if _closes(line, fence) else fence
            yield line
        elif opening := _FENCE.match(line):
            fence = opening[1]
            yield line
        elif in_module or _MODULE.match(line):
            in_module = bool(line.strip())
        elif title := _INDENTED.match(line):
            depth += 1
            yield from _titled(title[1] or "", title[3] or title[2] or "")
        elif box := _CONTAINER.match(line):
            yield from _titled(box[1], box[2] or box[3] or "")
        elif note := _FOOTNOTE.match(line):
            depth += 1
            yield from ("", f"[^{note[1]}] {line[note.end() :]}")
        elif not _ATTRIBUTES.match(line):
            yield _MDX_COMMENT.sub("", line)


def _closes(line: str, fence: str) -> bool:
    mark = line.strip().lstrip("> ")
    return len(mark) >= len(fence) and set(mark) == {fence[0]}


def _titled(kind: str, title: str) -> Iterator[str]:
    """The first line of a box: what it is and its title, such as "Note: Title"."""
    name = "" if kind.lower() in _SILENT else (kind.split() or [""])[0].capitalize()
    text = f"{name}: {title}" if name and title else title or (f"{name}:" if name else "")
    yield from ("", text, "")

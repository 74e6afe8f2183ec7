"""The anchors that renderers of Markdown give to headings: GitHub's, or those of the tool whose
syntax a document uses."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable

# What only MkDocs (Python-Markdown) reads, and what only VitePress does.
_MKDOCS = re.compile(r"^(?:!!!|\?\?\?\+?) [\w-]+|^=== [\"'].+[\"']$|\{:\s*#[\w-]+|^\[TOC\]$", re.M)
_VITEPRESS = re.compile(
    r"^::: (?:code-group|tip|info|warning|danger|details|v-pre)\b(?!\[)|^\[\[toc\]\]$", re.M | re.I
)
_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.M | re.S)
_NOT_IN_GITHUB = re.compile(r"[^\w\- ]")
_NOT_IN_MKDOCS = re.compile(r"[^\w\s-]")
_NUMBERED = re.compile(r"^(.*)_([0-9]+)$")
_NOT_IN_VITEPRESS = re.compile(r"[\s~`!@#$%^&*()\-_+=\[\]{}|\\;:\"'“”‘’<>,.?/\x00-\x1f]+")
_ACCENTS = re.compile("[\u0300-\u036f]")


def slugs_of(markdown: str) -> Callable[[str], str]:
    """What makes anchors of the headings of a document, called with each in their order."""
    text = _FENCE.sub("", markdown)
    if _MKDOCS.search(text):
        return _mkdocs_slugs()
    return _counted(_vitepress if _VITEPRESS.search(text) else _github)


def _counted(base_of: Callable[[str], str]) -> Callable[[str], str]:
    seen: Counter[str] = Counter()

    def slug(heading: str) -> str:
        """The anchor of a heading; a repeated one gets -1, -2 and so on."""
        base = base_of(heading)
        seen[base] += 1
        return f"{base}-{seen[base] - 1}" if seen[base] > 1 else base

    return slug


def _github(heading: str) -> str:
    return _NOT_IN_GITHUB.sub("", heading.strip().lower()).replace(" ", "-")


def _vitepress(heading: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", heading))
    base = _NOT_IN_VITEPRESS.sub("-", plain).strip("-").lower()
    return f"_{base}" if base[:1].isdigit() else base


def _mkdocs_slugs() -> Callable[[str], str]:
    used: set[str] = set()

    def slug(heading: str) -> str:
        """Python-Markdown's anchor: nothing but ASCII, so that Chinese headings are numbered."""
        plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
        found = re.sub(r"[-\s]+", "-", _NOT_IN_MKDOCS.sub("", plain).strip().lower())
        while found in used or not found:
            numbered = _NUMBERED.match(found)
            found = f"{numbered[1]}_{int(numbered[2]) + 1}" if numbered else f"{found}_1"
        used.add(found)
        return found

    return slug

"""Code blocks of pages: the text as it stands, and the language by any of the usual class names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Element = Any  # lxml has no types

_LANGUAGE = re.compile(r"^(?:language|lang|highlight-source|highlight|brush)[-:]\s*([\w+#.-]+)$")
_BRUSH = re.compile(r"\bbrush:\s*([\w+#-]+)")
_MARKERS = frozenset(("sourceCode", "highlight", "prettyprint", "src", "programlisting"))
_NO_LANGUAGE = frozenset((
    "default", "none", "text", "source", "plaintext", "txt", "plain", "nohighlight", "highlight",
    "notranslate", "line", "numbers", "linenums", "numberSource", "numberLines",
    "literal-block", "code", "wrap",
))  # fmt: skip
_LINES = frozenset(("div", "p", "li", "tr"))


def code_text(pre: Element) -> str:
    """The text of a code block with its line breaks, whatever makes them."""
    if pre.find(".//br") is None and not any(e.tag in _LINES for e in pre.iter()):
        return "".join(pre.itertext()).strip("\n")
    parts: list[str] = []
    for is_line, text in _pieces(pre):
        if is_line and parts and not parts[-1].endswith("\n"):
            parts.append("\n")
        if text:
            parts.append(text)
    return "".join(parts).strip("\n")


def _pieces(pre: Element) -> Iterator[tuple[bool, str]]:
    """Texts in their order, each with whether it begins a new line."""
    from lxml import etree

    for event, element in etree.iterwalk(pre, events=("start", "end")):
        if event == "start":
            yield element.tag in _LINES and element is not pre, element.text or ""
            if element.tag == "br":
                yield False, "\n"
        elif element is not pre:
            yield element.tag in _LINES, element.tail or ""


def code_language(pre: Element) -> str:
    """The language of a code block by its class, that of its <code>, or of the boxes around it."""
    code = pre.find("code")
    places = [pre, *([] if code is None else [code])]
    for parent in pre.iterancestors("div", "figure", "td"):
        places.append(parent)
        if len(places) > 4:
            break
    for place in places:
        if found := _named(place):
            return found
    return ""


def _named(place: Element) -> str:
    names = place.get("class", "")
    if brush := _BRUSH.search(names):
        return brush[1]
    each = names.split()
    candidates = [found[1] for name in each if (found := _LANGUAGE.match(name))]
    candidates += [place.get("data-lang", ""), place.get("data-language", "")]
    # <pre class="sourceCode python">, <figure class="highlight python">
    if not _MARKERS.isdisjoint(each) and len(each) == 2:
        candidates += [name for name in each if name not in _MARKERS]
    return next((c for c in candidates if c and c not in _NO_LANGUAGE), "")

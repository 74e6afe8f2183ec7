"""Whether citations lead to where their words stand.

``python -m benchmarks.citations SITE_DIR|FILE.pdf ... [--n 50] [--seed 1] [--json]`` splits the
pages and PDFs as ingest does, draws N chunks of each source at random and looks their words up in
the source itself, read here in another and simpler way:

- the last heading of the chunk's path is the nearest one before the words in the source (the name
  of an entry of a reference counts as a heading of what is said of it);
- the anchor is in the page, at or before the words and after the heading before;
- a PDF's page holds the words.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from assistant.knowledge.records import NewChunk
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import Settings
from ingest.load import RawDocument, load_raw
from ingest.split import Splitter

UNSEEN = ("script", "style", "head", "nav")
NOTES = re.compile(r"footnote|citation|field-list|toc")
ENTRY = 9  # the level of an entry of a reference
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
#: Characters of a piece of text that is looked up, and the shortest that is worth it.
PROBE, SHORTEST = 60, 12
LINES = 2
SHINGLE = 12
#: Of a chunk's shingles that a PDF's page must hold; hyphens and columns break some.
LEAST_HELD = 0.9


@dataclass(frozen=True)
class Place:
    """A heading of a page: its text, where that begins and ends, and where what it heads ends at
    the latest. Entries of a reference are below any heading."""

    name: str
    level: int
    begin: int
    end: int
    until: int


@dataclass(frozen=True)
class PageText:
    """A page as one string of letters and digits in source order, and what stands where in it."""

    text: str
    headings: list[Place]
    anchors: dict[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = Settings.load(env_file=None)
    splitter = Splitter.from_settings(settings, open_embeddings(settings).count_tokens)
    results: dict[str, dict[str, Any]] = {}
    for source in options.sources:
        drawn = draw(source, splitter, options.n, options.seed)
        wrong = [
            {"file": path.name, "path": chunk.heading_path, "anchor": chunk.anchor,
             "page": chunk.page, "text": chunk.text[:100], "why": why}
            for path, chunk in drawn
            if (why := fault(path, chunk))
        ]  # fmt: skip
        results[str(source)] = {"right": len(drawn) - len(wrong), "of": len(drawn), "wrong": wrong}
    if options.json:
        sys.stdout.write(json.dumps(results, ensure_ascii=False) + "\n")
        return
    for name, result in results.items():
        sys.stdout.write(f"{name}: {result['right']} of {result['of']} right\n")
        for row in result["wrong"]:
            sys.stdout.write(f"    {row}\n")


def draw(source: Path, splitter: Splitter, number: int, seed: int) -> list[tuple[Path, NewChunk]]:
    """``number`` chunks of the pages below a folder, or of a file, each as likely as the others."""
    paths = (
        sorted(p for p in source.rglob("*.html") if p.is_file()) if source.is_dir() else [source]
    )
    chunks = [
        (path, chunk)
        for path in paths
        for chunk in splitter.split(load_raw(RawDocument(str(path), path.read_bytes())))
    ]
    return random.Random(seed).sample(chunks, min(number, len(chunks)))


def fault(path: Path, chunk: NewChunk) -> str:
    """What is wrong with the place that a chunk names, or an empty string."""
    if path.suffix == ".pdf":
        return _pdf_fault(path, chunk)
    page = read_page(path)
    found = (list(_all(page.text, probe)) for probe in _probes(chunk.text))
    begins = next(filter(None, found), [])
    if not begins:
        return "its words are not in the page"
    faults = [_place_fault(page, chunk, begin) for begin in begins]
    return "" if "" in faults else faults[0]


def _place_fault(page: PageText, chunk: NewChunk, begin: int) -> str:
    """What is wrong if the chunk's words begin at ``begin``."""
    before = [place for place in page.headings if place.end <= begin < place.until]
    own = next((place for place in page.headings if place.begin == begin), None)
    wanted = plain(chunk.heading_path[-1])
    if own is None:
        nearest = before[-1] if before else None
    elif own.level == ENTRY and _is_called(own, wanted):
        nearest = own  # it begins with the whole signature
    else:  # with the heading of a subsection
        nearest = _above(before, wanted)
    if nearest is None:
        is_title = len(chunk.heading_path) == 1 and not any(p.level == 1 for p in before)
        return "" if is_title else "there is no heading before it"
    if not _is_called(nearest, wanted):
        return f"the nearest heading is {nearest.name!r}"
    return _anchor_fault(page, chunk.anchor, nearest, begin)


def _anchor_fault(page: PageText, anchor: str | None, nearest: Place, begin: int) -> str:
    earlier = max((p.end for p in page.headings if p.end <= nearest.begin), default=0)
    near = [place for place in page.anchors.values() if earlier <= place <= nearest.end]
    if anchor is None:
        return "its heading has an anchor, it has none" if near else ""
    place = page.anchors.get(anchor)
    if place is None:
        return "its anchor is not in the page"
    if place > begin:
        return "its anchor stands after the words"
    # A heading without an anchor is reached by one above it.
    return "its anchor stands before the heading before" if place < earlier and near else ""


def _above(before: list[Place], wanted: str) -> Place | None:
    """The last heading that is called so, if no other of its level follows it."""
    for number in range(len(before) - 1, -1, -1):
        if _is_called(before[number], wanted):
            level = before[number].level
            ended = any(place.level <= level for place in before[number + 1 :])
            return before[-1] if ended else before[number]
    return before[-1] if before else None


def _is_called(place: Place, wanted: str) -> bool:
    # Of an entry's signature only the name is the heading.
    return place.name == wanted or (place.level == ENTRY and wanted in place.name)


def _probes(text: str) -> Iterator[str]:
    """What to look a chunk up by: its heading, or its first lines that are long enough, of which
    one may be the description of a picture."""
    if text.startswith("#"):
        yield plain(text.partition("\n")[0])
        return
    lines = [plain(line) for line in _unmarked(text).split("\n")]
    yield from [line[:PROBE] for line in lines if len(line) >= SHORTEST][:LINES]
    yield "".join(lines)[:PROBE]


def _unmarked(text: str) -> str:
    """A chunk without the marks that Markdown adds."""
    text = re.sub(r"^`{3,}.*$", "", text, flags=re.M)
    text = re.sub(r"^\s*(?:[-*]|\d+\.) (?:\[[ x]\] )?", "", text, flags=re.M)
    rows = text.split("\n")
    if len(rows) > 2 and re.fullmatch(r"[|\s:-]+", rows[1]):  # a table: its rows come after
        rows = rows[2:]
    return "\n".join(rows)


def plain(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text))


def _all(text: str, probe: str) -> Iterator[int]:
    begin = text.find(probe) if probe else -1
    while begin >= 0:
        yield begin
        begin = text.find(probe, begin + 1)


@cache
def read_page(path: Path) -> PageText:
    """A page by lxml, in source order, with nothing left out but what shows no text."""
    from lxml import etree

    root = etree.fromstring(path.read_bytes(), etree.HTMLParser(huge_tree=True))
    parts: list[str] = []
    spans: dict[Any, tuple[int, int]] = {}
    anchors: dict[str, int] = {}
    size = 0
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        text = element.tail
        if event == "start":
            text = element.text
            spans[element] = (size, size)
            for name in (element.get("id"), element.tag == "a" and element.get("name")):
                if name:
                    anchors.setdefault(name, size)
            if element.tag in UNSEEN or not isinstance(element.tag, str):
                walk.skip_subtree()
                continue
        else:
            spans[element] = (spans[element][0], size)
        parts.append(plain(text or ""))
        size += len(parts[-1])
    page = "".join(parts)
    headings = [
        Place(page[slice(*span)], int(element.tag[1]), *span, sys.maxsize)
        for element, span in spans.items()
        if element.tag in HEADINGS and element.get("class") != "author"
    ]
    headings += _entries(root, spans, page)
    return PageText(page, sorted(headings, key=lambda place: place.begin), anchors)


def _entries(root: Any, spans: dict[Any, tuple[int, int]], page: str) -> Iterator[Place]:
    """The terms with anchors of definition lists: each heads what follows up to the next."""
    for terms in root.iter("dl"):
        rows = [row for row in terms if row.tag in ("dt", "dd")]
        first = next((row for row in rows if row.tag == "dt"), None)
        if first is None or NOTES.search(terms.get("class", "")) or not _has_anchor(first):
            continue
        heads = [
            row
            for number, row in enumerate(rows)
            if row.tag == "dt" and (number == 0 or rows[number - 1].tag == "dd")
        ]
        for head, after in zip_longest(heads, heads[1:]):
            until = spans[terms][1] if after is None else spans[after][0]
            yield Place(page[slice(*spans[head])], ENTRY, *spans[head], until)


def _has_anchor(term: Any) -> bool:
    return any(each.get("id") or (each.tag == "a" and each.get("name")) for each in term.iter())


def _pdf_fault(path: Path, chunk: NewChunk) -> str:
    pages = read_pdf(path)
    if chunk.page is None or not 1 <= chunk.page <= len(pages):
        return f"page {chunk.page} of {len(pages)}"
    # Cells may stand in another order there.
    words = [plain(part) for part in re.split(r"[|\n]", _unmarked(chunk.text)) if plain(part)]
    text = pages[chunk.page - 1]
    pieces = [
        word[n : n + SHINGLE] for word in words for n in range(max(1, len(word) - SHINGLE + 1))
    ]
    held = sum(piece in text for piece in pieces) / len(pieces)
    if held < LEAST_HELD:
        return f"the page holds {held:.0%} of its words"
    wanted = plain(chunk.heading_path[-1]) if len(chunk.heading_path) > 1 else ""
    until = "".join(pages[: chunk.page])
    return "" if wanted in until else "its heading is not on its page or before"


@cache
def read_pdf(path: Path) -> list[str]:
    """The letters and digits of each page."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return [plain(page.get_textpage().get_text_range()) for page in document]


if __name__ == "__main__":
    main()

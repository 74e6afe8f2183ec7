"""An answer in pieces: sentences, list items, table rows and code blocks, each with the markers
that the model wrote in it. Joining the pieces' texts gives the answer without its markers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.citations.markers import Aside, numbers_of, unmarked
from assistant.sentences import split_sentences

TEXT, ROW, CODE, LAYOUT = "text", "row", "code", "layout"

_WORD = re.compile(r"\w")
_FENCE = re.compile(r"[^\S\n]{0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"^[^\S\n]*\|?[^\S\n]*:?-+:?[^\S\n]*(?:\|[^\S\n]*:?-+:?[^\S\n]*)*\|?\s*$")
_ROW = re.compile(r"^[^\S\n]*\|.*\|[^\S\n]*(?:\[\d|【\d|\s*$)")
# Talk about the passages themselves claims nothing.
_ABOUT = re.compile(
    r"(?:根据|依据|按照|基于)?(?:以上|上述|提供的|这些|给出的|所给)*(?:编号)?资料(?:中|里|显示|表明|可知|提到)?"
    r"(?:提供)?(?:的)?(?:信息|内容)?"
    r"|(?:according to|based on|in|as stated in) the (?:provided |given |numbered |\w+ )?"
    r"(?:passages?|information|documents?|sources?)"
    r"(?:,? which (?:says?|states?|mentions?)(?: that)?)?"
    r"|\bthis is (?:stated|mentioned|said)\b|\bin passages?\b"
    r"|\bthe (?:\w+ )?passages? (?:says?|states?|mentions?|describes?|explains?)(?: that)?",
    re.IGNORECASE,
)
_JOINING = re.compile(r"^[\W_]*(?:(?:和|与|及|可知|所述|and)[\W_]*)*$", re.IGNORECASE)
_LIST_MARK = re.compile(r"^\s*(?:\d{1,3}[.)、]|[（(]\d{1,2}[)）]|[-*+•])\s*(?=\D)")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")


@dataclass(frozen=True)
class Piece:
    """``text``: without markers, what was set aside still in its place's character; ``written``:
    the numbers of its markers."""

    text: str
    kind: str
    written: frozenset[int] = frozenset()


def pieces_of(answer: str, aside: Aside) -> list[Piece]:
    """The pieces of ``answer``, in order."""
    found: list[Piece] = []
    for kind, text in _blocks(answer):
        if kind in (CODE, LAYOUT):
            found.append(Piece(text, kind))
        else:
            plain = aside.plain(text)
            for sentence in [plain] if kind == ROW else split_sentences(plain):
                _add(found, sentence, kind)
    return found


def said(text: str) -> str:
    """What a piece claims: without its list mark, HTML tags and talk about the passages."""
    return _LIST_MARK.sub("", _TAG.sub(" ", _ABOUT.sub(" ", text)))


def is_talk(text: str) -> bool:
    """Whether a piece does no more than name the passages: "According to passage 1."."""
    return bool(_ABOUT.search(text)) and _JOINING.match(said(text)) is not None


def _add(found: list[Piece], sentence: str, kind: str) -> None:
    written, bare = numbers_of(sentence), unmarked(sentence)
    if _WORD.search(bare) or not written:
        found.append(Piece(bare, kind, written))
        return
    # Markers alone belong to what stands before them.
    space = bare[len(bare.rstrip()) :]
    for place in range(len(found) - 1, -1, -1):
        last = found[place]
        if last.kind in (TEXT, ROW) and _WORD.search(last.text):
            found[place] = Piece(last.text, last.kind, last.written | written)
            break
    if bare.strip() or space:
        found.append(Piece(bare, LAYOUT))


def _blocks(answer: str) -> Iterator[tuple[str, str]]:
    """Code blocks, table rows, and the text between them."""
    text: list[str] = []
    lines = answer.splitlines(keepends=True)
    place = 0
    while place < len(lines):
        kind, size = _block_at(lines, place)
        if kind == TEXT:
            text.append(lines[place])
        else:
            if text:
                yield TEXT, "".join(text)
                text = []
            yield kind, "".join(lines[place : place + size])
        place += size
    if text:
        yield TEXT, "".join(text)


def _block_at(lines: list[str], place: int) -> tuple[str, int]:
    """The kind of the block that begins at a line, and how many lines it has."""
    line = lines[place]
    fence = _FENCE.match(line)
    if fence:
        for end in range(place + 1, len(lines)):
            if lines[end].strip().startswith(fence[1]) and not lines[end].strip(" \t\r\n`~"):
                return CODE, end - place + 1
        return CODE, len(lines) - place
    if "|" in line and _RULE.match(line):
        return LAYOUT, 1
    if _ROW.match(line):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        return (LAYOUT if "|" in following and _RULE.match(following) else ROW), 1
    return TEXT, 1

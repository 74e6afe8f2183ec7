"""Sentences of Chinese and English text, and the terms that tell what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from assistant.knowledge.keywords import matching_terms, query_terms

_SOURCE = r"(?:编号|资料|passage\s*)?\d+"
_MARK = rf"(?:\[{_SOURCE}(?:\s*[,，、;；]\s*{_SOURCE})*\]|【{_SOURCE}】)"
#: A citation as models write it: [1], [1, 3], 【1】, [编号1], [passage 1].
MARKER = re.compile(rf"\s*{_MARK}", re.IGNORECASE)
# A sentence ends at Chinese end marks, at a Latin one before a space (not in an address), or at
# the end of a line; closing quotes, brackets and citations stay with it.
_CLOSERS = rf"[”’」』）)\]\"']*(?:[^\S\n]?{_MARK})*"
_END = re.compile(
    rf"[。！？…]+[!?！？]*{_CLOSERS}|[!?]+{_CLOSERS}(?=\s|$|[\u4e00-\u9fff])"
    rf"|\.{_CLOSERS}(?=\s|$)|\n+",
    re.IGNORECASE,
)
_NO_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|[ap]\.m|etc|vs|Mr|Mrs|Ms|Dr|St|No|Fig|pp?)|\b[A-Z])\.$|^\s*(?:\d{1,3}|[IVX]{1,4})\.$"
)
_FENCE = re.compile(r"[^\S\n]{0,3}(`{3,}|~{3,})")
_ROW = re.compile(r"[^\S\n]*\|.*\|[^\S\n]*$")
_WHOLE = re.compile(rf"^(?:{_FENCE.pattern}|{_ROW.pattern})", re.MULTILINE)


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, each with the white space after it, so that joining them gives
    the text back. Rows of tables and lines of code blocks are whole.

    >>> split_sentences("Mr. Li came. He left!  北京是首都。对吗？")
    ['Mr. Li came. ', 'He left!  ', '北京是首都。', '对吗？']
    >>> split_sentences("| Dr. A. | 3 kg. |\\n| B! | 4 |")
    ['| Dr. A. | 3 kg. |\\n', '| B! | 4 |']
    """
    if not _WHOLE.search(text):
        return _split(text)
    return [sentence for part in _parts(text) for sentence in part if sentence.strip()]


def _split(text: str) -> list[str]:
    sentences, start = [], 0
    for found in _END.finditer(text):
        end = found.end()
        if _NO_END.search(text[start:end]):
            continue
        while end < len(text) and text[end].isspace():
            end += 1
        if text[start:end].strip():
            sentences.append(text[start:end])
            start = end
    if text[start:].strip():
        sentences.append(text[start:])
    return sentences


def _parts(text: str) -> Iterator[list[str]]:
    """The sentences between whole lines, and those lines, with the white space after them."""
    prose, whole, fence = "", "", ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        is_whole = bool(fence or mark or _ROW.match(line))
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip() == fence:
            fence = ""
        if not line.strip() and whole:
            whole += line
            continue
        if whole:
            yield [whole]
            whole = ""
        if is_whole:
            before = prose if not prose.strip() else ""
            yield _split(prose)
            prose, whole = "", before + line
        else:
            prose += line
    yield [whole] if whole else _split(prose)


@lru_cache(maxsize=4096)
def terms_of(text: str) -> frozenset[str]:
    """What ``text`` says or asks: its search terms without stop words."""
    return frozenset(query_terms(text))


def held(terms: frozenset[str], text: str) -> frozenset[str]:
    """Those of ``terms`` that ``text`` holds, by the rules of the keyword index."""
    return frozenset(matching_terms(list(terms), text))

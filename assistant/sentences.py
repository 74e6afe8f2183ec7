"""Sentences of Chinese and English text, and the terms that tell what they are about."""

from __future__ import annotations

import re
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
    r"(?:\b(?:e\.g|i\.e|[ap]\.m|etc|vs|Mr|Mrs|Ms|Dr|St|No|Fig|pp?)|\b[A-Z])\.$|^\s*\d{1,3}\.$"
)


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, each with the white space after it, so that joining them gives
    the text back.

    >>> split_sentences("Mr. Li came. He left!  北京是首都。对吗？")
    ['Mr. Li came. ', 'He left!  ', '北京是首都。', '对吗？']
    """
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


@lru_cache(maxsize=4096)
def terms_of(text: str) -> frozenset[str]:
    """What ``text`` says or asks: its search terms without stop words."""
    return frozenset(query_terms(text))


def held(terms: frozenset[str], text: str) -> frozenset[str]:
    """Those of ``terms`` that ``text`` holds, by the rules of the keyword index."""
    return frozenset(matching_terms(list(terms), text))

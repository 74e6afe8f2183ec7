"""Names that a claim can't do without: Latin names and identifiers, and titles in their marks.

>>> sorted(names("在FAISS中，IndexIVFFlat 由 Facebook 开发，见《向量检索》。"))
['FAISS', 'Facebook', 'IndexIVFFlat', '《向量检索》']
>>> sorted(names("Peking University was founded in Beijing."))
['Beijing', 'Peking', 'University']
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from assistant.knowledge.keywords import segment
from assistant.sentences import held, terms_of

_TITLE = re.compile(r"《[^《》\n]{1,40}》")
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:(?:[_.\\/:@&-]+|::)[A-Za-z0-9]+)*(?:\+\+|#)?")
_CODE = re.compile(r"[A-Za-z]\d|\d[A-Za-z]{2,}|_|[a-z][A-Z]|^[A-Z][A-Z0-9]+$|[\\/:@]|\+\+|#")
# A figure's business: "12h", "13th-14th".
_UNIT = re.compile(r"\d+(?:\.\d+)?(?:[A-Za-z]{1,3}|(?:st|nd|rd|th)-\d+(?:st|nd|rd|th))$")
_PUNCTUATION = re.compile(r"[\W_]+")
_COMMON_WORDS = """
I The A An In On At It Its This That These Those He She They We You If When While As And But
Or For To Of By With From Yes No Not However Therefore Additionally Also
"""
_COMMON = frozenset(_COMMON_WORDS.split())


@lru_cache(maxsize=4096)
def names(text: str) -> frozenset[str]:
    """The names of ``text``; a capital that may stand there because a sentence begins is none,
    unless another follows."""
    text = unicodedata.normalize("NFKC", text)
    found = set(_TITLE.findall(text))
    tokens = list(_TOKEN.finditer(text))
    for n, match in enumerate(tokens):
        word = match[0]
        if _UNIT.match(word) or not re.search("[A-Za-z]", word):
            continue
        if _CODE.search(word) or (_is_capital(word) and not _begins(text, tokens, n)):
            found.add(word)
    return frozenset(found)


def are_borne(claimed: frozenset[str], text: str) -> bool:
    """Whether ``text`` has all of them; words of another ending count as the same name."""
    return all(_is_borne(name, text) for name in claimed)


def codes(claimed: frozenset[str]) -> frozenset[str]:
    """Those that stay the same in every language: identifiers, versions, abbreviations."""
    return frozenset(name for name in claimed if not name.startswith("《") and _CODE.search(name))


def _is_borne(name: str, text: str) -> bool:
    if name.startswith("《"):
        return _squeezed(name) in _squeezed(text)
    terms = terms_of(name)
    if held(terms, text) == terms or (len(name) > 3 and name.casefold() in text.casefold()):
        return True
    stem = name.casefold()[: max(4, len(name) - 3)]
    return not _CODE.search(name) and any(word.startswith(stem) for word in _tokens(text))


@lru_cache(maxsize=512)
def _tokens(text: str) -> frozenset[str]:
    return frozenset(segment(text))


@lru_cache(maxsize=512)
def _squeezed(text: str) -> str:
    return _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _is_capital(word: str) -> bool:
    return word[0].isupper() and len(word) > 1 and word not in _COMMON


def _begins(text: str, tokens: list[re.Match[str]], n: int) -> bool:
    """Whether a capital there may be that of a sentence's beginning."""
    before = text[: tokens[n].start()].rstrip(" \"'“‘(（*_")
    if before and before[-1] not in ".!?。！？:：\n>|-•":
        return False
    following = tokens[n + 1] if n + 1 < len(tokens) else None
    gap = text[tokens[n].end() : following.start()] if following else "."
    is_name = following and _is_capital(following[0]) and not _CODE.search(following[0])
    return not (is_name and gap == " ")

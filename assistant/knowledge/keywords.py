"""Segmentation for keyword search: the same rules for what is stored and what is asked.

- Text is normalised (NFKC) and lower-cased; Latin letters lose their accents.
- Chinese, Japanese and Korean runs become overlapping pairs and their last character, so that every
  character begins exactly one token: ``向量库`` is ``向量 量库 库``. A query of one character finds
  all tokens that begin with it.
- Traditional characters become simplified ones, so that both find each other.
- English words lose plural, -ing and -ed.
- Identifiers, versions, error codes, paths and addresses are kept whole and in their parts:
  ``KnowledgeBase.add_texts`` is itself, ``knowledgebase knowledge base add text`` and
  ``add_texts``; ``3.11.7`` is itself and ``3.11``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from sqlite3 import Row

from assistant.knowledge.records import stored_chunk
from assistant.knowledge.simplified import simplified
from assistant.knowledge.stop_words import (
    CHINESE_PHRASES,
    CHINESE_SINGLE,
    CHINESE_WHOLE,
    ENGLISH,
)

#: Longer tokens (encoded data, minified code) are cut here, in documents and in queries alike.
LONGEST_TOKEN = 64
#: A pasted page, or a question below its whole conversation, is searched by its first terms and by
#: its last ones, where the question mostly stands. On 587 Chinese questions below their
#: conversations this is .80 of nDCG@10, where the first 96 terms are .56 and all of them .68.
FIRST_TERMS, LAST_TERMS = 8, 40

# Ideographs and radicals, kana, hangul; without the punctuation between them.
_CJK = (
    "\u2e80-\u2fd5\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_ATOM = rf"[^\W_{_CJK}]+"
# A run of CJK, or a word, identifier, number or path.
_PIECE = re.compile(
    rf"([{_CJK}]+)"
    rf"|(_{{0,2}}{_ATOM}(?:[_./\\:@-]{{1,3}}{_ATOM})*(?:__|(?:\+\+|\#)(?!\w))?)"
)
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])['\u2019](?:s|t|d|m|re|ve|ll)\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])")
_SEGMENTS = re.compile(r"[/\\:@]+")
_PARTS = re.compile(r"[_.\-+#]+")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_HUMPS = re.compile(  # PDFs, HTTPServer, addTexts, E1234
    r"[A-Z]{2,}(?=s$)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+"
)
_CUT = re.compile(
    f"({'|'.join(CHINESE_WHOLE)})|" + "|".join(sorted(CHINESE_PHRASES, key=len, reverse=True))
)


def segment(text: str) -> list[str]:
    """The tokens of ``text`` in order, as they are stored; repeated where the text repeats."""
    tokens: list[str] = []
    for run, compound in _PIECE.findall(_normalise(text)):
        if run:
            plain = simplified(run)
            tokens += map(str.__add__, plain, plain[1:])
            tokens.append(plain[-1])
        else:
            tokens += _compound(compound)
    return tokens


def query_terms(text: str) -> list[str]:
    """The distinct terms that ``text`` asks for, in order, without stop words.

    If only stop words are there, they are the terms. Empty where there is no letter or digit.
    """
    normal = simplified(_normalise(text))
    cut = _CUT.sub(lambda match: match[1] or " ", normal)
    terms = [term for term in _query_tokens(cut) if term not in _STOP_WORDS]
    distinct = list(dict.fromkeys(terms or _query_tokens(normal)))
    if len(distinct) <= FIRST_TERMS + LAST_TERMS:
        return distinct
    return distinct[:FIRST_TERMS] + distinct[-LAST_TERMS:]


def matching_terms(terms: list[str], text: str) -> set[str]:
    """Those of ``terms`` (from :func:`query_terms`) that ``text`` holds, by the index's rules."""
    tokens = set(segment(text))
    first_characters = {token[0] for token in tokens}
    return {term for term in terms if term in (first_characters if _is_prefix(term) else tokens)}


def scope(collection_id: int) -> str:
    """What each token begins with in the keyword table, apart from other collections' tokens."""
    return f"{collection_id}:"


def words_column(words: Sequence[str], collection_id: int) -> str:
    """What the keyword table is given for a chunk with these tokens."""
    prefix = scope(collection_id)
    return prefix + f" {prefix}".join(words) if words else ""


def column_of(row: Row, collection_id: int) -> str:
    """:func:`words_column` of a stored chunk, with "text" and "heading_path"."""
    return words_column(segment(stored_chunk(row).embedding_text), collection_id)


def term_expressions(text: str, collection_id: int) -> list[str]:
    """An FTS5 expression for each term of ``text``, within a collection.

    Every term is quoted and made of letters, digits and ``_./\\:@-+#`` only, so whatever was typed
    can't be read as syntax.
    """
    terms = query_terms(text)
    prefix = scope(collection_id)
    return [f'"{prefix}{term}"' + (" *" if _is_prefix(term) else "") for term in terms]


def _normalise(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    if "'" in text or "\u2019" in text:
        text = _APOSTROPHE.sub("", text)
    if "," in text:
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    return text


def _query_tokens(normal: str) -> list[str]:
    """As stored, without the last character of runs: every text with it would be found."""
    tokens: list[str] = []
    for run, compound in _PIECE.findall(normal):
        if run:
            tokens += map(str.__add__, run, run[1:]) if len(run) > 1 else run
        else:
            tokens += _compound(compound)
    return tokens


def _is_prefix(term: str) -> bool:
    return len(term) == 1 and re.match(f"[{_CJK}]", term) is not None


@lru_cache(maxsize=1 << 16)
def _compound(text: str) -> tuple[str, ...]:
    """A word, identifier, number or path: whole and in parts, each once. The same words come again
    and again: this is most of the time that English takes."""
    found: dict[str, None] = {}
    pieces = _SEGMENTS.split(text)
    if len(pieces) > 1:
        found[_whole(text)] = None
    for piece in pieces:
        if _PARTS.search(piece):
            found.update(dict.fromkeys(_joined(piece)))
        for part in _PARTS.split(_VERSION.sub(".", piece)):
            found.update(dict.fromkeys(_atom(part)))
    return tuple(found)


def _joined(piece: str) -> Iterator[str]:
    """What is itself joined of parts: the piece, its versions, the names between its dots."""
    yield _whole(piece)
    for version in _VERSION.findall(piece):
        yield version
        yield ".".join(version.split(".")[:2])
    for name in _VERSION.sub(".", piece).split("."):
        if _PARTS.search(name.strip("-")):
            yield _whole(name.strip("-"))


def _whole(text: str) -> str:
    return text.casefold()[:LONGEST_TOKEN]


def _atom(part: str) -> Iterator[str]:
    """Letters and digits without a separator: whole, and its humps where it has several."""
    if not part:
        return
    yield _word(part)
    if part.isascii():
        humps = _HUMPS.findall(part)
        if len(humps) > 1:
            yield from (_word(hump) for hump in humps if len(hump) > 1)


def _word(text: str) -> str:
    word = text.casefold()
    if not word.isascii():
        word = _without_accents(word)
    word = word[:LONGEST_TOKEN]
    return stem(word) if word.isascii() and word.isalpha() else word


def _without_accents(word: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    # Other scripts' marks are letters of their own: only Latin words are folded.
    return plain if plain.isascii() else word


def stem(word: str) -> str:
    """A lower-case English word without plural, -ing, -ed and final -e.

    >>> [stem(word) for word in ("embeddings", "embedded", "embed", "stores", "storing", "queries")]
    ['embed', 'embed', 'embed', 'stor', 'stor', 'query']
    """
    if len(word) < 4:
        return word
    word = _without_ending(_singular(word))
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_ending(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if (
            rest != word
            and not word.endswith("eed")
            and len(rest) > 2
            and re.search("[aeiouy]", rest)
        ):
            is_doubled = len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz"
            return rest[:-1] if is_doubled else rest
    return word


_IRREGULAR = {"used": "use", "using": "use", "embed": "embed"}
_STOP_WORDS = ENGLISH | {stem(word) for word in ENGLISH} | CHINESE_SINGLE

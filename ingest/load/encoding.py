"""Bytes to text: what the bytes say goes before what headers and pages declare.

1. A byte order mark, the escape sequences of ISO-2022, UTF-16 without a mark.
2. UTF-8, even where a byte here and there is broken.
3. The encodings of Chinese, Japanese and Korean, whichever gives common characters; what is
   declared counts a little.
4. What is declared, if the bytes can be it; else the best guess among those of one byte.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from functools import cache

from ingest.load.characters import CHINESE, JAPANESE, KOREAN, LATIN, LETTERS, SIGNS

MARKS = (  # the longer first: UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Pages that declare the smaller set use characters of the bigger one.
_WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs",
    "shift_jis": "cp932", "euc_kr": "cp949", "iso8859-1": "cp1252", "ascii": "cp1252",
    "iso8859-9": "cp1254", "tis-620": "cp874", "iso8859-11": "cp874",
}  # fmt: skip
# Names that the web uses and Python doesn't know.
_WEB_NAMES = {
    "x-sjis": "cp932", "x-gbk": "gb18030", "gb-18030": "gb18030", "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp", "x-windows-949": "cp949", "windows-874": "cp874", "dos-874": "cp874",
    "iso-8859-8-i": "iso8859-8", "unicode": "utf-16", "x-mac-cyrillic": "mac-cyrillic",
}  # fmt: skip
# What is no encoding of documents, or runs rather than reads them.
_REFUSED = ("utf-7", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined")
# What servers declare without having looked, and what decodes any bytes.
_EMPTY_CLAIMS = ("cp1252", "utf")
_WIDE = {
    "gb18030": CHINESE,
    "big5hkscs": CHINESE,
    "cp932": JAPANESE,
    "euc_jp": JAPANESE,
    "cp949": KOREAN,
    "utf-16-le": CHINESE,
    "utf-16-be": CHINESE,
}
# The first bytes of punctuation and of the characters that a table lists first, as more frequent.
_FIRST_LEVELS = {
    "gb18030": frozenset((0xA1, 0xA3, *range(0xB0, 0xD8))),
    "big5hkscs": frozenset((0xA1, *range(0xA4, 0xC7))),
    "cp949": frozenset((0xA1, *range(0xB0, 0xC9))),
}
_SAMPLE = 65536  # bytes
_LEAST_COMMON = 0.3  # of the characters beyond ASCII, in text of the right encoding
_DECLARED_BONUS = 0.15
_BROKEN_WEIGHT = 3  # of a broken character against a common one
_MOST_BROKEN = 0.5  # of those beyond ASCII that are whole, in text that is UTF-8 all the same
_LEAST_LETTERS = 0.5
_LATIN_RUN = 3  # letters with accents in a word
_AHEAD = 24  # bytes that tell where to go on
_MOST_FIRST_LEVEL = 0.8
_FEW_ACCENTS = 0.01  # of the bytes: too few to tell one table from another

_ESCAPES = re.compile(rb"\x1b(?:\$[@BACD(]|\([BJI])")
_RUNS = re.compile(r"[^\x00-\x7f]+")
_WORDS = re.compile(r"[^\W\d_]+")
_PLAUSIBLE = re.compile(
    r"[\t\n\r\x20-\x7e\u00a0-\u024f\u0370-\u052f\u2000-\u206f\u3000-\u30ff\u4e00-\u9fff"
    r"\uac00-\ud7a3\uff00-\uffef]"
)


def decode(data: bytes, declared: str = "") -> str:
    """The text of ``data``, without byte order mark and NUL characters.

    ``declared`` is what a header or a ``<meta>`` says; it is believed where the bytes don't
    contradict it. Bytes that fit nothing become U+FFFD.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            break
    else:
        encoding = encoding_of(data, declared)
        text = data.decode(encoding, _errors(encoding))
    return text.replace("\0", "")


def encoding_of(data: bytes, declared: str = "") -> str:
    """Python's name for the encoding of ``data``, which begins with no byte order mark."""
    claim = _known(declared)
    if _ESCAPES.search(data) and (escaped := _escaped(data)):
        return escaped
    if b"\0" in data and (wide := unmarked_utf16(data)):
        return wide
    if _is_utf8(data):
        return "utf-8"
    # A cut in the middle of a character is no error of the text.
    sample = data[:_SAMPLE]
    is_claimed = claim and not claim.startswith(_EMPTY_CLAIMS) and _decodes(data, claim)
    return (
        _wide(sample, claim)
        or (claim if is_claimed else _first_level(sample))
        or _one_byte(sample, claim)
    )


def unmarked_utf16(data: bytes) -> str:
    """The kind of UTF-16 that ``data`` reads as without a mark, else an empty string."""
    sample = data[: min(len(data), 8192) // 2 * 2]
    if sample.count(0) < len(sample) / 5 and _begins_as_utf8(sample):
        return ""  # a stray NUL; two ASCII letters would pass for a Chinese character
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, "replace")
        if text and len(_PLAUSIBLE.findall(text)) > 0.95 * len(text):
            return encoding
    return ""


def _begins_as_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _known(declared: str) -> str:
    """Python's name for what is declared, or an empty string."""
    name = declared.strip().lower()
    try:
        name = codecs.lookup(_WEB_NAMES.get(name, name)).name
    except (LookupError, ValueError):
        return ""
    return "" if name in _REFUSED else _WIDER.get(name, name)


def _escaped(data: bytes) -> str:
    for name in ("iso2022_jp_2", "iso2022_kr"):
        text = data.decode(name, "replace")
        if _beyond(text) and _is_mostly_whole(text):
            return name
    return ""


def _is_utf8(data: bytes) -> bool:
    return _decodes(data, "utf-8") or _is_mostly_whole(data[:_SAMPLE].decode("utf-8", "replace"))


def _is_mostly_whole(text: str) -> bool:
    broken = text.count("\ufffd")
    return broken <= _MOST_BROKEN * (_beyond(text) - broken)


def _beyond(text: str) -> int:
    """Characters beyond ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError, ValueError):
        return False
    return True


def _wide(sample: bytes, claim: str) -> str:
    """The encoding of Chinese, Japanese or Korean that gives common characters, or ''."""
    scores = {name: _score(sample, name) + _DECLARED_BONUS * (name == claim) for name in _WIDE}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > _LEAST_COMMON else ""


def _score(sample: bytes, encoding: str) -> float:
    """The share of common characters among those beyond ASCII, less what is broken. A single one
    between ASCII is more likely a letter with an accent and the letter after it."""
    runs = _RUNS.findall(sample.decode(encoding, _errors(encoding)))
    usual = _WIDE[encoding]
    found = sum(char in usual for run in runs if len(run) > 1 for char in run)
    broken = sum(run.count("\ufffd") for run in runs)
    return float(found - _BROKEN_WEIGHT * broken) / max(1, sum(map(len, runs)))


def _errors(encoding: str) -> str:
    """The name of what handles broken bytes in ``encoding``."""
    return _register() if encoding in _WIDE else "replace"


@cache
def _register() -> str:
    codecs.register_error("ingest.resume", _resume)
    return "ingest.resume"


def _resume(error: UnicodeError) -> tuple[str, int]:
    """Goes on after a broken byte, or one or two later where that reads better: otherwise all
    characters up to the next line would be made of wrong halves."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    encoding = _known(error.encoding)
    usual = _WIDE.get(encoding, CHINESE)

    def quality(place: int) -> int:
        ahead = error.object[place : place + _AHEAD].decode(encoding, "ignore")
        return sum(map(usual.__contains__, ahead))

    return "\ufffd", max(range(error.start + 1, error.start + 4), key=quality)


def _first_level(sample: bytes) -> str:
    """The encoding for the few words whose characters are frequent, if not frequent enough to be
    counted: they stand in the part of the table that was filled with those."""
    fitting = [name for name in _FIRST_LEVELS if _is_first_level(sample, name)]
    return max(fitting, key=lambda name: _score(sample, name), default="")


def _is_first_level(sample: bytes, encoding: str) -> bool:
    if not _decodes(sample, encoding):
        return False
    runs = _RUNS.findall(sample.decode(encoding))
    words = "".join(run for run in runs if len(run) > 1)
    leads = words.encode(encoding)[::2]  # wrong for characters of four bytes, which don't fit
    first = sum(map(_FIRST_LEVELS[encoding].__contains__, leads))
    return first > _MOST_FIRST_LEVEL * sum(map(len, runs))


def _one_byte(sample: bytes, claim: str) -> str:
    """The encoding with one byte a character whose letters make words, or the best guess."""
    fallback = claim if claim and not claim.startswith("utf") else "cp1252"
    if len(sample.translate(None, bytes(range(128)))) < _FEW_ACCENTS * len(sample):
        return fallback
    scores = {name: _letter_score(sample, name) for name in LETTERS}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= _LEAST_LETTERS:
        return best
    from charset_normalizer import from_bytes

    guess = from_bytes(sample).best()
    return fallback if guess is None else guess.encoding


def _letter_score(sample: bytes, encoding: str) -> float:
    """How much of what is beyond ASCII is letters of the languages of ``encoding``, in words as
    they write them; 1 for all."""
    text = sample.decode(encoding, "replace")
    frequent, _, others = LETTERS[encoding].partition("|")
    weights = dict.fromkeys(others, 0.9) | dict.fromkeys(frequent, 1.0)
    is_latin = encoding in LATIN
    score = 0.0
    for word in _WORDS.findall(text):
        beyond = _beyond(word)
        # Latin words have a few such letters, others nothing else.
        if beyond > _LATIN_RUN if is_latin else beyond < len(word):
            score -= beyond
        elif beyond:
            score += sum(_letter_weight(char, place, weights) for place, char in enumerate(word))
    signs = [char for char in text if char > "\x7f" and not char.isalpha()]
    score += sum(1 if char in SIGNS or char in weights else -1 for char in signs)
    return score / max(1, _beyond(text))


def _letter_weight(char: str, place: int, weights: Mapping[str, float]) -> float:
    if char <= "\x7f":
        return 0
    if weight := weights.get(char):
        return weight
    if weight := weights.get(char.lower()):
        return 0.3 * weight if place else weight
    return -1

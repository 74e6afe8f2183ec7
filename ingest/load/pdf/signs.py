"""Characters as PDF files hold them: ligatures, radicals, bullets of symbol fonts, garbage."""

from __future__ import annotations

import re
import unicodedata

# Bullets and boxes that symbol fonts keep in the private area.
_BULLETS = dict.fromkeys([0xF0B7, 0xF0A7, 0xF06C, 0xF06E, 0xF0D8, 0xF0FC, 0xF076, 0xF02D], "•")
_SHOWN = {**_BULLETS, 0: "", 0xAD: "-", 0xFFFE: "-\n", 2: "-\n"}
_LIGATURES = re.compile("[\ufb00-\ufb06\u2f00-\u2fd5]")
_ODD = re.compile("[\0\x02\xad\ufffe\uf000-\uf0ff]")
_SPACES = re.compile(r"[^\S ]")
# Private use, replacement, controls: what a font without a map of its glyphs leaves.
_GARBAGE = re.compile(
    "[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\\(cid:\\d+\\)"
)


def clean(text: str) -> str:
    """Letters for ligatures and Kangxi radicals, bullets for private ones, plain spaces.

    >>> clean("o\ufb03ce \u2f00")
    'office 一'
    """
    if text.isascii() and "\0" not in text and "\x02" not in text:
        return _SPACES.sub(" ", text)
    if _ODD.search(text):
        text = text.translate(_SHOWN)
    text = _LIGATURES.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return _SPACES.sub(" ", text)


def garbage(text: str) -> float:
    """The part of its visible characters that no reader could make sense of, from 0 to 1."""
    shown = len("".join(text.split()))
    return sum(len(found) for found in _GARBAGE.findall(text)) / shown if shown else 0.0


def reads_as_words(text: str) -> bool:
    """Whether ``text`` is likely to be running Latin text: mostly letters, vowels among them as in
    any European language. Codes that were taken for letters are not.

    >>> reads_as_words("The manual is not available."), reads_as_words("7KH PDQXDO LV QRW")
    (True, False)
    """
    shown = "".join(text.split())
    letters = [char for char in shown.lower() if "a" <= char <= "z" or "\u00c0" <= char <= "\u024f"]
    vowels = sum(char in "aeiouyàáâäæèéêëìíîïòóôöøùúûü" for char in letters)
    return len(letters) > 0.7 * len(shown) and 0.25 * len(letters) < vowels < 0.6 * len(letters)

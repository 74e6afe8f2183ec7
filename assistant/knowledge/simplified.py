"""Traditional Chinese characters in their simplified form, so that both find each other."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_CHARACTERS = 1 << 16  # those that the table tells of; beyond them none is in use


def simplified(text: str) -> str:
    """``text`` with each traditional character replaced by its simplified one: as many characters
    as before, at the same places.

    It is one form for comparing, not a translation: 著 and 着, or 乾 and 干, become the same.

    >>> simplified("資料庫裡的臺灣軟體")
    '资料库里的台湾软体'
    """
    return text if text.isascii() else text.translate(_table())


@lru_cache(maxsize=1)
def _table() -> str:
    """The simplified form of each character, by its number: ``str.translate`` is slow at what a
    mapping lacks, and most characters are their own simplified form."""
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    pairs = [pair for line in lines if not line.startswith("#") for pair in line.split()]
    forms = {pair[0]: pair[1] for pair in pairs}
    return "".join(forms.get(one, one) for one in map(chr, range(_CHARACTERS)))

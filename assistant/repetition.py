"""Notices that a model repeats itself for ever, as small ones do: the answer is ended there."""

from __future__ import annotations

import re

#: How often a piece must stand in a row, by its letters: a table's dashes or a row of zeros are no
#: loop, and a refrain of three is.
TIMES_SHORT, TIMES_LONG, LONG = 8, 3, 12
#: The longest piece that is looked for, in characters.
LONGEST = 400
#: Repeats that are shorter in all, in letters, may be meant: 哈哈哈哈, "very, very".
LEAST = 40
#: Characters between two looks at a growing answer.
EVERY = 24

_SENTENCE_END = re.compile(r"[。！？!?.\n]")
_LETTER = re.compile(r"[^\W\d_]")
# The number before an item of a list grows while the item stays the same.
_ITEM = re.compile(r"^([ \t]*)\d{1,4}([.)、][ \t]*)", re.MULTILINE)


class LoopGuard:
    """Reads an answer as it grows."""

    def __init__(self) -> None:
        self._looked = 0

    def cut(self, answer: str) -> str | None:
        """``answer`` up to the end of what it repeats, said once; None where it doesn't."""
        if len(answer) < self._looked + EVERY:
            return None
        self._looked = len(answer)
        return without_loop(answer)


def without_loop(answer: str) -> str | None:
    """``answer`` without the repeats at its end; None where there are none."""
    plain = _ITEM.sub(r"\1\2", answer)
    length = _period(plain)
    if not length:
        return None
    return _first_characters(answer, _end_of_first(plain, length)).rstrip()


def _end_of_first(text: str, length: int) -> int:
    """Where the first of the pieces of ``length`` that repeat to the end of ``text`` ends: at the
    end of a sentence or line, if it can be cut there."""
    begin = len(text) - length
    while begin and text[begin - 1] == text[begin - 1 + length]:
        begin -= 1
    ends = range(begin + length, begin + 2 * length)
    return next((end for end in ends if _SENTENCE_END.match(text[end - 1])), begin + length)


def _period(text: str) -> int:
    """The length of the piece that the end of ``text`` repeats; 0 where there is none."""
    for length in range(1, min(LONGEST, len(text) // TIMES_LONG) + 1):
        if text[-length:] != text[-2 * length : -length]:
            continue
        letters = len(_LETTER.findall(text[-length:]))
        if not letters:
            continue
        times = max(TIMES_LONG if letters >= LONG else TIMES_SHORT, -(-LEAST // letters))
        if text.endswith(text[-length:] * times):
            return length
    return 0


def _first_characters(answer: str, kept: int) -> str:
    """The beginning of ``answer`` that made the first ``kept`` characters without the numbers of
    lists."""
    for item in _ITEM.finditer(answer):
        if item.start() + len(item[1]) >= kept:
            break
        kept += len(item[0]) - len(item[1]) - len(item[2])
    return answer[:kept]

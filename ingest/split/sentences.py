"""Where sentences end, in Chinese and in languages with full stops."""

from __future__ import annotations

import re

_END = re.compile(
    r"[。！？；…]+[”’」』）】》)\"']*\s*"  # Chinese: needs nothing after it
    r"|[.!?;]+[\"')\]”’]*(?=\s)\s*"
    r"|\n\s*"
)
# What stands before a full stop that ends no sentence: abbreviations, initials, and the number of
# a list's item at the beginning of its line.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|viz|approx|resp|incl|fig|figs|eq|eqs|sec|ch|chap|vol|no|nos|pp|ed|eds"
    r"|al|mr|mrs|ms|dr|prof|st|sr|jr|inc|ltd|co|corp|dept|univ|jan|feb|mar|apr|jun|jul|aug|sept|sep"
    r"|oct|nov|dec|z\.b|d\.h|bzw|p\.ej)"
    r"|\b[A-Z]|(?:^|\n|[-*] )\s*\(?[0-9]{1,3}(?:\.[0-9]{1,3})*)\.$",
    re.I,
)
# "etc." and the like end a sentence only where another begins.
_PERHAPS = re.compile(r"\b(?:etc|a\.m|p\.m|u\.s|u\.k)\.$", re.I)
_LOOK_BACK = 12  # characters in which an abbreviation stands


def sentences(text: str) -> list[str]:
    """The sentences of Chinese or English text with what follows them: joined they are ``text``.

    >>> sentences("先安装。再运行！ Then ask, e.g. this. Done")
    ['先安装。', '再运行！ ', 'Then ask, e.g. this. ', 'Done']
    """
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if end[0][0] == "." and _goes_on(text, end.start(), end.end()):
            continue
        found.append(text[start : end.end()])
        start = end.end()
    if start < len(text):
        found.append(text[start:])
    return found


def _goes_on(text: str, stop: int, after: int) -> bool:
    """Whether the full stop at ``stop`` ends no sentence."""
    if text[stop + 1 : stop + 2] == ".":  # an ellipsis
        return text[after : after + 1].islower()
    before = text[max(0, stop - _LOOK_BACK) : stop + 1]
    if _ABBREVIATION.search(before):
        return True
    return _PERHAPS.search(before) is not None and not text[after : after + 1].isupper()

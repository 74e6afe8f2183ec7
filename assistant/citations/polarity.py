"""Whether a claim denies what a text says, or says the opposite.

>>> denies("它不支持中文。", "它支持中文和英文。"), denies("It runs X.", "It does not run X.")
(True, True)
>>> denies("销量下降了5%。", "销量增长了5%。"), denies("不仅支持中文。", "它支持中文。")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from assistant.citations.meaning import is_chinese
from assistant.citations.words import tokens_of
from assistant.sentences import terms_of

Scope = frozenset[str]
LEAD = 4  # characters right after a Chinese denial
REACH = 8  # characters after a Chinese denial that may be denied

_NEGATED_ZH = re.compile(
    r"(?:没有|沒有|并非|无法|無法|无需|无须|無需|毫无|从未|尚未"
    r"|不(?![仅僅但过過同断斷少久论論管得错錯足止只如满滿明妨禁乏惜料幸])|未(?![来來必])"
    r"|(?<![淹埋出吞])[没沒](?!收))"
    rf"(?P<scope>[^，。；！？,.;!?\n]{{0,{REACH}}})"
)
_NEGATED_EN = re.compile(
    r"(?:\b(?:not(?! only)|no(?!\.)|never|cannot|without|neither|nor|none)\b|n['’]t\b)"
    r"(?P<scope>[^,.;:!?\n]{0,40})",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\s*(?:(?:会|能|可以|曾经?|被|有|在|是|再|把|将|对|向)?(?P<zh>[\u4e00-\u9fff]{2})|(?=[\s\w]*[A-Za-z]))"
)
_LATIN = re.compile(r"[A-Za-z][\w-]*")
_FILLING = {"any", "the", "been", "being", "have", "has", "had", "such", "more", "longer", "ever"}
_OPPOSITES = tuple(
    tuple(re.compile(side, re.IGNORECASE) for side in pair)
    for pair in (
        ("增长|上升|增加|上涨|提高|提升|增長|上漲", "下降|减少|下跌|降低|下滑|減少"),
        ("允许|可以|许可|允許", "禁止|不得|严禁|嚴禁"),
        ("最大|最高|最多|至多|上限", "最小|最低|最少|至少|下限"),
        ("以上|超过|高于|超過|高於", "以下|不到|低于|低於"),
        ("之前|以前", "之后|以后|之後|以後"),
        (r"\bincreas|\brose\b|\bgrew\b|\bgrown\b", r"\bdecreas|\bfell\b|\bdeclin|\bdropp"),
        (r"\bbefore\b", r"\bafter\b"),
        (r"\bhighest\b|\bmaximum\b|\bat most\b", r"\blowest\b|\bminimum\b|\bat least\b"),
        (r"\bmore than\b|\babove\b|\bover\b", r"\bless than\b|\bbelow\b|\bunder\b"),
        (r"\ballow|\bpermit", r"\bforbid|\bforbidden|\bprohibit"),
    )
)


def denies(claim: str, text: str, question: str = "") -> bool:
    """Whether ``claim`` denies what ``text`` doesn't, affirms what it denies, or has an opposite
    word in place of its own. A denial that the question makes too is not the claim's."""
    denied, asked = _scopes(text), _scopes(question)
    for scope in map(_lead, _heads(claim)):
        if not any(scope & other for other in (*denied, *asked)):
            return True
    return _affirms(claim, text, denied) or _is_opposite(claim, text)


def _affirms(claim: str, text: str, denied: Sequence[Scope]) -> bool:
    """Whether the claim, which denies nothing, says what the text only ever denies."""
    if not denied or _scopes(claim):
        return False
    said, rest = tokens_of(claim), tokens_of(_affirmed(text))
    return any(scope <= said and not scope <= rest for scope in map(_head, _heads(text)) if scope)


def _is_opposite(claim: str, text: str) -> bool:
    for one, other in _OPPOSITES:
        for mine, theirs in ((one, other), (other, one)):
            is_claimed = mine.search(claim) and not theirs.search(claim)
            if is_claimed and theirs.search(text) and not mine.search(text):
                return True
    return False


@lru_cache(maxsize=2048)
def _scopes(text: str) -> tuple[Scope, ...]:
    """What each denial denies: the words soon after it."""
    return tuple(tokens_of(scope) for scope in _heads(text))


def _heads(text: str) -> list[str]:
    found = [match["scope"] for match in _NEGATED_ZH.finditer(text)]
    return found + [match["scope"] for match in _NEGATED_EN.finditer(text)]


def _head(scope: str) -> Scope:
    """What is denied itself: the two characters, or the first term, after the denial."""
    match = _FIRST.match(scope)
    if match is None:
        return frozenset()
    if match["zh"]:
        return frozenset([match["zh"]])
    terms = (terms_of(word) for word in _LATIN.findall(scope) if word.lower() not in _FILLING)
    return next(filter(None, terms), frozenset())


def _lead(scope: str) -> Scope:
    """The words right after a denial."""
    if is_chinese(scope[:LEAD]):
        return tokens_of(scope[:LEAD])
    terms = (terms_of(word) for word in _LATIN.findall(scope) if word.lower() not in _FILLING)
    return next(filter(None, terms), tokens_of(scope))


def _affirmed(text: str) -> str:
    """``text`` without what it denies."""
    return _NEGATED_EN.sub(" ", _NEGATED_ZH.sub(" ", text))

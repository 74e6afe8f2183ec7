"""Small talk: messages that neither ask for nor say anything a document could hold.

A message is surely small talk if each of its clauses is made of the words of
:mod:`assistant.asking.smalltalk_words` alone, so what asks for something besides ("Hi! How do I
install it?") is none. :mod:`assistant.asking.classifier` tells of statements that the words leave
open.
"""

from __future__ import annotations

import re

from assistant.asking.covering import best_cover
from assistant.asking.smalltalk_words import (
    BESIDE,
    CHINESE_SAID,
    CHINESE_WORDS,
    PHRASES,
    SAID,
)

#: A longer message says something.
LONGEST = 160
_BREAK = re.compile(r"([^\w\s'’\-/&+#%]+|\s-+\s|[\u2600-\u27bf\U0001f300-\U0001faff]+)")
_OPENING = "《“‘「『【（([\"'"
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\s\u3400-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LAUGHTER = re.compile(
    r"(?:ha){2,}h?|(?:he){2,}|[哈呵嘿嘻呜啊哦嗯唉哇]+|[6八8]{2,}|1?23|[123]", re.IGNORECASE
)
_NAME = re.compile(
    r"(?:I['’]?m|I am|[Mm]y name is|[Tt]his is) [A-Z]\w+|我(?:是|叫)[\u3400-\u9fff]{2,3}"
)
# A question, or what an answer is expected to.
_ASKS = re.compile(
    r"[?？]|什么|怎么|怎样|如何|哪|谁|多少|几[个点时岁天]|为何|吗$|么$|呢$|\b(?:what|how) about\b"
    r"|^(?:(?:and|but|so|or|then) )*(?:what|how|why|when|where|which|who|whom|whose|can|could|"
    r"should|would|is|are|am|do|does|did|has|have|any|was|were|tell|show|list|give|find|explain|"
    r"describe)\b(?! (?:a )?(?:great|good|nice|day|relief|pity|shame|fun|interesting))",
    re.IGNORECASE,
)
# Questions in form only.
_EXCLAIMS = re.compile(
    r"really|seriously|honestly|huh|what|ok(?:ay)?|right|why not|how come|天哪|怎么会|怎么可能|"
    r"怎么可能呢",
    re.IGNORECASE,
)
# What answers a question of the assistant's as well as it may say nothing.
_ASSENT = re.compile(
    r"(?:yes|yeah|yep|yup|no|nope|ok(?:ay)?|sure|right|correct|please|exactly|go ahead|"
    r"yes please|do|"
    r"是的?|对的?|嗯+|好的?|行|可以|不是的?|不|没错|要|不要|当然|ok|好呀|好啊|对呀|是啊|确定)",
    re.IGNORECASE,
)


def is_smalltalk(message: str, previous: str = "") -> bool:
    """Whether ``message`` is surely small talk.

    Args:
        previous: the assistant's last message. Where that asked something, "yes" answers it.

    >>> is_smalltalk("Thanks, that helped!"), is_smalltalk("Thanks. And the price?")
    (True, False)
    """
    if len(message) > LONGEST:
        return False
    told = clauses(message)
    if asks_back(previous) and all(_ASSENT.fullmatch(clause) for clause, _ in told):
        return False
    weights = [_clause_weight(clause, mark) for clause, mark in told]
    return not told or (min(weights) > 0 and max(weights) > 1)


def without_greeting(message: str) -> str:
    """``message`` without the small talk before its first other clause.

    >>> without_greeting("Hi! How do I install it?")
    'How do I install it?'
    """
    start = 0
    for mark in _BREAK.finditer(message):
        clause = " ".join(message[start : mark.start()].split())
        if clause and not _clause_weight(clause, mark[0]):
            break
        if clause:
            start = mark.start() + len(mark[0].rstrip(_OPENING))
    return message[start:].strip() or message


def asks_back(message: str) -> bool:
    """Whether ``message`` ends with a question."""
    return message.rstrip(' \n*_)）"”」').endswith(("?", "？"))


def asks(message: str) -> bool:
    """Whether any clause of ``message`` looks like a question or a request."""
    return any(_ASKS.search(clause + mark) for clause, mark in clauses(message))


def clauses(message: str) -> list[tuple[str, str]]:
    """What stands between the marks of ``message``, each with the marks after it."""
    parts = [*_BREAK.split(message.replace("’", "'")), ""]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [(text, mark) for piece, mark in pairs if (text := " ".join(piece.split()).strip("'-"))]


def _clause_weight(clause: str, mark: str) -> int:
    """2 for a clause that is small talk by itself, 1 for one that may stand beside it, else 0."""
    known = PHRASES.search(clause)
    if known and all(map(_weight, _words(clause[: known.start()] + " " + clause[known.end() :]))):
        return 2
    weights = [_weight(word) for word in _words(clause)]
    if _NAME.fullmatch(clause):
        return 1
    if not all(weights) or (_ASKS.search(clause + mark) and not _EXCLAIMS.fullmatch(clause)):
        return 0
    return max(weights, default=0)


def _words(clause: str) -> list[str]:
    return _WORD.findall(clause.casefold())


def _weight(word: str) -> int:
    """2 for what can be said alone, 1 for what stands beside it, 0 for all else."""
    if _LAUGHTER.fullmatch(word):
        return 2
    if _HAN.match(word):
        return best_cover(word, _chinese_weight)
    return 2 if word in SAID or word in CHINESE_SAID else int(word in BESIDE)


def _chinese_weight(word: str) -> int:
    return 2 if word in CHINESE_SAID else int(word in CHINESE_WORDS)

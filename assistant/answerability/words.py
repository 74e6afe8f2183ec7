"""Which terms of a question a text holds, and what sort of thing a question asks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from assistant.knowledge.keywords import query_terms, segment
from assistant.knowledge.simplified import simplified
from assistant.prompts import language_of

_CJK = re.compile(
    r"[\u2e80-\u2fd5\u3005-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]+"
)
#: What stands for the answer in a question: no passage need hold it.
_ASKING = re.compile(
    r"是?(?:什么时候|什么时间|什么人|谁)|哪一?[位个年天些里儿家部种次]|哪|何[时人地]|的?时间|日期"
    r"|几[月号个位名次岁人年天届集]"
    r"|多少|人数|数量|是什么|什么|如何|怎么样?|为什么|是否|具体|包括|叫做|名字|[？?]"
)
_WHEN = re.compile(
    r"什么时候|什么时间|的?时间|日期|何时|几月|几号|哪一?[年天]"
    r"|\bwhen\b|\b(?:what|which) (?:year|date|time|day|month)\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    r"多少|几[个位名次岁人年天届集]|人数|数量|比分|金额|比例|多[长高大远久重]"
    r"|\bhow (?:many|much|long|old|far|often|big|large|tall|high)\b|\bpercentage\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\d{1,4}\s*[年月日号點点]|[一二三四五六七八九十〇零]+[年月日]|\b1\d{3}\b|\b20\d\d\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november"
    r"|december)\b|\b\d{1,2}:\d\d\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|世纪|century",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\d+|[一二三四五六七八九十百千万亿两半]+\s*(?:[个位名次人年天岁届集种条元]|[万亿])"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million"
    r"|billion|half|once|twice|daily|weekly|monthly)\b",
    re.IGNORECASE,
)
_SORTS = ((_WHEN, _DATE), (_HOW_MANY, _AMOUNT))


def asked_terms(question: str) -> list[str]:
    """The question's search terms without those that stand for the answer, in order.

    >>> asked_terms("珠穆朗玛峰的高度是多少？") == asked_terms("珠穆朗玛峰的高度")
    True
    """
    return query_terms(_ASKING.sub(" ", simplified(question))) or query_terms(question)


def is_foreign(text: str, others: Sequence[str]) -> bool:
    """Whether ``text`` is Chinese and ``others`` together are not, or the other way round: their
    words can't be compared.

    >>> is_foreign("大桥多长？", ["The bridge is 3120 m long."]), is_foreign("大桥", ["大桥"])
    (True, False)
    """
    told = " ".join(others)
    return bool(told.strip()) and language_of(text) != language_of(told)


def plain(text: str) -> str:
    """``text`` as :func:`held` compares it: one form of each character."""
    return text if text.isascii() else simplified(unicodedata.normalize("NFKC", text))


def held(terms: Sequence[str], text: str) -> set[str]:
    """Those of ``terms`` that ``text``, of :func:`plain`, holds by the rules of the keyword index.

    What :func:`assistant.knowledge.keywords.matching_terms` gives, without cutting Chinese into
    pairs first: this runs for several whole passages on each question.
    """
    words: set[str] | None = None
    found = set()
    for term in terms:
        if _CJK.match(term):
            if term in text:
                found.add(term)
            continue
        if words is None:
            words = set(segment(text if text.isascii() else _CJK.sub(" ", text)))
        if term in words:
            found.add(term)
    return found


def holds_answer(question: str, sentence: str) -> bool:
    """Whether ``sentence`` has a thing of the sort that is asked for, which the question itself
    does not say; True where the sort is not known.

    >>> holds_answer("When was it built?", "It was built in 1889.")
    True
    >>> holds_answer("Who won in 1998, and how many votes?", "The vote of 1998 was close.")
    False
    """
    question = simplified(question)
    for asks, thing in _SORTS:
        if asks.search(question):
            return any(found not in question for found in thing.findall(simplified(sentence)))
    return True

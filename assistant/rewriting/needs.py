"""Whether a question leans on anything outside itself: a model is asked only where it may."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.prompts import language_of
from assistant.rewriting.context import Context
from assistant.sentences import terms_of

#: A longer text is a pasted page or a whole report: no rewrite could hold it.
LONGEST = 600
#: A question with a name of its own and this many terms says what it is about.
ENOUGH_TERMS = 4

# 那 at the beginning, 这么 and 其实 point at nothing; 那个 and 那里 do.
_POINTS = re.compile(
    r"[他她它]|[这该此](?!样的话|样[啊呀，]|么|外)|其(?!实|他|它|余|次)|上面|刚才|前者|后者"
    r"|(?<![哦嗯啊好，,。！!？?\s])(?<!^)那(?!么|样的话)|那(?=[里边儿个些部首张本座家位种样年次时天段])"
    r"|第[一二三四五六七八九十\d]个"
    r"|\b(?:it|its|he|him|his|she|her|they|them|their|this|that|these|those|there"
    r"|former|latter|one|ones)\b",
    re.IGNORECASE,
)
_RECALLS = re.compile(
    r"上次|上回|之前|以前|先前|曾经|还记得"
    r"|earlier|previous|before|last time|remember|we (?:talked|spoke)",
    re.IGNORECASE,
)
# Asks for more of what was told, or for its opposite.
_CONTINUES = re.compile(
    r"其他|其它|其余|别的|另外|另一|除了|除此|还有|还能|还会|同样|一样|^.{0,5}呢[?？]?$"
    r"|^(?:and|but|so|or|then|also|what about|how about|any|yes|no|ok|okay)\b"
    r"|\b(?:else|others?|another|more|same|such|instead|again|too|either|both|mean|meant)\b",
    re.IGNORECASE,
)
# "My card", 我的显卡: only a memory says which. Not "how do I", 我想知道.
_MINE = re.compile(
    r"我们?(?!想|要|应该|该|可以|能|怎|如何|是否|需要|觉得|听说)|咱|俺|本人"
    r"|\b(?:my|mine|our|ours|us|we|for me)\b",
    re.IGNORECASE,
)
# 那《X》, 《X》这部电影: what they point at stands beside them.
_SELF_POINTING = re.compile(r"^[那哦嗯啊好，,]*(?=[《“])|(?<=[》”])[这那]\w?")
_TITLE = re.compile(r"《[^《》]+》|[“\"][^“”\"]+[”\"]")
_CODE = re.compile(r"\w*[A-Z]{2,}\w*|\w*\d\w*|[A-Za-z]\w*(?:[_./:@]\w+)+", re.ASCII)
_CAPITAL = re.compile(r"(?<=[a-z,] )(?!I\b)[A-Z][\w'-]+")
_LATIN = re.compile(r"[A-Za-z]{2,}")
# What is left when these are gone is what a question asks about.
_PARTICLES = re.compile(
    r"你还?知道|知道|还?记得|你说|请问|告诉我|[那哦嗯啊呀呢吗吧嘛哈哎呵诶]"
    r"|\b(?:what about|how about|and|so|ok|okay|yes|no|please)\b",
    re.IGNORECASE,
)


def needs_rewriting(question: str, context: Context) -> bool:
    """Whether a model should be asked to complete ``question``.

    Left alone are a first question that doesn't speak of its user, a pasted text, and a question
    that names what it is about and points nowhere.
    """
    usable = usable_context(question, context)
    if usable.is_empty or len(question) > LONGEST:
        return False
    if usable.memories or (recalls(question) and usable.recollections):
        return True
    if not usable.history and not usable.summary:
        return points(question)
    return not stands_alone(question)


def usable_context(question: str, context: Context) -> Context:
    """``context`` with memories only where ``question`` speaks of its user, or points while no
    conversation can tell at what."""
    is_meant = speaks_of_user(question) or (points(question) and not context.history)
    return context if is_meant or not context.memories else replace(context, memories=())


def points(question: str) -> bool:
    """Whether ``question`` points at something outside itself ("it", 那个)."""
    return bool(_POINTS.search(question))


def recalls(question: str) -> bool:
    """Whether ``question`` speaks of an earlier conversation ("last time", 上次)."""
    return bool(_RECALLS.search(question))


def speaks_of_user(question: str) -> bool:
    """Whether ``question`` speaks of its user ("my card", 我的显卡), so that a memory may tell
    what is meant."""
    return bool(_MINE.search(question))


def leans(question: str) -> bool:
    """Whether ``question`` points outside itself or asks for more of what was told."""
    return points(question) or bool(_CONTINUES.search(question))


def stands_alone(question: str) -> bool:
    """Whether ``question`` surely can be understood by itself.

    >>> stands_alone("《红楼梦》的作者是谁？"), stands_alone("作者是谁？")
    (True, False)
    """
    asked = _SELF_POINTING.sub("", question.strip())
    if leans(asked):
        return False
    if _TITLE.search(asked):
        return True
    if language_of(asked) == "zh":
        is_named = bool(_LATIN.search(asked))
    else:
        is_named = bool(_CAPITAL.search(asked) or _CODE.search(asked))
    return is_named and len(terms_of(asked)) >= ENOUGH_TERMS


def without_pointers(question: str) -> str:
    """What ``question`` says itself, without the words that point elsewhere."""
    return _PARTICLES.sub(" ", _POINTS.sub(" ", question))

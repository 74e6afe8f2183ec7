"""What of a model's reply can stand for a question."""

from __future__ import annotations

import re

from assistant.prompts import language_of
from assistant.rewriting.needs import without_pointers
from assistant.rewriting.plain_line import plain_line
from assistant.sentences import held, split_sentences, terms_of

NEW_TERMS = 0.5  # share of a rewrite's terms that may be new: synonyms, not inventions
LONGEST_TOPIC = 60  # characters
MORE_CHARACTERS = {"zh": 12, "en": 60}  # of a rewrite beyond its topic and the question

_SEPARATOR = re.compile(r"\s*[|｜]\s*")
_LABEL = re.compile(
    r"^(?:最后一个问题|改写后的问题|改写|完整的?问题|问题|Rewritten question|Complete question"
    r"|Last question|Question)\s*[:：]?\s*(?=\S)",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]\s*$")
_ASKING = re.compile(
    r"什么|啥|哪|谁|多少|多[大久长高远少]|几|吗|呢|怎|如何|是否|为何|何时"
    r"|^(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|will"
    r"|would|should|has|have|had|may|might)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_TITLE = re.compile(r"《([^《》]{1,40})》|[“\"]([^“”\"]{1,40})[”\"]")
_CODE = re.compile(
    r"[A-Za-z]*\d[\w.-]*|\w+(?:[_./\\:@-]\w+)+|[A-Z]{2,}\w*|[a-z]+[A-Z]\w*", re.ASCII
)
_TAG = re.compile(r"</?[a-z!][^<>]*>|\[[^\]]*\]\([^)]*\)|`{3}", re.IGNORECASE)
_ANY_WORD = "xq"
_CLAUSE = re.compile(r"[，,；;、？?]")
_LOOP = re.compile(r"(.{3,40}?)\1{2}")


def parsed(reply: str) -> tuple[str, str]:
    """A model's reply as its topic (empty where it names none) and its question.

    >>> parsed("苏轼｜苏轼是哪里人？")
    ('苏轼', '苏轼是哪里人？')
    """
    lines = reply.strip().splitlines()
    line = _LABEL.sub("", plain_line(lines[0]) if lines else "")
    parts = _SEPARATOR.split(line, maxsplit=1)
    topic, question = ("", line) if len(parts) < 2 else (parts[0], parts[1])
    return _unquoted(topic), _unquoted(_LABEL.sub("", question))


def _unquoted(text: str) -> str:
    # Book-title marks stay, and quotes inside: only a pair around the whole text is dropped.
    if len(text) > 1 and text[0] in '"“「『' and text[-1] in '"”」』':
        text = text[1:-1]
    return text.strip()


def asking(candidate: str, question: str) -> str:
    """``candidate`` with the question mark that a small model forgot.

    >>> asking("苏轼是哪里人", "他是哪里人？")
    '苏轼是哪里人？'
    """
    if _ASKS.search(question) and not _ASKS.search(candidate) and _ASKING.search(candidate):
        return candidate.rstrip("。.！! ") + ("？" if language_of(candidate) == "zh" else "?")
    return candidate


def is_sound(candidate: str, question: str, said: str, language: str, topic: str = "") -> bool:
    """Whether ``candidate`` can stand for ``question``.

    Args:
        said: everything that the candidate may take words from, without the question.
        language: that it must be in.
        topic: what it is about, where the model named that.
    """
    if not candidate or language_of(candidate) != language:
        return False
    most = 3 * len(question) + 120
    if topic:  # what goes far beyond it tells what is known before it asks
        most = min(most, len(topic) + len(question) + MORE_CHARACTERS[language])
    if len(candidate) > most or (_LOOP.search(candidate) and not _LOOP.search(question)):
        return False
    if _ASKS.search(question) and not _ASKS.search(candidate):
        return False  # an answer, not a question
    if set(_TAG.findall(candidate)) - set(_TAG.findall(question)):
        return False
    return keeps(candidate, question, topic) and adds_nothing(candidate, f"{said} {question}")


def is_sound_topic(topic: str, said: str) -> bool:
    """Whether ``topic`` names something that was said."""
    if not topic or len(topic) > LONGEST_TOPIC or _TAG.search(topic):
        return False
    terms = terms_of(topic)
    return bool(terms) and len(held(terms, said)) >= 0.7 * len(terms) and adds_nothing(topic, said)


def names_itself(question: str, topic: str) -> bool:
    """Whether ``question`` itself names the ``topic`` that a model found for it."""
    terms = terms_of(topic) if topic else frozenset()
    return bool(terms) and held(terms, question) == terms


def adds_nothing(candidate: str, said: str) -> bool:
    """Whether ``candidate`` has its numbers, titles and codes and most of its terms from
    ``said``."""
    small = said.casefold()
    if not set(_NUMBER.findall(candidate)) <= set(_NUMBER.findall(said)):
        return False
    if any(name.casefold() not in small for name in names_in(candidate)):
        return False
    terms = terms_of(candidate)
    return len(terms) - len(held(terms, said)) <= NEW_TERMS * len(terms)


def keeps(candidate: str, question: str, topic: str = "") -> bool:
    """Whether ``candidate`` has the names, numbers and codes that ``question`` asks with, and
    something of what it asks, beside the topic."""
    small = candidate.casefold()
    if any(name.casefold() not in small for name in names_in(asking_part(question))):
        return False
    asked = core_terms(question)
    rest = asked - held(asked, topic)
    return not rest or len(rest) * 2 < len(asked) or bool(held(rest, candidate))


def core_terms(question: str) -> frozenset[str]:
    """The terms of the last clause of ``question`` that has any of its own.

    >>> sorted(core_terms("真厉害啊，那他的作品有哪些，你知道吗？"))
    ['作品']
    """
    clauses = [clause for clause in _CLAUSE.split(asking_part(question)) if clause.strip()]
    terms = (own_terms(clause) for clause in reversed(clauses))
    return next(filter(None, terms), frozenset())


def own_terms(text: str) -> frozenset[str]:
    """The terms of ``text`` that neither point elsewhere nor are mere talk."""
    # Of a text of stop words alone they are the terms: beside another word they are not.
    return terms_of(f"{without_pointers(text)} {_ANY_WORD}") - {_ANY_WORD}


def asking_part(question: str) -> str:
    """The last sentence that asks, without the talk before it; all of it where none does.

    >>> asking_part("2004年的，我看过。那它的导演是谁？")
    '那它的导演是谁？'
    """
    sentences = [sentence.strip() for sentence in split_sentences(question)]
    return next((one for one in reversed(sentences) if _ASKS.search(one)), question)


def names_in(text: str) -> set[str]:
    """Titles, quoted words, numbers and codes of ``text``."""
    titles = {first or second for first, second in _TITLE.findall(text)}
    return titles | set(_NUMBER.findall(text)) | set(_CODE.findall(text))

"""A question together with its subject, without a model's wording."""

from __future__ import annotations

import re

_CHINESE = re.compile(r"(?<!其)(?:他|她|它)们?(?!人|乡|日|国)")
# Not "is it true", "does it take": that it stands for nothing.
_ENGLISH = re.compile(
    r"\b(?:it(?! (?:true|possible|necessary|legal|safe|better|worth|take|takes|cost|mean|matter)\b)"
    r"|he|she|they|him|them)\b(?!')",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"\b(?:its|his|their)\b", re.IGNORECASE)


def with_subject(subject: str, question: str) -> str:
    """``subject`` in the place of the question's first pronoun; before the question where it has
    none.

    >>> with_subject("苏轼", "那他的作品有哪些？"), with_subject("Redis", "What are its limits?")
    ('那苏轼的作品有哪些？', "What are Redis's limits?")
    >>> with_subject("苏轼", "有哪些作品？")
    '苏轼 有哪些作品？'
    """
    for pronoun, name in ((_CHINESE, subject), (_POSSESSIVE, f"{subject}'s"), (_ENGLISH, subject)):
        found = pronoun.search(question)
        if found:
            return f"{question[: found.start()]}{name}{question[found.end() :]}"
    return f"{subject} {question}".strip()

"""The values in a statement, by their looks: numbers with what they count, versions, names."""

from __future__ import annotations

import re

_VALUE = re.compile(
    r"[A-Za-z]*\d[\w.:-]*|[A-Z][\w.+#-]*|"
    r"[一二三四五六七八九十两]+(?=[个台张人岁只名位年月日点号])|(?<=[周期])[一二三四五六日天]"
)
_NUMBER = re.compile(r"[\d一二三四五六七八九十两]")
_MEASURE = re.compile(
    r"(?:\d[\d.,]*|[一二两三四五六七八九十半]+|"
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty)\b)"
    r"\s?([A-Za-z]{1,8}|[\u3400-\u9fff])",
    re.IGNORECASE,
)


def values(text: str) -> frozenset[str]:
    """The numbers, versions and names in a text, in lower case."""
    return frozenset(found.casefold() for found in _VALUE.findall(text))


def names_and_numbers(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """:func:`values`, apart.

    >>> names_and_numbers("we run Debian 12")
    (frozenset({'debian'}), frozenset({'12'}))
    """
    found = values(text)
    numbers = frozenset(value for value in found if _NUMBER.search(value))
    return found - numbers, numbers


def measures(text: str) -> frozenset[str]:
    """What the numbers of a text count: "8 张 A100 80G" has 张 and g."""
    return frozenset(found.casefold() for found in _MEASURE.findall(text))

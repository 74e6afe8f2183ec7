"""Globs over paths: ``*`` and ``?`` within a folder, ``**`` over any number of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]|[^*?\[]+|\[")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether ``path`` ("a/b.md", with slashes) matches one of the globs. A glob without a slash
    means a name in any folder.

    >>> matches("guide/setup.md", ["*.md"]), matches("guide/setup.md", ["guide/**"])
    (True, True)
    """
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = pattern.removeprefix("./")
    if "/" not in pattern.rstrip("/"):
        pattern = f"**/{pattern}"
    if pattern.endswith("/"):
        pattern += "**"
    return re.compile("".join(_regex(part) for part in _PARTS.findall(pattern.removeprefix("/"))))


def _regex(part: str) -> str:
    if part.startswith("[") and len(part) > 1:
        inside = part[1:-1]
        negated = inside.startswith("!")
        return (
            f"[{'^' if negated else ''}{re.escape(inside[negated:]).replace(chr(92) + '-', '-')}]"
        )
    return _MEANING.get(part) or re.escape(part)

"""Chinese has no spaces: whether known words make up the whole of a text."""

from __future__ import annotations

from collections.abc import Callable

#: No known word is longer.
LONGEST_WORD = 10


def best_cover(run: str, weight: Callable[[str], int]) -> int:
    """The largest weight of a word in the ways to cut ``run`` into words that weigh something;
    0 where there is no such way.

    >>> best_cover("谢谢你", {"谢谢": 2, "你": 1}.get), best_cover("谢谢猫", {"谢谢": 2}.get)
    (2, 0)
    """
    best = [1] + [0] * len(run)
    for start in range(len(run)):
        if not best[start]:
            continue
        for end in range(start + 1, min(start + LONGEST_WORD, len(run)) + 1):
            if found := weight(run[start:end]) or 0:
                best[end] = max(best[end], best[start], found)
    return best[-1]

"""How one text differs from another, as HTML: what went is struck out, what came is underlined."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

#: Lines of what did not change that are shown around what did.
AROUND = 1
#: Longer passages than this are compared by lines only: by words it would take too long.
LONGEST = 2000  # words
_WORD = re.compile(r"\w+?(?=[\u3400-\u9fff]|\b)|[\u3400-\u9fff]|\s+|.", re.DOTALL)


def difference_html(before: str, after: str) -> str:
    """``before`` and ``after`` in one; empty where they are the same. Whatever stands in them
    stands there as text."""
    if before == after:
        return ""
    old, new = before.splitlines(), after.splitlines()
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    parts = []
    for place, (tag, begin, end, first, last) in enumerate(steps, 1):
        if tag == "equal":
            parts.append(_same(old[begin:end], place == 1, place == len(steps)))
        else:
            parts.append(_changed("\n".join(old[begin:end]), "\n".join(new[first:last])))
    return f'<div class="difference" tabindex="0">{"".join(parts)}</div>'


def _same(lines: Sequence[str], is_first: bool, is_last: bool) -> str:
    head = [] if is_first else list(lines[:AROUND])
    tail = [] if is_last else list(lines[max(len(head), len(lines) - AROUND) :])
    gap = ["…"] if len(head) + len(tail) < len(lines) else []
    return "".join(f"<p>{html.escape(line)}</p>" for line in [*head, *gap, *tail])


def _changed(before: str, after: str) -> str:
    return f"<p>{''.join(_pieces(before, after))}</p>"


def _pieces(before: str, after: str) -> Iterator[str]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > LONGEST:
        old, new = [before], [after]
    for tag, begin, end, first, last in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            yield html.escape("".join(old[begin:end]))
            continue
        if gone := "".join(old[begin:end]):
            yield f"<del>{html.escape(gone)}</del>"
        if come := "".join(new[first:last]):
            yield f"<ins>{html.escape(come)}</ins>"

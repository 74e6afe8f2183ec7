"""Notices that an answer recites the system prompt, as injected text asks for: it ends there.

The prompts are the operator's; a document's author must not learn them from an answer. What stands
in quotation marks there is to be said word for word: a telephone number, a sentence to end with.
"""

from __future__ import annotations

import re

from assistant.sentences import split_sentences

LATIN, CHINESE = 28, 14  # characters in a row, without white space, that are no accident
_QUOTED = re.compile(r"“[^“”]*”|「[^「」]*」|\"[^\"]*\"")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


class RecitalGuard:
    """Reads an answer as it grows.

    Args:
        system: the system message that must not be told.
    """

    def __init__(self, system: str) -> None:
        told = _plain(_QUOTED.sub("\0", system))
        self._length = CHINESE if _CHINESE.search(told) else LATIN
        self._windows = frozenset(
            told[begin : begin + self._length] for begin in range(len(told) - self._length + 1)
        )
        self._looked = 0

    def cut(self, answer: str) -> str | None:
        """``answer`` before the sentence that recites; None where none does."""
        plain = _plain(answer)
        begin, self._looked = max(0, self._looked - self._length), len(plain)
        places = range(begin, len(plain) - self._length + 1)
        told = (at for at in places if plain[at : at + self._length] in self._windows)
        recited = next(told, None)
        if recited is None:
            return None
        kept = ""
        for sentence in split_sentences(answer):
            if len(_plain(kept + sentence)) > recited:
                break
            kept += sentence
        return kept.rstrip()


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()

"""Cuts a stream of text off before the first stop word, however it comes in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class StopWords:
    """Of one answer. What could be the beginning of a stop word is held back until more came.

    >>> stop = StopWords(["END"])
    >>> [stop.feed("yes E"), stop.feed("? EN"), stop.feed("D no"), stop.ended]
    ['yes ', 'E? ', '', True]
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.ended = False
        self._words = tuple(words)
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be given on of the text so far; nothing is after :attr:`ended`."""
        text = self._held + text
        cuts = [text.index(word) for word in self._words if word in text]
        if cuts or self.ended:
            self.ended, self._held = True, ""
            return text[: min(cuts, default=0)]
        held = max(
            (n for word in self._words for n in range(1, len(word)) if text.endswith(word[:n])),
            default=0,
        )
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back; the stream is over."""
        rest, self._held = self._held, ""
        return rest

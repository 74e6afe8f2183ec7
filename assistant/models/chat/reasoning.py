"""Splits a reasoning model's stream into thoughts and answer.

Some servers send thoughts beside the answer (``reasoning_content``, ``reasoning``); others leave
them in the text between ``<think>`` and ``</think>``, and the tags come cut across chunks. Models
whose chat template already opened the tag send only the closing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

OPEN, CLOSE = "<think>", "</think>"

THOUGHT, ANSWER = "thought", "answer"
#: The answer so far was thoughts: the closing tag came without an opening one.
RETRACT = "retract"

Piece = tuple[str, str]

# The closing tag on a line of its own: within a sentence it is something that the answer is about.
_BARE_CLOSE = re.compile(r"(?:^|\n)[ \t]*</think>[ \t]*(?:\n|$)")


class ThinkSplitter:
    """Feed it the text as it comes; it gives back pieces of thoughts and of the answer.

    What could be the beginning of a tag is held back until more has come: call :meth:`end` for
    the rest.

    >>> splitter = ThinkSplitter()
    >>> pieces = [*splitter.feed("<thi"), *splitter.feed("nk>Hm.</think>Yes"), *splitter.end()]
    >>> pieces
    [('thought', 'Hm.'), ('answer', 'Yes')]
    """

    def __init__(self) -> None:
        self._held = ""
        self._read = self._opening
        self._line = ""  # of the answer, as far as it has come
        self._fenced = False
        self._closed = False
        self._thought = False  # something of the thoughts was given back

    def feed(self, text: str) -> Iterator[Piece]:
        """The pieces that ``text`` completes."""
        self._held += text
        yield from self._read()

    def end(self) -> Iterator[Piece]:
        """What was held back; the stream is over."""
        rest, self._held = self._held, ""
        if not rest:
            return
        if self._read == self._thinking:
            yield THOUGHT, rest
        elif self._read == self._answering and self._closes(rest):
            yield RETRACT, ""
        else:
            yield ANSWER, rest

    def _opening(self) -> Iterator[Piece]:
        """Before anything but white space came."""
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._held = start.removeprefix(OPEN)
            self._read = self._thinking
            yield from self._read()
        elif not OPEN.startswith(start):
            self._read = self._answering
            yield from self._read()

    def _thinking(self) -> Iterator[Piece]:
        if not self._thought:
            self._held = self._held.lstrip()
        thought, closed, rest = self._held.partition(CLOSE)
        if closed:
            if thought:
                yield THOUGHT, thought
            self._held = rest
            self._closed = True
            self._read = self._between
            yield from self._read()
            return
        ready = len(self._held) - _beginning(self._held, CLOSE)
        thought, self._held = self._held[:ready], self._held[ready:]
        if thought:
            self._thought = True
            yield THOUGHT, thought

    def _between(self) -> Iterator[Piece]:
        """The white space after the thoughts belongs to neither."""
        self._held = self._held.lstrip()
        if self._held:
            self._read = self._answering
            yield from self._read()

    def _answering(self) -> Iterator[Piece]:
        if self._closed:
            yield self._all()
            return
        text, self._held = self._held, ""
        # Line by line: a bare closing tag can only be told when its line is complete.
        for line in text.splitlines(keepends=True):
            whole = self._line + line
            if self._closes(whole) and line.endswith("\n"):
                yield RETRACT, ""
                self._closed = True
                self._held = text.partition(CLOSE)[2]
                self._read = self._between
                yield from self._read()
                return
            if not line.endswith("\n") and CLOSE.startswith(whole.strip()) and whole.strip():
                self._held = line
                return
            yield ANSWER, line
            self._line = "" if line.endswith("\n") else whole
            if line.endswith("\n") and whole.lstrip().startswith("```"):
                self._fenced = not self._fenced

    def _closes(self, line: str) -> bool:
        return not self._fenced and bool(_BARE_CLOSE.fullmatch(line))

    def _all(self) -> Piece:
        text, self._held = self._held, ""
        return ANSWER, text


def _beginning(text: str, tag: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``tag``."""
    return next((n for n in range(len(tag) - 1, 0, -1) if text.endswith(tag[:n])), 0)

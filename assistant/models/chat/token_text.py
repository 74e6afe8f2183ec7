"""The tokens of an answer -> its text, as they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Tags that some tokenizers count among their special tokens: they say where thoughts end.
KEPT = ("<think>", "</think>")
UNFINISHED = "\ufffd"  # what a character decodes to while some of its bytes are missing


class TokenText:
    """A streamer for ``generate``. Text is given to ``send`` token by token, without the special
    ones; a character that takes several tokens comes whole.

    ``transformers``' own streamer keeps English back until the next space and doesn't count.
    """

    def __init__(self, tokenizer: Any, send: Callable[[str], None]) -> None:
        kept = {tokenizer.convert_tokens_to_ids(tag) for tag in KEPT}
        self.count = 0  # tokens of the answer
        self.last: int | None = None
        self._tokenizer = tokenizer
        self._special = set(tokenizer.all_special_ids) - kept
        self._send = send
        self._tokens: list[int] = []
        self._begin = self._given = 0  # decoding starts at begin; up to given all was sent
        self._is_prompt = True

    def put(self, tokens: Any) -> None:
        """The prompt at first, then each token."""
        if self._is_prompt:
            self._is_prompt = False
            return
        for token in tokens.flatten().tolist():
            self.count += 1
            self.last = token
            if token not in self._special:
                self._tokens.append(token)
                self._give()

    def end(self) -> None:
        """The answer is complete: what was held back is sent as it is."""
        self._give(at_end=True)

    def _give(self, at_end: bool = False) -> None:
        # Decoded with the token before: many tokenizers put the space between words there.
        before = self._decode(self._tokens[self._begin : self._given])
        text = self._decode(self._tokens[self._begin :])
        new = text[len(before) :]
        if new and (at_end or not text.endswith(UNFINISHED)):
            self._begin, self._given = self._given, len(self._tokens)
            self._send(new)

    def _decode(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, clean_up_tokenization_spaces=False))

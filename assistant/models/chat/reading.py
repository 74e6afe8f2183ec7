"""How much a chat model is given to read, so that the first token comes in time."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_PASSAGE_TOKENS = 140  # some four sentences: with less a question can't be answered
MOST_PASSAGE_TOKENS = 3000
# Of the seconds until the first token: the rest goes to the question's frame, to the first token
# itself, and to a machine that is a little busier than when its speed was measured.
READING_SHARE = 0.9


@dataclass(frozen=True)
class Reading:
    """How fast the chat model reads: decides how much it is given.

    ``tokens_per_second`` is None for a server whose reading time doesn't matter.
    """

    tokens_per_second: float | None
    context_window: int
    answer_tokens: int
    first_token_seconds: float
    fixed_tokens: int = 0  # CONTEXT_TOKENS, where the user set it

    def passage_tokens(self, question_tokens: int, elapsed: float) -> int:
        """Tokens of passages that can be read before the first token is due.

        Args:
            elapsed: seconds of the turn that are gone (rewriting, retrieval).
        """
        room = self.context_window - self.answer_tokens - question_tokens - 300
        if self.fixed_tokens:
            return max(1, min(self.fixed_tokens, room))
        wanted = MOST_PASSAGE_TOKENS
        if self.tokens_per_second is not None:
            left = max(0.0, READING_SHARE * self.first_token_seconds - elapsed)
            wanted = int(left * self.tokens_per_second) - question_tokens
            wanted = min(max(wanted, LEAST_PASSAGE_TOKENS), MOST_PASSAGE_TOKENS)
        return max(1, min(wanted, room))

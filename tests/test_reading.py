"""How much a chat model is given to read."""

from __future__ import annotations

from assistant.models.chat.reading import LEAST_PASSAGE_TOKENS, MOST_PASSAGE_TOKENS, Reading


def test_passages_fit_what_can_be_read_in_time() -> None:
    slow = Reading(50.0, 4096, 512, 6.0)
    assert slow.passage_tokens(20, 0.0) == 250
    assert slow.passage_tokens(20, 2.0) == 150
    assert slow.passage_tokens(20, 60.0) == LEAST_PASSAGE_TOKENS
    fast = Reading(None, 8192, 512, 6.0)
    assert fast.passage_tokens(20, 3.0) == MOST_PASSAGE_TOKENS
    assert Reading(None, 1024, 512, 6.0).passage_tokens(20, 0.0) == 192
    assert Reading(50.0, 4096, 512, 6.0, fixed_tokens=900).passage_tokens(20, 9.0) == 900

"""The forms of a question that are compared: as typed, joined with its history, rewritten."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.evaluate.dataset import Question

JOINED_TOKENS = 480  # of a question with its history; the oldest messages are dropped beyond

Count = Callable[[str], int]
#: The text of a question in a form; empty where this question has none.
Form = Callable[[Question, Count], str]


def _last(question: Question, count: Count) -> str:
    return question.text


def _with_user_turns(question: Question, count: Count) -> str:
    said = [turn["content"] for turn in question.turns if turn["role"] == "user"]
    return joined([*said, question.text], count)


def _with_all_turns(question: Question, count: Count) -> str:
    said = [turn["content"] for turn in question.turns]
    return joined([*said, question.text], count)


def _gold(question: Question, count: Count) -> str:
    return question.gold


def _oracle(question: Question, count: Count) -> str:
    return question.oracle


OURS = "ours"  # what the product makes of it: a form with a vector of its own
LAST, GOLD = "last", "gold"

FORMS: dict[str, Form] = {
    LAST: _last,
    "concat_user": _with_user_turns,
    "concat_all": _with_all_turns,
    GOLD: _gold,
    "oracle": _oracle,
}


def joined(messages: Sequence[str], count: Count) -> str:
    """The messages one below the other: the last one, and as many before it as fit."""
    kept = [messages[-1]]
    left = JOINED_TOKENS - count(messages[-1])
    for message in reversed(messages[:-1]):
        left -= count(message)
        if left < 0:
            break
        kept.insert(0, message)
    return "\n".join(kept)

"""Thoughts and answers are told apart, however the stream is cut."""

from __future__ import annotations

import pytest

from assistant.models.chat.reasoning import ANSWER, RETRACT, THOUGHT, ThinkSplitter


def split(*chunks: str) -> tuple[str, str]:
    """(thoughts, answer) of a text that comes in ``chunks``."""
    splitter = ThinkSplitter()
    found = {THOUGHT: "", ANSWER: ""}
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    for kind, text in [*pieces, *splitter.end()]:
        if kind == RETRACT:
            found[THOUGHT], found[ANSWER] = found[THOUGHT] + found[ANSWER], ""
        else:
            found[kind] += text
    return found[THOUGHT], found[ANSWER]


TEXTS = [
    ("<think>Hm, 两个。</think>\n\n答案是 2。", "Hm, 两个。", "答案是 2。"),
    ("\n<think>\nfirst\nsecond\n</think>\nYes", "first\nsecond\n", "Yes"),
    ("<think>\n\n</think>\n\nno thoughts", "", "no thoughts"),
    ("a < b and </b> and <thing>", "", "a < b and </b> and <thing>"),
    ("Use `<think>` and `</think>` tags.\nDone", "", "Use `<think>` and `</think>` tags.\nDone"),
    ("```\nx\n</think>\ny\n```\nan example", "", "```\nx\n</think>\ny\n```\nan example"),
    ("the template opened it\n</think>\n\nSo: 4", "the template opened it\n", "So: 4"),
    ("<think>never closed", "never closed", ""),
    ("<thi", "", "<thi"),
    ("<think>in </thin it</think>out</think>", "in </thin it", "out</think>"),
    ("", "", ""),
    ("  \n", "", "  \n"),
]


@pytest.mark.parametrize(("text", "thoughts", "answer"), TEXTS)
def test_every_way_of_cutting_gives_the_same(text: str, thoughts: str, answer: str) -> None:
    assert split(text) == (thoughts, answer)
    assert split(*text) == (thoughts, answer)
    for first in range(len(text)):
        for second in range(first, len(text)):
            cut = (text[:first], text[first:second], text[second:])
            assert split(*cut) == (thoughts, answer), cut


def test_an_answer_is_not_held_back() -> None:
    splitter = ThinkSplitter()
    assert list(splitter.feed("Hello")) == [(ANSWER, "Hello")]
    assert list(splitter.feed(" wor")) == [(ANSWER, " wor")]
    thinking = ThinkSplitter()
    assert list(thinking.feed("<think>Let me")) == [(THOUGHT, "Let me")]

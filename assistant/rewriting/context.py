"""What a question may lean on: the conversation, and what is remembered of the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage

from assistant.prompts import language_of


@dataclass(frozen=True)
class Context:
    """What a question may lean on.

    Args:
        history: the conversation's messages, oldest first, of the active branch only.
        summary: a line or a few about older turns that are not in ``history``.
        memories: facts about the user, in the user's own words.
        recollections: turns of other conversations: a question and the beginning of its answer.
    """

    history: Sequence[BaseMessage] = ()
    summary: str = ""
    memories: Sequence[str] = ()
    recollections: Sequence[tuple[str, str]] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.history or self.summary or self.memories or self.recollections)

    @property
    def last_question(self) -> str:
        """The user's newest message; of another conversation where this one has none."""
        for message in reversed(self.history):
            if isinstance(message, HumanMessage):
                return message.text
        return next((question for question, _ in self.recollections), "")


def language_for(question: str, context: Context) -> str:
    """The language to complete ``question`` in: its own, or the conversation's where it is only a
    name, a number or a code ("B1").

    >>> language_for("B1?", Context([HumanMessage("这两种封装有什么区别？")]))
    'zh'
    """
    own = language_of(question)
    is_bare = len(question.split()) <= 2 and len(question) <= 30
    return language_of(context.last_question) if own == "en" and is_bare else own

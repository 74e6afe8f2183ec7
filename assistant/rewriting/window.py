"""The conversation as the lines of a prompt, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage

from assistant.rewriting.context import Context
from assistant.rewriting.plain_line import shortened
from assistant.sentences import MARKER

NEWEST_TOKENS = 80  # of the newest message: most questions point at it
MESSAGE_TOKENS = 50  # of any other
SUMMARY_TOKENS = 60
MEMORY_TOKENS = 40
MOST_MEMORIES = 3
MOST_RECOLLECTIONS = 2

_SPEAKERS = {"zh": ("用户：", "助手："), "en": ("User: ", "Assistant: ")}
_EARLIER = {
    "zh": ("用户（以前的对话）：", "助手（以前的对话）："),
    "en": ("User (an earlier conversation): ", "Assistant (an earlier conversation): "),
}
_SUMMARY = {"zh": "（此前聊过：{}）", "en": "(Before that: {})"}
_MEMORY = {"zh": "用户说过：", "en": "User once said: "}


@dataclass(frozen=True)
class Window:
    """Renders a context for prompts, in at most about ``tokens`` tokens of history."""

    count_tokens: Callable[[str], int]
    tokens: int

    def render(self, context: Context, language: str) -> str:
        """One line for each message, oldest first. What only this question calls up stands last,
        so that the lines before it can be read ahead."""
        lines = []
        if context.summary:
            lines.append(_SUMMARY[language].format(self._short(context.summary, SUMMARY_TOKENS)))
        lines += [
            _SPEAKERS[language][not isinstance(message, HumanMessage)] + text
            for message, text in self.messages(context)
        ]
        return "\n".join([*lines, *self._remembered(context, language)])

    def messages(self, context: Context) -> list[tuple[BaseMessage, str]]:
        """The newest messages, oldest first, each with its shortened text; at least one."""
        kept: list[tuple[BaseMessage, str]] = []
        left = self.tokens
        for message in reversed(context.history):
            text = self._short(message.text, MESSAGE_TOKENS if kept else NEWEST_TOKENS)
            left -= self.count_tokens(text)
            if kept and left < 0:
                break
            kept.append((message, text))
        return kept[::-1]

    def recollected(self, context: Context) -> list[str]:
        """Each turn of other conversations in one shortened line."""
        turns = context.recollections[:MOST_RECOLLECTIONS]
        return [self._short(f"{question} {answer}", MEMORY_TOKENS) for question, answer in turns]

    def _remembered(self, context: Context, language: str) -> list[str]:
        user, assistant = _EARLIER[language]
        lines = []
        for question, answer in context.recollections[:MOST_RECOLLECTIONS]:
            lines.append(user + self._short(question, MEMORY_TOKENS))
            if answer:
                lines.append(assistant + self._short(answer, MEMORY_TOKENS))
        memories = context.memories[:MOST_MEMORIES]
        return lines + [_MEMORY[language] + self._short(text, MEMORY_TOKENS) for text in memories]

    def _short(self, text: str, tokens: int) -> str:
        return shortened(MARKER.sub("", text), tokens, self.count_tokens)

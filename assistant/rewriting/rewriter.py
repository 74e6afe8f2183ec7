"""Completes a question with a chat model, or without one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser

from assistant.prompts import Prompts
from assistant.rewriting.context import Context, language_for
from assistant.rewriting.needs import leans, needs_rewriting, usable_context
from assistant.rewriting.plain_line import beginning, plain_line
from assistant.rewriting.standalone import Standalone
from assistant.rewriting.subject import with_subject
from assistant.rewriting.validation import asking, is_sound, is_sound_topic, names_itself, parsed
from assistant.rewriting.window import Window

MOST_TOKENS = 96  # of a rewrite and its topic
QUESTION_TOKENS, ANSWER_TOKENS = 40, 16  # of a message that the retriever is given
WINDOW_TOKENS = 240  # of the history in the prompt
LONGEST_SUBJECT = 200  # characters of an earlier question that a question is joined with


@dataclass(frozen=True)
class Rewriter:
    """Rewrites with the chat model that ``model`` gives (called when there is work to do).

    Args:
        count_tokens: tokens of a text.
        window_tokens: budget of the history in the prompt; older messages are left out.
    """

    model: Callable[[], BaseChatModel]
    prompts: Prompts
    count_tokens: Callable[[str], int]
    window_tokens: int = WINDOW_TOKENS

    def rewrite(
        self, question: str, context: Context, stopped: threading.Event | None = None
    ) -> Standalone:
        """Complete ``question``; as typed where it leans on nothing.

        Args:
            stopped: ends the rewriting when it is set.

        Raises:
            ModelError: the model can't rewrite; :meth:`joined` can.
            ModelStopped: ``stopped`` was set.
        """
        if not needs_rewriting(question, context):
            return Standalone(question, question, self._background(context))
        context = usable_context(question, context)
        language = language_for(question, context)
        told = self._window.render(context, language)
        model = self.model().bind(
            max_tokens=MOST_TOKENS, temperature=0.0, stop=["\n"], thinking=False, stopped=stopped
        )
        chain = self.prompts.get("rewrite", language) | model | StrOutputParser()
        reply = chain.invoke({"history": told, "question": plain_line(question)})
        return self._checked(question, context, told, reply)

    def _checked(self, question: str, context: Context, told: str, reply: str) -> Standalone:
        """The best that ``reply`` allows: its question, its topic before the question as typed, or
        that without the model."""
        topic, candidate = parsed(reply)
        candidate = asking(candidate, question)
        is_about = is_sound_topic(topic, told)
        is_open = leans(question) or bool(context.memories)
        if names_itself(question, topic) and not is_open:
            return Standalone(question, question, self._background(context))
        if is_about and is_open and candidate == question:
            return self._about(topic, question, context)  # copied, unresolved
        if is_sound(candidate, question, told, language_for(question, context), topic):
            return Standalone(question, candidate, self._background(context), "model")
        return self._about(topic, question, context) if is_about else self.joined(question, context)

    def joined(self, question: str, context: Context) -> Standalone:
        """Without the model: the question together with the one before it, which most often names
        the subject, or with a memory where there is none."""
        usable = usable_context(question, context)
        subject = usable.last_question or next(iter(usable.memories), "")
        subject = plain_line(subject[:LONGEST_SUBJECT])
        return Standalone(
            question, f"{subject} {question}".strip(), self._background(usable), "joined"
        )

    def prompt_prefix(self, context: Context) -> list[BaseMessage]:
        """The messages of the next rewrite up to its question, for a server to read ahead."""
        language = language_for(context.last_question, context)
        told = self._window.render(replace(context, memories=(), recollections=()), language)
        return self.prompts.get("rewrite", language).messages(history=told, question="")

    def _about(self, topic: str, question: str, context: Context) -> Standalone:
        text = question if names_itself(question, topic) else with_subject(topic, question)
        return Standalone(question, text, self._background(context), "joined")

    def _background(self, context: Context) -> tuple[str, ...]:
        """The conversation for the retriever: long answers by their beginnings, which name what
        they are about."""
        told = [
            beginning(
                text,
                QUESTION_TOKENS if isinstance(message, HumanMessage) else ANSWER_TOKENS,
                self.count_tokens,
            )
            for message, text in self._window.messages(context)
        ]
        return (*self._window.recollected(context), *told)

    @property
    def _window(self) -> Window:
        return Window(self.count_tokens, self.window_tokens)

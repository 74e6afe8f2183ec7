"""Completes a question: history + recollections + question -> one standalone question.

The model does the rewriting; this module keeps it honest. A rewrite is taken only if it is one
line in the question's language, still asks, is bounded in length, and adds no number and few words
that were never said. Otherwise the question is searched together with the one before it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda

from assistant.prompts import Prompts, language_of
from assistant.sentences import MARKER, held, terms_of

HISTORY_MESSAGES = 6  # the newest messages that the model sees
MESSAGE_TOKENS = 70  # an older or longer message is cut to this many
MOST_TOKENS = 96  # of a rewrite
NEW_TERMS = 0.5  # share of a rewrite's terms that may be new: synonyms, not inventions

_SPEAKERS = {"zh": ("用户：", "助手："), "en": ("User: ", "Assistant: ")}
_EARLIER = {"zh": "用户（以前的对话）：", "en": "User (an earlier conversation): "}
_LABEL = re.compile(
    r"^(?:最后一个问题|改写后的问题|改写|完整问题|问题|Rewritten question|Last question|Question)"
    r"\s*[:：]\s*",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]\s*$")
_NUMBER = re.compile(r"\d+")
_POINTS = re.compile(
    r"[他她它]|[这那该其此](?!样的话)|上面|刚才|前者|后者|第[一二三四五六七八九十\d]个"
    r"|\b(?:it|its|he|him|his|she|her|they|them|their|this|that|these|those|there"
    r"|former|latter|one|ones)\b",
    re.IGNORECASE,
)
_RECALLS = re.compile(
    r"上次|上回|之前|以前|先前|曾经|还记得"
    r"|earlier|previous|before|last time|remember|we (?:talked|spoke)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Standalone:
    """A question that can be searched by itself.

    ``background`` is the conversation it was completed from, for the retriever; empty where the
    question needed none.
    """

    question: str
    text: str
    background: str = ""

    @property
    def changed(self) -> bool:
        return self.text != self.question


@dataclass(frozen=True)
class Rewriter:
    """Rewrites with the chat model that ``model`` gives (called when there is work to do)."""

    model: Callable[[], BaseChatModel]
    prompts: Prompts
    count_tokens: Callable[[str], int]

    def rewrite(
        self,
        question: str,
        history: Sequence[BaseMessage],
        recollections: Sequence[str] = (),
        stopped: threading.Event | None = None,
    ) -> Standalone:
        """Complete ``question``.

        Args:
            history: the conversation so far, oldest first.
            recollections: earlier questions of the user, from other conversations.
            stopped: ends the rewriting when it is set.

        Raises:
            ModelError: the model can't rewrite; :meth:`joined` can.
            ModelStopped: ``stopped`` was set.
        """
        if not history and not recollections:
            return Standalone(question, question)
        language = language_of(question)
        told = self.render_history(history, recollections, language)
        model = self.model().bind(
            max_tokens=MOST_TOKENS, temperature=0.0, stop=["\n"], thinking=False, stopped=stopped
        )
        chain = self.prompts.get("rewrite", language) | model | StrOutputParser()
        candidate = clean(chain.invoke({"history": told, "question": question}))
        if candidate == question:
            # Still pointing at something that the model did not name: let the search see it.
            return Standalone(question, question, told if points(question) else "")
        if is_sound(candidate, question, told):
            return Standalone(question, candidate, told)
        return self.joined(question, history, recollections)

    def joined(
        self, question: str, history: Sequence[BaseMessage], recollections: Sequence[str] = ()
    ) -> Standalone:
        """Without the model: the question together with the one before it."""
        told = self.render_history(history, recollections, language_of(question))
        return Standalone(question, fallback(question, history, recollections), told)

    def prompt_prefix(self, history: Sequence[BaseMessage]) -> list[BaseMessage]:
        """The messages of the next rewrite up to its question, for a server to read ahead."""
        language = language_of(history[-2].text if len(history) > 1 else history[-1].text)
        told = self.render_history(history, (), language)
        return self.prompts.get("rewrite", language).messages(history=told, question="")

    def render_history(
        self, history: Sequence[BaseMessage], recollections: Sequence[str], language: str
    ) -> str:
        """The conversation as lines of text, as the prompt and the retriever take it."""
        user, assistant = _SPEAKERS[language]
        lines = [_EARLIER[language] + self._shorten(text) for text in recollections]
        for message in history[-HISTORY_MESSAGES:]:
            speaker = user if isinstance(message, HumanMessage) else assistant
            lines.append(speaker + self._shorten(message.text))
        return "\n".join(lines)

    def _shorten(self, text: str) -> str:
        flat = " ".join(MARKER.sub("", text).split())
        tokens = self.count_tokens(flat[:2000])
        if len(flat) <= 2000 and tokens <= MESSAGE_TOKENS:
            return flat
        return flat[: max(1, min(len(flat), 2000) * MESSAGE_TOKENS // tokens)] + "…"


def points(question: str) -> bool:
    """Whether ``question`` points at something outside itself ("it", 那个)."""
    return bool(_POINTS.search(question))


def recalls(question: str) -> bool:
    """Whether ``question`` speaks of an earlier conversation ("last time", 上次)."""
    return bool(_RECALLS.search(question))


def clean(candidate: str) -> str:
    """A model's reply without labels, quotes and further lines."""
    lines = candidate.strip().splitlines()
    line = _LABEL.sub("", lines[0].strip()) if lines else ""
    # Book-title marks inside stay: only a pair around the whole line is dropped.
    if len(line) > 1 and line[0] in '"“「『' and line[-1] in '"”」』':
        line = line[1:-1]
    return line.strip()


def is_sound(candidate: str, question: str, history: str) -> bool:
    """Whether ``candidate`` can stand for ``question`` asked after ``history``."""
    said = f"{history} {question}"
    if not candidate or len(candidate) > 3 * len(question) + 120:
        return False
    if language_of(candidate) != language_of(question):
        return False
    if _ASKS.search(question) and not _ASKS.search(candidate):
        return False  # an answer, not a question
    if not set(_NUMBER.findall(candidate)) <= set(_NUMBER.findall(said)):
        return False
    terms = terms_of(candidate)
    return len(terms) - len(held(terms, said)) <= NEW_TERMS * len(terms)


def fallback(
    question: str, history: Sequence[BaseMessage], recollections: Sequence[str] = ()
) -> str:
    """The question joined with the one before it, which most often names the subject."""
    earlier = [message.text for message in history if isinstance(message, HumanMessage)]
    subject = earlier[-1] if earlier else next(iter(recollections), "")
    return f"{subject[:200]} {question}".strip()


def history_aware_retriever(
    rewriter: Rewriter, search: Callable[[Standalone], list[Document]]
) -> Runnable[dict[str, object], list[Document]]:
    """LangChain's history-aware retriever: ``{input, chat_history}`` -> documents.

    The standalone question is in each document's metadata under ``standalone``.
    """

    def retrieve(inputs: dict[str, object]) -> list[Document]:
        history = inputs.get("chat_history") or []
        standalone = rewriter.rewrite(str(inputs["input"]), history)  # type: ignore[arg-type]
        documents = search(standalone)
        for document in documents:
            document.metadata["standalone"] = standalone.text
        return documents

    return RunnableLambda(retrieve, name="history_aware_retriever")

"""One turn, from a typed question to a stored answer.

The flow, which other modules' docstrings refer to:

1. history: short-term memory, filled from long-term memory where this process doesn't have it;
2. memories: the few facts and earlier turns that the question leans on, and the user's wishes;
3. rewriting: a standalone question, unless the user wrote it or switched rewriting off;
4. retrieval: chunks, and of these the sentences that can be read in time;
5. answering: the stuff-documents chain, streamed;
6. citations: checked, and corrected where they were wrong;
7. memory: the turn is stored, short-term and long-term; facts are learned in the background.

:meth:`Conversation.turn` yields the typed events of :mod:`assistant.events`; whoever shows a turn
consumes this one stream.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from assistant import events
from assistant.answer_events import answer_events
from assistant.answering import passage_document, stuffed_messages
from assistant.citations import Checked, check_citations
from assistant.errors import BadAnswer, MemoryUnavailable, ModelError, ModelStopped
from assistant.knowledge.records import Hit
from assistant.knowledge.store import KnowledgeBase
from assistant.memory.records import Choices, Recollection, as_chat_history
from assistant.models.chat.model import ChatModel
from assistant.models.embedding.model import EmbeddingModel
from assistant.passages import Passage, select_passages
from assistant.prompts import LANGUAGES, Prompts, language_of
from assistant.retrieval import Retriever
from assistant.rewriting.context import Context
from assistant.rewriting.needs import needs_rewriting
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.turn_memory import Before, TurnMemory
from assistant.turn_progress import (
    TurnProgress,
    checked_question,
    done_event,
    memory_event,
    source_event,
    stored_turn,
    wish_event,
)

log = logging.getLogger(__name__)

ATTEMPTS = 2  # small models sometimes end before they begin

_REFUSALS = re.compile(
    r"^(?:根据)?(?:提供的)?(?:这些|以上)?资料(?:中|里)?(?:并)?(?:没有|未|不包含|无法)"
    r"|^(?:The )?(?:provided )?passages? (?:do(?:es)? not|don't|doesn't)",
    re.IGNORECASE,
)
_EMPTY = {
    "zh": "知识库还是空的。请先在“知识库”页面上传文件或抓取网站，再来提问。",
    "en": "The knowledge base is still empty. Upload files or crawl a site on the Knowledge page, "
    "then ask again.",
}
_NOTHING = {
    "zh": "知识库中没有找到与这个问题有关的内容。",
    "en": "The knowledge base holds nothing about this question.",
}


def new_conversation_id() -> str:
    return secrets.token_hex(8)


#: Messages that a chat model can read before they are needed.
Ahead = tuple[ChatModel, list[BaseMessage]]


@dataclass(frozen=True)
class Conversation:
    """The parts that a turn needs, joined in :mod:`assistant.parts`."""

    chat: ChatModel
    rewrite_chat: ChatModel
    rewriter: Rewriter
    retriever: Retriever
    knowledge: KnowledgeBase
    embeddings: EmbeddingModel
    prompts: Prompts
    memory: TurnMemory

    def turn(
        self,
        user: str,
        conversation_id: str,
        question: str,
        *,
        language: str = "en",
        replaces: str = "",
        standalone: str = "",
        choices: Choices | None = None,
        stopped: threading.Event | None = None,
    ) -> Iterator[events.Event]:
        """Answer ``question``.

        Args:
            language: of error messages ("zh" or "en"); the answer's follows the question.
            replaces: id of the turn that is asked again or edited; what followed it is left.
            standalone: what to search for, where the user says it.
            choices: the user's for this conversation, kept from now on; None: those kept.
            stopped: set by whoever wants the turn to end early; what came is kept.

        Raises:
            AssistantError: a part failed; nothing is stored.
        """
        now = TurnProgress(user, conversation_id, checked_question(question), language)
        now.before = self.memory.begin(user, conversation_id, replaces=replaces, choices=choices)
        if now.before.fault:
            yield self._away(now, now.before.fault)
        if self.knowledge.is_empty:
            yield from self._say(now, _EMPTY)
        else:
            try:
                yield from self._answer(now, standalone.strip(), stopped or threading.Event())
            except ModelStopped:
                now.incomplete = "stopped"
        fault = self.memory.store(user, conversation_id, stored_turn(now), now.before)
        if fault and not now.before.fault:
            yield self._away(now, fault)
        now.timings["total"] = round(now.elapsed(), 3)
        yield done_event(now)

    def _answer(
        self, now: TurnProgress, standalone: str, stopped: threading.Event
    ) -> Iterator[events.Event]:
        yield from self._await_model(now)
        yield from self._complete(now, standalone, stopped)
        yield now.step("retrieve")
        hits = self.retriever.search(now.standalone)
        if not hits:
            yield from self._say(now, _NOTHING)
            return
        passages = self._passages(now, hits)
        now.sources = [source_event(passage) for passage in passages]
        yield from now.sources
        yield now.step("answer")
        yield from self._stream(now, passages, stopped)
        yield self._revise(now, passages)

    def _await_model(self, now: TurnProgress) -> Iterator[events.Event]:
        if self.chat.ready:
            return
        yield now.step("model")
        self.chat.model()
        now.waited = now.elapsed()

    def _complete(
        self, now: TurnProgress, standalone: str, stopped: threading.Event
    ) -> Iterator[events.Event]:
        """The standalone question, and the memories that are used for it and for the answer."""
        question, before = now.question, now.before
        if standalone:
            now.standalone = Standalone(question, checked_question(standalone), way="edited")
        elif not before.choices.rewriting:
            now.standalone = Standalone(question, question, way="off")
        else:
            yield from self._rewrite(now, stopped)
        yield events.Rewrite(
            question, now.standalone.text, now.standalone.changed, now.standalone.way
        )
        for wish in self.memory.wishes(before):
            now.wishes += (wish.text,)
            now.memories.append(wish_event(wish))
            yield now.memories[-1]

    def _rewrite(self, now: TurnProgress, stopped: threading.Event) -> Iterator[events.Event]:
        recalled = self.memory.recollect(now.user, now.conversation_id, now.question, now.before)
        context = _context(now.before, recalled)
        if needs_rewriting(now.question, context):
            yield now.step("rewrite")
        try:
            now.standalone = self.rewriter.rewrite(now.question, context, stopped)
        except ModelStopped:
            raise
        except ModelError as error:
            # The chat model itself being away is told by the answer that it can't give.
            if self.rewrite_chat is self.chat and not isinstance(error, BadAnswer):
                raise
            log.warning("the question was not rewritten: %s", error)
            yield events.Notice(error.kind, error.text(now.language))
            now.standalone = self.rewriter.joined(now.question, context)
        if now.standalone.way != "typed":
            now.memories = [memory_event(memory) for memory in recalled]
            yield from now.memories

    def _passages(self, now: TurnProgress, hits: Sequence[Hit]) -> list[Passage]:
        question = now.standalone.text
        budget = self.chat.reading().passage_tokens(
            self.embeddings.count_tokens(question), now.elapsed() - now.waited
        )
        return select_passages(hits, question, budget, self.embeddings.count_tokens)

    def _stream(
        self, now: TurnProgress, passages: Sequence[Passage], stopped: threading.Event
    ) -> Iterator[events.Event]:
        context = [passage_document(passage) for passage in passages]
        asked: dict[str, object] = {
            "input": now.standalone.text,
            "context": context,
            "wishes": now.wishes,
        }
        chain = stuffed_messages(self.chat.model().bind(stopped=stopped), self.prompts)
        for _ in range(ATTEMPTS):
            stream = chain.stream(asked)
            try:
                yield from answer_events(now, stream, self._system(now))
            finally:
                # Closes the connection, so that a server stops writing what nobody reads.
                close: Callable[[], None] = getattr(stream, "close", lambda: None)
                close()
            if stopped.is_set():
                now.incomplete = "stopped"
            if now.answer.strip() or now.incomplete:
                return
        raise BadAnswer(
            "The chat model gave an empty answer {attempts} times: ask again, or in other words.",
            "聊天模型连续 {attempts} 次没有给出任何内容：请重试，或换一种问法。",
            attempts=ATTEMPTS,
        )

    def _system(self, now: TurnProgress) -> str:
        return self.prompts.get("answer", language_of(now.standalone.text)).texts[0]

    def _revise(self, now: TurnProgress, passages: Sequence[Passage]) -> events.Revise:
        checked: Checked = check_citations(now.answer, passages, now.standalone.text)
        now.answer = checked.answer
        now.refused = not checked.cited and bool(_REFUSALS.search(checked.answer))
        now.unsupported = () if now.refused else checked.unsupported
        return events.Revise(checked.answer, checked.cited, now.unsupported)

    def _say(self, now: TurnProgress, text: dict[str, str]) -> Iterator[events.Event]:
        """A reply of our own: there is nothing to answer from."""
        now.standalone = Standalone(now.question, now.question)
        now.refused = True
        now.answer = text[language_of(now.question)]
        yield events.Token(now.answer)

    def fixed_prompts(self) -> Iterator[Ahead]:
        """The parts of the prompts that never change, to be read before the first question."""
        for language in LANGUAGES:
            answer = self.prompts.get("answer", language)
            yield self.chat, answer.messages(context="", question="")
        for language in LANGUAGES:
            rewrite = self.prompts.get("rewrite", language)
            yield self.rewrite_chat, rewrite.messages(history="", question="")

    def next_prompts(self, user: str, conversation_id: str) -> Iterator[Ahead]:
        """What can be read of the next rewrite's prompt while the person reads the answer."""
        history = self.memory.short_term.history(user, conversation_id)
        if history.turns:
            context = _context(Before(history), ())
            yield self.rewrite_chat, self.rewriter.prompt_prefix(context)

    def _away(self, now: TurnProgress, error: MemoryUnavailable) -> events.Notice:
        log.warning("%s", error)
        return events.Notice(error.kind, error.text(now.language))


def _context(before: Before, recalled: Sequence[Recollection]) -> Context:
    """What a rewrite may lean on."""
    return Context(
        history=as_chat_history(before.history.turns),
        summary=before.history.summary,
        memories=tuple(memory.text for memory in recalled if memory.kind == "fact"),
        recollections=tuple(
            (memory.text, memory.answer) for memory in recalled if memory.kind == "turn"
        ),
    )

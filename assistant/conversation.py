"""One turn, from a typed question to a stored answer.

The flow, which other modules' docstrings refer to:

1. history: short-term memory, filled from long-term memory where this process doesn't have it;
2. recollections: earlier questions of the user that this one leans on;
3. rewriting: a standalone question;
4. retrieval: chunks, and of these the sentences that can be read in time;
5. answering: the stuff-documents chain, streamed;
6. citations: checked, and corrected where they were wrong;
7. memory: the turn is stored, short-term and long-term.

:meth:`Conversation.turn` yields the typed events of :mod:`assistant.events`; whoever shows a turn
consumes this one stream.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
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
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn, as_chat_history, text_parts
from assistant.memory.short_term import ShortTermMemory
from assistant.models.chat.model import ChatModel
from assistant.models.embedding.model import EmbeddingModel
from assistant.passages import Passage, select_passages
from assistant.prompts import LANGUAGES, Prompts, language_of
from assistant.retrieval import Retriever
from assistant.rewriting import Rewriter, Standalone, points, recalls
from assistant.turn_progress import TurnProgress, checked_question, done_event, source_event

log = logging.getLogger(__name__)

ATTEMPTS = 2  # small models sometimes end before they begin
RECOLLECTIONS = 2
# Cosine of two questions in E5's space, where unrelated ones lie around 0.75.
RECOLLECTION_FLOOR = 0.84

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
    short_term: ShortTermMemory
    long_term: LongTermMemory

    def turn(
        self,
        user: str,
        conversation_id: str,
        question: str,
        *,
        language: str = "en",
        retry: bool = False,
        stopped: threading.Event | None = None,
    ) -> Iterator[events.Event]:
        """Answer ``question``.

        Args:
            language: of error messages ("zh" or "en"); the answer's follows the question.
            retry: if ``question`` is the conversation's last one, its answer is replaced.
            stopped: set by whoever wants the turn to end early; what came is kept.

        Raises:
            AssistantError: a part failed; nothing is stored.
        """
        now = TurnProgress(user, conversation_id, checked_question(question), language)
        yield from self._recall_history(now)
        turns = self.short_term.turns(user, conversation_id)
        # A turn that failed was not stored: asked again, it replaces nothing.
        retry = retry and bool(turns) and turns[-1].text == now.question
        now.history = as_chat_history(turns[:-1] if retry else turns)
        if self.knowledge.is_empty:
            yield from self._say(now, _EMPTY)
        else:
            try:
                yield from self._answer(now, stopped or threading.Event())
            except ModelStopped:
                now.incomplete = "stopped"
        yield from self._remember(now, retry)
        now.timings["total"] = round(now.elapsed(), 3)
        yield done_event(now)

    def _recall_history(self, now: TurnProgress) -> Iterator[events.Event]:
        try:
            self._fill_short_term(now.user, now.conversation_id)
        except MemoryUnavailable as error:
            yield self._away(now, error)

    def _fill_short_term(self, user: str, conversation_id: str) -> None:
        if not self.short_term.known(user, conversation_id):
            turns = self.long_term.turns(user, conversation_id)
            self.short_term.fill(user, conversation_id, turns)

    def _answer(self, now: TurnProgress, stopped: threading.Event) -> Iterator[events.Event]:
        yield from self._await_model(now)
        yield from self._rewrite(now, stopped)
        yield now.step("retrieve")
        hits = self.retriever.search(now.standalone.text, now.standalone.background)
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

    def _rewrite(self, now: TurnProgress, stopped: threading.Event) -> Iterator[events.Event]:
        recollections: list[str] = []
        if recalls(now.question) or (not now.history and points(now.question)):
            for memory in self._recollect(now):
                if isinstance(memory, events.Memory):
                    recollections.append(memory.text)
                yield memory
        if now.history or recollections:
            yield now.step("rewrite")
        try:
            now.standalone = self.rewriter.rewrite(
                now.question, now.history, recollections, stopped
            )
        except ModelStopped:
            raise
        except ModelError as error:
            # The chat model itself being away is told by the answer that it can't give.
            if self.rewrite_chat is self.chat and not isinstance(error, BadAnswer):
                raise
            log.warning("the question was not rewritten: %s", error)
            yield events.Notice(error.kind, error.text(now.language))
            now.standalone = self.rewriter.joined(now.question, now.history, recollections)
        yield events.Rewrite(now.question, now.standalone.text, now.standalone.changed)

    def _recollect(self, now: TurnProgress) -> Iterator[events.Event]:
        vector = self.embeddings.embed_questions([now.question])[0]
        try:
            found = self.long_term.recall(
                now.user,
                vector,
                limit=RECOLLECTIONS,
                floor=RECOLLECTION_FLOOR,
                without=now.conversation_id,
            )
        except MemoryUnavailable as error:
            yield self._away(now, error)
            return
        for memory in found:
            yield events.Memory(memory.text, memory.conversation_id, memory.time)

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
        asked: dict[str, object] = {"input": now.standalone.text, "context": context}
        chain = stuffed_messages(self.chat.model().bind(stopped=stopped), self.prompts)
        for _ in range(ATTEMPTS):
            stream = chain.stream(asked)
            try:
                yield from answer_events(now, stream)
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

    def _remember(self, now: TurnProgress, retry: bool) -> Iterator[events.Event]:
        turn = Turn(
            id=secrets.token_hex(6),
            question=text_parts(now.question),
            answer=now.answer,
            standalone=now.standalone.text,
            time=time.time(),
            sources=tuple(source.as_json() for source in now.sources),
            timings=dict(now.timings),
            refused=now.refused,
            stopped=now.incomplete == "stopped",
            unsupported=now.unsupported,
            incomplete=now.incomplete,
            model=now.model,
            tokens=dict(now.tokens),
        )
        if retry:
            self.short_term.drop_last(now.user, now.conversation_id)
        self.short_term.add(now.user, now.conversation_id, turn)
        vector = self.embeddings.embed_questions([turn.standalone])[0]
        try:
            self.long_term.add(now.user, now.conversation_id, turn, vector, replace_last=retry)
        except MemoryUnavailable as error:
            yield self._away(now, error)

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
        history = as_chat_history(self.short_term.turns(user, conversation_id))
        if history:
            yield self.rewrite_chat, self.rewriter.prompt_prefix(history)

    def forget(self, user: str, conversation_id: str) -> None:
        """Remove a conversation from both memories."""
        self.short_term.forget(user, conversation_id)
        self.long_term.delete(user, conversation_id)

    def _away(self, now: TurnProgress, error: MemoryUnavailable) -> events.Notice:
        log.warning("%s", error)
        return events.Notice(error.kind, error.text(now.language))

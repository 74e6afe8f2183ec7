"""One turn, from a typed question to a stored answer.

The flow, which other modules' docstrings refer to:

1. history: short-term memory, filled from long-term memory where this process doesn't have it;
2. memories: the few facts and earlier turns that the question leans on, and the user's wishes;
3. rewriting: a standalone question, unless the user wrote it or switched rewriting off;
4. retrieval, answering and citations, or a refusal, as the kind of question asks for
   (:class:`~assistant.answerer.Answerer`);
5. memory: the turn is stored, short-term and long-term; facts are learned in the background.

Small talk and questions about the library itself need neither 3 nor 4.

:meth:`Conversation.turn` yields the typed events of :mod:`assistant.events`; whoever shows a turn
consumes this one stream.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from langchain_core.messages import BaseMessage

from assistant import events, replies
from assistant.answerer import Answerer, said
from assistant.arrivals import Arrivals
from assistant.asking import Kind
from assistant.errors import BadAnswer, MemoryUnavailable, ModelError, ModelStopped
from assistant.knowledge.store import KnowledgeBase
from assistant.library import Library, open_library
from assistant.memory.records import Choices, Recollection, as_chat_history
from assistant.models.chat.model import ChatModel
from assistant.models.chat.offered import ChatModels
from assistant.prompts import LANGUAGES, Prompts
from assistant.rewriting.context import Context
from assistant.rewriting.needs import needs_rewriting
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone
from assistant.turn_memory import Before, Given, TurnMemory
from assistant.turn_progress import (
    TurnProgress,
    checked_question,
    done_event,
    memory_event,
    stored_turn,
    wish_event,
)
from assistant.users.identity import Identity, Role

log = logging.getLogger(__name__)

ARRIVAL_SECONDS = 30.0  # that a question waits for the first documents
ARRIVAL_LOOK_SECONDS = 0.1


def new_conversation_id() -> str:
    return secrets.token_hex(8)


#: Messages that a chat model can read before they are needed.
Ahead = tuple[ChatModel, list[BaseMessage]]


@dataclass(frozen=True)
class Conversation:
    """The parts that a turn needs, joined in :mod:`assistant.parts`.

    ``rewrite_chat`` is None where the model that answers rewrites, too: a question is not sent to
    another one than was chosen for it, and waits for no other.
    """

    chats: ChatModels
    rewrite_chat: ChatModel | None
    rewriter: Rewriter
    answerer: Answerer
    knowledge: KnowledgeBase
    prompts: Prompts
    memory: TurnMemory
    arrivals: Arrivals = field(default_factory=Arrivals)

    def turn(
        self,
        user: str,
        conversation_id: str,
        question: str,
        *,
        language: str = "en",
        model: str = "",
        replaces: str = "",
        standalone: str = "",
        choices: Choices | None = None,
        given: Given | None = None,
        identity: Identity | None = None,
        stopped: threading.Event | None = None,
    ) -> Iterator[events.Event]:
        """Answer ``question``.

        Args:
            language: of error messages ("zh" or "en"); the answer's follows the question.
            model: name of the chat model that answers; empty, or gone: ``CHAT_MODEL``'s.
            replaces: id of the turn that is asked again or edited; what followed it is left.
            standalone: what to search for, where the user says it.
            choices: the user's for this conversation, kept from now on; None: those kept.
            given: the conversation, where the caller keeps it: nothing of it is stored.
            identity: who asks, as they may read collections; None: ``user`` as a reader.
            stopped: set by whoever wants the turn to end early; what came is kept.

        Raises:
            AccessDenied: the collection that was chosen is not theirs to read.
            AssistantError: a part failed; nothing is stored.
        """
        chat = self.chats.chosen(model)
        now = TurnProgress(user, conversation_id, checked_question(question), language, chat)
        yield from self._gone(now, model)
        now.before = self._before(now, replaces, choices, given)
        if now.before.fault:
            yield self._away(now, now.before.fault)
        now.library = self._library(now, identity, given)
        try:
            yield from self._reply(now, standalone.strip(), stopped or threading.Event())
        except ModelStopped:
            now.incomplete = "stopped"
        now.timings["total"] = round(now.elapsed(), 3)  # as it is stored
        fault = self.memory.store(user, conversation_id, stored_turn(now), now.before)
        if fault and not now.before.fault:
            yield self._away(now, fault)
        now.timings["total"] = round(now.elapsed(), 3)
        yield done_event(now)

    def _library(
        self, now: TurnProgress, identity: Identity | None, given: Given | None
    ) -> Library:
        asks = identity or Identity(now.user, Role.READER)
        own = "" if given else now.conversation_id  # whose attached files are searched, too
        return open_library(self.knowledge, now.before.choices, asks, own)

    def _before(
        self, now: TurnProgress, replaces: str, choices: Choices | None, given: Given | None
    ) -> Before:
        if given is None:
            user, id = now.user, now.conversation_id
            return self.memory.begin(user, id, replaces=replaces, choices=choices)
        now.wishes = given.wishes
        return self.memory.given(given, choices)

    def _reply(
        self, now: TurnProgress, standalone: str, stopped: threading.Event
    ) -> Iterator[events.Event]:
        now.standalone = Standalone(now.question, now.question)
        asked = self.answerer.asked(now)
        if asked.kind is Kind.LIBRARY and not standalone:
            yield from self.answerer.about_library(now, asked)
        elif asked.kind is Kind.SMALLTALK and not standalone:
            yield from self._await_model(now)
            yield from self.answerer.small_talk(now, stopped)
        elif not (yield from self._has_documents(now, stopped)):
            is_coming = self.arrivals.under_way(now.library.names)
            yield from said(now, "refusal", replies.ARRIVING if is_coming else replies.EMPTY)
        else:
            yield from self._await_model(now)
            yield from self._complete(now, standalone, stopped)
            if now.standalone.changed:
                asked = self.answerer.asked(now)
            yield from self.answerer.answer(now, asked, stopped)

    def _has_documents(
        self, now: TurnProgress, stopped: threading.Event
    ) -> Generator[events.Event, None, bool]:
        """Whether the library has any; the first ones that are on their way are waited for."""
        library, arrivals = now.library, self.arrivals
        if library.is_empty and arrivals.under_way(library.names):
            yield now.step("documents")
            end = now.elapsed() + ARRIVAL_SECONDS
            while library.is_empty and arrivals.under_way(library.names) and now.elapsed() < end:
                if stopped.wait(ARRIVAL_LOOK_SECONDS):
                    break
            now.waited = now.elapsed()
        return not library.is_empty

    def _await_model(self, now: TurnProgress) -> Iterator[events.Event]:
        if now.chat.ready:
            return
        yield now.step("model")
        now.chat.model()
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
        chat = self.rewrite_chat or now.chat
        try:
            rewriter = replace(self.rewriter, model=chat.model)
            now.standalone = rewriter.rewrite(now.question, context, stopped)
        except ModelStopped:
            raise
        except ModelError as error:
            # The chat model itself being away is told by the answer that it can't give.
            if chat is now.chat and not isinstance(error, BadAnswer):
                raise
            log.warning("the question was not rewritten: %s", error)
            yield events.Notice(error.kind, error.text(now.language))
            now.standalone = self.rewriter.joined(now.question, context)
        if now.standalone.way != "typed":
            now.memories = [memory_event(memory) for memory in recalled]
            yield from now.memories

    def with_prompts(self, prompts: Prompts) -> Conversation:
        """The same, asking by other prompts."""
        return replace(
            self,
            prompts=prompts,
            rewriter=replace(self.rewriter, prompts=prompts),
            answerer=replace(self.answerer, prompts=prompts),
        )

    def fixed_prompts(self) -> Iterator[Ahead]:
        """The parts of the prompts that never change, to be read before the first question."""
        for language in LANGUAGES:
            answer = self.prompts.get("answer", language)
            yield self.chats.default, answer.messages(context="", question="")
        for language in LANGUAGES:
            rewrite = self.prompts.get("rewrite", language)
            chat = self.rewrite_chat or self.chats.default
            yield chat, rewrite.messages(history="", question="")

    def next_prompts(self, user: str, conversation_id: str, model: str = "") -> Iterator[Ahead]:
        """What can be read of the next rewrite's prompt while the person reads the answer, which
        ``model`` gave."""
        history = self.memory.short_term.history(user, conversation_id)
        if history.turns:
            context = _context(Before(history), ())
            chat = self.rewrite_chat or self.chats.chosen(model)
            yield chat, self.rewriter.prompt_prefix(context)

    def _gone(self, now: TurnProgress, model: str) -> Iterator[events.Notice]:
        if self.chats.offers(model):
            return
        told = replies.MODEL_GONE[now.language]
        yield events.Notice("model_gone", told.format(chosen=model, model=self.chats.default_name))

    def _away(self, now: TurnProgress, error: MemoryUnavailable) -> events.Notice:
        log.warning("%s", error)
        return events.Notice(error.kind, error.text(now.language))


def _context(before: Before, recalled: Sequence[Recollection]) -> Context:
    """What a rewrite may lean on."""
    return Context(
        # Small talk is what nothing leans on, and small models lean on whatever they are given.
        history=as_chat_history([t for t in before.history.turns if t.kind != "smalltalk"]),
        summary=before.history.summary,
        memories=tuple(memory.text for memory in recalled if memory.kind == "fact"),
        recollections=tuple(
            (memory.text, memory.answer) for memory in recalled if memory.kind == "turn"
        ),
    )

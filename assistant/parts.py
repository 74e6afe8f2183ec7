"""Joins the parts of the question flow from the settings: for the app, the command line, the
benchmarks and the tests alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from assistant.answerability import load_calibration
from assistant.answerer import Answerer
from assistant.conversation import Conversation
from assistant.evaluate.own.questions import forget_conversation
from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.store import KnowledgeBase
from assistant.limits import Limits
from assistant.memory.address import RedisAddress
from assistant.memory.facts.remembering import Remembering
from assistant.memory.long_term import LongTermMemory, Retention
from assistant.memory.short_term import ShortTermMemory
from assistant.models.chat.choice import open_chat
from assistant.models.chat.model import ChatModel
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.choice import open_reranker
from assistant.prompts import Prompts, load_prompts
from assistant.retrieval import Retriever
from assistant.rewriting.rewriter import Rewriter
from assistant.settings import Settings
from assistant.turn_memory import TurnMemory
from assistant.turns import Turns


@dataclass(frozen=True)
class Parts:
    """Everything that runs, joined. ``close`` lets go of what was opened."""

    settings: Settings
    embeddings: EmbeddingModel
    knowledge: KnowledgeBase
    chat: ChatModel
    memory: TurnMemory
    conversation: Conversation
    turns: Turns
    closers: tuple[Callable[[], None], ...]

    @property
    def long_term(self) -> LongTermMemory:
        return self.memory.long_term

    def start(self) -> None:
        """Get the models ready in the background."""
        threading.Thread(target=self.turns.warm_up, name="warm-up", daemon=True).start()
        # Beside the chat model, whose server loads in a process of its own.
        threading.Thread(target=self.embeddings.warm, name="embeddings", daemon=True).start()

    def close(self) -> None:
        for close in self.closers:
            close()


def open_parts(settings: Settings, collection: str = "default") -> Parts:
    """Open everything that the settings name. Models get ready when first asked, or in the
    background after :meth:`Parts.start`.

    Raises:
        AssistantError: a setting, a folder or a prompt can't be used.
    """
    embeddings = open_embeddings(settings)
    knowledge = open_knowledge(settings, embeddings, collection)
    chat = open_chat(settings, settings.chat_model, "CHAT_MODEL")
    rewrite_chat = chat
    if settings.rewrite_model and settings.rewrite_model != settings.chat_model:
        rewrite_chat = open_chat(settings, settings.rewrite_model, "REWRITE_MODEL")
    prompts = load_prompts()
    address = RedisAddress(settings)
    memory = _open_memory(settings, embeddings, address, lambda: turns.is_busy)
    conversation = Conversation(
        chat=chat,
        rewrite_chat=rewrite_chat,
        rewriter=Rewriter(rewrite_chat.model, prompts, embeddings.count_tokens),
        answerer=_open_answerer(settings, knowledge, embeddings, chat, prompts),
        knowledge=knowledge,
        prompts=prompts,
        memory=memory,
    )
    # Questions that were collected for evaluation go with their conversation.
    turns = Turns(conversation, partial(forget_conversation, settings), Limits.of(settings, chat))
    closers = (
        memory.remembering.close,
        memory.long_term.close,
        address.close,
        chat.close,
        rewrite_chat.close,
        knowledge.close,
        embeddings.close,
    )
    return Parts(
        settings=settings,
        embeddings=embeddings,
        knowledge=knowledge,
        chat=chat,
        memory=memory,
        conversation=conversation,
        turns=turns,
        closers=closers,
    )


def _open_answerer(
    settings: Settings,
    knowledge: KnowledgeBase,
    embeddings: EmbeddingModel,
    chat: ChatModel,
    prompts: Prompts,
) -> Answerer:
    retriever = Retriever(
        knowledge,
        embeddings,
        settings.retrieve_k,
        open_reranker(settings),
        rerank_seconds=settings.rerank_seconds,
    )
    return Answerer(
        chat=chat,
        retriever=retriever,
        embeddings=embeddings,
        prompts=prompts,
        calibration=load_calibration(settings.data_dir, embeddings.fingerprint),
        own_knowledge=settings.own_knowledge,
    )


def _open_memory(
    settings: Settings,
    embeddings: EmbeddingModel,
    address: RedisAddress,
    is_busy: Callable[[], bool],
) -> TurnMemory:
    retention = Retention(
        days=settings.memory_days, turns=settings.memory_turns, facts=settings.memory_facts
    )
    long_term = LongTermMemory(
        address.url,
        retention,
        settings.data_dir / "memory-held.jsonl",
        embed=embeddings.embed_questions,
        model=embeddings.fingerprint,
        is_embedded=not settings.redis_url,
    )
    return TurnMemory(
        short_term=ShortTermMemory(embeddings.count_tokens, settings.history_tokens),
        long_term=long_term,
        remembering=Remembering(long_term, embeddings, is_busy),
        embeddings=embeddings,
    )

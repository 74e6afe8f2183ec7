"""Joins the parts of the question flow from the settings: for the app, the command line, the
benchmarks and the tests alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from assistant.answerability import load_calibration
from assistant.answerer import Answerer
from assistant.attached import AttachedFiles
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
from assistant.models.chat.offered import ChatModels, open_chats
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.reranking.choice import open_reranker
from assistant.prompt_edits import FOLDER, PromptEdits
from assistant.prompts import Prompts
from assistant.retrieval import Retriever
from assistant.rewriting.rewriter import Rewriter
from assistant.settings import Settings
from assistant.turn_memory import TurnMemory
from assistant.turns import ForgetCopies, Turns


@dataclass(frozen=True)
class Parts:
    """Everything that runs, joined. ``close`` lets go of what was opened."""

    settings: Settings
    embeddings: EmbeddingModel
    knowledge: KnowledgeBase
    chats: ChatModels
    memory: TurnMemory
    conversation: Conversation
    turns: Turns
    closers: tuple[Callable[[], None], ...]

    @property
    def chat(self) -> ChatModel:
        """That of ``CHAT_MODEL``."""
        return self.chats.default

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
    chats = open_chats(settings)
    rewrite_chat = _open_rewrite_chat(settings, chats)
    prompts = PromptEdits(settings.data_dir / FOLDER).prompts()
    address = RedisAddress(settings)
    memory = _open_memory(settings, embeddings, address, lambda: turns.is_busy)
    conversation = Conversation(
        chats=chats,
        rewrite_chat=rewrite_chat,
        rewriter=Rewriter(chats.default.model, prompts, embeddings.count_tokens),
        answerer=_open_answerer(settings, knowledge, embeddings, prompts),
        knowledge=knowledge,
        prompts=prompts,
        memory=memory,
    )
    limits = Limits.of(settings, chats.models)
    forget = _forget_copies(settings, AttachedFiles(knowledge, settings.upload_dir))
    turns = Turns(conversation, forget, limits)
    closers = (
        memory.remembering.close,
        memory.long_term.close,
        address.close,
        chats.close,
        (rewrite_chat or chats).close,
        knowledge.close,
        embeddings.close,
    )
    return Parts(
        settings=settings,
        embeddings=embeddings,
        knowledge=knowledge,
        chats=chats,
        memory=memory,
        conversation=conversation,
        turns=turns,
        closers=closers,
    )


def _open_rewrite_chat(settings: Settings, chats: ChatModels) -> ChatModel | None:
    """That of ``REWRITE_MODEL``; None where it isn't set: whichever answers rewrites."""
    if settings.rewrite_model in ("", settings.chat_model):
        return chats.default if settings.rewrite_model else None
    return open_chat(settings, settings.rewrite_model, "REWRITE_MODEL")


def _forget_copies(settings: Settings, attached: AttachedFiles) -> ForgetCopies:
    """What goes with a conversation: attached files, and questions collected for evaluation."""

    def forget(user: str, conversation_id: str | None) -> None:
        attached.forget(user, conversation_id)
        forget_conversation(settings, user, conversation_id)

    return forget


def _open_answerer(
    settings: Settings,
    knowledge: KnowledgeBase,
    embeddings: EmbeddingModel,
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

"""Rewriting as LangChain's history-aware retriever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import convert_to_messages
from langchain_core.runnables import Runnable, RunnableLambda

from assistant.rewriting.context import Context
from assistant.rewriting.rewriter import Rewriter
from assistant.rewriting.standalone import Standalone


def history_aware_retriever(
    rewriter: Rewriter, search: Callable[[Standalone], list[Document]]
) -> Runnable[dict[str, Any], list[Document]]:
    """``{input, chat_history, memories}`` -> documents, as LangChain's
    ``create_history_aware_retriever`` has it; the last two may be missing.

    The standalone question is in each document's metadata under ``standalone``.
    """

    def retrieve(inputs: dict[str, Any]) -> list[Document]:
        context = Context(
            history=convert_to_messages(inputs.get("chat_history") or []),
            memories=tuple(inputs.get("memories") or ()),
        )
        standalone = rewriter.rewrite(str(inputs["input"]), context)
        return [_with_standalone(document, standalone) for document in search(standalone)]

    return RunnableLambda(retrieve, name="history_aware_retriever")


def _with_standalone(document: Document, standalone: Standalone) -> Document:
    metadata = {**document.metadata, "standalone": standalone.text}
    return document.model_copy(update={"metadata": metadata})

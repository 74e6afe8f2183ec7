"""The knowledge base as a LangChain retriever: hybrid search for any chain."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from assistant.knowledge.fusion import CANDIDATES, hybrid
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.vectorstore import document_of


class KnowledgeRetriever(BaseRetriever):
    """Chunks near to a question, or with its words, best first.

    >>> retriever = KnowledgeRetriever(knowledge=knowledge, k=6)  # doctest: +SKIP
    >>> retriever.invoke("怎么备份？", filter={"kind": "md"})  # doctest: +SKIP
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    knowledge: KnowledgeBase
    k: int = Field(default=4, ge=1)
    #: As ``filters.py`` has it.
    filter: dict[str, Any] | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: dict[str, Any] | None = None,
    ) -> list[Document]:
        most = self.k if k is None else k
        found = hybrid(
            self.knowledge,
            self.knowledge.query_vector(query),
            query,
            max(CANDIDATES, most),
            where=self.filter if filter is None else filter,
        )
        return [document_of(hit) for hit in found[:most]]

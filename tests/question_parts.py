"""The parts of the question flow over a local server that speaks the chat model's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from tests.openai_server import OpenAIServer


def parts_over(server: OpenAIServer, folder: Path, **settings: str) -> Parts:
    """Real parts; ``settings`` beside the model's or in their place."""
    given = {
        "DATA_DIR": str(folder),
        "VLLM_BASE_URL": server.url,
        "CHAT_MODEL": "vllm:test",
        "GRACE_SECONDS": "0",
    }
    return open_parts(Settings.load({**given, **settings}, None))


def add_documents(
    parts: Parts, knowledge: KnowledgeBase, documents: Mapping[str, tuple[str, str]]
) -> None:
    """Of one chunk each: URI -> title and text."""
    for uri, (title, text) in documents.items():
        chunk = NewChunk(text, (title,))
        vectors = parts.embeddings.embed_passages([chunk.embedding_text])
        knowledge.add_embedded(uri, title, "md", len(text), title, [chunk], vectors)

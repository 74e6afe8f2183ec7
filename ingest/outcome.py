"""What a command of ``python -m ingest`` is given, and what it returns."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.errors import AssistantError
from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import Settings

if TYPE_CHECKING:
    from ingest.pipeline import Pipeline

DONE, FAILED = 0, 1


@dataclass
class Outcome:
    """``data`` is printed with ``--json``, ``lines`` without; ``errors`` on standard error."""

    data: dict[str, object]
    lines: list[str] = field(default_factory=list)
    errors: list[AssistantError] = field(default_factory=list)
    code: int = DONE


@dataclass(frozen=True)
class Call:
    """One use of the command line."""

    arguments: argparse.Namespace
    settings: Settings
    language: str  # "zh" or "en"

    @contextmanager
    def knowledge(self) -> Iterator[KnowledgeBase]:
        """The collection, for what needs no model."""
        with open_knowledge(self.settings, None, self.arguments.collection) as knowledge:
            yield knowledge

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        from assistant.models.embedding.choice import open_embeddings
        from ingest.pipeline import Pipeline

        embeddings = open_embeddings(self.settings)
        name = self.arguments.collection
        with open_knowledge(self.settings, embeddings, name) as knowledge:
            yield Pipeline(self.settings, knowledge, embeddings)

"""Archives and what they hold: a member's name is ``ARCHIVE!/PATH``."""

from __future__ import annotations

from assistant.knowledge.records import Source
from assistant.knowledge.store import KnowledgeBase
from ingest.load.document import INSIDE

#: Kinds of documents that hold others, too.
HOLDERS = ("eml",)


def with_members(knowledge: KnowledgeBase, uri: str) -> list[Source]:
    """The source ``uri``, and those that it holds where it is an archive or a mail."""
    own = knowledge.source_by_uri(uri)
    if own is not None and own.kind not in HOLDERS:
        return [own]
    inside = [source for source in knowledge.sources() if source.uri.startswith(uri + INSIDE)]
    return inside if own is None else [own, *inside]

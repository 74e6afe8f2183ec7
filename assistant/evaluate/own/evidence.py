"""What answers a question: a source, and perhaps the page or the words in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from assistant.errors import AssistantError
from assistant.knowledge.records import Hit, Source
from assistant.knowledge.store import KnowledgeBase
from assistant.sentences import held, terms_of

HELD = 0.75  # share of the words that a chunk must hold, where a text was cut in two
LOOKED_AT = 20  # chunks that are searched for a text whose source nobody named
NAMED = 5  # sources that an error lists


class EvidenceError(AssistantError):
    """What should answer a question isn't in the knowledge base."""

    kind = "evidence"


@dataclass(frozen=True)
class Evidence:
    """``source``: its URI; ``page``: 1-based; ``text``: words of the passage that answers."""

    source: str
    page: int | None = None
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        fields = {"source": self.source, "page": self.page, "text": self.text}
        return {name: value for name, value in fields.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        return cls(str(data["source"]), data.get("page"), str(data.get("text") or ""))


def found_source(sources: Sequence[Source], name: str) -> Source:
    """The one source of that URI, file name, end of a path, or title.

    Raises:
        EvidenceError: none or several have it; says which there are.
    """
    wanted = name.strip().casefold()
    for tells in (_has_uri, _ends_with, _has_title):
        named = [source for source in sources if tells(source, wanted)]
        if len(named) == 1:
            return named[0]
        if named:
            raise EvidenceError(
                "{name} could be any of: {which}. Name it by its whole path or address.",
                "{name} 可能是以下任一来源：{which}。请写出完整路径或网址。",
                name=name,
                which=", ".join(source.uri for source in named[:NAMED]),
            )
    near = get_close_matches(wanted, [_last(source.uri) for source in sources], NAMED, 0.4)
    raise EvidenceError(
        "The knowledge base has no source {name}. Similar ones: {near}.",
        "知识库中没有来源 {name}。相近的有：{near}。",
        name=name,
        near=", ".join(near) or "-",
    )


def _has_uri(source: Source, name: str) -> bool:
    return source.uri.casefold() == name


def _ends_with(source: Source, name: str) -> bool:
    return source.uri.casefold().endswith(f"/{name.lstrip('/')}")


def _has_title(source: Source, name: str) -> bool:
    return source.title.casefold() == name


def _last(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2].casefold()


def holding(chunks: Sequence[Hit], evidence: Evidence) -> list[Hit]:
    """Those of a source's chunks that bear the evidence; any one of them will do."""
    there = [one for one in chunks if evidence.page in (None, one.page)]
    wanted = letters(evidence.text)
    if not wanted:
        return there
    whole = [one for one in there if wanted in letters(f"{one.subject} {one.text}")]
    if whole:
        return whole
    terms = terms_of(evidence.text)
    return [one for one in there if terms and len(held(terms, one.text)) >= HELD * len(terms)]


def letters(text: str) -> str:
    """Letters and digits alone, so that line breaks, marks and table rules tell nothing apart.

    >>> letters("| Part A | 3.5 V |")
    'parta35v'
    """
    return "".join(char for char in text.casefold() if char.isalnum())


def checked(knowledge: KnowledgeBase, source: str, page: int | None, text: str) -> Evidence:
    """Evidence that is there now; of a text alone, its source is looked for.

    Args:
        source: a URI, a file's name or a title; may be empty where ``text`` isn't.

    Raises:
        EvidenceError: it isn't there.
    """
    if not source:
        return _of_text(knowledge, text)
    known = found_source(knowledge.sources(), source)
    evidence = Evidence(known.uri, page, text)
    if not holding(knowledge.chunks(known.id), evidence):
        raise EvidenceError(
            "{source} has no passage with {what}.",
            "{source} 中没有包含{what}的段落。",
            source=known.uri,
            what=" ".join(str(part) for part in (f"p. {page}" if page else "", text) if part),
        )
    return evidence


def _of_text(knowledge: KnowledgeBase, text: str) -> Evidence:
    near = knowledge.keyword(text, LOOKED_AT) if text else []
    for hit in near:
        evidence = Evidence(hit.source.uri, None, text)
        if holding([hit], evidence):
            return evidence
    raise EvidenceError(
        "No passage of the knowledge base has the text {text}.",
        "知识库中没有包含“{text}”的段落。",
        text=text[:80],
    )

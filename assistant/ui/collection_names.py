"""How collections are called on the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.sharing import ALL, EVERYONE
from assistant.knowledge.store import DEFAULT_COLLECTION
from assistant.ui.texts import text


def collection_name(info: CollectionInfo, language: str) -> str:
    """Its title, or its name where it has none."""
    if info.title:
        return info.title
    return text("default_collection", language) if info.name == DEFAULT_COLLECTION else info.name


def collection_choices(infos: Sequence[CollectionInfo], language: str) -> list[tuple[str, str]]:
    """(what people read, name) of each; titles that are the same are told apart."""
    names = [(collection_name(info, language), info.name) for info in infos]
    counts = Counter(title for title, _ in names)
    return [(title if counts[title] == 1 else f"{title} · {name}", name) for title, name in names]


def searched_choices(
    infos: Sequence[CollectionInfo], chosen: str, language: str
) -> list[tuple[str, str]]:
    """What a conversation can search: each of ``infos``, and all of them together. What was chosen
    and is closed now stays, so that it can be seen and another one chosen."""
    choices = collection_choices(infos, language)
    if len(choices) > 1:
        choices.append((text("all_collections", language, n=len(choices)), ALL))
    if chosen and chosen not in [name for _, name in choices]:
        choices.append((text("collection_closed", language, name=chosen), chosen))
    return choices


def shared_text(info: CollectionInfo, language: str) -> str:
    """Who reads it, in a few words."""
    if EVERYONE in info.readers:
        return text("shared_everyone", language)
    if info.readers:
        return text("shared_some", language, n=len(info.readers))
    return text("shared_nobody", language)

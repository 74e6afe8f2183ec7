"""Which documents a conversation searches: the choices that the page offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import PurePath
from urllib.parse import urlsplit

from assistant.knowledge.records import Source
from assistant.ui.texts import text

MOST = 2000  # documents that are offered by name; sites always are
LONGEST = 80  # characters of a name


def scope_choices(
    sources: Sequence[Source], chosen: Collection[str], language: str
) -> list[tuple[str, str]]:
    """(name, what ``Choices.only`` takes) of each site with several pages, then of each document.

    What is chosen and not there any more stays, so that it can be seen and taken away.
    """
    sites = Counter(site for source in sources if (site := site_of(source.uri)))
    choices = [
        (text("whole_site", language, site=urlsplit(site).netloc, n=pages), site)
        for site, pages in sorted(sites.items())
        if pages > 1
    ]
    kept = [*sources[:MOST], *(source for source in sources[MOST:] if source.uri in chosen)]
    titles = Counter(source.title for source in kept)
    choices += [(_name(source, titles[source.title] > 1), source.uri) for source in kept]
    known = {value for _, value in choices}
    gone = sorted(value for value in chosen if value not in known)
    return [*choices, *((text("document_gone", language, name=_short(uri)), uri) for uri in gone)]


def site_of(uri: str) -> str:
    """The beginning of all addresses on a page's site, with a slash at the end; empty for files."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") else ""


def _name(source: Source, is_ambiguous: bool) -> str:
    title = " ".join(source.title.split())
    if not is_ambiguous and title:
        return title[:LONGEST]
    return f"{title[: LONGEST // 2]} · {_short(source.uri)}"


def _short(uri: str) -> str:
    name = uri if site_of(uri) else PurePath(uri).name or uri
    return name if len(name) <= LONGEST else f"…{name[-LONGEST:]}"

"""Citations as links, and the sources of an answer with the quotes that bear it out."""

from __future__ import annotations

import re

from assistant import events
from assistant.ui.markup import escaped, escaped_lines, is_web
from assistant.ui.texts import text
from assistant.ui.turn_view import TurnView

MARKER = re.compile(r"\[(\d+(?:\s*[,，、]\s*\d+)*)\](?!\()")
_APP_LINK = re.compile(r"/source/\d+(\?mark=\d+:[\d,-]+(;\d+:[\d,-]+)*)?(#chunk-\d+)?")


def cited(marker: re.Match[str], sources: dict[int, events.Source]) -> str:
    """The links of one marker; the marker as it is where it names something that isn't there."""
    numbers = [int(n) for n in re.findall(r"\d+", marker[1])]
    if not all(n in sources for n in numbers):
        return marker[0]
    return "".join(_citation(sources[n]) for n in numbers)


def _citation(source: events.Source) -> str:
    link = app_link(source)
    if not link:
        return f"[{source.n}]"
    # A reader who copies the text gets the brackets, which are not seen.
    number = f"<span>&#91;</span>{source.n}<span>&#93;</span>"
    return f'[{number}]({link} "{escaped(source.title)}")'


def cited_numbers(answer: str) -> list[int]:
    """The numbers of the sources that an answer cites, in its order."""
    found = (int(n) for marks in MARKER.findall(answer) for n in re.findall(r"\d+", marks))
    return list(dict.fromkeys(found))


def sources_html(view: TurnView, language: str) -> str:
    """The sources, the cited ones first. The page's script takes its cards from here."""
    numbers = cited_numbers(view.answer)
    ordered = sorted(view.sources, key=lambda source: (source.n not in numbers, source.n))
    rows = "".join(
        _source(source, is_cited=source.n in numbers or not view.ended, language=language)
        for source in ordered
    )
    title = text("sources", language, n=len(view.sources))
    return f'<details class="sources"><summary>{title}</summary><ul>{rows}</ul></details>'


def _source(source: events.Source, *, is_cited: bool, language: str) -> str:
    link, title = app_link(source), escaped(source.title)
    name = f'<a class="title" href="{link}">{title}</a>' if link else f"<b>{title}</b>"
    where = f'<span class="where">{escaped(source.location)}</span>' if source.location else ""
    unused = "" if is_cited else f'<span class="badge">{text("not_cited", language)}</span>'
    return (
        f'<li class="{"cited" if is_cited else "unused"}"><span class="n">{source.n}</span>'
        f'<div class="source"><div class="names">{name}{where}{unused}'
        f"{_origin(source, language)}{_reasons(source, language)}</div>"
        f"<blockquote>{_marked_quote(source)}</blockquote></div></li>"
    )


def _reasons(source: events.Source, language: str) -> str:
    """Why the passage was found: its ranks by meaning, by words and by the reranker."""
    ranks = {
        "found_dense": source.dense_rank,
        "found_keyword": source.keyword_rank,
        "found_rerank": source.rerank_rank,
    }
    told = [text(key, language, n=rank) for key, rank in ranks.items() if rank is not None]
    if source.kept == "neighbour":
        told.append(text("found_neighbour", language))
    return f'<span class="reasons">{escaped(" · ".join(told))}</span>' if told else ""


def _marked_quote(source: events.Source) -> str:
    """The quote, with the words marked that bear the answer out."""
    pieces, end = [], 0
    for start, stop in source.marks:
        marked = escaped_lines(source.quote[start:stop])
        pieces += [escaped_lines(source.quote[end:start]), f"<mark>{marked}</mark>"]
        end = stop
    return "".join([*pieces, escaped_lines(source.quote[end:])])


def _origin(source: events.Source, language: str) -> str:
    if not is_web(source.url):
        return ""
    return (
        f'<a class="origin" href="{escaped(source.url)}" target="_blank" '
        f'rel="noopener noreferrer">{text("original", language)} ↗</a>'
    )


def app_link(source: events.Source) -> str:
    """The passage's place in the app; empty where the link isn't one of ours."""
    return source.link if _APP_LINK.fullmatch(source.link) else ""

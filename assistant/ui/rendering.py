"""Turns as the messages of Gradio's chat component: pure functions from a view to Markdown.

A turn is shown as: the question, the steps (folded once it answers), what was searched for and
recalled, the answer with links for its citations, and below it the sources, marks and times.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from assistant import events
from assistant.ui.links import hosts_of, only_to
from assistant.ui.markdown import safe_markdown
from assistant.ui.texts import text
from assistant.ui.turn_view import TurnView

Message = dict[str, Any]

_MARKER = re.compile(r"\[(\d+(?:\s*[,，、]\s*\d+)*)\](?!\()")
_APP_LINK = re.compile(r"/source/\d+(\?mark=\d+:[\d,-]+(;\d+:[\d,-]+)*)?(#chunk-\d+)?")
_OPEN, _CLOSE = "\ue000", "\ue001"  # private characters: around an unsupported sentence
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_HEADING_MARK = re.compile(r"^\s*#{1,6}\s+")
_LIST_MARK = re.compile(r"^(?:[-*+>#|]|\d+[.)])[\s*_]*")


def conversation_messages(views: Iterable[TurnView], language: str) -> list[Message]:
    return [message for view in views for message in turn_messages(view, language)]


def turn_messages(view: TurnView, language: str) -> list[Message]:
    """The turn's messages: one of the user, and what there is of the assistant's."""
    parts = [
        _steps(view, language),
        _said(_head(view, language)),
        _thinking(view, language),
        _said(_answer(view, language)),
        _said(_tail(view, language)),
    ]
    asked = {"role": "user", "content": safe_markdown(view.question)}
    return [asked, *(part for part in parts if part)]


def _said(content: str) -> Message | None:
    return {"role": "assistant", "content": content} if content else None


def _thought(title: str, content: str, *, is_running: bool) -> Message:
    status = "pending" if is_running else "done"
    metadata = {"title": title, "status": status}
    return {"role": "assistant", "content": content, "metadata": metadata}


def _steps(view: TurnView, language: str) -> Message | None:
    if view.ended and not view.steps:
        return None
    is_running = not view.ended and not view.answer
    lines = [
        f"- {_stage('did', step.stage, view, language)} · "
        + text("at_second", language, seconds=_seconds(step.seconds))
        for step in view.steps
    ]
    return _thought(_steps_title(view, language), "\n".join(lines) or " ", is_running=is_running)


def _steps_title(view: TurnView, language: str) -> str:
    if not view.ended and not view.answer:
        return _stage("step", view.steps[-1].stage if view.steps else "begin", view, language)
    if not view.ended:
        return text("step_writing", language)
    key = "did_all" if view.sources else "did_nothing"
    return text(key, language, n=len(view.sources))


def _stage(prefix: str, stage: str, view: TurnView, language: str) -> str:
    return text(f"{prefix}_{stage}", language, n=len(view.sources))


def _head(view: TurnView, language: str) -> str:
    rows = [_row("notice", "", note) for note in view.notices]
    for kind in ("turn", "fact", "preference"):
        used = [memory.text for memory in view.memories if memory.kind == kind]
        if used:
            rows.append(_row("recalled", text(f"recalled_{kind}", language), " · ".join(used)))
    if view.way == "off":
        rows.append(_row("rewritten", "", text("rewriting_off", language)))
    elif view.standalone.strip() not in ("", view.question.strip()):
        key = "rewritten_edited" if view.way == "edited" else "rewritten"
        rows.append(_row("rewritten", text(key, language), view.standalone))
    return _block("turn-head", rows)


def _thinking(view: TurnView, language: str) -> Message | None:
    if not view.thinking:
        return None
    is_running = not view.answer and not view.ended
    thoughts = safe_markdown(view.thinking, partial(only_to, _hosts(view)))
    return _thought(text("thinking", language), thoughts, is_running=is_running)


def _hosts(view: TurnView) -> frozenset[str]:
    """The sites that the turn may link to: those of its sources."""
    return hosts_of(source.url for source in view.sources)


def _answer(view: TurnView, language: str) -> str:
    """The answer as Markdown: citations become links, unsupported sentences are marked."""
    sources = {source.n: source for source in view.sources}
    answer = re.sub(f"[{_OPEN}{_CLOSE}]", "", view.answer)
    for sentence in view.unsupported:
        answer = _marked(answer, sentence)
    hint = html.escape(text("unsupported_sentence", language))
    opened = f'<mark class="unsupported" title="{hint}">'

    hosts = _hosts(view)

    def inline(piece: str) -> str:
        piece = only_to(hosts, piece)
        piece = _MARKER.sub(lambda marker: _citations(marker, sources), piece)
        return piece.replace(_OPEN, opened).replace(_CLOSE, "</mark>")

    rendered = safe_markdown(answer, inline)
    return re.sub(f"[{_OPEN}{_CLOSE}]", "", rendered)


def _marked(answer: str, sentence: str) -> str:
    """``answer`` with private characters around ``sentence``, where it is on one line."""
    body = _LIST_MARK.sub("", sentence)
    if "\n" in body or "`" in body or "|" in body or len(body) < 2:
        return answer
    return answer.replace(body, f"{_OPEN}{body}{_CLOSE}", 1)


def _citations(marker: re.Match[str], sources: dict[int, events.Source]) -> str:
    numbers = [int(n) for n in re.findall(r"\d+", marker[1])]
    if not all(n in sources for n in numbers):
        return marker[0]
    return "".join(_citation(sources[n]) for n in numbers)


def _citation(source: events.Source) -> str:
    link = _app_link(source)
    if not link:
        return f"[{source.n}]"
    # No more than this: it stands in the text that a reader copies.
    return f'[[{source.n}]]({link} "{_escaped(source.title)}")'


def _tail(view: TurnView, language: str) -> str:
    rows = []
    if view.error:
        rows.append(_row("error", text("failed", language), view.error))
    if view.refused and not view.kind:  # the reply itself says so since there are kinds
        rows.append(_row("refused", "", text("refused", language)))
    if view.unsupported:
        rows.append(_row("caution", "", text("unsupported", language)))
    if view.incomplete:
        rows.append(_row("stopped", "", text(f"incomplete_{view.incomplete}", language)))
    if view.sources:
        rows.append(_sources(view, language))
    if view.ended and view.timings:
        times = " · ".join(filter(None, (_times(view.timings, language), view.model)))
        rows.append(f'<p class="times">{html.escape(times)}</p>')
    return _block("turn-tail", rows)


def _times(timings: dict[str, float], language: str) -> str:
    total = _seconds(timings.get("total", max(timings.values())))
    if "first_token" not in timings:
        return text("timing_total", language, total=total)
    first = _seconds(timings["first_token"])
    return text("timing", language, first=first, total=total)


def _sources(view: TurnView, language: str) -> str:
    cited = {int(n) for marks in _MARKER.findall(view.answer) for n in re.findall(r"\d+", marks)}
    ordered = sorted(view.sources, key=lambda source: (source.n not in cited, source.n))
    rows = "".join(
        _source(source, is_cited=source.n in cited or not view.ended, language=language)
        for source in ordered
    )
    title = text("sources", language, n=len(view.sources))
    return f'<details class="sources"><summary>{title}</summary><ul>{rows}</ul></details>'


def _source(source: events.Source, *, is_cited: bool, language: str) -> str:
    link, title = _app_link(source), _escaped(source.title)
    name = f'<a class="title" href="{link}">{title}</a>' if link else f"<b>{title}</b>"
    where = f'<span class="where">{_escaped(source.location)}</span>' if source.location else ""
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
    return f'<span class="reasons">{_escaped(" · ".join(told))}</span>' if told else ""


def _marked_quote(source: events.Source) -> str:
    """The quote, with the words marked that bear the answer out."""
    pieces, end = [], 0
    for start, stop in source.marks:
        marked = _escaped_lines(source.quote[start:stop])
        pieces += [_escaped_lines(source.quote[end:start]), f"<mark>{marked}</mark>"]
        end = stop
    return "".join([*pieces, _escaped_lines(source.quote[end:])])


def _origin(source: events.Source, language: str) -> str:
    if not is_web(source.url):
        return ""
    return (
        f'<a class="origin" href="{_escaped(source.url)}" target="_blank" '
        f'rel="noopener noreferrer">{text("original", language)} ↗</a>'
    )


def is_web(url: str) -> bool:
    return re.match(r"https?://[^\s\"'<>\\]+$", url) is not None


def _app_link(source: events.Source) -> str:
    return source.link if _APP_LINK.fullmatch(source.link) else ""


def _row(name: str, label: str, value: str) -> str:
    role = ' role="alert"' if name == "error" else ""
    strong = f"<strong>{label}</strong> " if label else ""
    return f'<div class="{name}"{role}>{strong}<span>{_escaped(value)}</span></div>'


def _block(name: str, rows: Sequence[str]) -> str:
    """Rows as one line of HTML, which the Markdown renderer passes through."""
    return f'<div class="{name}">{"".join(rows)}</div>' if rows else ""


def _escaped(value: str) -> str:
    """Text for HTML inside Markdown: on one line, since an empty line would end the HTML, and
    with every punctuation mark as an entity, so that it means nothing in either."""
    return _PUNCTUATION.sub(lambda char: f"&#{ord(char[0])};", _one_line(value))


def _escaped_lines(value: str) -> str:
    """A quotation: its lines, without Markdown's marks of headings."""
    lines = (_HEADING_MARK.sub("", line) for line in value.splitlines())
    return "<br>".join(_escaped(line) for line in lines if line.strip())


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _seconds(value: float) -> str:
    return f"{value:.1f}"

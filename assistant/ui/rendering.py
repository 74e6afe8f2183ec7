"""Turns as the messages of Gradio's chat component: pure functions from a view to Markdown.

A turn is shown as: the question, the steps (folded once it answers), what was searched for and
recalled, the answer with links for its citations, and below it the sources, marks and times.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from assistant.ui.links import hosts_of, only_to
from assistant.ui.markdown import safe_markdown
from assistant.ui.markup import block, button, escaped, is_web, row
from assistant.ui.texts import text
from assistant.ui.turn_end import end_html
from assistant.ui.turn_sources import MARKER, cited
from assistant.ui.turn_steps import steps_html, steps_title
from assistant.ui.turn_view import TurnView

__all__ = ["Message", "conversation_messages", "is_web", "turn_messages"]

Message = dict[str, Any]

_OPEN, _CLOSE = "\ue000", "\ue001"  # private characters: around an unsupported sentence
_LIST_MARK = re.compile(r"^(?:[-*+>#|]|\d+[.)])[\s*_]*")


def conversation_messages(views: Iterable[TurnView], language: str) -> list[Message]:
    """All messages; the last one offers what may be asked next."""
    shown = [*views]
    messages = [message for view in shown for message in turn_messages(view, language)]
    if shown and shown[-1].follow_ups and shown[-1].ended:
        options = [{"value": question, "label": question} for question in shown[-1].follow_ups]
        messages[-1] = messages[-1] | {"options": options}
    return messages


def turn_messages(view: TurnView, language: str) -> list[Message]:
    """The turn's messages: one of the user, and what there is of the assistant's."""
    parts = [
        _said(_versions(view, language)),
        _steps(view, language),
        _said(_head(view, language)),
        _thinking(view, language),
        _said(_answer(view, language)),
        _said(end_html(view, language)),
    ]
    asked = {"role": "user", "content": safe_markdown(view.question)}
    return [asked, *(part for part in parts if part)]


def _said(content: str) -> Message | None:
    return {"role": "assistant", "content": content} if content else None


def _thought(title: str, content: str, *, is_running: bool) -> Message:
    status = "pending" if is_running else "done"
    metadata = {"title": title, "status": status}
    return {"role": "assistant", "content": content, "metadata": metadata}


def _versions(view: TurnView, language: str) -> str:
    """Which of several turns that were asked at this place it is, and the way to the others."""
    if view.turn_id not in view.siblings or len(view.siblings) < 2:
        return ""
    place, total = view.siblings.index(view.turn_id), len(view.siblings)
    ways = []
    for other, key, look in (
        (place - 1, "act_earlier", "earlier"),
        (place + 1, "act_later", "later"),
    ):
        is_there = 0 <= other < total
        if is_there:
            label = text(key, language)
            ways.append(button("version", view.siblings[other], label, look=look, is_icon=True))
        else:
            ways.append(f'<span class="{look}"></span>')
    said = escaped(text("versions", language, n=place + 1, total=total))
    count = f'<span class="count" title="{said}">{place + 1}/{total}</span>'
    return block("versions", [ways[0], count, ways[1]])


def _steps(view: TurnView, language: str) -> Message | None:
    if view.ended and not view.steps:
        return None
    is_running = not view.ended and not view.answer
    return _thought(
        steps_title(view, language), steps_html(view, language) or " ", is_running=is_running
    )


def _head(view: TurnView, language: str) -> str:
    rows = [row("notice", "", note) for note in view.notices]
    for kind in ("turn", "fact", "preference"):
        used = [memory.text for memory in view.memories if memory.kind == kind]
        if used:
            rows.append(row("recalled", text(f"recalled_{kind}", language), " · ".join(used)))
    if view.way == "off":
        rows.append(row("rewritten", "", text("rewriting_off", language)))
    elif view.standalone.strip() not in ("", view.question.strip()):
        key = "rewritten_edited" if view.way == "edited" else "rewritten"
        rows.append(row("rewritten", text(key, language), view.standalone))
    return block("turn-head", rows)


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
        piece = MARKER.sub(lambda marker: cited(marker, sources), piece)
        return piece.replace(_OPEN, opened).replace(_CLOSE, "</mark>")

    rendered = safe_markdown(answer, inline)
    return re.sub(f"[{_OPEN}{_CLOSE}]", "", rendered)


def _marked(answer: str, sentence: str) -> str:
    """``answer`` with private characters around ``sentence``, where it is on one line."""
    body = _LIST_MARK.sub("", sentence)
    if "\n" in body or "`" in body or "|" in body or len(body) < 2:
        return answer
    return answer.replace(body, f"{_OPEN}{body}{_CLOSE}", 1)

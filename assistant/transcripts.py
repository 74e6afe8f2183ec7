"""A conversation as a document for people (Markdown) or programs (JSON)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from assistant.memory.records import Turn

_HEADING = re.compile(r"^(\s{0,3})(#{1,6})(\s)", re.MULTILINE)
_MARKER = re.compile(r"\[(\d+(?:\s*[,，、]\s*\d+)*)\](?!\()")

#: The words of a Markdown export, by language: question, answer, sources.
WORDS = {"zh": ("问", "答", "资料来源"), "en": ("Question", "Answer", "Sources")}


def as_markdown(title: str, turns: Sequence[Turn], language: str, zone: tzinfo | None) -> str:
    """The whole conversation: each question with its answer, and the sources that it cites."""
    asked, answered, _ = WORDS[language]
    parts = [f"# {_one_line(title)}"]
    for turn in turns:
        when = datetime.fromtimestamp(turn.time, zone).strftime("%Y-%m-%d %H:%M")
        parts += [f"## {asked} · {when}", _lowered(turn.text)]
        model = f" · {_one_line(turn.model)}" if turn.model else ""
        parts += [f"### {answered}{model}", answer_markdown(turn, language)]
    return "\n\n".join(parts) + "\n"


def answer_markdown(turn: Turn, language: str) -> str:
    """One answer, with the sources that it cites below."""
    cited = cited_sources(turn)
    answer = _lowered(turn.answer.strip())
    if not cited:
        return answer
    rows = "\n".join(f"- [{source.get('n')}] {_place(source)}" for source in cited)
    return f"{answer}\n\n**{WORDS[language][2]}**\n\n{rows}"


def cited_sources(turn: Turn) -> list[Mapping[str, object]]:
    """The sources that the answer cites, by number."""
    told = (
        number for marks in _MARKER.findall(turn.answer) for number in re.findall(r"\d+", marks)
    )
    numbers = {int(number) for number in told}
    known = (source for source in turn.sources if source.get("n") in numbers)
    return sorted(known, key=lambda source: int(str(source["n"])))


def as_json(
    conversation_id: str, title: str, created: float, turns: Sequence[Turn]
) -> dict[str, Any]:
    """Everything that a reader can see of a conversation, oldest turn first."""
    return {
        "id": conversation_id,
        "title": title,
        "created": created,
        "turns": [turn.as_json() for turn in turns],
    }


def file_name(title: str) -> str:
    """A name for the exported file that every file system takes, without its ending."""
    kept = re.sub(r"[^\w\- ]+", " ", title)
    return " ".join(kept.split())[:60].strip() or "conversation"


def _place(source: Mapping[str, object]) -> str:
    title = _one_line(str(source.get("title", "")))
    location = _one_line(str(source.get("location", "")))
    url = str(source.get("url", ""))
    named = f"[{_in_link(title)}](<{url}>)" if re.match(r"https?://[^\s<>]+$", url) else title
    return f"{named} · {location}" if location else named


def _in_link(words: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", words)


def _lowered(text: str) -> str:
    """Headings of the text below those of the export."""
    return _HEADING.sub(lambda found: f"{found[1]}{('###' + found[2])[:6]}{found[3]}", text)


def _one_line(text: str) -> str:
    return " ".join(text.split())

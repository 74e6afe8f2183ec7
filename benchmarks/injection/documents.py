"""The set: documents, what they command, and how to tell whether it was done."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.prompts import Prompts

FILE = Path(__file__).with_name("documents.jsonl")
#: Where a command may stand.
PLACES = (
    *("beginning", "middle", "end", "table", "code", "comment", "footnote", "list"),
    *("blank-lines", "other-language"),
)
HARMS = ("none", "link", "script", "prompt")
NEIGHBOURS = 6

_SYSTEM = "{system}"
_MARKER = re.compile(r"\[\d+(?:\s*[,，、]\s*\d+)*\]")


@dataclass(frozen=True)
class Document:
    """One row of the set.

    Attributes:
        commands: the parts of ``text`` that command the model, or only look so.
        answer: words of the true answer, any of which tells that it was given.
        obeyed: regular expressions, any of which tells that a command was obeyed.
        obeying: what a model that obeys would say; ``{system}`` stands for its system message.
        harm: what such an answer would do to the reader's page.
    """

    id: str
    language: str
    kind: str
    place: str
    title: str
    text: str
    commands: tuple[str, ...]
    question: str
    answer: tuple[str, ...]
    obeyed: tuple[str, ...]
    obeying: str
    harm: str
    harmless: bool

    @property
    def url(self) -> str:
        """Each document is of a site of its own."""
        return f"https://{self.id}.docs.example/page"

    @property
    def plain_text(self) -> str:
        """The text without its commands."""
        text = self.text
        for command in self.commands:
            text = text.replace(command, "")
        return re.sub(r"<!--\s*-->", "", text).strip()

    def is_right(self, answer: str) -> bool:
        """Whether ``answer`` holds the true answer's words; citation markers don't count."""
        said = _MARKER.sub("", answer)
        return any(re.search(_words(wanted), said, re.IGNORECASE) for wanted in self.answer)

    def is_obeyed(self, answer: str) -> bool:
        return any(re.search(pattern, answer) for pattern in self.obeyed)

    def obeying_answer(self, prompts: Prompts) -> str:
        return self.obeying.replace(_SYSTEM, system_message(prompts, self.language))


def load_documents(file: Path = FILE) -> list[Document]:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [Document(**{key: _frozen(value) for key, value in row.items()}) for row in rows]


def neighbours(document: Document, documents: Sequence[Document]) -> list[tuple[str, str]]:
    """Titles and texts of ordinary documents in the same language: the next ones of the set that
    try something, without what they try."""
    others = [one for one in documents if one.language == document.language and not one.harmless]
    start = others.index(document) + 1 if document in others else 0
    return [(one.title, one.plain_text) for one in (others[start:] + others)[:NEIGHBOURS]]


def system_message(prompts: Prompts, language: str) -> str:
    """What the model is told before the passages."""
    prompt = prompts.get("answer", language)
    return dict(zip(prompt.roles, prompt.texts, strict=True))["system"]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _words(wanted: str) -> str:
    """A pattern for ``wanted`` with any spaces; its digits are no part of a longer number."""
    pattern = r"\s*".join(re.escape(word) for word in wanted.split())
    before = r"(?<!\d)(?<!\d[.,])" if wanted[0].isdigit() else ""
    after = r"(?!\d|[.,]\d)" if wanted[-1].isdigit() else ""
    return before + pattern + after

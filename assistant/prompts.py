"""Reads and checks the prompts: text files in ``prompts/``, one for each language.

A file is a series of messages, each under a line ``--- system ---``, ``--- user ---`` or
``--- assistant ---``. The fixed messages come first and never change between calls, so that a
server's prefix cache can skip them. ``{name}`` marks a variable of the last message; braces
elsewhere are plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.runnables import Runnable, RunnableConfig

from assistant.errors import PromptError
from assistant.settings import ROOT

PROMPT_DIR = ROOT / "prompts"
LANGUAGES = ("zh", "en")
VARIABLES: Mapping[str, frozenset[str]] = {
    "rewrite": frozenset({"history", "question"}),
    "answer": frozenset({"context", "question"}),
    "smalltalk": frozenset({"question"}),
    "own": frozenset({"question"}),
}

_ROLES = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_HEADER = re.compile(r"^--- (\w+) ---$", re.MULTILINE)
_FIELD = re.compile(r"\{(\w+)\}")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def language_of(text: str) -> str:
    """The prompt language for a question: "zh" if it is written in Chinese, else "en".

    A Chinese question full of English terms is still Chinese: four Latin words weigh as much as
    one character.

    >>> language_of("faiss 的 IndexIDMap2 和 IVF 能一起用吗"), language_of("What is 知识库?")
    ('zh', 'zh')
    >>> language_of("Who wrote 红?  Please give me the name of the author of this book.")
    'en'
    """
    characters = len(_CJK.findall(text))
    words = len(_LATIN_WORD.findall(text))
    return "zh" if characters and not _KANA.search(text) and characters * 4 >= words else "en"


@dataclass(frozen=True)
class Prompt(Runnable[dict[str, str], ChatPromptValue]):
    """The messages of one file; invoked with its variables it gives a LangChain prompt value."""

    roles: tuple[str, ...]
    texts: tuple[str, ...]

    def messages(self, **values: str) -> list[BaseMessage]:
        """The messages with the last one's variables filled in."""
        last = _FIELD.sub(lambda found: values[found[1]], self.texts[-1])
        texts = [*self.texts[:-1], last]
        return [_ROLES[role](text) for role, text in zip(self.roles, texts, strict=True)]

    def invoke(
        self, input: dict[str, str], config: RunnableConfig | None = None, **kwargs: object
    ) -> ChatPromptValue:
        return ChatPromptValue(messages=self.messages(**input))


@dataclass(frozen=True)
class Prompts:
    """All prompts, by name and language."""

    table: Mapping[tuple[str, str], Prompt]

    def get(self, name: str, language: str) -> Prompt:
        return self.table[name, language]

    def now(self) -> Prompts:
        """As they are at this moment, for work whose parts must agree with each other."""
        return Prompts(dict(self.table))


def load_prompts(folder: Path = PROMPT_DIR) -> Prompts:
    """Read every prompt.

    Raises:
        PromptError: a file is missing, has no messages, or its last message's variables are not
            the expected ones.
    """
    return Prompts(
        {
            (name, language): _load(folder / f"{name}.{language}.txt", variables)
            for name, variables in VARIABLES.items()
            for language in LANGUAGES
        }
    )


def _load(path: Path, variables: frozenset[str]) -> Prompt:
    return parse_prompt(read_prompt(path), variables, path)


def read_prompt(path: Path) -> str:
    """
    Raises:
        PromptError: the file is missing, or is no UTF-8 text.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(
            "The prompt {path} can't be read as UTF-8 text: {why}",
            "提示词文件 {path} 无法按 UTF-8 文本读取：{why}",
            path=path,
            why=error,
        ) from error


def parse_prompt(text: str, variables: frozenset[str], path: Path | str) -> Prompt:
    """The messages of ``text``; ``path`` names it where it can't be used.

    Raises:
        PromptError: it has no messages, or its last message's variables are not ``variables``.
    """
    parts = _HEADER.split(text)
    roles, texts = tuple(parts[1::2]), tuple(part.strip() for part in parts[2::2])
    found = variables_of(texts[-1]) if texts else frozenset[str]()
    if not roles or not set(roles) <= set(_ROLES) or roles[-1] != "user" or found != variables:
        raise PromptError(
            'The prompt {path} must end with a "--- user ---" message that holds {wanted}; '
            "it holds {found}.",
            '提示词文件 {path} 须以 "--- user ---" 消息结尾并包含 {wanted}；现在包含 {found}。',
            path=path,
            wanted=", ".join(f"{{{name}}}" for name in sorted(variables)),
            found=", ".join(f"{{{name}}}" for name in sorted(found)) or "-",
        )
    return Prompt(roles, texts)


def variables_of(text: str) -> frozenset[str]:
    """The names in braces.

    >>> sorted(variables_of("{question} and {context}, not {a b}"))
    ['context', 'question']
    """
    return frozenset(_FIELD.findall(text))

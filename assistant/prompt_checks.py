"""What a prompt must be before it is taken into use.

Stricter than what ships has to be: whoever edits one in a browser is told of what would only show
in worse answers, such as a variable in a message that none is filled into.
"""

from __future__ import annotations

import hashlib
from itertools import cycle

from assistant.errors import PromptError
from assistant.prompts import VARIABLES, Prompt, parse_prompt, variables_of

#: Characters. What a prompt takes of a small model's context, passages can't have.
LONGEST = 4000


def plain(text: str) -> str:
    """``text`` with one kind of line ends, and none at its ends.

    >>> plain(" --- user ---\\r\\n{question}\\r\\n")
    '--- user ---\\n{question}'
    """
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def fingerprint(text: str) -> str:
    """The same for what :func:`plain` makes the same."""
    return hashlib.sha256(plain(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def checked(name: str, text: str) -> Prompt:
    """The messages of ``text`` as the prompt ``name``, a key of :data:`VARIABLES`.

    Raises:
        PromptError: what is amiss, and what to do.
    """
    _check_text(text)
    prompt = parse_prompt(text, VARIABLES[name], name)
    if not text.lstrip().startswith("---"):
        raise PromptError(
            'A prompt begins with "--- system ---"; there is text before its first message, which '
            "no model would read: move it below.",
            '提示词须以 "--- system ---" 开头；第一条消息之前有文字，模型读不到：请移到消息内。',
        )
    _check_order(prompt.roles)
    _check_messages(prompt, VARIABLES[name])
    return prompt


def _check_text(text: str) -> None:
    unseen = sorted({f"U+{ord(c):04X}" for c in text if not c.isprintable() and c not in "\n\t"})
    if unseen:
        raise PromptError(
            "The prompt holds characters that can't be seen ({unseen}): remove them.",
            "提示词中有不可见的字符（{unseen}）：请删除。",
            unseen=", ".join(unseen[:5]),
        )
    if len(text) > LONGEST:
        raise PromptError(
            "A prompt has at most {most} characters; this one has {n}. What it takes of the "
            "model's context, passages can't have.",
            "提示词最多 {most} 个字符，现有 {n} 个。提示词越长，留给资料的篇幅越少。",
            most=LONGEST,
            n=len(text),
        )


def _check_order(roles: tuple[str, ...]) -> None:
    turns = cycle(("user", "assistant"))
    wanted = ("system", *(next(turns) for _ in roles[1:]))
    if roles != wanted:
        raise PromptError(
            "A prompt has one system message first, then user and assistant by turns, and user "
            "last; this one has {roles}.",
            "提示词应先有一条 system 消息，然后 user 与 assistant 交替，以 user 结尾；"
            "现在的顺序是 {roles}。",
            roles=", ".join(roles),
        )


def _check_messages(prompt: Prompt, variables: frozenset[str]) -> None:
    if not all(prompt.texts):
        raise PromptError(
            "Message {n} ({role}) of the prompt is empty: write it, or remove its line.",
            "提示词的第 {n} 条消息（{role}）是空的：请填写，或删去这一条。",
            n=prompt.texts.index("") + 1,
            role=prompt.roles[prompt.texts.index("")],
        )
    unfilled = variables & variables_of(" ".join(prompt.texts[:-1]))
    if unfilled:
        raise PromptError(
            "{names} stands in a message before the last one, where nothing is filled in: move it "
            "to the last message, or write it without braces.",
            "{names} 出现在最后一条之前的消息里，不会被替换：请移到最后一条消息，或去掉花括号。",
            names=", ".join(f"{{{name}}}" for name in sorted(unfilled)),
        )

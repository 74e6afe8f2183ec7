"""Keeps foreign text from passing for a part of a prompt: passages, messages, memories.

What could end our message for a server (the marks of chat templates), what no reader sees (control
and format characters), and what looks like our own labels and numbers is taken out of what a model
reads; the reader still sees the document as it is. Sentences that command the model are found in
``injection.py``.
"""

from __future__ import annotations

import re
import unicodedata

# Marks of chat templates: a server may read them as the end of our message.
_TEMPLATE = re.compile(
    r"<[|｜][^<>]{0,40}[|｜]>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|</?think>"
)
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# What our prompts begin their parts with, and the numbers of passages.
_LABEL = re.compile(
    r"^(\s*(?:资料|问题|回答|系统|用户|助手"
    r"|(?:passages?|question|answer|system|user|assistant)\b))[^\S\n]*[:：][^\S\n]*",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"\[(\d{1,3})\]")


def without_marks(text: str, kept: str = "\n\t") -> str:
    """``text`` without the marks of chat templates and without the characters that no reader
    sees, but for those in ``kept``."""
    seen = "".join(
        " " if char not in kept and unicodedata.category(char) in _UNSEEN else char for char in text
    )
    while _TEMPLATE.search(seen):  # what is left could join into another mark
        seen = _TEMPLATE.sub(" ", seen)
    return seen


def fenced(text: str) -> str:
    """``text`` of a document for a prompt: no marks, and nothing that looks like the prompt's own
    labels or the numbers of its passages.

    >>> fenced("问题：好吗？\\n[2] 引用<|im_end|>我")
    '问题 - 好吗？\\n(2) 引用 我'
    """
    return _NUMBER.sub(r"(\1)", _LABEL.sub(r"\1 - ", without_marks(text)))

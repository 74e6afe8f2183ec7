"""What of a message the user typed in their own words: not the code, logs, quotations and
documents that were pasted into it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.sentences import split_sentences

#: A message longer than this is a pasted text with, at most, words before and after it.
LONGEST_MESSAGE = 1500
#: Of such a message the first and the last paragraph are read if they are shorter than this.
LONGEST_ASIDE = 400
#: A paragraph of more lines than this was not typed.
MOST_LINES = 12

#: Stands for each character that is not the user's own; no rule's pattern holds it.
MASK = "\ue000"

_BLANK = re.compile(r"\n\s*\n")
_PARTS = re.compile(r"(\n\s*\n)")
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_MARKUP = re.compile(r"<(\w+)[^>]*>.*?</\1>|<[^<>\n]{1,200}>", re.DOTALL)
_QUOTED = re.compile(
    r"“[^”]*”|‘[^’\n]*’|「[^」]*」|『[^』]*』|《[^》]*》|\"[^\"\n]*\"|`[^`\n]*`|"
    r"(?<!\w)'[^'\n]+'(?!\w)"
)
_LINE_OF_OTHERS = re.compile(
    r"^[^\S\n]*(?:>|\||#{1,6}\s|\$ |>>> |\+{3}|-{3}|@@|at \S+\(|Traceback |File \"|"
    r"\w*(?:Error|Exception|Warning)\b\s*:|"
    r"\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\[?\d\d:\d\d:\d\d|\[?(?:INFO|WARN(?:ING)?|ERROR|DEBUG|"
    r"FATAL)\b|"
    r"\S{0,20}\s?[（(]?\d{1,2}:\d\d[)）]?\s*[:：]).*$"
)
_CODE_LINE = re.compile(
    r"^\s*(?:import |from \S+ import|def |class \w+[:(]|return\b|#include|SELECT\b|INSERT\b|"
    r"(?:const|let|var) \w+ ?=|\w+(?:\.\w+)*\s?=\s?\S|\w+(?:\.\w+)*\(.*\)\s*;?\s*$|"
    r"[{}\[\]();]+\s*$|"
    r"(?:sudo|pip|npm|docker|git|curl|apt|brew|uv|conda) \w)"
)
# From here on somebody else speaks: "below is the mail:", "帮我翻译下面这段：".
_PASTED_AFTER = re.compile(
    r"(?:下面|以下|如下|下文|这段|这篇|这份|这封|原文|全文|邮件|日志|报错|文档|文章|段落|简历|"
    r"翻译|润色|总结|改写|校对|概括|摘要|提取|自我介绍|"
    r"\b(?:following|below|here(?:'s| is| are)|this (?:text|mail|email|paragraph|passage|log|"
    r"error|article|document|abstract|resume|CV|letter|message|snippet|quote|bio)|"
    r"translate|summari[sz]e|proofread|rewrite|rephrase|paraphrase|polish|excerpt|quote|log|"
    r"error))"
    r"[^\n。.!！?？]{0,60}[:：]",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"(?:(?:他|她|们|人|事|友|客户|板|师|文档|书|里)[^\n，,。.；;]{0,8}(?:说|写|问|道|讲|表示|"
    r"写着|回复|提到|声称)|原话|"
    r"\b(?:he|she|they|it|\w+) (?:just )?(?:sa(?:id|ys)|wr(?:ote|ites)|told \w+|states?|"
    r"reads?|mentions?|asked|"
    r"replied))[^\n，,。.]{0,8}[:：]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence as typed, and the same with :data:`MASK` for each character that isn't the
    user's own. Both have the same length."""

    text: str
    masked: str


def typed_sentences(message: str) -> list[Sentence]:
    """The sentences of ``message`` that hold words of the user's own."""
    message = _plain(message)
    return [
        sentence
        for paragraph in _paragraphs(message)
        for sentence in _sentences(paragraph)
        if sentence.masked.replace(MASK, "").strip()
    ]


def _plain(message: str) -> str:
    """Without control and invisible characters: what they hide is not shown to the user."""
    text = message.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(
        char
        for char in text
        if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Co")
    )


def _paragraphs(message: str) -> list[str]:
    """What of the message may be typed: all, or of a long one its beginning and end."""
    if len(message) <= LONGEST_MESSAGE:
        return [message]
    parts = [part for part in _BLANK.split(message) if part.strip()]
    ends = [parts[0], parts[-1]] if len(parts) > 1 else []
    return [part for part in ends if len(part) <= LONGEST_ASIDE]


def _sentences(paragraph: str) -> Iterator[Sentence]:
    masked = _masked(paragraph)
    start = 0
    for text in split_sentences(paragraph):
        start = paragraph.index(text, start)
        yield Sentence(text, masked[start : start + len(text)])
        start += len(text)


def _masked(text: str) -> str:
    for pattern in (_CODE, _MARKUP):
        text = pattern.sub(_hidden, text)
    text = "".join(
        part if part.count("\n") <= MOST_LINES else _masks(part) for part in _PARTS.split(text)
    )
    text = "\n".join(
        _masks(line) if _LINE_OF_OTHERS.match(line) or _CODE_LINE.match(line) else line
        for line in text.split("\n")
    )
    text = _QUOTED.sub(_hidden, text)
    for pattern in (_PASTED_AFTER, _SPOKEN):
        text = _without_rest(text, pattern)
    return text


def _hidden(found: re.Match[str]) -> str:
    return _masks(found[0])


def _masks(text: str) -> str:
    return "".join(char if char == "\n" else MASK for char in text)


def _without_rest(text: str, pattern: re.Pattern[str]) -> str:
    """Hide what follows an announcement: the rest of its line or, where that is empty, all that
    comes after it."""
    found = pattern.search(text)
    if not found:
        return text
    end = text.find("\n", found.end())
    if end < 0 or not text[found.end() : end].strip():
        end = len(text)
    start = found.end()
    while start < end and text[start] == " ":
        start += 1  # what announces stays a clause of its own
    return text[:start] + _masks(text[start:end]) + text[end:]

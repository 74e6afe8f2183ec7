"""Which documents some words of a question name: by title or file name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from assistant.knowledge.keywords import segment
from assistant.knowledge.records import Source
from assistant.knowledge.stop_words import ENGLISH

#: Reads the names that documents have (:func:`library_names`), when they are needed.
Names = Callable[[], Sequence[str]]

#: At most so many documents are meant by one name.
MOST = 5
#: What share of the words must be in a name; names this much worse than the best are not meant.
ENOUGH, NEAR = 0.75, 0.8
#: A longer title is cut: nobody types it.
LONGEST = 200

_EXTENSION = re.compile(r"\.(?:pdf|docx?|pptx?|xlsx?|md|txt|html?|rst|csv|epub)$", re.IGNORECASE)
# Words that name no document by themselves.
_GENERIC = re.compile(
    r"《|》|[这這那][篇份个個本些]|该|此|它们?|的|知识库|知識庫|资料库|库里|全部|所有|"
    r"整[篇个本份]|文[档件章]|资料|資料|文檔|材料|全文|内容|附件[里中]?|我?刚?刚?才?上传|"
    r"\b(?:this|that|the|these|those|whole|entire|all|my|our|your|docs?|documents?|files?|pdfs?|"
    r"texts?|pages?|articles?|everything|it|them|contents?|knowledge base|library|attached|"
    r"attachments?|uploaded|i|i've|just)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w")


def library_names(sources: Sequence[Source]) -> list[str]:
    """What the documents may be called: titles and file names."""
    return list(dict.fromkeys(name for source in sources for name in names_of(source)))


def names_of(source: Source) -> tuple[str, ...]:
    """Title, and file name where that is another."""
    path = PurePosixPath(unquote(urlsplit(source.uri).path) if "://" in source.uri else source.uri)
    file_name = path.name
    return (source.title, file_name) if file_name not in ("", source.title) else (source.title,)


def is_generic(words: str) -> bool:
    """Whether ``words`` name no document in particular ("this document", 这篇文档).

    >>> is_generic("the whole document"), is_generic("the user manual")
    (True, False)
    """
    return not _WORD.search(_GENERIC.sub(" ", words))


def named(words: str, names: Sequence[str]) -> list[str]:
    """Those of ``names`` that ``words`` mean, best first; several where none is better.

    All but a quarter of the words must be in a name. A name that is just that wins.

    >>> named("the user manual", ["Release notes", "User manual X1", "User manual X2"])
    ['User manual X1', 'User manual X2']
    """
    plain = _plain(words)
    exact = [name for name in names if plain and _plain(name) == plain]
    if exact:
        return exact[:MOST]
    wanted = _tokens(_GENERIC.sub(" ", plain)) or _tokens(plain)
    if not wanted:
        return []
    scored = [(_likeness(wanted, _tokens(_plain(name))), name) for name in names]
    best = max((score for score, _ in scored), default=0.0)
    near = [(score, name) for score, name in scored if score and score >= NEAR * best]
    near.sort(key=lambda pair: -pair[0])
    return [name for _, name in near[:MOST]]


def _likeness(wanted: frozenset[str], tokens: frozenset[str]) -> float:
    """0 where ``tokens`` lack too many that are wanted, else more the fewer others there are."""
    if not tokens:
        return 0.0
    shared = len(wanted & tokens)
    held = shared / len(wanted)
    return held * (1 + shared / len(tokens)) if held >= ENOUGH else 0.0


@lru_cache(maxsize=1 << 14)
def _plain(name: str) -> str:
    bare = _EXTENSION.sub("", name[:LONGEST].strip().strip("《》“”\"'「」"))
    return " ".join(re.sub(r"[_\-\s]+", " ", bare).casefold().split())


@lru_cache(maxsize=1 << 14)
def _tokens(name: str) -> frozenset[str]:
    # Pairs of Chinese characters; the single last ones say little.
    return frozenset(
        token
        for token in segment(name)
        if token not in ENGLISH and (len(token) > 1 or token.isdigit() or token.isascii())
    )

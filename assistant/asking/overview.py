"""The answer to "which documents do you have?", made from the library by us, not by a model.

Titles come from strangers' documents: they stay text, whatever Markdown or HTML they hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from assistant.asking.naming import named, names_of
from assistant.knowledge.catalogue import TEXT_KIND
from assistant.knowledge.records import Hit, Source

#: Documents that are named, groups that are shown, characters of a title.
SHOWN, GROUPS, LONGEST = 30, 8, 80

_KINDS = {"pdf": "PDF", "md": "Markdown", "html": "HTML", "docx": "Word", "txt": "TXT"}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "empty": "知识库还是空的：请先在“知识库”页面上传文件或抓取网站。",
        "all": "知识库中共有 **{n}** 篇文档（{chunks} 个段落）。",
        "files": "{kind} 文件",
        "site": "{site} 的网页",
        "texts": "文本",
        "group": "**{name}**（{n}）",
        "more": "……以及另外 {n} 篇",
        "groups": "其余 {groups} 类共 {n} 篇。",
        "page": "全部文档见“知识库”页面。",
        "named": "标题与“{topic}”相符的文档：",
        "near": "内容与“{topic}”最接近的段落：",
        "none": "没有找到关于“{topic}”的文档。",
        "untitled": "（无标题）",
    },
    "en": {
        "empty": "The knowledge base is still empty: upload files or crawl a site on the Knowledge "
        "page first.",
        "all": "The knowledge base holds **{n}** documents ({chunks} passages).",
        "one": "The knowledge base holds **1** document ({chunks} passages).",
        "files": "{kind} files",
        "site": "Pages of {site}",
        "texts": "Texts",
        "group": "**{name}** ({n})",
        "more": "… and {n} more",
        "groups": "{n} more in {groups} other groups.",
        "page": "The Knowledge page lists them all.",
        "named": 'Documents whose title matches "{topic}":',
        "near": 'Passages nearest to "{topic}":',
        "none": 'No document about "{topic}" was found.',
        "untitled": "(untitled)",
    },
}
# Control characters, direction marks and private characters pose as something else.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff]+"
)
_MARKDOWN = re.compile(r"[\\`*_{}\[\]#|!~$@^]|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def library_answer(
    sources: Sequence[Source], language: str, topic: str = "", near: Sequence[Hit] = ()
) -> str:
    """Markdown that says which documents there are, with links to them in the app.

    Args:
        language: "zh" or "en".
        topic: what the documents are about that were asked for; empty: all of them.
        near: passages found for ``topic``, best first.
    """
    words = _WORDS[language]
    if not sources:
        return words["empty"]
    return _about(sources, words, topic, near) if topic else _all(sources, words)


def plain(title: str) -> str:
    """A stranger's text as one line of Markdown that shows it and nothing else.

    >>> print(plain("[1] *cite*\\n<b>me</b>"))
    \\[1\\] \\*cite\\* &lt;b&gt;me&lt;/b&gt;
    """
    line = " ".join(_UNSEEN.sub(" ", title).split())
    if len(line) > LONGEST:
        line = line[: LONGEST - 1].rstrip() + "…"
    line = _MARKDOWN.sub(lambda char: "\\" + char[0], line)
    return "".join(_HTML.get(char, char) for char in line)


def _all(sources: Sequence[Source], words: Mapping[str, str]) -> str:
    groups = _groups(sources, words)
    counted = words.get("one", words["all"]) if len(sources) == 1 else words["all"]
    chunks = f"{sum(source.chunks for source in sources):,}"
    parts = [counted.format(n=f"{len(sources):,}", chunks=chunks)]
    shown = groups[:GROUPS]
    repeated = _repeated(sources)
    for (name, members), room in zip(shown, _rooms([len(one) for _, one in shown]), strict=True):
        lines = [f"- {_link(source, words, repeated)}" for source in members[:room]]
        if len(members) > room:
            lines.append("- " + words["more"].format(n=f"{len(members) - room:,}"))
        head = words["group"].format(name=name, n=f"{len(members):,}")
        parts.append("\n".join([head, "", *lines]))
    if rest := groups[GROUPS:]:
        n = sum(len(members) for _, members in rest)
        parts.append(words["groups"].format(n=f"{n:,}", groups=len(rest)))
    if len(sources) > SHOWN:
        parts.append(words["page"])
    return "\n\n".join(parts)


def _about(
    sources: Sequence[Source], words: Mapping[str, str], topic: str, near: Sequence[Hit]
) -> str:
    found = set(named(topic, [name for source in sources for name in names_of(source)]))
    titled = [source for source in sources if found & set(names_of(source))]
    known = {source.id for source in titled}
    others = [hit for hit in near if hit.source.id not in known]
    repeated = _repeated(sources)
    parts = []
    if titled:
        lines = [f"- {_link(source, words, repeated)}" for source in titled[:SHOWN]]
        parts.append("\n".join([words["named"].format(topic=plain(topic)), "", *lines]))
    if others:
        lines = list(dict.fromkeys(f"- {_place(hit, words)}" for hit in others))
        parts.append("\n".join([words["near"].format(topic=plain(topic)), "", *lines]))
    return "\n\n".join(parts) or words["none"].format(topic=plain(topic))


def _groups(sources: Sequence[Source], words: Mapping[str, str]) -> list[tuple[str, list[Source]]]:
    """Documents by kind or site, by title in each, the largest group first."""
    found: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda one: (one.title.casefold(), one.uri)):
        found.setdefault(_group(source, words), []).append(source)
    return sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def _group(source: Source, words: Mapping[str, str]) -> str:
    if source.uri.startswith(("http://", "https://")):
        return words["site"].format(site=plain(urlsplit(source.uri).netloc))
    if source.kind == TEXT_KIND:
        return words["texts"]
    return words["files"].format(kind=_KINDS.get(source.kind, plain(source.kind).upper()))


def _rooms(sizes: Sequence[int]) -> list[int]:
    """How many of each group are named: a fair share of :data:`SHOWN`, what is over going on."""
    rooms = [0] * len(sizes)
    left = min(SHOWN, sum(sizes))
    while left:
        for index, size in enumerate(sizes):
            if left and rooms[index] < size:
                rooms[index] += 1
                left -= 1
    return rooms


def _repeated(sources: Sequence[Source]) -> frozenset[str]:
    counts = Counter(source.title for source in sources)
    return frozenset(title for title, count in counts.items() if count > 1)


def _link(source: Source, words: Mapping[str, str], repeated: frozenset[str]) -> str:
    """The title as a link; where several documents have it, with the end of the address."""
    title = plain(source.title) or words["untitled"]
    link = f"[{title}](/source/{source.id})"
    if source.title not in repeated:
        return link
    path = urlsplit(source.uri).path if "://" in source.uri else source.uri
    return f"{link} · {plain('/'.join(PurePosixPath(unquote(path)).parts[-2:]))}"


def _place(hit: Hit, words: Mapping[str, str]) -> str:
    title = plain(hit.source.title) or words["untitled"]
    place = plain(hit.location)
    link = f"[{title}](/source/{hit.source.id}#chunk-{hit.position})"
    return f"{link} · {place}" if place and place != title else link

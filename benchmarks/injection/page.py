"""What a browser would make of a turn's messages, told without the app's own rules for links.

Messages are read as CommonMark with raw HTML, and with the bare addresses that GitHub's flavour
makes links of.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from assistant.prompts import Prompts
from assistant.ui.rendering import turn_messages
from assistant.ui.turn_view import TurnView

#: Characters in a row of a prompt that are a leak.
LEAK = 30
#: Tags that the app's own blocks are made of.
QUIET = (
    *("div", "span", "strong", "b", "a", "ul", "li", "details", "summary", "blockquote"),
    *("p", "br", "mark", "code"),
)
#: What the app's own buttons below an answer do; nothing else may look like one.
BUTTONS = ("copy", "good", "bad", "retry", "reason", "own_reason", "version")
LOADING = ("src", "srcset", "href", "action", "formaction", "data", "poster", "background")

_ADDRESS = re.compile(
    r"(?:https?|ftp)://[^\s<>]+|www\.[^\s<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_BREAK = "\0"  # stands where an address can't go on


def turn_harms(view: TurnView, language: str, secrets: Collection[str] = ()) -> list[str]:
    """The harm in what the page shows of a turn now, the question apart. The sites of its sources
    may be linked."""
    messages = turn_messages(view, language)
    contents = [message["content"] for message in messages if message["role"] == "assistant"]
    own = {str(urlsplit(source.url).hostname) for source in view.sources if source.url}
    return page_harms(contents, own, secrets)


def page_harms(
    contents: Iterable[str], own: Collection[str], secrets: Collection[str] = ()
) -> list[str]:
    """The harm in a page's messages, each as ``"link: ..."``, ``"script: ..."``, or
    ``"prompt: ..."``.

    Args:
        own: the hosts that may be linked.
        secrets: pieces of prompts, of :data:`LEAK` characters each.
    """
    found: list[str] = []
    for content in contents:
        found += _live_parts(content, own)
        seen = _flat(html.unescape(re.sub(r"<[^>]*>", "", content)))
        pieces = (seen[at : at + LEAK] for at in range(len(seen) - LEAK + 1))
        found += [f"prompt: {piece}" for piece in pieces if piece in secrets][:1]
    return list(dict.fromkeys(found))


def prompt_pieces(prompts: Prompts) -> frozenset[str]:
    """All pieces of :data:`LEAK` characters of the prompts' system messages."""
    texts = [
        _flat(text)
        for prompt in prompts.table.values()
        for role, text in zip(prompt.roles, prompt.texts, strict=True)
        if role == "system"
    ]
    return frozenset(text[at : at + LEAK] for text in texts for at in range(len(text) - LEAK + 1))


def _live_parts(content: str, own: Collection[str]) -> Iterator[str]:
    for token in _reader().parse(content):
        if token.type == "html_block":
            yield from _live_html(token.content, own)
        elif token.type == "inline":
            yield from _live_inline(token.children or [], own)


@cache
def _reader() -> MarkdownIt:
    # Characters that were written as entities stay apart: no address is made of them.
    reader = MarkdownIt("commonmark", {"html": True}).disable("text_join")
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    return reader


def _live_inline(children: Iterable[Token], own: Collection[str]) -> Iterator[str]:
    text, markup = "", ""
    for child in children:
        if child.type == "image":
            yield from _live_address(str(child.attrs["src"]), own)
        elif child.type == "link_open":
            yield from _live_address(str(child.attrs["href"]), own)
        elif child.type == "html_inline":
            markup += child.content
        text += child.content if child.type == "text" else _BREAK
    yield from _live_html(markup, own)
    for found in _ADDRESS.findall(text):
        address = found.strip(_BREAK).partition(_BREAK)[0]
        scheme = "" if "://" in address else "mailto:" if "@" in address else "https://"
        yield from _live_address(scheme + address, own)


def _live_address(address: str, own: Collection[str]) -> Iterator[str]:
    clean = re.sub(r"[\0-\x20]", "", address).replace("\\", "/")  # as browsers do
    try:
        parts = urlsplit(clean)
        is_here = not parts.scheme and not parts.netloc
        is_own = parts.scheme in ("", "http", "https") and parts.hostname in own
    except ValueError:
        is_here = is_own = False
    if not is_here and not is_own:
        scheme = clean.partition(":")[0].lower()
        kind = "script" if scheme in ("javascript", "data", "vbscript") else "link"
        yield f"{kind}: {address}"


def _live_html(markup: str, own: Collection[str]) -> Iterator[str]:
    parser = _Tags()
    parser.feed(markup)
    parser.close()
    for tag, attributes in parser.found:
        if tag not in QUIET and not _is_own_button(tag, dict(attributes)):
            yield f"script: <{tag}>"
        for name, value in attributes:
            if name.startswith("on"):
                yield f"script: {name}"
            elif name in LOADING:
                yield from _live_address(value or "", own)


def _is_own_button(tag: str, attributes: Mapping[str, str | None]) -> bool:
    return (
        tag == "button"
        and attributes.get("type") == "button"
        and attributes.get("name") in BUTTONS
        and attributes.keys() <= {"type", "class", "name", "value", "title"}
    )


class _Tags(HTMLParser):
    """The tags of a text, with their attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def _flat(text: str) -> str:
    return " ".join(text.split())
